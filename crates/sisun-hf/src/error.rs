//! What can be wrong with a Hugging Face directory.

use sisun_data::DataError;
use sisun_files::Holder;
use sisun_model::ModelError;
use std::path::{Path, PathBuf};

/// What is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum HfError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A JSON file that does not say what it has to.
    #[error("{}: {problem}", path.display())]
    Json {
        /// The file.
        path: PathBuf,
        /// The key and what was found there.
        problem: String,
    },
    /// Something of `transformers` that Sisun has no counterpart for.
    #[error("{}: {key} = {value} is not supported; {supported}", path.display())]
    Unsupported {
        /// The `config.json`.
        path: PathBuf,
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
        /// What is.
        supported: &'static str,
    },
    /// Sizes or settings out of range.
    #[error("{} describes no model that can be built: {problem}", path.display())]
    Config {
        /// The `config.json`.
        path: PathBuf,
        /// What is out of range.
        problem: String,
    },
    /// Weights as Python objects, which run code when they are read.
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
    /// A file of a model where its directory is meant.
    #[error("{} is one of a model's files: name the folder that it is in, {}", path.display(), dir.display())]
    NotADirectory {
        /// The file.
        path: PathBuf,
        /// The directory it is in.
        dir: PathBuf,
    },
    /// No weights at all.
    #[error("{} holds no weights: neither model.safetensors nor model.safetensors.index.json", dir.display())]
    NoWeights {
        /// The directory.
        dir: PathBuf,
    },
    /// A file that is not safetensors, or is cut short, or whose header lies.
    #[error("{} is not a whole safetensors file: {problem}", path.display())]
    BadWeights {
        /// The file.
        path: PathBuf,
        /// What the reader found.
        problem: String,
    },
    /// An index whose files are not there or not in the directory.
    #[error("{} does not fit its files:\n  {}", path.display(), problems.join("\n  "))]
    Index {
        /// The index.
        path: PathBuf,
        /// Each file or tensor with what is wrong.
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
    /// No tokenizer, or one of the older formats.
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
        /// Each setting, and why not.
        problems: Vec<String>,
    },
    /// A directory that is there already.
    #[error("{} is there already: name another with --to, or remove it", path.display())]
    Exists {
        /// The directory.
        path: PathBuf,
    },
    /// A directory that another process writes.
    #[error(
        "{} is being written by {}: wait until it is done, or name another with --to",
        path.display(), holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string)
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Which process, if it is told.
        holder: Option<Holder>,
    },
    /// A number that float16 has no room for.
    #[error(
        "{name} holds {value}, past float16's largest number, 65504: write it with --dtype bfloat16 or float32"
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
        /// Why.
        source: std::io::Error,
    },
    /// The tokenizer itself.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The model.
    #[error(transparent)]
    Model(#[from] ModelError),
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
