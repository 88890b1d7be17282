//! `sisun neuron`.

use crate::analysis;
use crate::columns::{Align, aligned, three_decimals};
use crate::common::DeviceArgs;
use crate::model_source::TextArgs;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde::Serialize;
use serde_json::json;
use sisun_infer::{LanguageModel, NeuronIndex, WrittenLogit};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Number of tokens that are shown before and after the most active one.
const BEFORE: usize = 12;
const AFTER: usize = 4;
/// Number of windows that are read unless told otherwise.
const WINDOWS: usize = 200;

/// Show what activates a neuron of a feed-forward network, and what it writes.
///
/// The text is read in windows of the model's context, and the passages where the neuron is most
/// active are listed, one of each window; the token is in brackets. Below are the tokens whose
/// logits it raises and lowers most for an activation of 1, through the head alone (without the
/// final norm). A neuron is a row of the network's second matrix; its activation is what the row is
/// multiplied by.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun neuron runs/quickstart 2.17
  sisun neuron runs/quickstart 2.17 --data novel.txt --top 10
  sisun neuron runs/quickstart 0.5 --windows 20 --json > neuron.json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The neuron, as in 2.17 (layer 2, neuron 17) or last.0
    #[arg(value_name = "LAYER.NEURON", allow_negative_numbers = true)]
    neuron: NeuronIndex,
    #[command(flatten)]
    text: TextArgs,
    /// Read this many windows, evenly spaced
    #[arg(long, value_name = "N", default_value_t = NonZeroUsize::new(WINDOWS).unwrap_or(NonZeroUsize::MIN))]
    windows: NonZeroUsize,
    /// Number of passages and tokens to list
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

/// A passage of the text in which a neuron is active.
#[derive(Debug, Serialize)]
struct Passage {
    /// Activation at the token.
    activation: f32,
    /// Index of the token in the text.
    position: usize,
    /// Text before the token.
    before: String,
    /// Text of the token.
    token: String,
    /// Text after the token.
    after: String,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let device = &args.device;
    let opened = analysis::open(
        &args.run,
        None,
        device,
        "`sisun explain` shows how a target attends to its source",
    )?;
    let loaded = &opened.loaded;
    let neuron = loaded.neuron(args.neuron)?;
    let text = opened.held_out(&args.text, device)?;
    let length = loaded.model.config().context_len;
    let length = loaded.window.map_or(length, |window| window.min(length));
    let all = text.len().div_ceil(length);
    let read = args.windows.get().min(all);
    let top = usize::from(args.top);
    let mut passages: Vec<Passage> = Vec::new();
    let (mut active, mut tokens) = (0, 0);
    for window in 0..read {
        let from = window * all / read * length;
        let ids = text.read(from..(from + length).min(text.len()));
        let activations = loaded.neuron_activations(neuron, &ids)?;
        active += activations.iter().filter(|value| **value > 0.0).count();
        tokens += ids.len();
        let numbered = activations.iter().enumerate();
        let Some((at, &activation)) = numbered.max_by(|a, b| a.1.total_cmp(b.1)) else {
            continue;
        };
        let place = passages.partition_point(|one| one.activation >= activation);
        if place < top {
            passages.insert(place, passage(loaded, &ids, at, from, activation)?);
            passages.truncate(top);
        }
    }
    let output = loaded.neuron_output(neuron, top)?;
    if args.json {
        return say_json(&json!({
            "model": loaded.name,
            "step": loaded.step,
            "neuron": neuron,
            "windows": read,
            "tokens": tokens,
            "positive": active as f64 / tokens as f64,
            "passages": passages,
            "raises": output.raises,
            "lowers": output.lowers,
        }));
    }
    say(&format!(
        "neuron {}: positive at {:.1}% of {tokens} tokens in {read} of {all} windows",
        neuron,
        100.0 * active as f64 / tokens as f64
    ))?;
    let mut rows = vec![vec!["active".to_owned(), "passage".to_owned()]];
    rows.extend(passages.iter().map(|one| {
        let text = format!("{}[{}]{}", one.before, one.token, one.after);
        vec![
            three_decimals(f64::from(one.activation)),
            sisun_data::make_visible(&text),
        ]
    }));
    say(&aligned(&rows, &[Align::Right, Align::Left]))?;
    say(&format!("raises: {}", listed(&output.raises)))?;
    say(&format!("lowers: {}", listed(&output.lowers)))
}

fn passage(
    loaded: &LanguageModel,
    ids: &[u32],
    at: usize,
    from: usize,
    activation: f32,
) -> Result<Passage> {
    let tokenizer = &loaded.tokenizer;
    let before = &ids[at.saturating_sub(BEFORE)..at];
    let after = &ids[at + 1..(at + 1 + AFTER).min(ids.len())];
    let upto = [before, &ids[at..=at]].concat();
    Ok(Passage {
        activation,
        position: from + at,
        before: tokenizer.decode(before)?,
        token: tokenizer.decode_after(before, &ids[at..=at])?,
        after: tokenizer.decode_after(&upto, after)?,
    })
}

fn listed(tokens: &[WrittenLogit]) -> String {
    let each = tokens
        .iter()
        .map(|token| format!("{:?} {:+.3}", token.text, token.logit));
    each.collect::<Vec<_>>().join(", ")
}
