//! `sisun eval`.

use crate::common::DeviceArgs;
use crate::held_out::held_out;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::{Value, json};
use sisun_infer::Loaded;
use sisun_model::{Run, thousands};
use sisun_train::evaluate;
use std::path::PathBuf;

/// Measures loss, perplexity and bits per byte on a text.
///
/// The text is cut into windows that do not overlap. Without --data it is the run's own held-out text.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun eval runs/quickstart
  sisun eval runs/quickstart --data novel.txt
  sisun eval runs/rope --lengths 64,128,256 --json")]
pub(crate) struct Args {
    /// A run directory, or one of its checkpoints (the best is used unless you name one)
    run: PathBuf,
    /// Files, folders or globs to evaluate on [default: the run's held-out text]
    #[arg(long, value_name = "PATH")]
    data: Vec<String>,
    /// Window lengths in tokens [default: the model's context_len]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    lengths: Vec<std::num::NonZeroUsize>,
    /// Evaluate on this many windows, evenly spaced [default: all]
    #[arg(long, value_name = "N")]
    windows: Option<std::num::NonZeroUsize>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let run = Run::open(&args.run)?;
    let config = run.config()?;
    let chosen = args.device.choose()?;
    let loaded = Loaded::open(&args.run, &chosen.device)?;
    args.device.note(&format!("model: {}, step {}", loaded.name, loaded.step));
    let trained_on = config.model.context_len;
    let lengths: Vec<usize> =
        if args.lengths.is_empty() { vec![trained_on] } else { args.lengths.iter().map(|n| n.get()).collect() };
    for &length in &lengths {
        loaded.model.check_length(length)?;
    }
    let text = held_out(&args.data, &run, &loaded, config.data, &args.device)?;
    let mut results = Vec::new();
    for &length in &lengths {
        // As many tokens at once as in training, whatever the length.
        let batch_size = (config.train.batch_size * trained_on / length).max(1);
        let limit = args.windows.map(|windows| windows.get());
        let found = evaluate(&loaded.model, &text, length, batch_size, limit);
        if !args.json {
            let bits = found.bits_per_byte.map_or(String::new(), |bits| format!(", {bits:.4} bits per byte"));
            let beyond = if length > trained_on { format!(" (trained on {trained_on})") } else { String::new() };
            say(&format!(
                "windows of {length}{beyond}: loss {:.4}, perplexity {:.3}{bits}, {} tokens",
                found.loss,
                found.perplexity,
                thousands(found.tokens)
            ))?;
        }
        let mut object = serde_json::to_value(found)?;
        object["length"] = length.into();
        results.push(object);
    }
    if args.json { say_json(&summary(results, loaded.step)) } else { Ok(()) }
}

/// One length gives its figures at the top; several are listed.
fn summary(mut results: Vec<Value>, step: u64) -> Value {
    match results.len() {
        1 => {
            let mut object = results.remove(0);
            object["step"] = step.into();
            object
        }
        _ => json!({ "step": step, "lengths": results }),
    }
}
