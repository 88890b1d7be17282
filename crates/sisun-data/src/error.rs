//! Errors of reading, tokenizing and caching text.

use crate::text::characters::list_characters;
use crate::tokenizer::{END_OF_TEXT, KnownForm, TokenizerKeys, remedy_for_unknown};
use sisun_config::ErrorKind;
use sisun_files::WriteError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// An error of reading, tokenizing or caching text.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DataError {
    /// `data.sources` is empty.
    #[error(
        "data.sources is empty; name at least one file, folder or glob, or `-` for standard input"
    )]
    NoSources,
    /// A source that does not exist.
    #[error("data source `{}` does not exist{}{}", path.display(), did_you_mean(path, suggestion.as_deref()), sisun_config::shell::of_tilde(path))]
    Missing {
        /// The path as it was given.
        path: PathBuf,
        /// The nearest name in the same folder.
        suggestion: Option<PathBuf>,
    },
    /// A symbolic link whose target does not exist.
    #[error("data source `{}` is a link to `{}`, which does not exist: restore that, or remove the link", path.display(), target.display())]
    DeadLink {
        /// The link.
        path: PathBuf,
        /// Its target.
        target: PathBuf,
    },
    /// A glob that is malformed.
    #[error("data source `{pattern}` is not a valid glob: {message}")]
    InvalidGlob {
        /// The glob.
        pattern: String,
        /// The error.
        message: String,
    },
    /// A folder or glob without a single text file.
    #[error(
        "data source `{name}` holds no text files; files ending in .txt, .text, .md, .jsonl or .ndjson are read from a folder, and .json if its records are read; any other file must be named itself"
    )]
    NoFiles {
        /// The folder or glob.
        name: String,
    },
    /// A file, or all of the sources together, without text.
    #[error("`{name}` holds no text")]
    Empty {
        /// The file or sources.
        name: String,
    },
    /// Text that changed between two passes over it.
    #[error(
        "the text changed while it was read ({sources}): nothing was kept of it; start again once it is not written to"
    )]
    TextChanged {
        /// The files.
        sources: String,
    },
    /// A file with a NUL byte.
    #[error("`{}` is a binary file, not text (a NUL byte at byte {offset}){}", path.display(), remedy(hint.as_deref()))]
    Binary {
        /// The file.
        path: PathBuf,
        /// Byte offset of the first NUL.
        offset: u64,
        /// The likely format and its remedy.
        hint: Option<String>,
    },
    /// A file that is not UTF-8.
    #[error("`{}` is not valid UTF-8: byte {offset} (0x{byte:02X}); {remedy}", path.display())]
    InvalidUtf8 {
        /// The file.
        path: PathBuf,
        /// Byte offset of the first invalid sequence.
        offset: u64,
        /// The byte found there.
        byte: u8,
        /// The likely encoding and its remedy.
        remedy: String,
    },
    /// Sources that are all validation text as well.
    #[error(
        "all of data.sources ({name}) is in data.validation as well, so that nothing is left to learn from: name other text to hold out, or leave data.validation out"
    )]
    AllHeldOut {
        /// The sources.
        name: String,
    },
    /// A text with a token for which the model has no row.
    #[error(
        "the text has the token {token:?} (id {id}), but the model has only {rows} rows (0 to {}) and knows no such token: leave it out of the text",
        rows.saturating_sub(1)
    )]
    TokenOutsideModel {
        /// The token.
        token: String,
        /// Its id.
        id: u32,
        /// Rows of the model's embedding.
        rows: usize,
    },
    /// A file beside a tokenizer that should name the tokens that end a text, and is malformed.
    #[error("{}: {problem}", path.display())]
    EosTokenFile {
        /// The file.
        path: PathBuf,
        /// The error.
        problem: String,
    },
    /// A record of JSON lines, or of an array, that is not a JSON object.
    #[error("`{}` line {line}: not a JSON object ({message}): mend the line, or remove it", path.display())]
    JsonLine {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// The error of the parser.
        message: String,
    },
    /// A record whose field is missing or is not a string.
    #[error("`{}` line {line}: {problem}", path.display())]
    JsonField {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// The field, what it holds, and the remedy.
        problem: String,
    },
    /// A pair that cannot be read, or not by these tokenizers or this model.
    #[error("`{}` line {line}: {problem}", path.display())]
    Pair {
        /// The file.
        path: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// The error and its remedy.
        problem: String,
    },
    /// Parallel files that do not have the same number of lines.
    #[error(
        "`{}` has {sources} lines and `{}` has {targets}: line {} of `{}` has no partner; give every line its translation, on the line of the same number", source_file.display(), target_file.display(), sources.min(targets) + 1, if sources > targets { source_file } else { target_file }.display()
    )]
    ParallelLines {
        /// The file with the sources.
        source_file: PathBuf,
        /// Its number of lines.
        sources: u64,
        /// The file with the targets.
        target_file: PathBuf,
        /// Its number of lines.
        targets: u64,
    },
    /// Parallel files that are not as many.
    #[error(
        "{} names {sources} file{} and {} {targets}: name a file of targets for each file of sources, in the same order", keys[0], if *sources == 1 { "" } else { "s" }, keys[1]
    )]
    ParallelFiles {
        /// The settings that name sources and targets.
        keys: [&'static str; 2],
        /// Number of files with sources.
        sources: usize,
        /// Number of files with targets.
        targets: usize,
    },
    /// A file of records, which have both sides, among parallel files.
    #[error(
        "`{}` holds JSON records, which have both a source and a target, but with {targets} each line of a file is a whole text: leave {targets} out, or name a text file with a line for each pair",
        path.display()
    )]
    ParallelRecords {
        /// The file.
        path: PathBuf,
        /// The setting that names files of targets.
        targets: &'static str,
    },
    /// Standard input for both sources and targets.
    #[error("`-` stands in both {} and {}, but standard input can be read only once: name a file in one of them", keys[0], keys[1])]
    StdinTwice {
        /// The settings.
        keys: [&'static str; 2],
    },
    /// Pairs of which none can be held out.
    #[error(
        "the pairs have only one source (`{name}`), so that none can be held out; give more, or name others in pairs.validation"
    )]
    OneSource {
        /// The files.
        name: String,
    },
    /// A generated task that has too few different sources.
    #[error(
        "the task {task} has too few different sources: {found} of {wanted} pairs that are not learnt could be \
         found; ask for fewer pairs, or for longer sources"
    )]
    FewSources {
        /// The task.
        task: String,
        /// Number of pairs to hold out.
        wanted: usize,
        /// Number of those that were found.
        found: usize,
    },
    /// A configured field of JSON lines, although no source holds any.
    #[error(
        "{key} is set, but no source holds JSON lines ({sources}); leave it out to learn plain text, or give files whose lines are JSON objects"
    )]
    NoJsonLines {
        /// The configuration key, with its value.
        key: String,
        /// The sources that are read.
        sources: String,
    },
    /// A validation fraction that is not between 0 and 1.
    #[error("data.validation_fraction is {value}; it must lie between 0 and 1")]
    ValidationFraction {
        /// The value.
        value: f64,
    },
    /// A split shorter than one window.
    #[error("the {split} text has {tokens} tokens, but one window of context_len = {context_len} needs {}; give more text{} a smaller model.context_len{}", context_len + 1, if *split == "validation" { "," } else { " or" }, if *split == "validation" { ", or a larger data.validation_fraction" } else { "" })]
    TooShort {
        /// `training` or `validation`.
        split: &'static str,
        /// Its length in tokens.
        tokens: usize,
        /// The window asked for.
        context_len: usize,
    },
    /// A split on which no loss can be taken.
    #[error("every answer in the {split} text is empty, so that there is nothing to take the loss on; name another field with data.jsonl_answer_field, or leave the key out to take it on all of the text{}", if *split == "validation" { ", or hold out more with data.validation_fraction" } else { "" })]
    NoLossTokens {
        /// `training`, `validation` or `given`.
        split: &'static str,
    },
    /// Several documents, and a tokenizer without a token to end them.
    #[error(
        "the text has several documents but the tokenizer has no end-of-text token; name it as eos_token in a tokenizer_config.json beside the tokenizer, add `{}` to it, or read one single file with data.documents = \"file\"",
        END_OF_TEXT
    )]
    NoEndOfText,
    /// A byte-level vocabulary without room for the 256 bytes.
    #[error("tokenizer.vocab_size is {vocab_size}; the 256 bytes and {specials} special token(s) need at least {}", 256 + specials)]
    VocabTooSmall {
        /// The size asked for.
        vocab_size: usize,
        /// Number of special tokens.
        specials: usize,
    },
    /// A special token that cannot be distinguished from the text around it.
    #[error("tokenizer.specials holds {special:?}, which {problem}")]
    BadSpecial {
        /// The token.
        special: String,
        /// The error.
        problem: &'static str,
    },
    /// A character vocabulary without characters.
    #[error("a character tokenizer needs at least one character")]
    NoCharacters,
    /// Characters outside the vocabulary.
    #[error(
        "the tokenizer has no token for {}: not in its vocabulary; {}",
        list_characters(characters),
        remedy_for_unknown(*form, *keys)
    )]
    UnseenCharacters {
        /// Each of them once, in the order they appear.
        characters: Vec<char>,
        /// The form of the text that the vocabulary knows, if it knows one.
        form: Option<KnownForm>,
        /// The settings that the remedy names.
        keys: TokenizerKeys,
    },
    /// A token id outside the vocabulary.
    #[error("token id {id} is not in the vocabulary of {vocab_size} tokens")]
    UnknownToken {
        /// The id.
        id: u32,
        /// Highest id + 1.
        vocab_size: usize,
    },
    /// A `tokenizer.json` that cannot be read.
    #[error("`{}` is not a usable Hugging Face tokenizer: {message}", path.display())]
    TokenizerFile {
        /// The file.
        path: PathBuf,
        /// The error.
        message: String,
    },
    /// The tokenizer library failed.
    #[error("the tokenizer failed: {message}")]
    Tokenizer {
        /// Its error.
        message: String,
    },
    /// A token cache that cannot be written or read.
    #[error(
        "the token cache cannot be used, at `{}`: {source}; name a folder with room for it in the environment variable SISUN_CACHE_DIR, or in data.cache_dir of a configuration",
        path.display()
    )]
    Cache {
        /// The file or folder of the cache.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// Reading or writing failed.
    #[error("`{}`: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
}

impl From<WriteError> for DataError {
    fn from(WriteError { path, source }: WriteError) -> Self {
        Self::Io { path, source }
    }
}

impl DataError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::NoSources
            | Self::ValidationFraction { .. }
            | Self::VocabTooSmall { .. }
            | Self::BadSpecial { .. }
            | Self::ParallelFiles { .. }
            | Self::ParallelRecords { .. }
            | Self::StdinTwice { .. }
            | Self::NoEndOfText => ErrorKind::Usage,
            Self::Missing { .. }
            | Self::DeadLink { .. }
            | Self::InvalidGlob { .. }
            | Self::NoFiles { .. }
            | Self::Cache { .. }
            | Self::Io { .. } => ErrorKind::FileSystem,
            Self::Empty { .. }
            | Self::TextChanged { .. }
            | Self::Binary { .. }
            | Self::InvalidUtf8 { .. }
            | Self::AllHeldOut { .. }
            | Self::TokenOutsideModel { .. }
            | Self::JsonLine { .. }
            | Self::JsonField { .. }
            | Self::Pair { .. }
            | Self::ParallelLines { .. }
            | Self::OneSource { .. }
            | Self::FewSources { .. }
            | Self::NoJsonLines { .. }
            | Self::TooShort { .. }
            | Self::NoLossTokens { .. }
            | Self::NoCharacters
            | Self::UnseenCharacters { .. }
            | Self::UnknownToken { .. } => ErrorKind::Input,
            Self::EosTokenFile { .. } | Self::TokenizerFile { .. } | Self::Tokenizer { .. } => {
                ErrorKind::Data
            }
        }
    }
}

impl DataError {
    /// Return a function for `map_err` that makes an I/O error at `path`.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    /// Return a function for `map_err` that makes an I/O error at `path` in the token cache.
    pub(crate) fn cache(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Cache { path, source }
    }

    /// Name these settings in the remedy for characters that a tokenizer does not know.
    #[must_use]
    pub fn naming(mut self, settings: TokenizerKeys) -> Self {
        if let Self::UnseenCharacters { keys, .. } = &mut self {
            *keys = settings;
        }
        self
    }

    /// Convert an I/O error to an error of the token cache.
    pub(crate) fn in_cache(self) -> Self {
        match self {
            Self::Io { path, source } => Self::Cache { path, source },
            error => error,
        }
    }

    /// Convert an error of the tokenizer library.
    pub(crate) fn tokenizer(error: impl std::fmt::Display) -> Self {
        Self::Tokenizer {
            message: sisun_config::plain_words(&error.to_string()),
        }
    }
}

fn did_you_mean(asked: &Path, suggestion: Option<&Path>) -> String {
    suggestion.map_or_else(String::new, |near| sisun_config::did_you_mean(asked, near))
}

fn remedy(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| format!("; {hint}"))
}
