//! Errors of Hugging Face directories.

use sisun_config::ErrorKind;
use sisun_data::DataError;
use sisun_files::Holder;
use sisun_model::ModelError;
use std::path::{Path, PathBuf};

/// An error, its location, and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HfError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A JSON file with missing or wrong contents.
    #[error("{}: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The key and the problem with it.
        problem: String,
    },
    /// A feature of `transformers` that Sisun does not have.
    #[error("{}: {key} = {value} is not supported; {supported}", path.display())]
    Unsupported {
        /// The `config.json`.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// The supported values.
        supported: &'static str,
    },
    /// Sizes or settings out of range.
    #[error("{} describes no model that can be built: {problem}", path.display())]
    Config {
        /// The `config.json`.
        path: PathBuf,
        /// The setting that is out of range.
        problem: String,
    },
    /// Weights as pickled Python objects, which run code when they are read.
    #[error(
        "{} is a pickled file, which can run code when it is read, and is never opened; convert it where you trust it: python -c \"from transformers import AutoModelForCausalLM as M; M.from_pretrained('{dir}').save_pretrained('{dir}')\"",
        path.display(), dir = dir.display()
    )]
    Pickled {
        /// The file.
        path: PathBuf,
        /// The directory it is in.
        dir: PathBuf,
    },
    /// A file of a model in place of its directory.
    #[error("{} is one of a model's files: name the folder that it is in, {}", path.display(), dir.display())]
    NotADirectory {
        /// The file.
        path: PathBuf,
        /// The directory it is in.
        dir: PathBuf,
    },
    /// A directory without weights.
    #[error("{} holds no weights: neither model.safetensors nor model.safetensors.index.json", dir.display())]
    NoWeights {
        /// The directory.
        dir: PathBuf,
    },
    /// A file that is not safetensors, is cut short, or has a wrong header.
    #[error("{} is not a whole safetensors file: {problem}", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// The reader's message.
        problem: String,
    },
    /// An index whose files are missing or not in the directory.
    #[error("{} does not fit its files:\n  {}", path.display(), problems.join("\n  "))]
    Index {
        /// The index.
        path: PathBuf,
        /// Each file or tensor with its problem.
        problems: Vec<String>,
    },
    /// Tensors that do not fit `config.json`.
    #[error("the weights in {} do not fit its config.json:\n  {}", dir.display(), problems.join("\n  "))]
    Tensors {
        /// The directory.
        dir: PathBuf,
        /// Every missing, extra or misshapen tensor.
        problems: Vec<String>,
    },
    /// A missing tokenizer, or one of an older format.
    #[error(
        "{} holds no tokenizer.json; make one: python -c \"from transformers import AutoTokenizer as T; T.from_pretrained('{}').save_pretrained('{}')\"",
        dir.display(), dir.display(), dir.display()
    )]
    NoTokenizer {
        /// The directory.
        dir: PathBuf,
    },
    /// A model that none of `transformers` computes.
    #[error("none of the models of transformers that Sisun writes (GPT-2, GPT-NeoX, LLaMA, Qwen3) computes what this one does:\n  {}", problems.join("\n  "))]
    NoCounterpart {
        /// Each setting, with the reason.
        problems: Vec<String>,
    },
    /// An encoder–decoder that no class of `transformers` computes.
    #[error("neither of the encoder–decoders of transformers that Sisun writes (Marian with norms after, Pegasus with norms before each part) computes what this one does:\n  {}\nthe weights are in model.safetensors of each checkpoint, each named by its part", problems.join("\n  "))]
    NoPairsCounterpart {
        /// Each setting, with the reason.
        problems: Vec<String>,
    },
    /// A directory that already exists.
    #[error("{} is there already", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// A directory that another process is writing.
    #[error(
        "{} is being written by {}",
        path.display(), holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process, if known.
        holder: Option<Holder>,
    },
    /// A number outside the range of float16.
    #[error(
        "{name} holds {value}, past float16's largest number, 65504: write bfloat16 or float32"
    )]
    PastFloat16 {
        /// The parameter.
        name: String,
        /// The number.
        value: f32,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// An error of the tokenizer.
    #[error(transparent)]
    Data(#[from] DataError),
    /// An error of the model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl HfError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Io { .. }
            | Self::NotADirectory { .. }
            | Self::NoWeights { .. }
            | Self::NoTokenizer { .. }
            | Self::Exists { .. }
            | Self::InUse { .. }
            | Self::Write { .. } => ErrorKind::FileSystem,
            Self::Json { .. }
            | Self::Unsupported { .. }
            | Self::Config { .. }
            | Self::Pickled { .. }
            | Self::BadWeights { .. }
            | Self::Index { .. }
            | Self::Tensors { .. }
            | Self::NoCounterpart { .. }
            | Self::NoPairsCounterpart { .. }
            | Self::PastFloat16 { .. } => ErrorKind::Data,
            Self::Data(error) => error.kind(),
            Self::Model(error) => error.kind(),
        }
    }
}

impl HfError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        |source| Self::Io {
            path: path.to_owned(),
            source,
        }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<'_> {
        |source| Self::Write {
            path: path.to_owned(),
            source,
        }
    }
}
