//! `sisun attend`.

use crate::common::DeviceArgs;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_infer::maps::{self, Format, PictureOptions};
use sisun_infer::{Loaded, Looking, parse_selection};
use sisun_model::Activation;
use std::num::NonZeroU32;
use std::path::PathBuf;

/// Writes the attention maps of a text.
///
/// A map has a row for each query (the token that looks) and a column for each key (the token looked at); each
/// row sums to 1. heads.png shows every head at once, layer5-head0.png one of them.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun attend runs/quickstart --text \"The cat sat on the mat.\" --out maps
  sisun attend runs/quickstart --text \"밥을 먹었다.\" --out maps --format npz,svg --layers 3 --heads 0,2-3
  sisun attend runs/quickstart --text \"The cat\" --out maps --format json --activations pattern,scores,q,k,v,z")]
pub(crate) struct Args {
    /// A run directory, or one of its checkpoints (the best is used unless you name one)
    run: PathBuf,
    /// The text to look at
    #[arg(long, value_name = "TEXT")]
    text: String,
    /// The folder to write into
    #[arg(long, value_name = "DIR", default_value = "maps")]
    out: PathBuf,
    /// What to write: any of png, svg, json, csv, npz, safetensors
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "png,npz")]
    format: Vec<Format>,
    /// Layers to keep, counted from 0, as in 0,2-3 [default: all]
    #[arg(long, value_name = "LIST")]
    layers: Option<String>,
    /// Heads to keep, counted from 0, as in 0,2-3 [default: all]
    #[arg(long, value_name = "LIST")]
    heads: Option<String>,
    /// What to keep of each head: any of pattern, scores, q, k, v, z
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_value = "pattern")]
    activations: Vec<Activation>,
    /// Side of a cell in pixels [default: chosen by the number of tokens]
    #[arg(long, value_name = "PIXELS")]
    cell: Option<NonZeroU32>,
    /// Print one JSON object: tokens and the files written
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let selection = |what, given: Option<&String>| given.map(|given| parse_selection(what, given)).transpose();
    let looking = Looking {
        activations: args.activations.clone(),
        layers: selection("layer", args.layers.as_ref())?,
        heads: selection("head", args.heads.as_ref())?,
    };
    let chosen = args.device.choose()?;
    let loaded = Loaded::open(&args.run, &chosen.device)?;
    args.device.note(&format!("model: {}, step {}", loaded.name, loaded.step));
    let found = loaded.attend(&args.text, &looking)?;
    let context_len = loaded.model.config().context_len;
    if found.tokens.len() > context_len {
        args.device.note(&format!(
            "note: {} tokens are more than the {context_len} the model was trained on; expect less of what lies beyond",
            found.tokens.len()
        ));
    }
    let files = maps::write(&found, &args.out, &args.format, &PictureOptions { cell: args.cell })?;
    if args.json {
        return say_json(&json!({ "text": found.text, "tokens": found.tokens, "files": files }));
    }
    for file in &files {
        say(&file.display().to_string())?;
    }
    Ok(())
}
