//! The text to read, and its division into tokens.

use crate::ConfigError;
use crate::error::Problems;
use crate::home;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The default field of JSON lines that holds the text.
const JSONL_FIELD: &str = "text";

/// `[data]`: location of the text, definition of a document, and the part that is held out.
///
/// A source is read as JSON lines, one object a line and each line a document, if its name ends in
/// `.jsonl` or `.ndjson`. If `jsonl_field` or `jsonl_answer_field` is set, so is any source whose
/// first non-blank line begins a JSON object. A JSON array of objects is read the same way, each
/// object a document. Every other source is plain text, in which `\r\n` and `\r` are line ends like
/// `\n`, as in Python's text mode. The contents of a JSON string are not changed; a record whose
/// text is null is skipped, with a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Files, folders (read recursively, sorted), globs, or `-` for standard input. In a folder,
    /// the files that end in `.txt`, `.text`, `.md`, `.jsonl` or `.ndjson` are read, and those in
    /// `.json` that are read as JSON lines. Relative paths start at the working directory; `~/` is
    /// the home directory.
    #[serde(deserialize_with = "home::sources")]
    #[schemars(extend("example" = ["my-text.txt"]))]
    pub sources: Vec<String>,
    /// Definition of one document. Documents are separated by an end-of-text token.
    #[serde(default)]
    pub documents: Documents,
    /// For JSON lines: the field that holds the text. Default: `"text"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("example" = "text"))]
    pub jsonl_field: Option<String>,
    /// For JSON lines: a second field, appended to the text. With it the loss is computed on the
    /// answer (and the end of text) only. Default: no second field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("example" = "answer"))]
    pub jsonl_answer_field: Option<String>,
    /// For JSON lines with an answer: the characters between text and answer, `"\n"` for a new line.
    /// A prompt that asks for an answer ends with them. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("example" = "\n"))]
    pub jsonl_separator: Option<String>,
    /// Unicode normalization of all text, prompts included: a tokenizer trained or used for such a
    /// run does the same.
    #[serde(default, skip_serializing_if = "Normalize::is_none")]
    #[schemars(extend("default" = "none"))]
    pub normalize: Normalize,
    /// Sources of a separate validation split. Empty: the tail of `sources` is held out.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "home::sources"
    )]
    #[schemars(extend("example" = ["held-out.txt"], "default" = []))]
    pub validation: Vec<String>,
    /// Fraction of the text, from its end, that is held out when `validation` is empty.
    #[serde(default = "default_validation_fraction")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub validation_fraction: f64,
    /// Folder of the token caches. Default: `$SISUN_CACHE_DIR`, else the user's cache directory.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "home::optional_path"
    )]
    #[schemars(extend("example" = "~/.cache/sisun"))]
    pub cache_dir: Option<PathBuf>,
}

/// Definition of one document in a plain-text source. A JSON line is always one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Documents {
    /// Each file is one document.
    #[default]
    File,
    /// Each line that is not blank is one document.
    Line,
    /// Each block of lines between blank lines is one document.
    Paragraph,
}

/// The Unicode normalization form of text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Normalize {
    /// No normalization.
    #[default]
    None,
    /// Composed (NFC): `한` as one character, not as the three that macOS writes.
    Nfc,
}

impl Normalize {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::None
    }
}

/// `[tokenizer]`: conversion of text to tokens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum TokenizerConfig {
    /// One token per Unicode character of the corpus, numbered in code-point order.
    Char,
    /// Byte-level byte-pair encoding trained on the training split (Sennrich et al. 2016; Radford
    /// et al. 2019).
    Bpe {
        /// Size of the vocabulary, including the 256 bytes, `<|endoftext|>` and the special tokens.
        #[schemars(range(min = 257, max = 1_048_576), extend("example" = 1024, "unit" = "tokens"))]
        vocab_size: usize,
        /// Special tokens besides `<|endoftext|>`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        #[schemars(extend("example" = ["<|user|>"], "default" = []))]
        specials: Vec<String>,
    },
    /// An existing Hugging Face `tokenizer.json`.
    File {
        /// Path of the `tokenizer.json`. Relative paths start at the working directory; `~/` is the
        /// home directory.
        #[serde(deserialize_with = "home::path")]
        #[schemars(extend("example" = "tokenizer.json"))]
        path: PathBuf,
    },
}

impl DataConfig {
    /// Use these sources, and the defaults for the rest.
    pub fn with_sources(sources: Vec<String>) -> Self {
        Self {
            sources,
            documents: Documents::default(),
            jsonl_field: None,
            jsonl_answer_field: None,
            jsonl_separator: None,
            normalize: Normalize::None,
            validation: Vec::new(),
            validation_fraction: default_validation_fraction(),
            cache_dir: None,
        }
    }

    /// Return the field of JSON lines that holds the text.
    pub fn text_field(&self) -> &str {
        self.jsonl_field.as_deref().unwrap_or(JSONL_FIELD)
    }

    /// Return the characters between text and answer of JSON lines.
    pub fn separator(&self) -> &str {
        self.jsonl_separator.as_deref().unwrap_or_default()
    }

    /// Return true if the settings mention JSON lines.
    pub fn expects_json_lines(&self) -> bool {
        self.jsonl_field.is_some() || self.jsonl_answer_field.is_some()
    }

    /// Return the folder of token caches: `cache_dir`, else `$SISUN_CACHE_DIR`, else `sisun` in the
    /// user's cache directory.
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

    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
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
        problems.check(
            self.jsonl_separator.is_none() || self.jsonl_answer_field.is_some(),
            "data.jsonl_separator",
            format!("{:?}", self.separator()),
            "stands before an answer: set data.jsonl_answer_field as well",
        );
        problems.end()
    }
}

impl TokenizerConfig {
    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
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
