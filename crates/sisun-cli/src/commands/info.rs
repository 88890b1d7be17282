//! `sisun info`.

use crate::base;
use crate::common::DeviceArgs;
use crate::failure::Usage;
use crate::given_config::with_init;
use crate::needs::{Needs, memory_of};
use crate::terminal::{say, say_json};
use crate::units::{bytes, flops};
use crate::vocabulary;
use anyhow::{Context, Result};
use serde_json::json;
use sisun_config::{Described, LoraConfig, ModelConfig, OptimizerKind, PartialConfig, TrainConfig};
use sisun_devices::Work;
use sisun_files::{RunDir, is_folder, look, write_atomic};
use sisun_infer::Language;
use sisun_model::{BEST, Count, LAST, Run, thousands};
use sisun_train::Trial;
use sisun_viz::diagram::{diagram, diagram_svg};
use sisun_viz::maps::svg_to_png;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Count a model's parameters, memory and floating-point operations, and what training it needs.
///
/// Nothing is allocated, so this works for GPT-3's shape too; --diagram draws it. With --measure a few steps are timed on
/// random tokens; nothing is written.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun info configs/gpt3.toml
  sisun info configs/quickstart.toml --set model.n_layers=12
  sisun info configs/quickstart.toml --measure
  sisun info configs/quickstart.toml --diagram quickstart.svg
  sisun info runs/quickstart --json")]
pub(crate) struct Args {
    /// A run directory, one of its checkpoints, a Hugging Face directory, or a TOML file with a
    /// [model] or [seq2seq]
    what: PathBuf,
    /// Change a setting, as in --set model.n_heads=8
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Time a few training steps, to tell how long training takes here
    #[arg(long)]
    measure: bool,
    /// Draw the model into this file, .svg or .png: its parts, their shapes and parameters
    #[arg(long, value_name = "FILE", value_parser = picture)]
    diagram: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let mut notes = Vec::new();
    let (mut train, mut lora) = (None, None);
    let (name, model) = if sisun_hf::is_model(&args.what)? {
        notes = sisun_hf::notes(&args.what)?;
        let (name, model) = sisun_hf::describe(&args.what)?;
        (name, model.with(&args.set)?)
    } else {
        let is_folder = is_folder(&args.what)
            .with_context(|| format!("cannot read {}", args.what.display()))?;
        // `checkpoints/last` and `checkpoints/best` are files.
        let is_pointer = [BEST, LAST].iter().any(|name| args.what.ends_with(name));
        let file = match (is_folder, Run::open(&args.what)) {
            (true, run) => RunDir::new(run?.root()).config(),
            (false, Ok(run)) if is_pointer => RunDir::new(run.root()).config(),
            (false, Err(error)) if is_absent(&args.what)? => return Err(error.into()),
            (false, _) => args.what.clone(),
        };
        let draft = PartialConfig::read(&file, &args.set)
            .map_err(|error| with_init(error, "info", &file))?;
        if draft.is_seq2seq() {
            if args.measure {
                return Err(Usage(
                    "--measure times language models: leave it out for a sequence-to-sequence model"
                        .to_owned(),
                )
                .into());
            }
            if args.diagram.is_some() {
                return Err(Usage(
                    "--diagram draws language models: leave it out for a sequence-to-sequence model"
                        .to_owned(),
                )
                .into());
            }
            let run = Run::open(&args.what).ok();
            let config = draft.finish_seq2seq()?;
            return crate::pairs::info(&config, run.as_ref(), args.json, &args.device);
        }
        let Described {
            name,
            mut model,
            tokenizer,
            data,
            train: options,
            lora: adapters,
        } = read(&file, &args.set)?;
        (train, lora) = (options, adapters);
        // Count everything else without the embedding's rows, and note that they are missing.
        if let Err(why) = vocabulary::settle(&mut model, tokenizer.as_ref(), data.as_ref()) {
            args.device.note(&format!(
                "note: counted without the embedding's rows and the head's: {why:#}"
            ));
        }
        (name, model)
    };
    let (needs, seconds) = needs(&model, train.as_ref(), lora, &args)?;
    // Without a [train] table, the default optimizer applies.
    let optimizer = train
        .as_ref()
        .map_or(OptimizerKind::Adamw, |train| train.optimizer);
    let count = Count::of_training(&model, optimizer, lora);
    if let Some(file) = &args.diagram {
        draw(file, &name, &model)?;
    }
    if args.json {
        return say_json(&json!({
            "name": name, "model": model, "optimizer": optimizer, "lora": lora, "count": count, "notes": notes,
            "diagram": args.diagram, "needs": needs.map(|needs| needs.json(seconds)),
        }));
    }
    let heads = if model.kv_heads() == model.n_heads {
        format!("{} heads", model.n_heads)
    } else {
        format!(
            "{} heads ({} for keys and values)",
            model.n_heads,
            model.kv_heads()
        )
    };
    say(&format!(
        "{name}: {} layers × {heads}, d_model {}, d_head {}, d_ff {}, context {}, {} positions",
        model.n_layers,
        model.d_model,
        model.d_head(),
        model.ff_width(),
        model.context_len,
        model.position.name()
    ))?;
    for note in notes {
        say(&format!("note: {note}"))?;
    }
    say("")?;
    let vocabulary = match model.vocab_size {
        Some(size) => format!("embedding ({} tokens)", thousands(size as u64)),
        None => "embedding (vocabulary not known)".to_owned(),
    };
    let head = if model.tied_head {
        "head (tied: the embedding's)"
    } else {
        "head"
    };
    let rows = [
        (vocabulary.as_str(), count.embedding),
        ("positions", count.position),
        ("attention: q, k, v, o", count.attention_weights),
        ("attention: biases, norms of q and k", count.attention_other),
        ("feed-forward: weights", count.ffn_weights),
        ("feed-forward: biases", count.ffn_other),
        ("norms", count.norms),
        (head, count.head),
        ("total parameters", count.total),
    ];
    for (what, n) in rows {
        say(&format!("  {what:<38}{:>18}", thousands(n)))?;
    }
    say("")?;
    let by = match (optimizer, lora) {
        (OptimizerKind::Adamw, _) => "AdamW",
        (OptimizerKind::Muon, None) => "Muon and AdamW",
        (OptimizerKind::Muon, Some(_)) => "Muon",
    };
    let mut sizes = vec![("weights in float32".to_owned(), bytes(count.weight_bytes))];
    if let Some(LoraConfig { rank, .. }) = lora {
        sizes.push((
            format!("trained parameters (LoRA, rank {rank})"),
            thousands(count.trained),
        ));
    }
    sizes.extend([
        (
            format!("training state (weights, gradients, {by})"),
            bytes(count.training_bytes),
        ),
        (
            "keys and values of a full context".to_owned(),
            bytes(count.kv_cache_bytes),
        ),
        (
            "work per token, forward".to_owned(),
            flops(count.forward_flops_per_token),
        ),
        (
            "work per token, training".to_owned(),
            flops(count.training_flops_per_token),
        ),
    ]);
    for (what, size) in sizes {
        say(&format!("  {what:<52}{size:>12}"))?;
    }
    if let Some(needs) = needs {
        say(&format!("\ntraining needs: {}", needs.in_words(seconds)))?;
    }
    match &args.diagram {
        Some(file) => say(&format!("\n{}", file.display())),
        None => Ok(()),
    }
}

/// Parse the name of a picture, whose ending is its format.
fn picture(given: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(given);
    match is_png(&path) {
        Some(_) => Ok(path),
        None => Err("name a file that ends in .svg or .png".to_owned()),
    }
}

/// Return true for a PNG file and false for an SVG file, by their endings.
fn is_png(path: &Path) -> Option<bool> {
    let ending = path.extension()?.to_str()?.to_lowercase();
    match ending.as_str() {
        "png" => Some(true),
        "svg" => Some(false),
        _ => None,
    }
}

/// Draw the diagram of a model into a file.
fn draw(file: &Path, name: &str, model: &ModelConfig) -> Result<()> {
    let drawn = diagram_svg(&diagram(model, Language::English), name);
    let bytes = match is_png(file) {
        Some(true) => svg_to_png(&drawn, "the diagram")?,
        _ => drawn.into_bytes(),
    };
    Ok(write_atomic(file, &bytes)?)
}

/// Return true if there is no such file or folder, and its name is not that of a configuration.
fn is_absent(path: &Path) -> Result<bool> {
    let found = look(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(found.is_none() && path.extension().is_none_or(|ending| ending != "toml"))
}

/// Return the needs of training, if the file has a `[train]`, and its seconds, if `--measure` asks
/// for them.
fn needs(
    model: &ModelConfig,
    train: Option<&TrainConfig>,
    lora: Option<LoraConfig>,
    args: &Args,
) -> Result<(Option<Needs>, Option<f64>)> {
    let Some(train) = train else {
        return match args.measure {
            true => Err(Usage(
                "--measure times training steps: name a run, or a configuration with a [train]"
                    .to_owned(),
            )
            .into()),
            false => Ok((None, None)),
        };
    };
    let needs = Needs::of(model, train, lora, 0, None);
    if !args.measure {
        return Ok((Some(needs), None));
    }
    if model.vocab_size.is_none() {
        return Err(Usage(
            "--measure needs the size of the vocabulary: state it with --set model.vocab_size=N"
                .to_owned(),
        )
        .into());
    }
    let device = args
        .device
        .choose(|| Some(Work::training(model, train, lora, 0)))?
        .device;
    memory_of(model, train, lora).check(&device)?;
    let trial = Trial::run(model, train, lora, &device, Duration::from_secs(1))?;
    let seconds = trial.seconds(train, train.eval_windows.unwrap_or(0));
    Ok((Some(needs), Some(seconds)))
}

/// Read the model of a file, which may inherit it from the model that it fine-tunes.
fn read(file: &Path, set: &[String]) -> Result<Described> {
    let draft = PartialConfig::read(file, set)?;
    match draft.base()?.filter(|_| !draft.is_complete()) {
        Some(path) => Ok(draft.complete(&base::describe(&path)?)?.into()),
        None => Ok(Described::read(file, set)?),
    }
}
