//! What can go wrong while using a model.

use sisun_config::ErrorKind;
use sisun_data::DataError;
use sisun_model::{Activation, ModelError};

/// What went wrong, and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The model, its checkpoint or its device.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer, or text that it cannot read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Nothing to continue or to look at.
    #[error("the {what} is empty: give at least one character")]
    Empty {
        /// `prompt` or `text`.
        what: &'static str,
    },
    /// Logits that are no numbers.
    #[error(
        "the model's scores for token {place} are no numbers (NaN): its weights or its settings are damaged"
    )]
    NotNumbers {
        /// Which token of the sample.
        place: usize,
    },
    /// A run's tokenizer that knows more tokens than its model, which was trained with all of them.
    #[error(
        "the tokenizer has {tokenizer} tokens but the model only {model}: they do not belong together"
    )]
    Vocabulary {
        /// Size of the tokenizer's vocabulary.
        tokenizer: usize,
        /// Rows of the model's embedding.
        model: usize,
    },
    /// A text longer than what a sliding window shows.
    #[error(
        "{len} tokens are more than the model's sliding window of {window}: past it some layers see only part of the text, which is not computed here; give at most {window} tokens"
    )]
    PastWindow {
        /// Tokens of the text.
        len: usize,
        /// Tokens that the window shows.
        window: usize,
    },
    /// A sampling setting out of range.
    #[error("{key} = {value} {rule}")]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        rule: &'static str,
    },
    /// A language that explanations are not written in.
    #[error("language = {given:?}: choose en or ko")]
    UnknownLanguage {
        /// What was given.
        given: String,
    },
    /// A list of layers or heads that cannot be read.
    #[error("--{what}s {given:?}: expected numbers and ranges, as in 0,2-3")]
    BadSelection {
        /// `layer` or `head`.
        what: &'static str,
        /// What was given.
        given: String,
    },
    /// A layer or head that does not exist.
    #[error("there is no {what} {number}: the model has {what}s 0 to {}", count - 1)]
    NoSuch {
        /// `layer` or `head`.
        what: &'static str,
        /// What was asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// A token that the text does not have.
    #[error("--query: there is no token {asked} in the text; it has {tokens}{remedy}")]
    NoSuchToken {
        /// The number or label that was asked for.
        asked: String,
        /// Numbers and labels of what there is.
        tokens: String,
        /// The tokens that it is a part of, if there are such.
        remedy: String,
    },
    /// A label that several tokens have.
    #[error(
        "--query: {label:?} is the label of several tokens; choose one by its number: {numbers}"
    )]
    ManyTokens {
        /// The label.
        label: String,
        /// The tokens that have it.
        numbers: String,
    },
    /// An activation that has no heads to draw.
    #[error("{activation} has no head axis; choose from {}", per_head())]
    NotPerHead {
        /// The activation.
        activation: Activation,
    },
    /// A name that is no activation's.
    #[error("unknown activation {name:?}; choose from {}", per_head())]
    UnknownActivation {
        /// The name.
        name: String,
    },
}

impl InferError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Model(error) => error.kind(),
            Self::Data(error) => error.kind(),
            Self::Empty { .. }
            | Self::OutOfRange { .. }
            | Self::UnknownLanguage { .. }
            | Self::BadSelection { .. }
            | Self::NoSuch { .. }
            | Self::NoSuchToken { .. }
            | Self::ManyTokens { .. }
            | Self::NotPerHead { .. }
            | Self::UnknownActivation { .. } => ErrorKind::Usage,
            Self::PastWindow { .. } => ErrorKind::Input,
            Self::NotNumbers { .. } | Self::Vocabulary { .. } => ErrorKind::Data,
        }
    }
}

/// The activations with a head axis, as a list for messages.
fn per_head() -> String {
    Activation::PER_HEAD
        .map(|activation| activation.to_string())
        .join(", ")
}
