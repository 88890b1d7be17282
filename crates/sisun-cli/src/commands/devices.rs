//! `sisun devices`.

use crate::terminal::{note, say, say_json};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use sisun_devices::{PartReport, Report, check};
use sisun_model::device::{Adapter, HAS_NDARRAY, adapters, cpu};

/// List the devices of this machine.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun devices
  sisun devices --check    # does each compute what it should?")]
pub(crate) struct Args {
    /// Check each device: a small model's results beside those of PyTorch
    #[arg(long)]
    check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let cpu = cpu("");
    let (mut opened, mut refused) = (Vec::new(), Vec::new());
    for found in adapters() {
        match found.open() {
            Ok(adapter) => opened.push(adapter),
            Err(error) => refused.push(error.to_string()),
        }
    }
    let auto = auto(&opened, &cpu.name);
    let checks = args.check.then(|| {
        let devices = [(cpu.name.as_str(), &cpu.device)]
            .into_iter()
            .chain(opened.iter().map(|a| (a.name.as_str(), &a.device)));
        let checked: Vec<(String, Report)> = devices
            .map(|(name, device)| {
                if !args.json {
                    note(&format!("checking {name}"));
                }
                (name.to_owned(), check(device))
            })
            .collect();
        checked
    });
    if args.json {
        let adapters: Vec<Value> = opened.iter().map(object).collect();
        let mut told = json!({
            "cpu": cpu.name,
            "adapters": adapters,
            "refused": refused,
            "auto": auto,
        });
        if let Some(checks) = &checks {
            told["checks"] = checks
                .iter()
                .map(|(device, report)| {
                    json!({
                        "device": device,
                        "holds": report.holds(),
                        "seconds": report.seconds,
                        "parts": report.parts,
                    })
                })
                .collect();
        }
        say_json(&told)?;
    } else {
        list(&cpu.name, &opened, &refused)?;
        for (device, report) in checks.iter().flatten() {
            say(&format!("\n{device}: {}", verdict(report)))?;
            report.parts.iter().try_for_each(|part| say(&row(part)))?;
        }
        say(&format!("\n--device auto: {auto}"))?;
    }
    let wrong: Vec<&str> = checks
        .iter()
        .flatten()
        .filter(|(_, report)| !report.holds())
        .map(|(name, _)| name.as_str())
        .collect();
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!("{} computes wrong results", wrong.join(" and ")),
    }
}

/// Say what `--device auto` does on this machine.
fn auto(opened: &[Adapter], cpu: &str) -> String {
    let gpus: Vec<&str> = opened
        .iter()
        .filter(|adapter| !adapter.is_software())
        .map(|adapter| adapter.name.as_str())
        .collect();
    match gpus.is_empty() {
        true => format!("{cpu}; no GPU was found"),
        false => format!(
            "{} where it passes its check and a short trial of the model shows that it is faster, otherwise {cpu}",
            gpus.join(" or ")
        ),
    }
}

fn object(adapter: &Adapter) -> Value {
    json!({
        "name": adapter.name,
        "kind": adapter.kind,
        "driver": adapter.driver,
        "largest_buffer_bytes": adapter.largest_buffer,
    })
}

fn list(cpu: &str, opened: &[Adapter], refused: &[String]) -> Result<()> {
    say(&format!("cpu      {cpu}"))?;
    if HAS_NDARRAY {
        say("ndarray  Burn's ndarray backend, to check the others against")?;
    }
    if opened.is_empty() && refused.is_empty() {
        say("wgpu     no adapter found (on Linux: install a Vulkan driver)")?;
    }
    for Adapter {
        name, kind, driver, ..
    } in opened
    {
        let driver = match driver.as_str() {
            "" => String::new(),
            driver => format!("; {driver}"),
        };
        say(&format!("wgpu     {name} ({kind}{driver})"))?;
    }
    refused
        .iter()
        .try_for_each(|error| say(&format!("wgpu     {error}")))
}

fn verdict(report: &Report) -> String {
    let verdict = match report.holds() {
        true => "right",
        false => "WRONG",
    };
    format!("{verdict} ({:.1} s)", report.seconds)
}

fn row(part: &PartReport) -> String {
    let difference = part
        .difference
        .map_or_else(|| "-".to_owned(), |x| format!("{x:.0e}"));
    let told = match &part.problem {
        Some(problem) => format!("WRONG: {problem}"),
        None => "right".to_owned(),
    };
    format!(
        "  {:<22}  largest difference {difference:>5}, accepted {:>5.0e}  {told}",
        part.part, part.tolerance
    )
}
