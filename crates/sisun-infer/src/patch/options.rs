//! What is patched.

use crate::{HeadName, Index, InferError};
use sisun_model::Activation;
use std::fmt;
use std::str::FromStr;

/// Texts and answers of a patching, and the activation to patch.
#[derive(Clone, Debug)]
pub struct PatchOptions {
    /// The clean text.
    pub clean: String,
    /// The corrupt text.
    pub corrupt: String,
    /// The answer that the clean text calls for.
    pub answer: String,
    /// The answer that the corrupt text calls for.
    pub against: String,
    /// The tokens to patch; all if it is empty, which needs texts of the same number of tokens.
    pub at_tokens: Vec<AlignedIndex>,
}

/// A token of the clean text and the one of the corrupt text that it replaces, as a user names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlignedIndex {
    /// Position in the clean text.
    pub clean: Index,
    /// Position in the corrupt text.
    pub corrupt: Index,
}

/// A token of the clean text and the one of the corrupt text that it replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AlignedToken {
    /// Position in the clean text.
    pub(super) clean: usize,
    /// Position in the corrupt text.
    pub(super) corrupt: usize,
}

impl FromStr for AlignedIndex {
    type Err = String;

    /// Parse `CLEAN:CORRUPT`, or one number for both.
    ///
    /// # Errors
    /// If these are no numbers.
    fn from_str(given: &str) -> Result<Self, String> {
        let (clean, corrupt) = given.split_once(':').unwrap_or((given, given));
        match (clean.parse(), corrupt.parse()) {
            (Ok(clean), Ok(corrupt)) => Ok(Self { clean, corrupt }),
            _ => Err(
                "expected the number of a token, as in 4 or last, or CLEAN:CORRUPT where the texts differ, as in 4:5 or -2:-1"
                    .to_owned(),
            ),
        }
    }
}

/// An input of an attention head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttentionInput {
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
}

impl AttentionInput {
    /// Return the activation.
    pub fn activation(self) -> Activation {
        match self {
            Self::Q => Activation::Q,
            Self::K => Activation::K,
            Self::V => Activation::V,
        }
    }
}

impl fmt::Display for AttentionInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.activation().fmt(f)
    }
}

impl FromStr for AttentionInput {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given.trim() {
            "q" => Ok(Self::Q),
            "k" => Ok(Self::K),
            "v" => Ok(Self::V),
            other => Err(format!("unknown input {other:?}; choose from q, k, v")),
        }
    }
}

/// A path to patch.
#[derive(Clone, Debug)]
pub struct PathOptions {
    /// The sending head; `None` for every head of the layers before the receiver.
    pub from: Option<HeadName>,
    /// The receiving head.
    pub to: HeadName,
    /// The inputs of the receiver.
    pub into: Vec<AttentionInput>,
}

/// Return an error about a patching.
pub(super) fn bad(problem: String) -> InferError {
    InferError::BadPatch { problem }
}
