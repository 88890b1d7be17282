//! `sisun train`.

mod language;
mod pairs;
mod place;
mod screen;
mod shown;
mod watch;

use crate::base;
use crate::common::{DeviceArgs, folder_beside};
use crate::failure::Interrupted;
use crate::given_config::with_init;
use crate::hints::train::with_hint;
use crate::run_report;
use crate::signals::stop_on_interrupt;
use crate::terminal::{note, say, say_json};
use crate::train_commands::TrainCommand;
use crate::watching::State;
use crate::work;
use anyhow::{Error, Result};
use place::{Place, looks_like};
use screen::Screen;
use serde_json::json;
use shown::Shown;
use sisun_config::{Experiment, PartialConfig, shell};
use sisun_data::DataError;
use sisun_files::{Holder, LockedDir, Patience, RunDir, is_file};
use sisun_model::{Transformer, thousands};
use sisun_seq2seq::Seq2Seq;
use sisun_train::{Session, TrainError, TrainOutcome, hold_new, hold_run, train};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use watch::{WatchArgs, Watching};

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
  sisun train configs/quickstart.toml --watch
  sisun train --resume runs/rope
  sisun train --resume runs/rope --set train.steps=2000
  sisun train configs/finetune.toml --set finetune.model=models/gpt2
  sisun train configs/dates-gru.toml")]
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
    watch: WatchArgs,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: Args) -> Result<()> {
    let options = args.device.typed(args.json);
    args.watch.check()?;
    let place = Place::of(args.config, args.run, args.resume, &options)?;
    if let (true, Some(run), false) = (
        place.resumes,
        &place.run,
        looks_like(&place.config, is_file)?,
    ) {
        // The run has no settings, so there is nothing to wait for.
        drop(hold_run(run, Patience::Refuse)?);
    }
    let draft = PartialConfig::read(&place.config, &args.set)
        .map_err(|error| with_init(error, "train", &place.config))?;
    let (config, named) = (place.config.clone(), place.run.clone());
    let run_dir = match place.run {
        Some(run_dir) => run_dir,
        None => Path::new("runs").join(draft.name()?),
    };
    let resumes = place.resumes;
    let command = TrainCommand {
        // A run that is there has its own.
        config: (resumes && place.config != RunDir::new(&run_dir).config())
            .then(|| place.config.clone()),
        set: args.set.clone(),
        options,
    };
    let recipe = |error: TrainError| match beside(&error, &config, named.as_deref(), &command) {
        Some(message) => Error::new(error).context(message),
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
    let watching = Cell::new(args.watch.listen()?);
    let shown = Shows {
        watching,
        device: &args.device,
        json: args.json,
        run_dir: &run_dir,
        command: &command,
    };
    let mut progress = |line: &str| args.device.note(line);
    let hold = |held: Result<LockedDir, TrainError>| {
        let held = held.map_err(|error| with_hint(error, &command))?;
        args.device.note_ineffective_lock(&held);
        Ok::<_, Error>(held)
    };
    match (draft.is_seq2seq(), resumes) {
        (false, true) => {
            let held = hold(hold_run(&run_dir, patience))?;
            let chosen = args.device.choose(|| work::resumed(&run_dir))?;
            let session = Session::<Transformer>::resume(draft, held, &chosen, &mut progress);
            shown.train(session.map_err(|error| with_hint(error, &command))?)
        }
        (true, true) => {
            let held = hold(hold_run(&run_dir, patience))?;
            let chosen = args.device.choose(|| Some(work::PAIRS))?;
            let session = Session::<Seq2Seq>::resume(draft, held, &chosen, &mut progress);
            shown.train(session.map_err(|error| with_hint(error, &command))?)
        }
        (false, false) => {
            let base = draft.base()?;
            let config = match &base {
                Some(path) => draft.complete(&base::describe(path)?)?,
                None => draft.finish()?,
            };
            let held = hold(hold_new(&run_dir, patience))?;
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
            let session =
                Session::<Transformer>::start(config, start, held, &chosen, &mut progress);
            shown.train(session.map_err(recipe)?)
        }
        (true, false) => {
            let config = draft.finish_seq2seq()?;
            let held = hold(hold_new(&run_dir, patience))?;
            let chosen = args.device.choose(|| Some(work::PAIRS))?;
            let session = Session::<Seq2Seq>::start(config, (), held, &chosen, &mut progress);
            shown.train(session.map_err(recipe)?)
        }
    }
}

/// The output of the command about a run.
struct Shows<'a> {
    /// What is to be watched; taken when the run begins.
    watching: Cell<Watching>,
    device: &'a DeviceArgs,
    json: bool,
    run_dir: &'a Path,
    command: &'a TrainCommand,
}

impl Shows<'_> {
    /// Train until the end, and report the outcome.
    fn train<M: Shown>(&self, mut session: Session<M>) -> Result<()> {
        self.device.note(&M::describe(&session));
        for (key, why) in M::settings_without_effect(&session.config) {
            self.device
                .note(&format!("note: {key} has no effect {why}"));
        }
        let needs = M::needs(&session);
        let watch = self.watching.take().start(&session)?;
        let mut observer = Screen::new(&session, needs.clone(), self.device.quiet, watch);
        let outcome = train(
            &mut session,
            &mut observer,
            &*stop_on_interrupt(
                "finishing this step and saving; press Ctrl-C again to quit at once",
            )?,
        );
        observer.progress.finish();
        let (state, problem) = match &outcome {
            Ok(outcome) if outcome.interrupted => (State::Interrupted, String::new()),
            Ok(_) => (State::Finished, String::new()),
            Err(error) => (State::Failed, error.to_string()),
        };
        let watch = observer.watch.take();
        let replay = watch.and_then(|watch| watch.end(state, &problem, self.device));
        let outcome = outcome.map_err(|error| with_hint(error, self.command))?;
        run_report::write(&session)?;

        if outcome.interrupted {
            note(&format!(
                "stopped after step {}; saved in {}\nto go on: {}",
                outcome.step,
                outcome.checkpoint.display(),
                self.command.plain_resume(self.run_dir),
            ));
            return Err(Interrupted.into());
        }
        let sound = outcome.check(&session);
        let maps = if sound.is_ok() {
            M::write_maps(&session, &outcome)?
        } else {
            None
        };
        if maps.is_some() {
            // It links them.
            run_report::write(&session)?;
        }
        if self.json {
            say_json(&json!({
                "run": self.run_dir,
                "step": outcome.step,
                "validation": outcome.validation,
                "best": outcome.best.map(|(step, loss)| json!({ "step": step, "loss": loss })),
                "checkpoint": outcome.checkpoint,
                "maps": maps,
                "replay": replay,
                "elapsed_s": outcome.elapsed_s,
                "needs": needs.json(observer.expected_s),
            }))?;
        } else {
            tell(
                &session,
                &outcome,
                observer.last_sample.as_deref(),
                maps.as_deref(),
                replay.as_deref(),
            )?;
        }
        sound.map_err(|error| with_hint(error, self.command))
    }
}

/// Describe the error of a missing text with the command that finds it, if its relative path is
/// valid from the folder of the configuration.
fn beside(
    error: &TrainError,
    config: &Path,
    run: Option<&Path>,
    command: &TrainCommand,
) -> Option<String> {
    let TrainError::Data(DataError::Missing { path, .. }) = error else {
        return None;
    };
    let folder = folder_beside(config, path)?;
    let run = run.map_or_else(String::new, |run| {
        let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
        format!(" --run {}", shell::path(&run))
    });
    let again: String = command
        .set
        .iter()
        .map(|set| format!(" --set {}", shell::word(set)))
        .chain([command.options()])
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

fn tell<M: Shown>(
    session: &Session<M>,
    outcome: &TrainOutcome,
    sample: Option<&str>,
    maps: Option<&Path>,
    replay: Option<&Path>,
) -> Result<()> {
    if let Some(sample) = sample {
        say(&format!("\n{}\n", sample.trim_end()))?;
    }
    if let Some(validation) = &outcome.validation {
        let bits = validation
            .bits_per_byte
            .map_or(String::new(), |bits| format!(", {bits:.3} bits per byte"));
        let exact = validation.exact_match.map_or(String::new(), |exact| {
            format!(", {:.2} % exact", 100.0 * exact)
        });
        let part = session
            .config
            .train()
            .eval_windows
            .map_or(String::new(), |windows| {
                let there = M::evaluated(session);
                let all = if there < windows { "all " } else { "" };
                format!(
                    "; on {all}{} {} of the validation split",
                    thousands(there as u64),
                    M::WINDOWS
                )
            });
        say(&format!(
            "validation loss {:.4} (perplexity {:.2}{bits}{exact}{part}) after {} steps in {:.0} s",
            validation.loss,
            validation.perplexity,
            thousands(outcome.step),
            outcome.elapsed_s
        ))?;
        if let Some((step, loss)) = outcome.best.filter(|(step, _)| *step != outcome.step) {
            say(&format!(
                "lowest loss:    {loss:.4} after {} steps; sample, attend and the others use that checkpoint",
                thousands(step)
            ))?;
        }
    }
    if let Some(maps) = maps {
        say(&format!(
            "attention maps: {}",
            maps.join(M::overview()).display()
        ))?;
    }
    say(&format!(
        "report:         {}",
        RunDir::new(&session.run_dir).report().display()
    ))?;
    if let Some(replay) = replay {
        say(&format!("replay:         {}", replay.display()))?;
    }
    for (i, command) in M::next_commands(session).iter().enumerate() {
        let before = if i == 0 { "\nnext: " } else { "      " };
        say(&format!("{before}{command}"))?;
    }
    Ok(())
}
