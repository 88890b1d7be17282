//! What can go wrong while training.

use crate::advice::{self, Change, Typed};
use sisun_config::{ConfigError, ErrorKind, shell};
use sisun_data::DataError;
use sisun_files::{Holder, LockError};
use sisun_model::ModelError;
use std::path::{Path, PathBuf};

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The text or the tokenizer.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model, its checkpoints or its device.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file of the run cannot be written or read.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A run directory in which another process trains.
    #[error(
        "{} is being trained by {}: choose another place with --run DIR, or go on with it when it is done\nto wait and go on: {}",
        path.display(), holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string), typed.wait(path)
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Which process, if it is told.
        holder: Option<Holder>,
        /// What was typed.
        typed: Box<Typed>,
    },
    /// A run directory that exists already.
    #[error("{} exists already: choose another place with --run DIR, or go on with it\nto go on: {}", path.display(), typed.resume(path))]
    RunExists {
        /// The directory.
        path: PathBuf,
        /// What was typed.
        typed: Box<Typed>,
    },
    /// A place for a run that holds something else.
    #[error("{} is there already and is no run: choose another place with --run DIR, or an empty folder", path.display())]
    PlaceTaken {
        /// The place.
        path: PathBuf,
    },
    /// A run directory whose start was cut off.
    #[error(
        "{} was begun but never saved, so that there is nothing to go on from: delete it and start again, or choose another place with --run DIR\nto delete it: rm -r {}",
        path.display(), shell::path(path)
    )]
    NeverBegan {
        /// The directory.
        path: PathBuf,
    },
    /// A text of the configuration that the tokenizer cannot write.
    #[error("{key}: {source}")]
    Text {
        /// The key.
        key: &'static str,
        /// Which characters.
        source: DataError,
    },
    /// A text to look at that is longer than the model can read.
    #[error(
        "attend.text: its {tokens} tokens are more than the {context_len} learned positions (model.context_len): give a shorter attend.text, or train with a position that has no table"
    )]
    LongText {
        /// Its tokens.
        tokens: usize,
        /// The positions.
        context_len: usize,
    },
    /// `--resume` without a run.
    #[error("there is no run to resume in {}: name another, or start one with a configuration and without --resume", path.display())]
    NothingToResume {
        /// The directory.
        path: PathBuf,
    },
    /// A line of a run's metrics that is none, and not the last, which a process that is killed
    /// leaves cut.
    #[error(
        "line {line} of {} is damaged ({problem}): restore the file, or delete the line, and with it what it measured",
        path.display()
    )]
    DamagedMetrics {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// `--resume` with other settings.
    #[error(
        "cannot resume {} with other settings: {} may not change on the way\nto go on as it is: {}{}",
        path.display(), list(changes), advice::resume(path), instead(way.as_deref())
    )]
    ConfigChanged {
        /// The run.
        path: PathBuf,
        /// What differs.
        changes: Vec<Change>,
        /// The command that begins a run with them, if one can say so.
        way: Option<String>,
    },
    /// The run's own text is not there.
    #[error("the text that {} was trained on cannot be read: {source}; restore it, or name another text where a command takes --data{}", path.display(), elsewhere(started_in.as_deref()))]
    NoText {
        /// The run.
        path: PathBuf,
        /// Why.
        source: DataError,
        /// Where the run was started, if that is another directory than this.
        started_in: Option<PathBuf>,
    },
    /// The run's own text is another than the one it was trained on.
    #[error(
        "this is not the text that {} was trained on: {change}; restore it, or name a text with --data where a command takes one{}{}",
        path.display(), elsewhere(started_in.as_deref()), way.as_ref().map_or_else(String::new, |way| instead(Some(way)))
    )]
    DataChanged {
        /// The run.
        path: PathBuf,
        /// What is known of the difference.
        change: String,
        /// Whether the run's tokenizer cannot write it.
        unwritable: bool,
        /// Of a resume: where the run was started, if that is another directory than this.
        started_in: Option<PathBuf>,
        /// Of a resume: the command that begins a run on this text.
        way: Option<String>,
    },
    /// `--resume` from a directory where the text is not to be found.
    #[error(
        "{source}{}\nto go on: {}",
        elsewhere(Some(started_in)),
        typed.elsewhere(path, started_in)
    )]
    DataElsewhere {
        /// The run, by its full path.
        path: PathBuf,
        /// Where it was started.
        started_in: PathBuf,
        /// What is not here.
        source: Box<DataError>,
        /// What was typed.
        typed: Box<Typed>,
    },
    /// `--resume` of a run whose newest checkpoint is damaged, with a whole one before it.
    #[error(
        "checkpoint {} is damaged: {problem}; the newest that is whole is {}, which the run goes on from when what is damaged is deleted\nto go on: {}",
        damaged.first().unwrap_or(path).display(), whole.display(), typed.without_damaged(path, damaged)
    )]
    DamagedNewest {
        /// The run.
        path: PathBuf,
        /// The damaged checkpoints, newest first.
        damaged: Vec<PathBuf>,
        /// What is wrong with the newest.
        problem: String,
        /// The checkpoint before them.
        whole: PathBuf,
        /// What was typed.
        typed: Box<Typed>,
    },
    /// A run directory that went away while it was trained.
    #[error(
        "{} was moved or removed while it was trained, after step {step}: move it back or go on with it where it is; what was saved is there",
        path.display()
    )]
    Moved {
        /// Where it was.
        path: PathBuf,
        /// Steps done.
        step: u64,
    },
    /// A run that is to end before where it stands.
    #[error("{} has done {steps} steps already, so that train.steps = {asked} cannot be: name more\nto train it longer: {}", path.display(), typed.longer(path, *steps))]
    Behind {
        /// The run.
        path: PathBuf,
        /// Steps done.
        steps: u64,
        /// What was asked for.
        asked: u64,
        /// What was typed.
        typed: Box<Typed>,
    },
    /// A run that is already over.
    #[error("{} has done all of its {steps} steps\nto train it longer: {}", path.display(), typed.longer(path, *steps))]
    Finished {
        /// The run.
        path: PathBuf,
        /// Its steps.
        steps: u64,
        /// What was typed.
        typed: Box<Typed>,
    },
    /// A vocabulary smaller than the tokenizer's.
    #[error(
        "model.vocab_size = {stated} is less than the tokenizer's {needed} tokens; leave the key out, or raise it"
    )]
    SmallVocabulary {
        /// What the configuration says.
        stated: usize,
        /// What the tokenizer needs.
        needed: usize,
    },
    /// A loss or a gradient that is no number any more.
    #[error(
        "{} at step {step} with learning rate {lr:.3e}; {}; a run that goes on keeps its learning rate, so begin one with a lower train.lr_max or a longer train.warmup_steps\nwith a tenth of the learning rate: {way}",
        became(*loss, *grad_norm),
        good(last_good.as_deref())
    )]
    NonFinite {
        /// The step, counted from 1.
        step: u64,
        /// The loss.
        loss: f64,
        /// The learning rate of that step.
        lr: f64,
        /// The global norm of the gradient.
        grad_norm: f64,
        /// The newest checkpoint with finite weights that is older than the weights that gave this;
        /// if none is kept, the newest with finite weights.
        last_good: Option<PathBuf>,
        /// The command that tries again.
        way: String,
    },
    /// An update that left weights which are no numbers.
    #[error(
        "step {step} left weights that are not finite ({tensor}), and they are not saved; {}; a run that goes on keeps its learning rate, so begin one with a lower train.lr_max, or with train.grad_clip\nwith a tenth of the learning rate: {way}",
        good(last_good.as_deref())
    )]
    NonFiniteWeights {
        /// The step, counted from 1.
        step: u64,
        /// A tensor with such numbers.
        tensor: String,
        /// The newest checkpoint whose weights are finite.
        last_good: Option<PathBuf>,
        /// The command that tries again.
        way: String,
    },
    /// Weights to start from that are no numbers.
    #[error(
        "the weights to start from are not finite ({tensor}): start from others with finetune.model, or from a smaller model.init_std"
    )]
    NonFiniteStart {
        /// A tensor with such numbers.
        tensor: String,
    },
    /// A run that ended with a model whose loss is no number.
    #[error(
        "the validation loss after the last step, {step}, is {loss}, though the weights are finite: its activations overflow; everything is saved in {}{}; begin a run with a lower train.lr_max\nwith a tenth of the learning rate: {way}",
        path.display(), best.map_or_else(String::new, |(step, loss)| format!(" (the best checkpoint, of step {step}, has {loss:.4})"))
    )]
    NonFiniteValidation {
        /// The last step.
        step: u64,
        /// The loss.
        loss: f64,
        /// The run.
        path: PathBuf,
        /// The best evaluation before.
        best: Option<(u64, f64)>,
        /// The command that tries again.
        way: String,
    },
    /// The observer could not do its part.
    #[error("{0}")]
    Observer(String),
}

impl TrainError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_)
            | Self::LongText { .. }
            | Self::ConfigChanged { .. }
            | Self::Behind { .. }
            | Self::SmallVocabulary { .. } => ErrorKind::Usage,
            Self::Data(error) => error.kind(),
            Self::Model(error) => error.kind(),
            Self::Io { .. }
            | Self::InUse { .. }
            | Self::RunExists { .. }
            | Self::PlaceTaken { .. }
            | Self::NeverBegan { .. }
            | Self::NothingToResume { .. }
            | Self::Moved { .. }
            | Self::Finished { .. } => ErrorKind::FileSystem,
            Self::Text { .. }
            | Self::NoText { .. }
            | Self::DataChanged { .. }
            | Self::DataElsewhere { .. } => ErrorKind::Input,
            Self::DamagedMetrics { .. }
            | Self::DamagedNewest { .. }
            | Self::NonFinite { .. }
            | Self::NonFiniteWeights { .. }
            | Self::NonFiniteStart { .. }
            | Self::NonFiniteValidation { .. } => ErrorKind::Data,
            Self::Observer(_) => ErrorKind::Caller,
        }
    }
}

impl From<LockError> for TrainError {
    fn from(error: LockError) -> Self {
        match error {
            LockError::Taken { path, holder } => Self::InUse {
                path,
                holder,
                typed: Box::default(),
            },
            LockError::Io { path, source } => Self::Io {
                action: "lock",
                path,
                source,
            },
        }
    }
}

impl TrainError {
    /// The same error, whose remedy says again what was typed.
    #[must_use]
    pub fn typed(mut self, what: &Typed) -> Self {
        match &mut self {
            Self::InUse { typed, .. }
            | Self::RunExists { typed, .. }
            | Self::DataElsewhere { typed, .. }
            | Self::Behind { typed, .. }
            | Self::Finished { typed, .. }
            | Self::DamagedNewest { typed, .. } => **typed = what.clone(),
            _ => {}
        }
        self
    }

    /// An I/O error with its path.
    pub(crate) fn io(
        action: &'static str,
        path: impl AsRef<Path>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

fn list(changes: &[Change]) -> String {
    changes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn instead(way: Option<&str>) -> String {
    way.map_or_else(
        || "; to change them, start a new run with --run DIR".to_owned(),
        |way| format!("\nin a new run: {way}"),
    )
}

fn elsewhere(started_in: Option<&Path>) -> String {
    started_in.map_or_else(String::new, |path| {
        format!(
            "; relative paths start at the working directory, and the run was started in {}",
            path.display()
        )
    })
}

fn became(loss: f64, grad_norm: f64) -> String {
    match loss.is_finite() {
        true => format!("the gradient norm became {grad_norm}, with a loss of {loss:.4},"),
        false => format!("the loss became {loss}, with gradient norm {grad_norm},"),
    }
}

fn good(last_good: Option<&Path>) -> String {
    last_good.map_or_else(
        || "there is no checkpoint before it".to_owned(),
        |path| format!("the last good checkpoint is {}", path.display()),
    )
}
