//! `sisun verify`.

use crate::signals::remove_on_interrupt;
use crate::terminal::{is_watched, note, say, say_json};
use anyhow::{Result, bail};
use serde_json::json;
use sisun_verify::{Check, Verdict};
use std::path::{Path, PathBuf};

/// Check a model on this machine: files, resuming, caching, devices, export, tokenizer.
///
/// Checksums; weights saved and read back to the bit; training stopped and resumed to the bit;
/// decoding with the cache and capturing against the plain forward pass; the devices of this
/// machine against each other; export and import; the tokenizer on the run's own text. Of a
/// sequence-to-sequence run also: greedy decoding against a beam of one, and a batch of unequal
/// lengths against each pair alone. Takes less than a minute for a small model and changes nothing. The exit code is 1 if anything differs.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun verify runs/quickstart
  sisun verify runs/quickstart --json
  sisun verify runs/dates-gru")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print only errors on stderr
    #[arg(short, long)]
    quiet: bool,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut started = |name: &str| {
        if !args.quiet && is_watched() {
            note(&format!("checking: {name}"));
        }
    };
    let temporary = remove_on_interrupt()?;
    // The folder is created only once.
    let mut made = |folder: &Path| drop(temporary.set(folder.to_owned()));
    let checks = sisun_verify::verify(&args.run, &mut made, &mut started)?;
    let differing: Vec<&str> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Differs)
        .map(|check| check.name)
        .collect();
    if args.json {
        say_json(&json!({ "run": args.run, "holds": differing.is_empty(), "checks": checks }))?;
    } else {
        checks.iter().try_for_each(|check| say(&line(check)))?;
    }
    if !differing.is_empty() {
        bail!(
            "{}: differs in {}",
            args.run.display(),
            differing.join(", ")
        );
    }
    Ok(())
}

fn line(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Holds => "holds",
        Verdict::Differs => "DIFFERS",
        Verdict::NotChecked => "not checked",
    };
    format!("{:<24} {verdict:<12} {}", check.name, check.found)
}
