//! `sisun heads`.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::opened::PrecisionArgs;
use crate::silence::{Silencing, silence};
use crate::terminal::{say, say_json};
use anyhow::{Result, bail};
use serde_json::json;
use sisun_infer::HeadStats;
use std::path::PathBuf;

/// Says what each attention head does.
///
/// entropy and distance: how widely and how far back it looks, averaged over the text. previous and first: its weight on
/// the token just before, and on the first token, where heads rest that have nothing to say. same and induction, on
/// random tokens that come twice: its weight on the same token, and on the one that followed it (Olsson et al. 2022).
/// without: nats per token by which the loss on held-out text rises when the head is silenced.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun heads runs/quickstart
  sisun heads runs/quickstart --text \"The cat sat on the mat.\" --data novel.txt
  sisun heads runs/quickstart --json > heads.json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging Face directory
    run: PathBuf,
    /// The text that entropy, distance, previous and first are measured on [default: the run's attend.text]
    #[arg(long, value_name = "TEXT")]
    text: Option<String>,
    #[command(flatten)]
    silencing: Silencing,
    /// Do not silence heads, which is most of the work
    #[arg(long)]
    fast: bool,
    /// Print one JSON object: tokens, a row for each head, attention rollout
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let (true, Some(option)) = (args.fast, args.silencing.idle()) {
        return Err(Usage(format!("{option} is about silencing heads, which --fast leaves out")).into());
    }
    let chosen = args.device.choose()?;
    let opened = args.precision.open(&args.run, &chosen.device)?;
    let loaded = &opened.loaded;
    let Some(text) = args.text.as_deref().or(opened.attend_text()) else {
        bail!("the run has no attend.text to look at: give one with --text");
    };
    args.device.note(&format!("model: {}", loaded.title()));
    args.device.note_length(loaded.tokens(text)?.len(), loaded.model.config().context_len);
    let mut found = loaded.heads(text)?;
    let mut loss = None;
    if !args.fast {
        let tokens = opened.held_out(&args.silencing.text, &args.device)?;
        let all: Vec<(usize, usize)> = found.heads.iter().map(|head| (head.layer, head.head)).collect();
        let silenced = silence(&opened, &tokens, &all, &args.silencing, &args.device)?;
        for head in &mut found.heads {
            head.silenced = silenced.rise.get(&(head.layer, head.head)).copied();
        }
        loss = Some(silenced.loss);
    }
    if args.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "text": text,
            "tokens": found.tokens,
            "loss": loss,
            "heads": found.heads,
            "rollout": found.rollout,
        }));
    }
    say(&table(&found.heads))?;
    if let Some(loss) = loss {
        say(&format!("loss with all heads: {loss:.4} nats per token"))?;
    }
    for line in strongest(&found.heads) {
        say(&line)?;
    }
    Ok(())
}

fn table(heads: &[HeadStats]) -> String {
    let mut table = format!("{:>6}{}\n", "head", COLUMNS.map(|(name, _)| format!("{name:>10}")).concat());
    for head in heads {
        table += &format!("{:>6}", format!("{}.{}", head.layer, head.head));
        for (_, value) in COLUMNS {
            let value = value(head).map_or("-".to_owned(), |value| format!("{value:.3}"));
            table += &format!("{value:>10}");
        }
        table.push('\n');
    }
    table
}

type Column = (&'static str, fn(&HeadStats) -> Option<f64>);

const COLUMNS: [Column; 7] = [
    ("entropy", |head| Some(head.spread.entropy)),
    ("distance", |head| Some(head.spread.distance)),
    ("previous", |head| Some(head.spread.previous)),
    ("first", |head| Some(head.spread.first)),
    ("same", |head| head.repetition.same),
    ("induction", |head| head.repetition.induction),
    ("without", |head| head.silenced),
];

/// Which head does each thing most.
fn strongest(heads: &[HeadStats]) -> Vec<String> {
    let roles = [
        ("previous", "looks most at the token before"),
        ("first", "looks most at the first token"),
        ("same", "looks most at the same token, earlier"),
        ("induction", "looks most at what followed the same token (induction)"),
        ("without", "is missed most"),
    ];
    let line = |(name, does): (&str, &str)| {
        let (_, value) = COLUMNS.into_iter().find(|(column, _)| *column == name)?;
        let of = |head: &HeadStats| value(head).filter(|value| value.is_finite());
        let best = heads
            .iter()
            .filter(|head| of(head).is_some())
            .max_by(|a, b| of(a).partial_cmp(&of(b)).unwrap_or(std::cmp::Ordering::Equal))?;
        Some(format!("head {}.{} {does}: {:.3}", best.layer, best.head, of(best)?))
    };
    roles.into_iter().filter_map(line).collect()
}
