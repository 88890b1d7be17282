//! `sisun runs`.

mod listing;

use crate::commands::init::FIRST_EXAMPLE;
use crate::failure::Usage;
use crate::terminal::{say, say_json};
use crate::units;
use anyhow::{Context, Result};
use clap::ValueEnum;
use listing::{Listed, State, list};
use serde_json::json;
use sisun_config::shell;
use sisun_files::is_folder;
use sisun_model::thousands;
use std::cmp::Reverse;
use std::path::PathBuf;

/// List run directories: how far each is, its validation loss, its size.
///
/// The loss is that of the best evaluation so far, in nats per token and, comparable between
/// tokenizers, in bits per byte. Comparisons in the folder are listed as such.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun runs
  sisun runs --sort loss
  sisun runs runs --json")]
pub(crate) struct Args {
    /// The folder of the run directories
    #[arg(default_value = "runs")]
    dir: PathBuf,
    /// The order: date (newest first), name, loss (bits per byte, lowest first) or size (largest
    /// first)
    #[arg(
        long,
        value_name = "BY",
        default_value = "date",
        hide_possible_values = true
    )]
    sort: Order,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    Date,
    Name,
    Loss,
    Size,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let dir = &args.dir;
    if !is_folder(dir).with_context(|| format!("cannot read {}", dir.display()))? {
        return Err(Usage(format!(
            "{} is no folder, so that it holds no runs\nto make a first one: {FIRST_EXAMPLE}",
            dir.display()
        ))
        .into());
    }
    let mut found = list(dir)?;
    let loss = |listed: &Listed| listed.best.map_or(f64::INFINITY, |best| best.comparable());
    match args.sort {
        Order::Date => found.sort_by_key(|listed| Reverse(listed.modified)),
        Order::Name => {}
        Order::Loss => found.sort_by(|a, b| loss(a).total_cmp(&loss(b))),
        Order::Size => found.sort_by_key(|listed| Reverse(listed.bytes)),
    }
    let bytes: u64 = found.iter().map(|listed| listed.bytes).sum();
    if args.json {
        let runs: Vec<_> = found.iter().map(Listed::json).collect();
        return say_json(&json!({ "dir": dir, "runs": runs, "bytes": bytes }));
    }
    let width = found
        .iter()
        .map(|listed| unicode_width::UnicodeWidthStr::width(listed.name.as_str()))
        .fold(4, usize::max);
    if !found.is_empty() {
        say(&format!(
            "{:<width$} {:>13} {:>7} {:>6} {:>8}  date        state",
            "name", "step", "loss", "b/byte", "size"
        ))?;
    }
    for listed in &found {
        say(&row(listed, width))?;
    }
    let number = match found.len() {
        1 => "1 directory".to_owned(),
        number => format!("{} directories", thousands(number as u64)),
    };
    say(&format!(
        "{number}, {}, in {}",
        units::bytes(bytes),
        dir.display()
    ))?;
    match found
        .iter()
        .find(|listed| listed.state == State::Interrupted)
    {
        Some(listed) => say(&format!(
            "to go on with one: sisun train --resume {}",
            shell::path(&listed.path)
        )),
        None => Ok(()),
    }
}

fn row(listed: &Listed, width: usize) -> String {
    let step = match listed.steps {
        Some((step, steps)) => format!("{step}/{steps}"),
        None => "-".to_owned(),
    };
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.3}"));
    // Wide characters take two columns.
    let columns = unicode_width::UnicodeWidthStr::width(listed.name.as_str());
    format!(
        "{}{} {step:>13} {:>7} {:>6} {:>8}  {}  {}",
        listed.name,
        " ".repeat(width.saturating_sub(columns)),
        number(listed.best.map(|best| best.loss)),
        number(listed.best.and_then(|best| best.bits_per_byte)),
        units::bytes(listed.bytes),
        &listed.date()[..10],
        listed.state_in_words(),
    )
}
