//! `sisun devices`.

use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_model::DeviceChoice;
use sisun_model::device::{HAS_NDARRAY, adapters, choose};

/// List the devices of this machine.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  sisun devices")]
pub(crate) struct Args {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let cpu = choose(DeviceChoice::Cpu)?;
    let auto = choose(DeviceChoice::Auto)?;
    let adapters = adapters();
    if args.json {
        let adapters: Vec<_> = adapters
            .iter()
            .map(|adapter| json!({ "name": adapter.name, "kind": adapter.kind }))
            .collect();
        return say_json(
            &json!({ "cpu": cpu.name, "adapters": adapters, "auto": auto.name, "why": auto.why }),
        );
    }
    say(&format!("cpu      {}", cpu.name))?;
    if HAS_NDARRAY {
        say("ndarray  Burn's ndarray backend, to check the others against")?;
    }
    if adapters.is_empty() {
        say("wgpu     no adapter found (on Linux: install a Vulkan driver)")?;
    }
    for adapter in &adapters {
        say(&format!("wgpu     {} ({})", adapter.name, adapter.kind))?;
    }
    say(&format!(
        "\n--device auto takes {}: {}",
        auto.name, auto.why
    ))
}
