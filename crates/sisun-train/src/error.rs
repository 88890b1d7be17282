//! Errors of training.

use crate::advice::{Change, Typed};
use sisun_config::{ConfigError, ErrorKind, shell};
use sisun_data::DataError;
use sisun_files::{Holder, LockError};
use sisun_model::ModelError;
use sisun_model::fault::Fault;
use std::path::{Path, PathBuf};

/// An error: the problem, its location, and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The configuration is invalid.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The text or the tokenizer cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model, its checkpoints or its device cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A file of the run cannot be written or read.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation: `read`, `write`, …
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// Another process is training in the run directory.
    #[error(
        "{} is being trained by {}: choose another place with --run DIR, or go on with it when it is done\nto wait and go on: {}",
        path.display(), holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string), typed.wait(path)
    )]
    InUse {
        /// The run directory.
        path: PathBuf,
        /// The other process, if known.
        holder: Option<Holder>,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The run directory exists already.
    #[error("{} exists already{}", path.display(), match done {
        None => format!(": choose another place with --run DIR, or go on with it\nto go on: {}", typed.that_may_change().resume(path)),
        Some(steps) => format!(
            ", and has done all of its {steps} steps: choose another place with --run DIR, or train it longer\nto train it longer: {}",
            typed.that_may_change().longer(path, *steps)
        ),
    })]
    RunExists {
        /// The run directory.
        path: PathBuf,
        /// The number of its steps, if it has done all of them.
        done: Option<u64>,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The path for a new run is already in use by something else.
    #[error("{} is there already and is no run: choose another place with --run DIR, or an empty folder", path.display())]
    PlaceTaken {
        /// The path.
        path: PathBuf,
    },
    /// The run directory was left before its first checkpoint.
    #[error(
        "{} was begun but never saved, so that there is nothing to go on from: delete it and start again, or choose another place with --run DIR\nto delete it: rm -r {}",
        path.display(), shell::path(path)
    )]
    NeverBegan {
        /// The run directory.
        path: PathBuf,
    },
    /// The tokenizer cannot encode a text of the configuration.
    #[error("{key}: {source}")]
    Text {
        /// Key of the text.
        key: &'static str,
        /// The characters that cannot be encoded.
        source: DataError,
    },
    /// The text of `[attend]` exceeds the learned positions.
    #[error(
        "attend.text: its {tokens} tokens are more than the {context_len} learned positions (model.context_len): give a shorter attend.text, or train with a position that has no table"
    )]
    LongText {
        /// Number of tokens in the text.
        tokens: usize,
        /// Number of learned positions.
        context_len: usize,
    },
    /// A source of the configuration is longer than the model reads.
    #[error(
        "{key}: its {tokens} tokens are more than seq2seq.max_source_len = {longest}: give a shorter source, or raise that"
    )]
    LongSource {
        /// Key of the source.
        key: &'static str,
        /// Number of tokens of the source.
        tokens: usize,
        /// Length of the longest source that the model reads.
        longest: usize,
    },
    /// `--resume` names a path that is not a run.
    #[error("there is no run to resume in {}{}: name another, or start one with a configuration and without --resume", path.display(), sisun_model::did_you_mean(path))]
    NothingToResume {
        /// The path.
        path: PathBuf,
    },
    /// A line of the metrics is damaged. The last line is exempt: it is truncated if the process is
    /// killed.
    #[error(
        "line {line} of {} is damaged ({problem}): restore the file, or delete the line, and with it what it measured",
        path.display()
    )]
    DamagedMetrics {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// Description of the damage.
        problem: String,
    },
    /// `--resume` with settings that may not change.
    #[error(
        "cannot resume {} with other settings: {} may not change on the way\nto go on as it is: {}{}",
        path.display(), list(changes), typed.plain_resume(path), instead(way.as_deref())
    )]
    ConfigChanged {
        /// The run directory.
        path: PathBuf,
        /// The settings that differ.
        changes: Vec<Change>,
        /// The command that starts a new run with these settings, if there is one.
        way: Option<String>,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The training text of the run cannot be read.
    #[error("the text that {} was trained on cannot be read: {source}; restore it, or name another text where a command takes --data{}", path.display(), elsewhere(started_in.as_deref()))]
    NoText {
        /// The run directory.
        path: PathBuf,
        /// The cause.
        source: DataError,
        /// Directory where the run was started, if it is not the current one.
        started_in: Option<PathBuf>,
    },
    /// The text differs from the one the run was trained on.
    #[error(
        "this is not the text that {} was trained on: {change}; restore it, or name a text with --data where a command takes one{}{}",
        path.display(), elsewhere(started_in.as_deref()), way.as_ref().map_or_else(String::new, |way| instead(Some(way)))
    )]
    DataChanged {
        /// The run directory.
        path: PathBuf,
        /// Description of the difference.
        change: String,
        /// True if the run's tokenizer cannot encode the text.
        unwritable: bool,
        /// On resume: directory where the run was started, if it is not the current one.
        started_in: Option<PathBuf>,
        /// On resume: the command that starts a run on this text.
        way: Option<String>,
    },
    /// `--resume` in a directory from which the text is not found.
    #[error(
        "{source}{}\nto go on: {}",
        elsewhere(Some(started_in)),
        typed.elsewhere(path, started_in)
    )]
    DataElsewhere {
        /// Absolute path of the run.
        path: PathBuf,
        /// Directory where the run was started.
        started_in: PathBuf,
        /// The missing text.
        source: Box<DataError>,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// `--resume` of a run whose newest checkpoint is damaged but an older one is intact.
    #[error(
        "checkpoint {} is damaged: {problem}; the newest that is whole is {}, which the run goes on from when what is damaged is deleted\nto go on: {}",
        damaged.first().unwrap_or(path).display(), whole.display(), typed.without_damaged(path, damaged)
    )]
    DamagedNewest {
        /// The run directory.
        path: PathBuf,
        /// The damaged checkpoints, newest first.
        damaged: Vec<PathBuf>,
        /// Damage of the newest checkpoint.
        problem: String,
        /// The newest intact checkpoint.
        whole: PathBuf,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The run directory was moved or removed during training.
    #[error(
        "{} was moved or removed while it was trained, after step {step}: move it back or go on with it where it is; what was saved is there",
        path.display()
    )]
    Moved {
        /// Original path.
        path: PathBuf,
        /// Steps completed.
        step: u64,
    },
    /// A device's thread has failed; [`crate::train`] returns [`TrainError::DeviceFailed`] instead.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The device failed during training: it was lost, or its memory did not suffice.
    #[error(
        "{name} failed after step {step}: {fault}; the run stops, and {}\nto go on on the CPU: {}",
        saved.as_ref().map_or_else(
            || "nothing was saved yet".to_owned(),
            |saved| format!("its last checkpoint is {}", saved.display()),
        ),
        typed.resume_on_cpu(path)
    )]
    DeviceFailed {
        /// Name of the adapter, with its driver.
        name: Box<str>,
        /// The fault.
        fault: Box<Fault>,
        /// Steps that were begun; results of the last ones were not read.
        step: u64,
        /// The run directory.
        path: PathBuf,
        /// The last checkpoint.
        saved: Option<PathBuf>,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The requested number of steps is below the steps already completed.
    #[error("{} has done {steps} steps already, so that train.steps = {asked} cannot be: name more\nto train it longer: {}", path.display(), typed.longer(path, *steps))]
    StepsAlreadyDone {
        /// The run directory.
        path: PathBuf,
        /// Steps completed.
        steps: u64,
        /// Requested number of steps.
        asked: u64,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The run is already complete.
    #[error("{} has done all of its {steps} steps\nto train it longer: {}", path.display(), typed.longer(path, *steps))]
    Finished {
        /// The run directory.
        path: PathBuf,
        /// Number of steps.
        steps: u64,
        /// The command-line arguments.
        typed: Box<Typed>,
    },
    /// The vocabulary size is smaller than the tokenizer's.
    #[error(
        "model.vocab_size = {stated} is less than the tokenizer's {needed} tokens; leave the key out, or raise it"
    )]
    SmallVocabulary {
        /// Size in the configuration.
        stated: usize,
        /// Size of the tokenizer's vocabulary.
        needed: usize,
    },
    /// A loss or a gradient norm is not finite.
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
        /// Learning rate of the step.
        lr: f64,
        /// Global norm of the gradient.
        grad_norm: f64,
        /// The newest checkpoint with finite weights that is older than the weights that gave this;
        /// if none is kept, the newest with finite weights.
        last_good: Option<PathBuf>,
        /// The command that retries with a lower learning rate.
        way: String,
    },
    /// An update produced weights that are not finite.
    #[error(
        "step {step} left weights that are not finite ({tensor}), and they are not saved; {}; a run that goes on keeps its learning rate, so begin one with a lower train.lr_max, or with train.grad_clip\nwith a tenth of the learning rate: {way}",
        good(last_good.as_deref())
    )]
    NonFiniteWeights {
        /// The step, counted from 1.
        step: u64,
        /// Name of an affected tensor.
        tensor: String,
        /// The newest checkpoint with finite weights.
        last_good: Option<PathBuf>,
        /// The command that retries with a lower learning rate.
        way: String,
    },
    /// The initial weights are not finite.
    #[error(
        "the weights to start from are not finite ({tensor}): start from others with finetune.model, or from a smaller model.init_std"
    )]
    NonFiniteStart {
        /// Name of an affected tensor.
        tensor: String,
    },
    /// The validation loss after the last step is not finite.
    #[error(
        "the validation loss after the last step, {step}, is {loss}, though the weights are finite: its activations overflow; everything is saved in {}{}; begin a run with a lower train.lr_max\nwith a tenth of the learning rate: {way}",
        path.display(), best.map_or_else(String::new, |(step, loss)| format!(" (the best checkpoint, of step {step}, has {loss:.4})"))
    )]
    NonFiniteValidation {
        /// The last step.
        step: u64,
        /// The loss.
        loss: f64,
        /// The run directory.
        path: PathBuf,
        /// Step and loss of the best earlier evaluation.
        best: Option<(u64, f64)>,
        /// The command that retries with a lower learning rate.
        way: String,
    },
    /// The observer failed.
    #[error("{0}")]
    Observer(String),
}

impl TrainError {
    /// Return the kind of error, so that a caller can decide how to react.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_)
            | Self::LongText { .. }
            | Self::LongSource { .. }
            | Self::ConfigChanged { .. }
            | Self::StepsAlreadyDone { .. }
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
            Self::Fault(_) | Self::DeviceFailed { .. } => ErrorKind::Machine,
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
            LockError::Folder { path, source } => Self::Io {
                action: "make the folder",
                path,
                source,
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
    /// Return the same error with `what` in its suggested commands.
    #[must_use]
    pub fn typed(mut self, what: &Typed) -> Self {
        match &mut self {
            Self::InUse { typed, .. }
            | Self::RunExists { typed, .. }
            | Self::DataElsewhere { typed, .. }
            | Self::StepsAlreadyDone { typed, .. }
            | Self::DeviceFailed { typed, .. }
            | Self::Finished { typed, .. }
            | Self::DamagedNewest { typed, .. } => **typed = what.clone(),
            Self::ConfigChanged { typed, way, .. } => {
                **typed = what.clone();
                way.iter_mut().for_each(|way| *way += &what.options());
            }
            Self::DataChanged { way: Some(way), .. }
            | Self::NonFinite { way, .. }
            | Self::NonFiniteWeights { way, .. }
            | Self::NonFiniteValidation { way, .. } => *way += &what.options(),
            _ => {}
        }
        self
    }

    /// Return a function that wraps an I/O error with its path.
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
