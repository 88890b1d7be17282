//! `sisun train`.

use crate::base;
use crate::common::DeviceArgs;
use crate::failure::Interrupted;
use crate::progress::Progress;
use crate::terminal::{note, say, say_json, stop_on_interrupt};
use anyhow::Result;
use burn::module::Module;
use serde_json::json;
use sisun_config::{Draft, SampleConfig};
use sisun_data::Tokenizer;
use sisun_infer::maps::{self, Format, PictureOptions};
use sisun_infer::{Generation, InferError, Loaded, Looking, Sampler};
use sisun_model::{Count, Transformer, thousands};
use sisun_train::{Metric, Outcome, Session, TrainError, Watcher, train};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Trains a model as a configuration says.
///
/// Writes everything into one run directory: settings, tokenizer, metrics, checkpoints, samples and a report.
/// Ctrl-C finishes the step and saves.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun train configs/quickstart.toml
  sisun train configs/quickstart.toml --run runs/rope --set model.position=rope
  sisun train configs/quickstart.toml --resume
  sisun train configs/finetune.toml --set finetune.model=models/gpt2")]
pub(crate) struct Args {
    /// The experiment, a TOML file
    config: PathBuf,
    /// The run directory [default: runs/NAME of the configuration]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on from the run's last checkpoint
    #[arg(long)]
    resume: bool,
    /// Change a setting, as in --set train.lr_max=3e-4
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Print the outcome as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let draft = Draft::read(&args.config, &args.set)?;
    let run_dir = match args.run {
        Some(run_dir) => run_dir,
        None => Path::new("runs").join(draft.name()?),
    };
    let mut progress = |line: &str| args.device.note(line);
    let (mut session, chosen);
    if args.resume {
        chosen = args.device.choose()?;
        session = Session::resume(draft, &run_dir, &chosen, &mut progress)?;
    } else {
        let base = draft.base()?;
        let config = match &base {
            Some(path) => draft.complete(&base::describe(path)?)?,
            None => draft.finish()?,
        };
        Session::check_vacant(&run_dir)?;
        chosen = args.device.choose()?;
        if let Some(path) = base.as_ref().filter(|path| sisun_hf::is_model(path)) {
            sisun_hf::notes(path)?.iter().for_each(|note| args.device.note(&format!("note: {note}")));
        }
        let start = base.map(|path| base::open(&path, &chosen.device)).transpose()?;
        session = Session::start(config, start, &run_dir, &chosen, &mut progress)?;
    }
    args.device.note(&describe(&session));

    let mut watcher = Screen::new(&session, args.device.quiet);
    let outcome = train(
        &mut session,
        &mut watcher,
        &*stop_on_interrupt("finishing this step and saving; press Ctrl-C again to quit at once")?,
    );
    watcher.progress.finish();
    let outcome = outcome?;

    let how_to_go_on = format!("sisun train {} --run {} --resume", args.config.display(), run_dir.display());
    if outcome.interrupted {
        note(&format!(
            "stopped after step {}; saved in {}\nto go on: {how_to_go_on}",
            outcome.step,
            outcome.checkpoint.display()
        ));
        return Err(Interrupted.into());
    }
    let maps = write_maps(&session, &outcome)?;
    if args.json {
        say_json(&json!({
            "run": run_dir,
            "step": outcome.step,
            "validation": outcome.validation,
            "best": outcome.best.map(|(step, loss)| json!({ "step": step, "loss": loss })),
            "checkpoint": outcome.checkpoint,
            "maps": maps,
            "elapsed_s": outcome.elapsed_s,
        }))
    } else {
        tell(&session, &outcome, watcher.last_sample.as_deref(), maps.as_deref())
    }
}

fn describe(session: &Session) -> String {
    let (model, corpus) = (&session.config.model, &session.corpus);
    let total = thousands(Count::of(model).total);
    let finetune = session.config.finetune.as_ref().map_or(String::new(), |finetune| {
        let how = finetune.lora.map_or(String::new(), |lora| format!(" (LoRA, rank {})", lora.rank));
        let trained = thousands(session.trained_parameters());
        format!("\nfrom: {}; trains {trained} of {total} parameters{how}", finetune.model.display())
    });
    let at = if session.step() > 0 { format!(", from step {}", thousands(session.step())) } else { String::new() };
    format!(
        "text: {} tokens to learn from, {} held out, {} kinds\nmodel: {} parameters, {} layers × {} heads, {} positions{finetune}\nrun: {}{at}",
        thousands(corpus.train.len() as u64),
        thousands(corpus.validation.len() as u64),
        thousands(corpus.tokenizer.vocab_size() as u64),
        total,
        model.n_layers,
        model.n_heads,
        model.position.name(),
        session.run_dir.display(),
    )
}

/// Shows a run on the terminal and lets the model write on the way.
struct Screen {
    progress: Progress,
    tokenizer: Tokenizer,
    sample: Option<SampleConfig>,
    seed: u64,
    last_sample: Option<String>,
}

impl Screen {
    fn new(session: &Session, quiet: bool) -> Self {
        let config = &session.config;
        let tokenizer = session.corpus.tokenizer.clone();
        Self {
            progress: Progress::new(quiet, session.step(), config.train.steps),
            tokenizer,
            sample: config.sample.clone(),
            seed: config.train.seed,
            last_sample: None,
        }
    }

    fn write(&self, sample: &SampleConfig, step: u64, model: &Transformer) -> Result<String, InferError> {
        let loaded = Loaded::new(String::new(), Some(step), model.valid(), self.tokenizer.clone());
        let how = Generation {
            tokens: sample.tokens,
            sampler: Sampler {
                temperature: sample.temperature,
                top_k: sample.top_k,
                seed: self.seed,
                ..Sampler::default()
            },
            stop: Vec::new(),
            number: 0,
        };
        let written = loaded.generate(&sample.prompt, &how, &mut |_| ControlFlow::Continue(()))?;
        Ok(format!("{}{}", sample.prompt, written.text))
    }
}

impl Watcher for Screen {
    fn stepped(&mut self, step: u64) {
        self.progress.stepped(step);
    }

    fn measured(&mut self, metric: &Metric) {
        self.progress.measured(metric);
    }

    fn sample(&mut self, step: u64, model: &Transformer) -> Result<Option<String>, TrainError> {
        let Some(sample) = &self.sample else { return Ok(None) };
        let text = self.write(sample, step, model).map_err(|error| TrainError::Watcher(error.to_string()))?;
        let opening: String = text.chars().take(80).map(|c| if c == '\n' { ' ' } else { c }).collect();
        self.progress.show(&format!("step {step:>6}  “{}…”", opening.trim_end()));
        self.last_sample = Some(text.clone());
        Ok(Some(text))
    }
}

/// Writes the maps that `[attend]` asks for, of the model after its last step.
fn write_maps(session: &Session, outcome: &Outcome) -> Result<Option<PathBuf>> {
    let Some(attend) = &session.config.attend else { return Ok(None) };
    let folder = session.run_dir.join("maps");
    let name = session.config.name.clone();
    let loaded = Loaded::new(name, Some(outcome.step), session.model().valid(), session.corpus.tokenizer.clone());
    let found = loaded.attend(&attend.text, &Looking::default())?;
    maps::write(&found, &folder, &[Format::Png, Format::Npz], &PictureOptions::default())?;
    Ok(Some(folder))
}

fn tell(session: &Session, outcome: &Outcome, sample: Option<&str>, maps: Option<&Path>) -> Result<()> {
    if let Some(sample) = sample {
        say(&format!("\n{}\n", sample.trim_end()))?;
    }
    if let Some(validation) = &outcome.validation {
        let bits = validation.bits_per_byte.map_or(String::new(), |bits| format!(", {bits:.3} bits per byte"));
        say(&format!(
            "validation loss {:.4} (perplexity {:.2}{bits}) after {} steps in {:.0} s",
            validation.loss,
            validation.perplexity,
            thousands(outcome.step),
            outcome.elapsed_s
        ))?;
    }
    let run = session.run_dir.display();
    if let Some(maps) = maps {
        say(&format!("attention maps: {}", maps.join("heads.png").display()))?;
    }
    say(&format!("report:         {run}/report.html"))?;
    let prompt = session.config.sample.as_ref().map_or("…", |sample| sample.prompt.as_str());
    say(&format!("\nnext: sisun sample {run} --prompt {prompt:?}"))?;
    say(&format!("      sisun attend {run} --text \"…\" --out maps"))
}
