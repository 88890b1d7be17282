//! Errors of models, their files and devices.

use crate::bytes::Bytes;
use crate::near_runs::did_you_mean;
use sisun_config::{ConfigError, ErrorKind};
use sisun_files::WriteError;
use std::path::PathBuf;

/// An error: the problem, its location, and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The configuration is out of range.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The configuration has no vocabulary size.
    #[error("model.vocab_size is missing: state it, or train with a tokenizer, which sets it")]
    NoVocabulary,
    /// A sequence exceeds the learned positions.
    #[error(
        "{len} tokens are more than the {context_len} learned positions (model.context_len): give a shorter text, or train with a position that has no table"
    )]
    PastTable {
        /// Length of the sequence in tokens.
        len: usize,
        /// Number of rows in the table.
        context_len: usize,
    },
    /// A computation needs more memory than is available.
    #[error("{what} needs about {needed} of memory, and {available} can be had here: {remedy}")]
    TooLarge {
        /// The computation.
        what: String,
        /// Approximate bytes needed.
        needed: Bytes,
        /// Bytes available.
        available: Bytes,
        /// Suggested remedy.
        remedy: String,
    },
    /// A tensor exceeds the largest buffer of an adapter.
    #[error(
        "{what} needs a buffer of {needed}, and {adapter} has {limit} at most: {remedy}, or compute on the CPU"
    )]
    PastLimit {
        /// The tensor, with the settings that determine its size.
        what: Box<str>,
        /// Bytes needed.
        needed: Bytes,
        /// Name of the adapter.
        adapter: Box<str>,
        /// Bytes of its largest buffer.
        limit: Bytes,
        /// Suggested remedy.
        remedy: &'static str,
    },
    /// The name of an activation is unknown.
    #[error("unknown activation {name:?}; known: {known}")]
    UnknownActivation {
        /// The requested name.
        name: String,
        /// All known names.
        known: String,
    },
    /// A file or folder cannot be read or written.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// The operation: `read`, `write`, …
        action: &'static str,
        /// The path.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A weights file is not valid safetensors or is truncated.
    #[error("{} is not a whole safetensors file: {problem}", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// The problem found.
        problem: String,
    },
    /// The weights do not match the configuration.
    #[error("the weights in {} do not fit the configuration:\n  {}", path.display(), problems.join("\n  "))]
    Mismatch {
        /// The file.
        path: PathBuf,
        /// Every missing, unexpected or wrongly shaped tensor.
        problems: Vec<String>,
    },
    /// A path is neither a run nor a checkpoint.
    #[error("{} is not a run: {problem}", path.display())]
    NotARun {
        /// The path.
        path: PathBuf,
        /// The missing part.
        problem: String,
    },
    /// The path of a run does not exist.
    #[error("{} is not a run: no such folder{}", path.display(), did_you_mean(path))]
    NoSuchRun {
        /// The path.
        path: PathBuf,
    },
    /// A run of another kind of model than the caller takes.
    #[error("{} is a run of a {found}, and this takes a {taken}", path.display())]
    OtherKind {
        /// The run.
        path: PathBuf,
        /// The kind of its model.
        found: &'static str,
        /// The kind that is taken.
        taken: &'static str,
    },
    /// The files of a checkpoint do not match their recorded checksums.
    #[error("checkpoint {} is damaged: {problem}; {remedy}", path.display())]
    Damaged {
        /// The checkpoint.
        path: PathBuf,
        /// The difference.
        problem: String,
        /// The intact checkpoint to use instead, if there is one.
        remedy: String,
    },
    /// A file that determines what the weights compute differs from the one the run was trained
    /// with.
    #[error("{} was altered since the checkpoint was written ({what}): restore it from a copy", path.display())]
    AlteredRunFile {
        /// The file.
        path: PathBuf,
        /// The altered part.
        what: &'static str,
    },
    /// The base weights of a run's adapters do not match their recorded checksum.
    #[error("{} {problem}, and the checkpoints hold only what is added to it; restore it from a copy, or train again", path.display())]
    DamagedBase {
        /// The file.
        path: PathBuf,
        /// The difference.
        problem: String,
    },
    /// A device is not available.
    #[error("device {wanted}: {problem}")]
    NoDevice {
        /// The requested device.
        wanted: String,
        /// The reason, and the available devices.
        problem: String,
    },
}

impl From<WriteError> for ModelError {
    fn from(WriteError { path, source }: WriteError) -> Self {
        Self::Io {
            action: "write",
            path,
            source,
        }
    }
}

impl ModelError {
    /// Return the kind of error, so that a caller can decide how to react.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config(_)
            | Self::BadWeights { .. }
            | Self::Mismatch { .. }
            | Self::NotARun { .. }
            | Self::NoSuchRun { .. }
            | Self::Damaged { .. }
            | Self::AlteredRunFile { .. }
            | Self::DamagedBase { .. } => ErrorKind::Data,
            Self::OtherKind { .. } | Self::NoVocabulary | Self::UnknownActivation { .. } => {
                ErrorKind::Usage
            }
            Self::PastTable { .. } => ErrorKind::Input,
            Self::TooLarge { .. } | Self::PastLimit { .. } | Self::NoDevice { .. } => {
                ErrorKind::Machine
            }
            Self::Io { .. } => ErrorKind::FileSystem,
        }
    }
}

impl ModelError {
    /// Return a function that wraps an I/O error with its path.
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
