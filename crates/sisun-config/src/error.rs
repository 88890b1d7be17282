//! What can be wrong with a configuration.

use std::fmt::Display;
use std::path::PathBuf;

/// What is wrong with a configuration, where, and what would be right.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's message, with line and column.
        message: String,
    },
    /// A key that nobody reads.
    #[error("unknown key {key}{}", suggest(suggestion, known))]
    UnknownKey {
        /// The key with its tables, as `train.lr_mx`.
        key: String,
        /// The nearest known key.
        suggestion: Option<String>,
        /// All keys of that table.
        known: Vec<String>,
    },
    /// A key whose value has the wrong type, or a key that is missing.
    #[error("{key}: {message}")]
    Invalid {
        /// The key or table.
        key: String,
        /// What serde found and expected.
        message: String,
    },
    /// A value out of range.
    #[error("{key} = {value} {rule}")]
    OutOfRange {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// What would be accepted.
        rule: String,
    },
    /// A key that says otherwise than the model that is fine-tuned.
    #[error("{key} = {value}: the model in {theirs}; leave it out")]
    Contradicts {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// Where that model is, and the value it has.
        theirs: String,
    },
    /// A `--set` that is not `KEY=VALUE`.
    #[error("--set {given}: expected KEY=VALUE, as in --set train.lr_max=3e-4")]
    BadOverride {
        /// What was given.
        given: String,
    },
    /// A `--set` that goes through a key which is no table.
    #[error("--set {given}: {key} is a value, not a table")]
    NotATable {
        /// What was given.
        given: String,
        /// The key on the way.
        key: String,
    },
}

/// `Ok` if `holds`, else the key, its value and the rule it breaks.
pub(crate) fn check(holds: bool, key: &str, value: impl Display, rule: impl Into<String>) -> Result<(), ConfigError> {
    if holds {
        return Ok(());
    }
    Err(ConfigError::OutOfRange { key: key.to_owned(), value: value.to_string(), rule: rule.into() })
}

fn suggest(suggestion: &Option<String>, known: &[String]) -> String {
    match suggestion {
        Some(nearest) => format!("; did you mean {nearest}?"),
        None if known.is_empty() => "; nothing can be set here".to_owned(),
        None => format!("; known here: {}", known.join(", ")),
    }
}
