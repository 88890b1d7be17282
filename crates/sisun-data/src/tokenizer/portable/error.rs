//! Why a tokenizer cannot be written as data.

use thiserror::Error;

/// The reason why a tokenizer cannot be written as data.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("its {part} cannot be applied exactly outside the program: {found}")]
pub struct NotPortable {
    /// The key of `tokenizer.json`.
    pub part: &'static str,
    /// What stands there, or what is missing.
    pub found: String,
}

/// Create an error about a part.
pub(super) fn not_portable(part: &'static str, found: impl Into<String>) -> NotPortable {
    NotPortable {
        part,
        found: found.into(),
    }
}
