//! `sisun page`.

use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_text::{self, TextFile};
use crate::live_page::live_page;
use crate::model_source::PrecisionArgs;
use crate::output::{ForceArgs, holds_page, make_parent};
use crate::pairs;
use crate::terminal::{say, say_json};
use crate::work;
use anyhow::{Result, bail};
use serde_json::json;
use sisun_config::{Precision, shell};
use sisun_files::write_atomic;
use sisun_infer::Language;
use sisun_viz::page::WeightFormat;
use std::path::PathBuf;

/// Write a page with the model in it: one file that computes while you type.
///
/// The page is that of `attend --format html`, and holds the weights and the tokenizer as well. It
/// needs a browser and nothing else: no server, no network, no installation. Typing updates the
/// tokens, the maps of all heads and the next tokens; a second sentence stands beside the first.
/// Heads can be ablated, weights dragged, and activations swapped between the two.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun page runs/quickstart
  sisun page runs/quickstart --out class.html --text \"The cat sat on the mat.\"
  sisun page runs/quickstart-ko --language ko --weights float16
  sisun page models/gpt2 --text \"The cat sat on the mat.\" --weights int8

A page holds models of up to 130 million parameters. Its size is about 5.4 bytes for each parameter
in float32, 4 in float24, 2.7 in float16 and 1.4 in int8.")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints (the best is used unless you name one), or a Hugging
    /// Face directory
    run: PathBuf,
    /// The text that the page opens with [default: the run's attend.text]
    #[arg(long, value_name = "TEXT", value_parser = given_text::argument)]
    text: Option<String>,
    #[command(flatten)]
    text_file: TextFile,
    /// The file to write, a .html file, which replaces an earlier page
    #[arg(long, value_name = "FILE", default_value = "model.html")]
    out: PathBuf,
    /// Number format of the weights: float32, float24, float16, or int8 (8 bits, scaled by row). The
    /// page states the error that it causes [default: float32 up to 4 million parameters, float24 up
    /// to 10, float16 up to 20]
    #[arg(long, value_name = "FORMAT")]
    weights: Option<WeightFormat>,
    /// Language that the page opens in: en or ko [default: ko for Korean text, else en]
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Language>,
    /// Print one JSON object: the file, its size, and the format of the weights
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    force: ForceArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    pairs::refuse_run(&args.run, |_| {
        "the page computes decoder-only models; `sisun attend --format html` writes a page of one pair".to_owned()
    })?;
    if args.out.extension().is_none_or(|end| end != "html") {
        return Err(Usage(format!("--out {}: name a .html file", args.out.display())).into());
    }
    // Check before computing.
    if !holds_page(&args.out, "sisun page") {
        args.force.check("--out", &args.out)?;
    }
    make_parent(&args.out)?;
    let precision = PrecisionArgs {
        precision: Precision::Float32,
    };
    let chosen = args.device.choose(|| work::reading(&args.run, precision))?;
    let opened = precision.open(&args.run, &chosen.device)?;
    let loaded = &opened.loaded;
    let given = args.text_file.or(args.text.as_ref())?;
    let Some(text) = given.as_deref().or(opened.attend_text()) else {
        bail!(
            "{} has no attend.text of its own to open with: give a text with --text, as in\n  sisun page {} --text 'YOUR TEXT'",
            opened.kind(),
            shell::path(&args.run)
        );
    };
    args.device.note(&loaded.introduction());
    let tokens = loaded.tokens(text)?;
    loaded.check_length(tokens.len())?;
    args.device.note_form(&loaded.tokenizer, text)?;
    args.device
        .note_length(tokens.len(), loaded.model.config().context_len);
    let (html, format) = live_page(loaded, text, args.language, args.weights)?;
    write_atomic(&args.out, html.as_bytes())?;
    if args.json {
        return say_json(&json!({
            "file": args.out,
            "bytes": html.len(),
            "weights": format.name(),
            "text": text,
            "tokens": tokens,
        }));
    }
    say(&args.out.display().to_string())
}
