//! What can go wrong with a model, its files and its device.

use crate::bytes::Bytes;
use sisun_config::{ConfigError, ErrorKind};
use std::path::PathBuf;

/// What is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The configuration is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration does not say how many tokens there are.
    #[error("model.vocab_size is missing: state it, or train with a tokenizer, which sets it")]
    NoVocabulary,
    /// A sequence longer than the learned positions.
    #[error(
        "{len} tokens are more than the {context_len} learned positions (model.context_len): give a shorter text, or train with a position that has no table"
    )]
    PastTable {
        /// Tokens of the sequence.
        len: usize,
        /// Rows of the table.
        context_len: usize,
    },
    /// What would take more memory than there is.
    #[error("{what} needs about {needed} of memory, and {available} can be had here: {remedy}")]
    TooLarge {
        /// What needs it.
        what: String,
        /// About so much.
        needed: Bytes,
        /// What is there.
        available: Bytes,
        /// What to do.
        remedy: String,
    },
    /// No such activation.
    #[error("unknown activation {name:?}; known: {known}")]
    UnknownActivation {
        /// What was asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// `read`, `write`, …
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A weights file that is not safetensors, or is cut short.
    #[error("{} is not a whole safetensors file: {problem}", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        problem: String,
    },
    /// Weights that do not fit the configuration.
    #[error("the weights in {} do not fit the configuration:\n  {}", path.display(), problems.join("\n  "))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Every missing, extra or misshapen tensor.
        problems: Vec<String>,
    },
    /// A path that is neither a run nor a checkpoint.
    #[error("{} is not a run: {problem}", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
        /// What is missing.
        problem: String,
    },
    /// A checkpoint whose files are not what was written.
    #[error("checkpoint {} is damaged: {problem}; {remedy}", path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        problem: String,
        /// The checkpoint to use instead, if there is one.
        remedy: String,
    },
    /// A file of a run that decides what its weights compute is not what they were trained with.
    #[error("{} was altered since the checkpoint was written ({what}): restore it from a copy", path.display())]
    AlteredRunFile {
        /// The file.
        path: PathBuf,
        /// What of it.
        what: &'static str,
    },
    /// The weights that a run's adapters are added to are not what was written.
    #[error("{} {problem}, and the checkpoints hold only what is added to it; restore it from a copy, or train again", path.display())]
    DamagedBase {
        /// The file.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
    /// A device that is not there.
    #[error("--device {wanted}: {problem}")]
    NoDevice {
        /// What was asked for.
        wanted: String,
        /// Why it cannot be had, and what can.
        problem: String,
    },
}

impl ModelError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_)
            | Self::BadWeights { .. }
            | Self::Mismatch { .. }
            | Self::NotARun { .. }
            | Self::Damaged { .. }
            | Self::AlteredRunFile { .. }
            | Self::DamagedBase { .. } => ErrorKind::Data,
            Self::NoVocabulary | Self::UnknownActivation { .. } => ErrorKind::Usage,
            Self::PastTable { .. } => ErrorKind::Input,
            Self::TooLarge { .. } | Self::NoDevice { .. } => ErrorKind::Machine,
            Self::Io { .. } => ErrorKind::FileSystem,
        }
    }
}

impl ModelError {
    /// An I/O error with its path.
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}
