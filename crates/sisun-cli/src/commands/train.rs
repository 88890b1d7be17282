//! `sisun train`.

mod place;

use crate::base;
use crate::commands::init::FIRST_EXAMPLE;
use crate::common::{DeviceArgs, folder_beside};
use crate::failure::{Interrupted, Usage};
use crate::needs::Needs;
use crate::pace::Plan;
use crate::progress::Progress;
use crate::run_report;
use crate::signals::stop_on_interrupt;
use crate::terminal::{note, say, say_json};
use crate::work;
use anyhow::{Context, Error, Result};
use burn::module::Module;
use place::{Place, looks_like};
use serde_json::json;
use sisun_config::{ConfigError, PartialConfig, SampleConfig, check_pointer, shell};
use sisun_data::{DataError, Tokenizer, Tokens};
use sisun_files::{Holder, Patience, RunDir, is_file};
use sisun_infer::{CaptureSelection, GenerationOptions, InferError, LanguageModel, Sampler};
use sisun_model::{Count, Transformer, thousands};
use sisun_train::advice::Typed;
use sisun_train::{Metric, Session, TrainError, TrainObserver, TrainOutcome, train};
use sisun_viz::maps::{self, Format, PictureOptions};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// Train a model from a configuration, or continue a run.
///
/// Everything is written to one run directory: settings, tokenizer, metrics, checkpoints, samples
/// and a report. Ctrl-C finishes the current step and saves. Only one process at a time can train
/// in a directory.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  sisun train configs/quickstart.toml
  sisun train configs/quickstart.toml --run runs/rope --set model.position=rope
  sisun train --resume runs/rope
  sisun train --resume runs/rope --set train.steps=2000
  sisun train configs/finetune.toml --set finetune.model=models/gpt2")]
pub(crate) struct Args {
    /// The configuration, a TOML file (with --resume: a run directory)
    config: Option<PathBuf>,
    /// The run directory [default: runs/NAME of the configuration]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Continue a run from its last checkpoint, with its own config.toml or another configuration
    #[arg(long, value_name = "RUN", num_args = 0..=1)]
    resume: Option<Option<PathBuf>>,
    /// Wait if another process is training in the directory
    #[arg(long)]
    wait: bool,
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
    let options = args.device.typed(args.json);
    let place = Place::of(args.config, args.run, args.resume, &options)?;
    if let (true, Some(run), false) = (
        place.resumes,
        &place.run,
        looks_like(&place.config, is_file)?,
    ) {
        // The run has no settings, so there is nothing to wait for.
        drop(Session::hold_run(run, Patience::Refuse)?);
    }
    let draft = PartialConfig::read(&place.config, &args.set)
        .map_err(|error| with_init(error, &place.config))?;
    let (config, named) = (place.config.clone(), place.run.clone());
    let run_dir = match place.run {
        Some(run_dir) => run_dir,
        None => Path::new("runs").join(draft.name()?),
    };
    let resumes = place.resumes;
    let typed = Typed {
        // A run that is there has its own.
        config: (resumes && place.config != RunDir::new(&run_dir).config())
            .then(|| place.config.clone()),
        set: args.set.clone(),
        options,
    };
    let recipe = |error: TrainError| match beside(&error, &config, named.as_deref(), &typed) {
        Some(told) => Error::new(error).context(told),
        None => with_recipe(error, &config),
    };
    let mut tell_of = |holder: &Holder| {
        // A run that exists by the time the other process is done is not started again.
        let then = if resumes {
            ""
        } else {
            "; to go on with its run then, say --resume"
        };
        args.device.note(&format!(
            "waiting for {holder}, which trains in {}{then}",
            run_dir.display()
        ));
    };
    let patience = if args.wait {
        Patience::Wait(&mut tell_of)
    } else {
        Patience::Refuse
    };
    for key in draft.former_keys() {
        args.device.note(&format!("note: {key}"));
    }
    let mut progress = |line: &str| args.device.note(line);
    let mut session = if place.resumes {
        let held = Session::hold_run(&run_dir, patience).map_err(|error| error.typed(&typed))?;
        args.device.note_ineffective_lock(&held);
        Session::resume(
            draft,
            held,
            &args.device.choose(|| work::resumed(&run_dir))?,
            &mut progress,
        )
        .map_err(|error| error.typed(&typed))?
    } else {
        let base = draft.base()?;
        let config = match &base {
            Some(path) => draft.complete(&base::describe(path)?)?,
            None => draft.finish()?,
        };
        let held = Session::hold_new(&run_dir, patience).map_err(|error| error.typed(&typed))?;
        args.device.note_ineffective_lock(&held);
        let chosen = args.device.choose(|| Some(work::training(&config)))?;
        if let Some(path) = &base
            && sisun_hf::is_model(path)?
        {
            sisun_hf::notes(path)?
                .iter()
                .for_each(|note| args.device.note(&format!("note: {note}")));
        }
        let start = base
            .map(|path| base::open(&path, &chosen.device, &mut progress))
            .transpose()?;
        Session::start(config, start, held, &chosen, &mut progress).map_err(recipe)?
    };
    args.device.note(&describe(&session));
    for (key, why) in session.config.settings_without_effect() {
        args.device
            .note(&format!("note: {key} has no effect {why}"));
    }

    let needs = Needs::of(
        &session.config.model,
        &session.config.train,
        session.config.lora(),
        session.step(),
        Some(&session.corpus.train),
    );
    let mut observer = Screen::new(&session, needs.clone(), args.device.quiet);
    let outcome = train(
        &mut session,
        &mut observer,
        &*stop_on_interrupt("finishing this step and saving; press Ctrl-C again to quit at once")?,
    );
    observer.progress.finish();
    let outcome = outcome.map_err(|error| error.typed(&typed))?;
    run_report::write(&session)?;

    if outcome.interrupted {
        note(&format!(
            "stopped after step {}; saved in {}\nto go on: {}",
            outcome.step,
            outcome.checkpoint.display(),
            typed.plain_resume(&run_dir),
        ));
        return Err(Interrupted.into());
    }
    let sound = outcome.check(&session);
    let maps = if sound.is_ok() {
        write_maps(&session, &outcome)?
    } else {
        None
    };
    if args.json {
        say_json(&json!({
            "run": run_dir,
            "step": outcome.step,
            "validation": outcome.validation,
            "best": outcome.best.map(|(step, loss)| json!({ "step": step, "loss": loss })),
            "checkpoint": outcome.checkpoint,
            "maps": maps,
            "elapsed_s": outcome.elapsed_s,
            "needs": needs.json(observer.expected_s),
        }))?;
    } else {
        tell(
            &session,
            &outcome,
            observer.last_sample.as_deref(),
            maps.as_deref(),
        )?;
    }
    sound.map_err(|error| error.typed(&typed).into())
}

/// Describe the error of a missing text with the command that finds it, if its relative path is
/// valid from the folder of the configuration.
fn beside(error: &TrainError, config: &Path, run: Option<&Path>, typed: &Typed) -> Option<String> {
    let TrainError::Data(DataError::Missing { path, .. }) = error else {
        return None;
    };
    let folder = folder_beside(config, path)?;
    let run = run.map_or_else(String::new, |run| {
        let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
        format!(" --run {}", shell::path(&run))
    });
    let again: String = typed
        .set
        .iter()
        .map(|set| format!(" --set {}", shell::word(set)))
        .chain([typed.options()])
        .collect();
    Some(format!(
        "{error}; relative paths start at the working directory, and it is there from {}\nfrom there: cd {} && sisun train {}{run}{again}",
        folder.display(),
        shell::path(folder),
        shell::path(Path::new(config.file_name()?)),
    ))
}

/// Add to the error of a missing text the command that creates it, if a comment of the
/// configuration contains it.
fn with_recipe(error: TrainError, config: &Path) -> Error {
    let TrainError::Data(DataError::Missing { path, .. }) = &error else {
        return error.into();
    };
    let name = path.display().to_string();
    let comments = std::fs::read_to_string(config).unwrap_or_default();
    let mut lines = comments
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim()));
    match lines.find(|line| {
        line.starts_with("sisun data ") && line.split_whitespace().any(|word| word == name)
    }) {
        Some(line) => {
            let with_recipe = format!("{error}\nto make it: {line}");
            Error::new(error).context(with_recipe)
        }
        None => error.into(),
    }
}

/// Add the command that writes a configuration to the error of a file that is text, not TOML, or
/// that does not exist: those of the documentation come with a checkout only.
fn with_init(error: ConfigError, config: &Path) -> Error {
    if !config.exists() && config.starts_with("configs") {
        let told = format!(
            "{error}\nconfigs/ comes with the source code\nto see a first example: {FIRST_EXAMPLE}"
        );
        return Error::new(error).context(told);
    }
    let is_text = config.extension().is_some_and(|ending| {
        ["txt", "text", "md", "jsonl", "ndjson"]
            .iter()
            .any(|known| ending == *known)
    });
    let is_pointer = || std::fs::read(config).is_ok_and(|bytes| check_pointer(&bytes).is_err());
    if !is_text || is_pointer() {
        return error.into();
    }
    Usage(format!(
        "{} is a text, and `sisun train` takes a configuration, a TOML file\nto write one for it: sisun init {}",
        config.display(),
        shell::path(config)
    ))
    .into()
}

fn describe(session: &Session) -> String {
    let (model, corpus) = (&session.config.model, &session.corpus);
    let total = thousands(Count::of(model).total);
    let finetune = session
        .config
        .finetune
        .as_ref()
        .map_or(String::new(), |finetune| {
            let adapters = finetune
                .lora
                .map_or(String::new(), |lora| format!(" (LoRA, rank {})", lora.rank));
            let trained = thousands(session.trained_parameters());
            format!(
                "\nfrom: {}; trains {trained} of {total} parameters{adapters}",
                finetune.model.display()
            )
        });
    let at = if session.step() > 0 {
        format!(", from step {}", thousands(session.step()))
    } else {
        String::new()
    };
    format!(
        "text: {} tokens to learn from{}, {} held out{}, {} kinds\nmodel: {} parameters, {} layers × {} heads, {} positions{finetune}\nrun: {}{at}",
        thousands(corpus.train.len() as u64),
        loss_tokens(&corpus.train),
        thousands(corpus.validation.len() as u64),
        loss_tokens(&corpus.validation),
        thousands(corpus.tokenizer.vocab_size() as u64),
        total,
        model.n_layers,
        model.n_heads,
        model.position.name(),
        session.run_dir.display(),
    )
}

/// Describe the number of tokens in the loss, if it is not all of them.
fn loss_tokens(tokens: &Tokens) -> String {
    match tokens.has_loss_mask() {
        true => format!(
            " ({} of them count for the loss)",
            thousands(tokens.loss_tokens() as u64)
        ),
        false => String::new(),
    }
}

/// An observer that shows a run on the terminal and samples from the model during training.
struct Screen {
    progress: Progress,
    tokenizer: Tokenizer,
    sample: Option<SampleConfig>,
    seed: u64,
    last_sample: Option<String>,
    /// Seconds that the session was expected to take when its speed became known.
    expected_s: Option<f64>,
}

impl Screen {
    fn new(session: &Session, needs: Needs, quiet: bool) -> Self {
        let config = &session.config;
        let plan = Plan {
            steps: config.train.steps,
            eval_every: config.train.eval_every,
            sample_every: config.sample.as_ref().map_or(0, |sample| sample.every),
            checkpoint_every: config.train.checkpoint_every,
        };
        let tokenizer = session.corpus.tokenizer.clone();
        Self {
            progress: Progress::new(quiet, session.step(), plan, needs),
            tokenizer,
            sample: config.sample.clone(),
            seed: config.train.seed,
            last_sample: None,
            expected_s: None,
        }
    }

    fn write(
        &self,
        sample: &SampleConfig,
        step: u64,
        model: &Transformer,
    ) -> Result<String, InferError> {
        let loaded = LanguageModel::new(
            String::new(),
            Some(step),
            model.valid(),
            self.tokenizer.clone(),
        );
        let options = GenerationOptions {
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
        let written =
            loaded.generate(&sample.prompt, &options, &mut |_| ControlFlow::Continue(()))?;
        Ok(format!("{}{}", sample.prompt, written.text))
    }
}

impl TrainObserver for Screen {
    fn stepped(&mut self, step: u64) {
        let expected = self.progress.stepped(step);
        self.expected_s = self.expected_s.or(expected);
    }

    fn measured(&mut self, metric: &Metric) {
        self.progress.measured(metric);
    }

    fn sample(&mut self, step: u64, model: &Transformer) -> Result<Option<String>, TrainError> {
        let Some(sample) = &self.sample else {
            return Ok(None);
        };
        let text = match self.write(sample, step, model) {
            Ok(text) => text,
            // The next loss or the last evaluation is not finite either, and is reported with a
            // remedy.
            Err(InferError::NotNumbers { .. }) => {
                self.progress.show(&format!(
                    "step {step:>6}  no sample: the model's scores are no numbers"
                ));
                return Ok(None);
            }
            Err(error) => return Err(TrainError::Observer(error.to_string())),
        };
        let opening: String = text
            .chars()
            .take(80)
            .map(|c| if c == '\n' { ' ' } else { c })
            .collect();
        self.progress
            .show(&format!("step {step:>6}  “{}…”", opening.trim_end()));
        self.last_sample = Some(text.clone());
        Ok(Some(text))
    }
}

/// Write the maps that `[attend]` requests, of the model after its last step.
fn write_maps(session: &Session, outcome: &TrainOutcome) -> Result<Option<PathBuf>> {
    let Some(attend) = &session.config.attend else {
        return Ok(None);
    };
    let folder = RunDir::new(&session.run_dir).maps();
    let name = session.config.name.clone();
    let loaded = LanguageModel::new(
        name,
        Some(outcome.step),
        session.model().valid(),
        session.corpus.tokenizer.clone(),
    );
    let found = loaded.attend(&attend.text, &CaptureSelection::default())?;
    // The folder belongs to the run; the marker file lets `attend --out` write there as well.
    sisun_files::claim_folder(&folder)
        .with_context(|| format!("cannot write into {}", folder.display()))?;
    maps::write(
        &found,
        &folder,
        &[Format::Png, Format::Npz],
        &PictureOptions::default(),
    )?;
    Ok(Some(folder))
}

fn tell(
    session: &Session,
    outcome: &TrainOutcome,
    sample: Option<&str>,
    maps: Option<&Path>,
) -> Result<()> {
    if let Some(sample) = sample {
        say(&format!("\n{}\n", sample.trim_end()))?;
    }
    if let Some(validation) = &outcome.validation {
        let bits = validation
            .bits_per_byte
            .map_or(String::new(), |bits| format!(", {bits:.3} bits per byte"));
        say(&format!(
            "validation loss {:.4} (perplexity {:.2}{bits}) after {} steps in {:.0} s",
            validation.loss,
            validation.perplexity,
            thousands(outcome.step),
            outcome.elapsed_s
        ))?;
    }
    if let Some(maps) = maps {
        say(&format!(
            "attention maps: {}",
            maps.join("heads.png").display()
        ))?;
    }
    say(&format!(
        "report:         {}",
        RunDir::new(&session.run_dir).report().display()
    ))?;
    let run = shell::path(&session.run_dir);
    let opening = opening(session);
    let prompt = session
        .config
        .sample
        .as_ref()
        .map(|sample| sample.prompt.clone())
        .or_else(|| opening.clone());
    let text = session
        .config
        .attend
        .as_ref()
        .map(|attend| attend.text.clone())
        .or(opening);
    if let Some(prompt) = prompt {
        say(&format!(
            "\nnext: sisun sample {run} --prompt={}",
            shell::word(&prompt)
        ))?;
    }
    match text {
        Some(text) => say(&format!(
            "      sisun attend {run} --text={} --out maps",
            shell::word(&text)
        )),
        None => Ok(()),
    }
}

/// Return a text to try the model on: the first question if answers are learnt, else the first
/// words.
fn opening(session: &Session) -> Option<String> {
    const WORDS: usize = 3;
    /// Maximum number of documents searched for a question.
    const LOOKED_AT: usize = 1000;
    let (tokenizer, text) = (&session.corpus.tokenizer, &session.corpus.train);
    let context_len = session.config.model.context_len;
    let mut questions = (0..text.documents().min(LOOKED_AT)).filter_map(|i| {
        let document = text.document(i);
        let start = (document.start + tokenizer.prefix().len()).min(document.end);
        let end = (start..document.end).find(|&at| text.loss_tokens_in(at..at + 1) == 1)?;
        (end > start && end - document.start <= context_len).then_some(start..end)
    });
    if text.has_loss_mask()
        && let Some(question) = questions.next()
    {
        return tokenizer.decode(&text.read(question)).ok();
    }
    let document = text.document(0);
    let from = (document.start + tokenizer.prefix().len()).min(document.end);
    let ids = text.read(from..document.end.min(from + 40));
    // The token that ends the text is not part of it.
    let ids = ids
        .split(|id| Some(*id) == tokenizer.end_of_text())
        .next()?;
    let text = tokenizer.decode(ids).ok()?;
    let words: Vec<&str> = text
        .lines()
        .find(|line| !line.trim().is_empty())?
        .split_whitespace()
        .take(WORDS)
        .collect();
    let opening = words.join(" ");
    tokenizer.encode(&opening).is_ok().then_some(opening)
}
