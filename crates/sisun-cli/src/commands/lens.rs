//! `sisun lens`.

use crate::analysis::{self, Analysis, AnalysisFormat, AnalysisOutput, Shows};
use crate::columns::{Align, in_blocks};
use crate::common::DeviceArgs;
use crate::given_text::{self, TextFile};
use crate::model_source::PrecisionArgs;
use crate::terminal::{say, say_json};
use crate::wrap::terminal_width;
use anyhow::Result;
use serde_json::json;
use sisun_config::NormPlacement;
use sisun_infer::{LensOptions, LogitLens, StreamPart};
use sisun_viz::analysis::{lens_details, lens_npz, lens_sheets};
use sisun_viz::page::AnalysisPage;
use std::path::PathBuf;

/// Show what the model would predict after each layer: the logit lens.
///
/// The final norm and the head are applied to the residual stream after the embedding and after
/// each layer (nostalgebraist 2020). Each column is a token of the text, each cell the token that
/// the model would write after it if the layer were the last. --into looks at one part of the
/// stream: the sum of what the embeddings, attention or the feed-forward networks have added so far,
/// scaled as the whole stream is.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun lens runs/quickstart --text \"The cat sat on the mat.\"
  sisun lens runs/quickstart --text \"The cat sat on the mat.\" --into attn --top 3
  sisun lens runs/quickstart --text \"The cat sat on the mat.\" --format html,png,npz
  sisun lens runs/quickstart-ko --text \"미나는 빨간 연을 찾았어요.\" --json > lens.json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text that the model reads
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument, required_unless_present = "text_file")]
    text: Option<String>,
    #[command(flatten)]
    text_file: TextFile,
    /// Part of the residual stream: embed, attn or mlp [default: all of it]
    #[arg(long, value_name = "PART")]
    into: Option<StreamPart>,
    /// Number of tokens for each layer and position [default: 1, in files and JSON 5]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    top: Option<u16>,
    #[command(flatten)]
    output: AnalysisOutput,
    #[command(flatten)]
    precision: PrecisionArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let Args { output, device, .. } = &args;
    output.check()?;
    let uses = [Shows::Table, Shows::Json, Shows::File(AnalysisFormat::Html)];
    output.check_used("--top", args.top.is_some(), &uses)?;
    let text = args.text_file.or(args.text.as_ref())?.unwrap_or_default();
    let opened = analysis::open(
        &args.run,
        Some(args.precision),
        device,
        "`sisun attend` and `sisun explain` show what such a run looks at",
    )?;
    analysis::note_text(&opened, &text, device)?;
    if opened.loaded.model.config().norm_placement == NormPlacement::Post {
        device.note("note: this model has no final norm, its layers end with one: the head alone is applied");
    }
    let is_table = output.format.is_empty() && !output.json;
    let options = LensOptions {
        part: args.into,
        top: args.top.map_or(if is_table { 1 } else { 5 }, usize::from),
        logits: output.wants(AnalysisFormat::Npz),
    };
    let lens = opened.loaded.lens(&text, &options)?;
    let found = Analysis {
        name: "lens",
        text: &text,
        sheets: match output.format.is_empty() {
            true => Vec::new(),
            false => lens_sheets(&lens).into(),
        },
    };
    let page = |_| AnalysisPage {
        title: lens.model.clone(),
        text: lens.text.clone(),
        details: lens_details(&lens),
        notes: Vec::new(),
    };
    let files = output.write(&found, || lens_npz(&lens), page, device)?;
    if output.json {
        let layers = lens.layers.iter().enumerate();
        let layers = layers
            .map(|(row, cells)| json!({ "name": LogitLens::row_name(row), "positions": cells }));
        return say_json(&json!({
            "model": opened.loaded.name,
            "step": opened.loaded.step,
            "text": lens.text,
            "into": lens.part,
            "tokens": lens.tokens,
            "layers": layers.collect::<Vec<_>>(),
            "files": files,
        }));
    }
    match is_table {
        true => say(&table(&lens)),
        false => analysis::say_files(&files),
    }
}

fn table(lens: &LogitLens) -> String {
    let quoted = |text: &str| format!("{text:?}");
    let mut heading = vec![String::new()];
    heading.extend(lens.tokens.iter().map(|token| quoted(&token.text)));
    let mut rows = vec![heading];
    for (number, cells) in lens.layers.iter().enumerate() {
        let lines = cells.iter().map(|cell| cell.top.len()).max().unwrap_or(0);
        for line in 0..lines {
            let name = match line {
                0 => LogitLens::row_name(number),
                _ => String::new(),
            };
            let cell = |cell: &sisun_infer::LensCell| {
                cell.top.get(line).map_or_else(String::new, |token| {
                    format!("{} {:.0}%", quoted(&token.text), 100.0 * token.probability)
                })
            };
            rows.push([name].into_iter().chain(cells.iter().map(cell)).collect());
        }
    }
    in_blocks(&rows, terminal_width(), &[Align::Left])
}
