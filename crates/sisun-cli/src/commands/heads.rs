//! `sisun heads`.

use crate::ablation::{AblationArgs, ablate};
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::model_source::PrecisionArgs;
use crate::pairs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::{Result, bail};
use serde_json::json;
use sisun_config::shell;
use sisun_infer::{Chance, HeadReport, HeadStats};
use std::path::PathBuf;

/// Measure what each attention head does.
///
/// entropy and distance: how widely and how far back a head attends, averaged over the text.
/// previous and first: its weight on the previous token, and on the first token, where heads that
/// contribute nothing put their weight. same and induction, on random tokens repeated twice: its
/// weight on the same token, and on the token that followed it (Olsson et al. 2022). without: by
/// how many nats per token the loss on held-out text rises when the head is ablated. chance: the
/// values of a head with uniform attention; only what is more than twice that, and more than 0.1
/// above it, is called a finding.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun heads runs/quickstart
  sisun heads runs/quickstart --text \"The cat sat on the mat.\" --data novel.txt
  sisun heads runs/quickstart --json > heads.json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text on which entropy, distance, previous and first are measured [default: the run's
    /// attend.text]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    text: Option<String>,
    #[command(flatten)]
    text_file: TextFile,
    #[command(flatten)]
    ablation: AblationArgs,
    /// Skip ablating the heads, which takes most of the time
    #[arg(long)]
    fast: bool,
    /// Print one JSON object: tokens, a row for each head, chance values, attention rollout
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let (true, Some(option)) = (args.fast, args.ablation.idle()) {
        return Err(Usage(format!(
            "{option} is about ablating heads, which --fast leaves out"
        ))
        .into());
    }
    pairs::refuse_run(&args.run, |run| {
        format!(
            "its statistics are those of causal self-attention; how well heads agree with a known alignment: sisun eval {run}; \
             what is written without each: sisun attend {run} --text SOURCE --ablate"
        )
    })?;
    let chosen = args
        .device
        .choose(|| work::reading(&args.run, args.precision))?;
    let opened = args.precision.open(&args.run, &chosen.device)?;
    let loaded = &opened.loaded;
    let given = args.text_file.or(args.text.as_ref())?;
    let Some(text) = given.as_deref().or(opened.attend_text()) else {
        bail!(
            "{} has no attend.text of its own to look at: give a text with --text, as in\n  sisun heads {} --text 'YOUR TEXT'{}",
            opened.kind(),
            shell::path(&args.run),
            match (
                args.fast,
                opened.has_held_out_text() || !args.ablation.text.data.is_empty()
            ) {
                (true, _) => " --fast",
                (false, true) => "",
                // Without text of its own to measure an ablation on.
                (false, false) => " --data YOUR.txt\nor without ablation: --fast",
            }
        );
    };
    args.device.note(&loaded.introduction());
    let n = loaded.tokens(text)?.len();
    if n < 2 {
        let key = match given {
            Some(_) => "--text",
            None => "attend.text",
        };
        return Err(Usage(format!(
            "{key} {text:?} is too short: its {n} token can attend to nothing but itself; give a text of two tokens or more"
        ))
        .into());
    }
    loaded.check_length(n)?;
    args.device.note_form(&loaded.tokenizer, text)?;
    args.device
        .note_length(n, loaded.model.config().context_len);
    let mut found = loaded.heads(text)?;
    let mut loss = None;
    if !args.fast {
        let tokens = opened.held_out(&args.ablation.text, &args.device)?;
        let all: Vec<(usize, usize)> = found
            .heads
            .iter()
            .map(|head| (head.layer, head.head))
            .collect();
        let ablation = ablate(&opened, &tokens, &all, &args.ablation, &args.device)?;
        for head in &mut found.heads {
            head.ablation = ablation.rise.get(&(head.layer, head.head)).copied();
        }
        loss = Some(ablation.loss);
    }
    if args.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "text": text,
            "tokens": found.tokens,
            "loss": loss,
            "heads": found.heads,
            "chance": found.chance,
            "rollout": found.rollout,
        }));
    }
    say(&table(&found))?;
    if let Some(loss) = loss.filter(|loss| loss.is_finite()) {
        say(&format!("loss with all heads: {loss:.4} nats per token"))?;
    }
    for line in findings(&found) {
        say(&line)?;
    }
    Ok(())
}

fn table(found: &HeadReport) -> String {
    let mut table = format!(
        "{:>6}{}\n",
        "head",
        COLUMNS
            .map(|column| format!("{:>10}", column.name))
            .concat()
    );
    let mut row = |name: &str, value: &dyn Fn(&Column) -> Option<f64>| {
        let cell = |column: &Column| number(value(column)).unwrap_or_else(|| "-".to_owned());
        let cells: String = COLUMNS
            .iter()
            .map(|column| format!("{:>10}", cell(column)))
            .collect();
        table += &format!("{name:>6}{cells}\n");
    };
    for head in &found.heads {
        row(&format!("{}.{}", head.layer, head.head), &|column| {
            (column.of)(head)
        });
    }
    row("chance", &|column| (column.chance)(&found.chance));
    table
}

/// Format a value, if it is finite.
fn number(value: Option<f64>) -> Option<String> {
    value
        .filter(|value| value.is_finite())
        .map(|value| format!("{value:.3}"))
}

/// A column of the table.
struct Column {
    name: &'static str,
    of: fn(&HeadStats) -> Option<f64>,
    chance: fn(&Chance) -> Option<f64>,
    /// Description of a head with a large value.
    does: Option<&'static str>,
}

const COLUMNS: [Column; 7] = [
    Column {
        name: "entropy",
        of: |head| Some(head.spread.entropy),
        chance: |_| None,
        does: None,
    },
    Column {
        name: "distance",
        of: |head| Some(head.spread.distance),
        chance: |_| None,
        does: None,
    },
    Column {
        name: "previous",
        of: |head| Some(head.spread.previous),
        chance: |chance| chance.previous,
        does: Some("looks most at the token before"),
    },
    Column {
        name: "first",
        of: |head| Some(head.spread.first),
        chance: |chance| chance.first,
        does: Some("looks most at the first token"),
    },
    Column {
        name: "same",
        of: |head| head.repetition.same,
        chance: |chance| chance.same,
        does: Some("looks most at the same token, earlier"),
    },
    Column {
        name: "induction",
        of: |head| head.repetition.induction,
        chance: |chance| chance.induction,
        does: Some("looks most at what followed the same token (induction)"),
    },
    Column {
        name: "without",
        of: |head| head.ablation,
        chance: |_| Some(0.0),
        does: Some("is missed most"),
    },
];

/// Describe the head with the largest value of each measurement, if it is clearly above chance.
fn findings(found: &HeadReport) -> Vec<String> {
    let line = |column: &Column| {
        let (does, of) = (column.does?, |head: &HeadStats| {
            (column.of)(head).filter(|value| value.is_finite())
        });
        let values = found
            .heads
            .iter()
            .filter_map(|head| Some((head, of(head)?)));
        let (best, value) = values.max_by(|a, b| a.1.total_cmp(&b.1))?;
        let name = format!("head {}.{}", best.layer, best.head);
        // Any increase of the loss counts.
        if column.name == "without" {
            return Some(match value > 0.0 {
                true => format!("{name} {does}: {value:.3}"),
                false => {
                    "no head is missed: without any one of them the loss does not rise".to_owned()
                }
            });
        }
        let chance = (column.chance)(&found.chance)?;
        Some(match Chance::is_beaten(chance, value) {
            true => format!("{name} {does}: {value:.3} (chance {chance:.3})"),
            false => format!(
                "{}: no head stands out ({name} has {value:.3}, chance {chance:.3})",
                column.name
            ),
        })
    };
    let mut lines: Vec<String> = COLUMNS.iter().filter_map(line).collect();
    if found
        .heads
        .iter()
        .any(|head| !head.spread.entropy.is_finite())
    {
        lines.push("some of its attention is no number: the model has diverged, or its weights are damaged".to_owned());
    }
    lines
}
