//! What can go wrong while training.

use sisun_config::ConfigError;
use sisun_data::DataError;
use sisun_model::ModelError;
use std::path::{Path, PathBuf};

/// What went wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
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
    /// A run directory that exists already.
    #[error("{} exists already: go on with it by --resume, or choose another place with --run DIR", path.display())]
    RunExists {
        /// The directory.
        path: PathBuf,
    },
    /// A run directory whose start was cut off.
    #[error(
        "{} was begun but never saved: delete it and start again, or choose another place with --run DIR",
        path.display()
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
    /// `--resume` without a run.
    #[error("there is no run to resume in {}: leave --resume out to start it", path.display())]
    NothingToResume {
        /// The directory.
        path: PathBuf,
    },
    /// A line of a run's metrics that is none, and not the last, which a process that is killed leaves cut.
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
        "cannot resume {}: the configuration has changed in {}; use the old settings, or start a new run with --run DIR",
        path.display(), changes.join(", ")
    )]
    ConfigChanged {
        /// The run.
        path: PathBuf,
        /// `key (old → new)` for each.
        changes: Vec<String>,
    },
    /// The run's own text is not there.
    #[error("the text that {} was trained on cannot be read: {source}; restore it, or name another text where a command takes --data", path.display())]
    NoText {
        /// The run.
        path: PathBuf,
        /// Why.
        source: DataError,
    },
    /// The run's own text is another than the one it was trained on.
    #[error(
        "this is not the text that {} was trained on: {change}; restore it, start a new run with --run DIR, or name a text with --data where a command takes one",
        path.display()
    )]
    DataChanged {
        /// The run.
        path: PathBuf,
        /// What is known of the difference.
        change: String,
    },
    /// A run that is already over.
    #[error("{} has done all of its {steps} steps; raise them with --set train.steps=N to go on", path.display())]
    Finished {
        /// The run.
        path: PathBuf,
        /// Its steps.
        steps: u64,
    },
    /// A vocabulary smaller than the tokenizer's.
    #[error("model.vocab_size = {stated} is less than the tokenizer's {needed} tokens; leave the key out, or raise it")]
    SmallVocabulary {
        /// What the configuration says.
        stated: usize,
        /// What the tokenizer needs.
        needed: usize,
    },
    /// A loss that is no number any more.
    #[error(
        "the loss became {loss} at step {step} with learning rate {lr:.3e} and gradient norm {grad_norm}; {}; lower train.lr_max, or lengthen train.warmup_steps",
        last_good.as_ref().map_or("there is no checkpoint before it".to_owned(), |path| format!("the last good checkpoint is {}", path.display()))
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
        /// The newest checkpoint.
        last_good: Option<PathBuf>,
    },
    /// The watcher could not do its part.
    #[error("{0}")]
    Watcher(String),
}

impl TrainError {
    /// An I/O error with its path.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }
}
