//! `sisun patch`.

use crate::analysis::{self, Analysis, AnalysisOutput};
use crate::columns::{Align, aligned, groups, three_decimals};
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_text;
use crate::model_source::{self, PrecisionArgs};
use crate::pairs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::Result;
use serde_json::{Value, json};
use sisun_config::ModelConfig;
use sisun_infer::{
    AlignedIndex, AttentionInput, HeadIndex, PatchAxis, PatchOptions, PatchText, Patching,
    PathOptions,
};
use sisun_model::Activation;
use sisun_viz::page::AnalysisPage;
use sisun_viz::{patching_npz, patching_sheet};
use std::path::{Path, PathBuf};

/// Width of a table; further columns follow below.
const WIDTH: usize = 100;

/// Put activations of a clean run into a corrupt one: which of them bring the answer back?
///
/// The clean and the corrupt text differ in what decides the answer. The model reads the corrupt
/// one, with one activation replaced by that of the clean run: at each layer each position in turn,
/// or of q, k, v, z, scores and pattern each head. Shown is the recovered share of the logit
/// difference (--answer less --against, after the last token): 0 is the corrupt run's, 1 the clean
/// run's (Zhang and Nanda 2024). With --to-head the paths from earlier heads into one head are
/// patched instead (Wang et al. 2022).
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun patch runs/quickstart --clean \"Mia said to Noah\" --corrupt \"Noah said to Mia\" --answer \" and\" --against \" was\" --at resid_pre
  sisun patch runs/quickstart --clean \"Mia said to Noah\" --corrupt \"Noah said to Mia\" --answer \" and\" --against \" was\" --at z --fast
  sisun patch runs/quickstart --clean \"Mia said to Noah\" --corrupt \"Noah said to Mia\" --answer \" and\" --against \" was\" --at z --format png,npz --out maps
  sisun patch runs/quickstart --clean \"Mia said to Noah\" --corrupt \"Noah said to Mia\" --answer \" and\" --against \" was\" --at resid_mid --at-token 0:3,3:0
  sisun patch runs/quickstart --clean \"Mia said to Noah\" --corrupt \"Noah said to Mia\" --answer \" and\" --against \" was\" --to-head 1.2 --into k")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text whose activations are put in place
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present = "clean_file")]
    clean: Option<String>,
    /// Read the text of --clean from a file, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "clean")]
    clean_file: Option<PathBuf>,
    /// The text that the model reads
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present = "corrupt_file")]
    corrupt: Option<String>,
    /// Read the text of --corrupt from a file, or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with = "corrupt")]
    corrupt_file: Option<PathBuf>,
    /// The answer that the clean text calls for; of several tokens the first counts. Spaces count
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    answer: String,
    /// The answer that the corrupt text calls for
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    against: String,
    /// The activation to patch: resid_pre, attn_out, resid_mid, mlp_out or resid_post at each
    /// position, or z, q, k, v, scores or pattern of each head
    #[arg(
        long,
        value_name = "ACTIVATION",
        required_unless_present = "to_head",
        conflicts_with = "to_head",
        value_parser = read_site
    )]
    at: Option<Activation>,
    /// Patch only these tokens, counted from 0 or, as -1 or last, from the end; CLEAN:CORRUPT where
    /// the texts differ, as in 4:5
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        allow_negative_numbers = true
    )]
    at_token: Vec<AlignedIndex>,
    /// Approximate by one backward pass (attribution patching), and tell how well it agrees with
    /// exact patching on some cells
    #[arg(long, conflicts_with = "to_head")]
    fast: bool,
    /// Patch the paths from other heads into this head, as in 1.2 or last.0
    #[arg(long, value_name = "HEAD", allow_negative_numbers = true)]
    to_head: Option<HeadIndex>,
    /// Patch only the path from this head [default: from each head of earlier layers]
    #[arg(
        long,
        value_name = "HEAD",
        requires = "to_head",
        allow_negative_numbers = true
    )]
    from_head: Option<HeadIndex>,
    /// Inputs of the receiving head that the paths go into: any of q, k, v [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "to_head")]
    into: Vec<AttentionInput>,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    args.output.check()?;
    let because = "`sisun explain` shows how a target attends to its source";
    pairs::refuse_run(&args.run, |_| because.to_owned())?;
    // The parser leaves a requirement out where the required option conflicts with another.
    let of_paths = match (args.to_head, args.from_head, args.into.as_slice()) {
        (None, Some(_), _) => Some("--from-head"),
        (None, None, [_, ..]) => Some("--into"),
        _ => None,
    };
    if let Some(option) = of_paths {
        return Err(Usage(format!(
            "{option} is about paths into a head: name the head with --to-head in place of --at"
        ))
        .into());
    }
    if args.fast && args.precision.is_reduced() {
        return Err(Usage(
            "--fast needs gradients, which weights in bf16 do not have: leave --precision out"
                .to_owned(),
        )
        .into());
    }
    if [&args.clean_file, &args.corrupt_file].map(Option::as_deref) == [Some(Path::new("-")); 2] {
        return Err(Usage(
            "--clean-file - --corrupt-file -: standard input holds one text; read the other from a file"
                .to_owned(),
        )
        .into());
    }
    let text = |option, given: &Option<String>, file: &Option<PathBuf>| match file {
        Some(path) => given_text::contents(option, path),
        None => Ok(given.clone().unwrap_or_default()),
    };
    let clean = text("--clean-file", &args.clean, &args.clean_file)?;
    let corrupt = text("--corrupt-file", &args.corrupt, &args.corrupt_file)?;
    let chosen = args
        .device
        .choose(|| work::reading(&args.run, args.precision))?;
    let opened = args.precision.open(&args.run, &chosen.device)?;
    let loaded = &opened.loaded;
    args.device.note(&loaded.introduction());
    let options = PatchOptions {
        clean,
        corrupt,
        answer: args.answer.clone(),
        against: args.against.clone(),
        at_tokens: args.at_token.clone(),
    };
    let found = match (args.to_head, args.at) {
        (Some(to), _) => {
            let config = loaded.model.config();
            let all = [AttentionInput::Q, AttentionInput::K, AttentionInput::V];
            let path = PathOptions {
                from: args.from_head.map(|from| from.of(config)).transpose()?,
                to: to.of(config)?,
                into: match args.into.is_empty() {
                    true => all.to_vec(),
                    false => args.into.clone(),
                },
            };
            loaded.patch_path(&options, &path)?
        }
        (None, Some(at)) if args.fast => {
            let recording = model_source::recording(&args.run, &chosen.device)?;
            loaded.patch_fast(&recording, &options, at)?
        }
        (None, at) => loaded.patch(&options, at.unwrap_or(Activation::ResidPre))?,
    };
    for (option, given, token) in [
        ("--answer", &args.answer, &found.answer),
        ("--against", &args.against, &found.against),
    ] {
        analysis::note_rest(option, given, token, loaded, &args.device)?;
    }
    for text in [&found.clean.text, &found.corrupt.text] {
        args.device.note_form(&loaded.tokenizer, text)?;
    }
    let shared = shared_heads(&args, loaded.model.config());
    if let Some(shared) = &shared {
        args.device.note(&format!("note: {shared}"));
    }
    let files = write(&args, &found, shared.into_iter().collect())?;
    if args.output.json {
        return say_json(&object(&found, &files));
    }
    match files.is_empty() {
        true => say(&table(&found)),
        false => analysis::say_files(&files),
    }
}

fn write(args: &Args, found: &Patching, notes: Vec<String>) -> Result<Vec<PathBuf>> {
    let text = format!("{} → {}", found.clean.text, found.corrupt.text);
    let sheet = patching_sheet(found);
    let answers = sheet.below.clone();
    let analysis = Analysis {
        name: "patching",
        text: &text,
        sheets: vec![sheet],
    };
    let page = |_| AnalysisPage {
        title: found.model.clone(),
        text: text.clone(),
        details: Vec::new(),
        notes: [vec![answers], notes].concat(),
    };
    args.output
        .write(&analysis, || patching_npz(found), page, &args.device)
}

/// Say which heads are patched together.
fn shared_heads(args: &Args, config: &ModelConfig) -> Option<String> {
    let group = config.n_heads / config.kv_heads();
    let shared = |input: &AttentionInput| *input != AttentionInput::Q;
    let is_patched = match args.to_head {
        Some(_) => args.into.is_empty() || args.into.iter().any(shared),
        None => matches!(args.at, Some(Activation::K | Activation::V)),
    };
    (group > 1 && is_patched).then(|| {
        format!(
            "{group} heads share each key and value (model.n_kv_heads): those of all of them are patched together"
        )
    })
}

/// Parse the activation to patch.
fn read_site(given: &str) -> Result<Activation, String> {
    let is_site = |name: &Activation| {
        name.is_per_head()
            || matches!(
                name,
                Activation::ResidPre
                    | Activation::AttnOut
                    | Activation::ResidMid
                    | Activation::MlpOut
                    | Activation::ResidPost
            )
    };
    given.trim().parse().map_err(|_| {
        let sites = Activation::ALL.into_iter().filter(is_site);
        let sites: Vec<String> = sites.map(|name| name.to_string()).collect();
        format!(
            "unknown activation {given:?}; choose from {}",
            sites.join(", ")
        )
    })
}

fn object(found: &Patching, files: &[PathBuf]) -> Value {
    let text = |text: &PatchText| json!({ "text": text.text, "tokens": text.tokens, "logit_difference": text.difference });
    // JSON has no NaN: a cell where nothing can be patched is null.
    let rows: Vec<Vec<Option<f64>>> = found
        .recovered
        .chunks(found.columns.max(1))
        .map(|row| {
            row.iter()
                .map(|share| Some(*share).filter(|share| share.is_finite()))
                .collect()
        })
        .collect();
    let mut object = json!({
        "model": found.model,
        "clean": text(&found.clean),
        "corrupt": text(&found.corrupt),
        "answer": found.answer,
        "against": found.against,
        "activation": found.activation.to_string(),
        "layers": found.layers,
        "recovered": rows,
        "files": files,
    });
    match &found.axis {
        PatchAxis::Heads => object["heads"] = found.columns.into(),
        PatchAxis::Positions(pairs) => object["positions"] = json!(pairs),
    }
    if let Some(path) = &found.path {
        let into: Vec<String> = path.into.iter().map(ToString::to_string).collect();
        object["path"] = json!({ "to": [path.to.0, path.to.1], "into": into });
    }
    if let Some(fast) = found.fast {
        object["fast"] = json!({
            "correlation": fast.correlation,
            "cells": fast.cells,
            "largest_difference": fast.largest,
        });
    }
    object
}

fn table(found: &Patching) -> String {
    let mut heading = vec!["layer".to_owned()];
    match &found.axis {
        PatchAxis::Heads => heading.extend((0..found.columns).map(|head| format!("head {head}"))),
        PatchAxis::Positions(pairs) => heading.extend(pairs.iter().map(|&(clean, corrupt)| {
            let token = &found.corrupt.tokens[corrupt].text;
            match clean == corrupt {
                true => format!("{corrupt} {token}"),
                false => format!("{clean}:{corrupt} {token}"),
            }
        })),
    }
    let row = |(row, layer): (usize, &usize)| {
        let cells = (0..found.columns).map(|column| {
            let share = found.at(row, column);
            if share.is_nan() {
                "–".to_owned()
            } else {
                three_decimals(share)
            }
        });
        std::iter::once(layer.to_string()).chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = found.layers.iter().enumerate().map(row).collect();
    let rows = [vec![heading], rows].concat();
    let part = |columns: std::ops::Range<usize>| {
        let cells = |row: &Vec<String>| [&row[..1], &row[columns.clone()]].concat();
        let rows: Vec<Vec<String>> = rows.iter().map(cells).collect();
        aligned(&rows, &[Align::Left, Align::Right])
    };
    let parts: Vec<String> = groups(&rows, WIDTH).into_iter().map(part).collect();
    let what = match &found.path {
        None => found.activation.to_string(),
        Some(path) => {
            let into: Vec<String> = path.into.iter().map(ToString::to_string).collect();
            format!(
                "paths into {} of head {}.{}",
                into.join(", "),
                path.to.0,
                path.to.1
            )
        }
    };
    let agreement = found.fast.map_or(String::new(), |fast| {
        let correlation = fast
            .correlation
            .map_or("none (they do not vary)".to_owned(), |r| format!("{r:.3}"));
        format!(
            "\nattribution patching; of {} cells patched exactly: correlation {correlation}, largest difference {:.3}",
            fast.cells, fast.largest
        )
    });
    format!(
        "the logit of {:?} less that of {:?}: clean {:.4}, corrupt {:.4}\nrecovered share, by {what}:\n{}{agreement}",
        found.answer.text,
        found.against.text,
        found.clean.difference,
        found.corrupt.difference,
        parts.join("\n\n")
    )
}
