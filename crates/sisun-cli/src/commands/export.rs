//! `sisun export`.

use crate::common::DeviceArgs;
use crate::model_source::ModelSource;
use crate::pairs;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_devices::Work;
use sisun_hf::{ExportOptions, Numbers};
use sisun_model::{Count, thousands};
use std::path::PathBuf;

/// Export a model to a directory that Hugging Face's `transformers` can load.
///
/// Models with rotary positions become a LLaMA (with QK-norm a Qwen3, with layer norm a GPT-NeoX),
/// models with learned, sinusoidal or no positions a GPT-2. Models that none of these can represent
/// are refused.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun export runs/quickstart --to quickstart-hf
  sisun export runs/quickstart --to quickstart-hf --dtype bfloat16

Then in Python:
  from transformers import AutoModelForCausalLM, AutoTokenizer
  model = AutoModelForCausalLM.from_pretrained(\"quickstart-hf\")
  tokenizer = AutoTokenizer.from_pretrained(\"quickstart-hf\")")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints, or a Hugging Face directory
    run: PathBuf,
    /// The output directory; it must not exist yet
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Number format of the weights
    #[arg(long, value_enum, default_value = "float32")]
    dtype: Dtype,
    /// Write a tied output head as a separate tensor
    #[arg(long)]
    materialize_head: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Dtype {
    Float32,
    Float16,
    Bfloat16,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let because = "transformers has no class for recurrent encoder–decoders, and the blocks of the others are not \
                   converted to those of Marian or BART; the weights are model.safetensors of each checkpoint";
    pairs::refuse_run(&args.run, because)?;
    let opened = ModelSource::new(
        &args.run,
        &args
            .device
            .choose(|| Some(Work::OnCpu("an export computes nothing")))?
            .device,
    )?;
    let numbers = match args.dtype {
        Dtype::Float32 => Numbers::Float32,
        Dtype::Float16 => Numbers::Float16,
        Dtype::Bfloat16 => Numbers::Bfloat16,
    };
    let options = ExportOptions {
        numbers,
        materialize_head: args.materialize_head,
    };
    let (loaded, to) = (&opened.loaded, &args.to);
    args.device.note(&loaded.introduction());
    let exported = sisun_hf::export(
        &loaded.model,
        &loaded.tokenizer,
        &opened.companions,
        options,
        to,
    )?;
    if args.json {
        return say_json(&json!({
            "to": to,
            "architecture": exported.architecture,
            "dtype": numbers.name(),
            "parameters": exported.parameters,
            "bytes": exported.bytes,
        }));
    }
    let ours = Count::of(loaded.model.config()).total;
    if exported.parameters as u64 > ours {
        args.device.note(&format!(
            "note: the model has {} parameters; {} has more parts, and is written with some of them twice or with constants, so that it computes the same",
            thousands(ours),
            exported.architecture
        ));
    }
    let (to, parameters) = (
        to.display().to_string(),
        thousands(exported.parameters as u64),
    );
    say(&format!(
        "{to}: {} of {parameters} parameters in {}",
        exported.architecture,
        numbers.name()
    ))?;
    say(&format!(
        "in Python: AutoModelForCausalLM.from_pretrained({to:?}), AutoTokenizer.from_pretrained({to:?})"
    ))
}
