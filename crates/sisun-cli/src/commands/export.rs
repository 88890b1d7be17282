//! `sisun export`.

use crate::common::DeviceArgs;
use crate::model_source::ModelSource;
use crate::pairs;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_config::{Position, RopeScaling};
use sisun_devices::Work;
use sisun_hf::{ExportOptions, Exported, Numbers};
use sisun_model::{Count, Run, thousands};
use sisun_seq2seq::n_params;
use std::path::PathBuf;

/// Export a model to a directory that Hugging Face's `transformers` can load.
///
/// Models with rotary positions become a LLaMA (with QK-norm a Qwen3, with layer norm a GPT-NeoX),
/// models with learned, sinusoidal or no positions a GPT-2. A transformer encoder–decoder becomes a
/// Marian or, with norms before each part, a Pegasus. Models that none of these can represent are
/// refused.
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

impl Dtype {
    fn numbers(self) -> Numbers {
        match self {
            Self::Float32 => Numbers::Float32,
            Self::Float16 => Numbers::Float16,
            Self::Bfloat16 => Numbers::Bfloat16,
        }
    }
}

pub(crate) fn run(args: Args) -> Result<()> {
    let options = ExportOptions {
        numbers: args.dtype.numbers(),
        materialize_head: args.materialize_head,
    };
    if let Some(run) = pairs::run_of(&args.run) {
        return export_pairs(&args, &run, options);
    }
    let opened = ModelSource::new(
        &args.run,
        &args
            .device
            .choose(|| Some(Work::OnCpu("an export computes nothing")))?
            .device,
    )?;
    let (loaded, to) = (&opened.loaded, &args.to);
    args.device.note(&loaded.introduction());
    let exported = sisun_hf::export(
        &loaded.model,
        &loaded.tokenizer,
        &opened.companions,
        options,
        to,
    )?;
    let ours = Count::of(loaded.model.config()).total;
    if let Position::Rope {
        scaling:
            Some(RopeScaling::Dynamic {
                original_context_len,
                ..
            }),
        ..
    } = loaded.model.config().position
        && original_context_len < loaded.model.config().context_len
    {
        args.device.note(&format!(
            "note: config.json says max_position_embeddings = {original_context_len}, where dynamic scaling begins, and not the model's context of {}; transformers computes longer texts all the same",
            loaded.model.config().context_len
        ));
    }
    tell(&args, &exported, ours, |to| {
        format!(
            "AutoModelForCausalLM.from_pretrained({to:?}), AutoTokenizer.from_pretrained({to:?})"
        )
    })
}

/// Export the model of a sequence-to-sequence run.
fn export_pairs(args: &Args, run: &Run, options: ExportOptions) -> Result<()> {
    let loaded = pairs::open(run, &args.device)?;
    let exported = sisun_hf::export_pairs(&loaded.model, &loaded.tokenizers, options, &args.to)?;
    let config = run.seq2seq_config()?.seq2seq;
    let ours = n_params(&config, loaded.model.vocabularies());
    tell(
        args,
        &exported,
        u64::try_from(ours).unwrap_or(u64::MAX),
        |to| {
            let target = args.to.join("target").display().to_string();
            format!(
                "AutoModelForSeq2SeqLM.from_pretrained({to:?}), AutoTokenizer.from_pretrained({to:?}) for sources and \
             AutoTokenizer.from_pretrained({target:?}) for targets"
            )
        },
    )
}

/// Tell what was written: `ours` is the number of parameters of the model, and `in_python` says how it is
/// opened.
fn tell(
    args: &Args,
    exported: &Exported,
    ours: u64,
    in_python: impl FnOnce(&str) -> String,
) -> Result<()> {
    let dtype = args.dtype.numbers();
    if args.json {
        return say_json(&json!({
            "to": args.to,
            "architecture": exported.architecture,
            "dtype": dtype.name(),
            "parameters": exported.parameters,
            "bytes": exported.bytes,
        }));
    }
    if exported.parameters as u64 > ours {
        args.device.note(&format!(
            "note: the model has {} parameters; {} has more parts, and is written with some of them twice or with constants, so that it computes the same",
            thousands(ours),
            exported.architecture
        ));
    }
    let (to, parameters) = (
        args.to.display().to_string(),
        thousands(exported.parameters as u64),
    );
    say(&format!(
        "{to}: {} of {parameters} parameters in {}",
        exported.architecture,
        dtype.name()
    ))?;
    say(&format!("in Python: {}", in_python(&to)))
}
