//! What to read and how to cut it into tokens.

use crate::ConfigError;
use crate::error::Problems;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The field of JSON lines that holds the text unless it is said.
const JSONL_FIELD: &str = "text";

/// `[data]`: where the text is, what a document is, and which part is held out.
///
/// A source is read as JSON lines, one object a line and each line a document, if its name ends in
/// `.jsonl` or `.ndjson`; and, where `jsonl_field` or `jsonl_answer_field` is set, whatever its
/// name, if its first line that is not blank begins a JSON object. A JSON array of objects is read
/// the same way, each object a document. Every other source is plain text, in which `\r\n` and `\r`
/// are line ends like `\n`, as in Python's text mode. What a JSON string holds is taken as it is; a
/// record whose text is null is left out, and told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Files, folders (read recursively, sorted), globs, or `-` for standard input. Of a folder the
    /// files are read that end in `.txt`, `.text`, `.md`, `.jsonl` or `.ndjson`, and those in
    /// `.json` that are read as JSON lines. Relative paths start at the working directory.
    pub sources: Vec<String>,
    /// What one document is. Documents are separated by an end-of-text token.
    #[serde(default)]
    pub documents: Documents,
    /// Of JSON lines: the field that holds the text. Default: `text`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jsonl_field: Option<String>,
    /// Of JSON lines: a second field, appended to the text. With it the loss is taken on the answer
    /// (and the end of text) only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jsonl_answer_field: Option<String>,
    /// The form that text is brought into, that of prompts included: a tokenizer made or taken for
    /// such a run does the same.
    #[serde(default, skip_serializing_if = "Normalize::is_none")]
    pub normalize: Normalize,
    /// Sources of a validation split of its own. Empty: the tail of `sources` is held out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation: Vec<String>,
    /// Fraction of the text, from its end, that is held out when `validation` is empty.
    #[serde(default = "default_validation_fraction")]
    pub validation_fraction: f64,
    /// Where token caches are kept. Default: `$SISUN_CACHE_DIR`, else the user's cache directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
}

/// What counts as one document in a plain-text source. A JSON line is always one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Documents {
    /// Each file is one document.
    #[default]
    File,
    /// Each line that is not blank.
    Line,
    /// Each block of lines between blank lines.
    Paragraph,
}

/// The Unicode form of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// As it is.
    #[default]
    None,
    /// Composed (NFC): `한` as one character, not as the three that macOS writes.
    Nfc,
}

impl Normalize {
    fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// `[tokenizer]`: how text becomes tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenizerConfig {
    /// One token per Unicode character of the corpus, numbered in code-point order.
    Char,
    /// Byte-level byte-pair encoding trained on the training split (Sennrich et al. 2016; Radford
    /// et al. 2019).
    Bpe {
        /// Size of the vocabulary, the 256 bytes and the specials included.
        vocab_size: usize,
        /// Special tokens besides `<|endoftext|>`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        specials: Vec<String>,
    },
    /// An existing Hugging Face `tokenizer.json`.
    File {
        /// Path of the `tokenizer.json`.
        path: PathBuf,
    },
}

impl DataConfig {
    /// These sources, everything else as by default.
    pub fn reading(sources: Vec<String>) -> Self {
        Self {
            sources,
            documents: Documents::default(),
            jsonl_field: None,
            jsonl_answer_field: None,
            normalize: Normalize::None,
            validation: Vec::new(),
            validation_fraction: default_validation_fraction(),
            cache_dir: None,
        }
    }

    /// The field of JSON lines that holds the text.
    pub fn text_field(&self) -> &str {
        self.jsonl_field.as_deref().unwrap_or(JSONL_FIELD)
    }

    /// Whether it is said that there are JSON lines.
    pub fn expects_json_lines(&self) -> bool {
        self.jsonl_field.is_some() || self.jsonl_answer_field.is_some()
    }

    /// The folder of token caches: `cache_dir`, else `$SISUN_CACHE_DIR`, else `sisun` in the user's
    /// cache directory.
    pub fn cache_folder(&self) -> PathBuf {
        let asked = self
            .cache_dir
            .clone()
            .or_else(|| std::env::var_os("SISUN_CACHE_DIR").map(PathBuf::from));
        let home = || {
            dirs::cache_dir()
                .unwrap_or_else(std::env::temp_dir)
                .join("sisun")
        };
        asked.unwrap_or_else(home)
    }

    /// Checks every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and what would be accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        let rule = "must name at least one file, folder, glob or \"-\"";
        problems.check(!self.sources.is_empty(), "data.sources", "[]", rule);
        problems.check(
            self.validation_fraction > 0.0 && self.validation_fraction < 1.0,
            "data.validation_fraction",
            self.validation_fraction,
            "must be above 0 and below 1",
        );
        problems.end()
    }
}

impl TokenizerConfig {
    /// Checks every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and what would be accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        if let TokenizerConfig::Bpe {
            vocab_size,
            specials,
        } = self
        {
            problems.check(
                (257 + specials.len()..=1 << 20).contains(vocab_size),
                "tokenizer.vocab_size",
                vocab_size,
                format!(
                    "must be from {} (the 256 bytes and the special tokens) to 1048576",
                    257 + specials.len()
                ),
            );
        }
        problems.end()
    }
}

pub(crate) fn default_validation_fraction() -> f64 {
    0.1
}
