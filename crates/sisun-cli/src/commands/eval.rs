//! `sisun eval`.

use crate::common::DeviceArgs;
use crate::edit_args::{EditArgs, edit_grammar};
use crate::failure::Usage;
use crate::model_source::{PrecisionArgs, TextArgs};
use crate::pairs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sisun_data::pairs::PairFiles;
use sisun_infer::{Edits, Reach};
use sisun_model::thousands;
use sisun_train::evaluate_edited;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Measure loss, perplexity and bits per byte on a text.
///
/// The text is cut into windows that do not overlap. Without --data, the run's own held-out text is
/// used. Of a sequence-to-sequence run, the targets of held-out pairs are written and compared:
/// exact match, character error rate, BLEU, and, where the true alignment is known, how attention
/// agrees with it while the model reads the true target, by the length of the source.
#[derive(clap::Args)]
#[command(after_help = concat!(
    "\
Examples:
  sisun eval runs/quickstart
  sisun eval runs/quickstart --data novel.txt
  sisun eval runs/rope --lengths 64,128,256 --json
  sisun eval runs/dates-gru --json
  sisun eval runs/dates-gru --data held-out.ko --targets held-out.en
  sisun eval runs/quickstart --edit \"pattern 0.1 = previous\"",
    edit_grammar!()
))]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    #[command(flatten)]
    text: TextArgs,
    /// Sequence-to-sequence: files with the targets of --data, line by line [default: --data holds
    /// both]
    #[arg(long, value_name = "PATH", requires = "data")]
    targets: Vec<String>,
    /// Window lengths in tokens [default: the model's context_len]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    lengths: Vec<NonZeroUsize>,
    /// Evaluate on this many windows, or pairs, evenly spaced [default: all]
    #[arg(long, value_name = "N")]
    windows: Option<NonZeroUsize>,
    #[command(flatten)]
    edit: EditArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    if let Some(run) = pairs::run_of(&args.run) {
        let idle = [
            (
                "--lengths",
                !args.lengths.is_empty(),
                "whose pairs are read whole and counted by length in any case: leave it out",
            ),
            ("--precision", args.precision.is_reduced(), pairs::FLOAT32),
            (
                "--jsonl-field",
                args.text.jsonl_field.is_some(),
                "whose fields are those of its configuration (pairs.source_field, pairs.target_field): leave it out, and \
                 name the fields of the file so",
            ),
            (
                "--documents",
                args.text.documents.is_some(),
                "whose pairs are not divided any further: leave it out",
            ),
            ("--edit", args.edit.given(), pairs::NO_EDITS),
        ];
        pairs::refuse(&run, &idle)?;
        let limit = args.windows.map(NonZeroUsize::get);
        let files = PairFiles {
            sources: &args.text.data,
            targets: &args.targets,
            keys: ["--data", "--targets"],
        };
        return pairs::evaluate(&run, files, limit, args.json, &args.device);
    }
    if !args.targets.is_empty() && args.run.exists() {
        return Err(Usage(format!(
            "--targets is for sequence-to-sequence models, and {} holds a language model: leave it out",
            args.run.display()
        ))
        .into());
    }
    let chosen = args
        .device
        .choose(|| work::reading(&args.run, args.precision))?;
    let opened = args.precision.open(&args.run, &chosen.device)?;
    let loaded = &opened.loaded;
    args.device.note(&loaded.introduction());
    let trained_on = loaded.model.config().context_len;
    let lengths: Vec<usize> = if args.lengths.is_empty() {
        vec![trained_on]
    } else {
        args.lengths.iter().map(|n| n.get()).collect()
    };
    for &length in &lengths {
        loaded.check_length(length)?;
    }
    let edits = |&length: &usize| {
        let reach = Reach {
            what: "window",
            tokens: length,
            longest: length,
        };
        args.edit.of(loaded, reach)
    };
    let edits = lengths.iter().map(edits).collect::<Result<Vec<Edits>>>()?;
    let text = opened.held_out(&args.text, &args.device)?;
    if let Some(length) = lengths
        .iter()
        .copied()
        .filter(|length| text.len() <= *length)
        .max()
    {
        let (there, needed) = (thousands(text.len() as u64), thousands(length as u64 + 1));
        let message = format!(
            "--lengths {length}: the text has {there} tokens, but one window needs {needed}: give shorter lengths, or more text with --data"
        );
        if !args.lengths.is_empty() {
            return Err(Usage(message).into());
        }
    }
    let mut results = Vec::new();
    let mut not_finite = None;
    for (&length, edits) in lengths.iter().zip(&edits) {
        opened.check_evaluation(&text, length, edits)?;
        let limit = args.windows.map(|windows| windows.get());
        let found = evaluate_edited(
            &edits.list,
            &loaded.model,
            &text,
            &loaded.tokenizer,
            length,
            opened.batch_size(length),
            limit,
        )
        .context(
            "no window of the text has a token to take the loss on: give another text with --data",
        )?;
        not_finite = not_finite.or((!found.loss.is_finite()).then_some(length));
        if !args.json {
            let bits = found
                .bits_per_byte
                .map_or(String::new(), |bits| format!(", {bits:.4} bits per byte"));
            let beyond = if length > trained_on {
                format!(" (trained on {trained_on})")
            } else {
                String::new()
            };
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
    if args.json {
        let mut object = summary(results, loaded.step);
        object["edits"] = args.edit.written().into();
        say_json(&object)?;
    }
    match not_finite {
        None => Ok(()),
        Some(length) => bail!(
            "the loss in windows of {length} is no finite number: the model's activations overflow, or its weights are damaged"
        ),
    }
}

/// Return a single result at the top level, several as a list.
fn summary(mut results: Vec<Value>, step: Option<u64>) -> Value {
    match results.len() {
        1 => {
            let mut object = results.remove(0);
            object["step"] = step.into();
            object
        }
        _ => json!({ "step": step, "lengths": results }),
    }
}
