//! Errors of inference.

use sisun_config::ErrorKind;
use sisun_data::DataError;
use sisun_model::{Activation, ModelError};

/// An error: the problem and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InferError {
    /// The model, its checkpoint or its device cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The tokenizer or the text cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The prompt or the text is empty.
    #[error("the {what} is empty: give at least one character")]
    Empty {
        /// `prompt` or `text`.
        what: &'static str,
    },
    /// A source or target is longer than the model reads or writes.
    #[error(
        "the {side} has {tokens} tokens, but the model takes at most {longest} (seq2seq.max_{side}_len): give a shorter one"
    )]
    LongSide {
        /// `source` or `target`.
        side: &'static str,
        /// Number of tokens, of a target with its end.
        tokens: usize,
        /// The largest number that the model takes.
        longest: usize,
    },
    /// A learned table of positions has fewer rows than are asked for.
    #[error(
        "positions = {asked}: the model has learned {rows} positions (context_len), ask for at most as many"
    )]
    PastPositions {
        /// Number of positions asked for.
        asked: usize,
        /// Rows of the table.
        rows: usize,
    },
    /// A word that is asked for is not in a text.
    #[error(
        "{word:?} is not in text {number}, {text:?}: give texts that hold the word as it is spelt"
    )]
    NoSuchWord {
        /// The word.
        word: String,
        /// Number of the text, from 1.
        number: usize,
        /// The text.
        text: String,
    },
    /// A text holds a word less often than is asked for.
    #[error(
        "text {number} has {word:?} {count} times, and occurrence {asked} is asked for: count from 1"
    )]
    NoSuchOccurrence {
        /// The word.
        word: String,
        /// Number of the text, from 1.
        number: usize,
        /// Occurrences in the text.
        count: usize,
        /// The occurrence asked for, from 1.
        asked: usize,
    },
    /// Attention weights are no numbers.
    #[error("the attention weights of layer {layer} are no numbers: {cause}")]
    NotFinite {
        /// The layer.
        layer: usize,
        /// The cause.
        cause: &'static str,
    },
    /// The number of occurrences of a word is out of range.
    #[error("{word:?} occurs {} in all, and {rule}", times(.count))]
    OccurrenceCount {
        /// The word.
        word: String,
        /// Occurrences in all texts.
        count: usize,
        /// The rule, with the remedy.
        rule: &'static str,
    },
    /// A pair cannot be encoded.
    #[error("{problem}")]
    Pair {
        /// The problem, with its side.
        problem: String,
    },
    /// The model has no attention.
    #[error(
        "{model} has no attention: its decoder gets one vector (seq2seq.context = {context:?}); a run that is trained with seq2seq.context = \"dot\" has one"
    )]
    NoAttention {
        /// Name of the model.
        model: String,
        /// The context.
        context: String,
    },
    /// A logit is NaN.
    #[error(
        "the model's scores for token {place} are no numbers (NaN): its weights or its settings are damaged"
    )]
    NotNumbers {
        /// Index of the token in the sample.
        place: usize,
    },
    /// The tokenizer of a run has more tokens than its model.
    #[error(
        "the tokenizer has {tokenizer} tokens but the model only {model}: they do not belong together"
    )]
    Vocabulary {
        /// Vocabulary size of the tokenizer.
        tokenizer: usize,
        /// Number of rows in the model's embedding.
        model: usize,
    },
    /// The text is longer than the sliding window.
    #[error(
        "{len} tokens are more than the model's sliding window of {window}: past it some layers see only part of the text, which is not computed here; give at most {window} tokens"
    )]
    PastWindow {
        /// Number of tokens in the text.
        len: usize,
        /// Size of the window in tokens.
        window: usize,
    },
    /// A sampling setting is out of range.
    #[error("{key} = {value} {rule}")]
    OutOfRange {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// The accepted range.
        rule: &'static str,
    },
    /// The language of explanations is unknown.
    #[error("language = {given:?}: choose en or ko")]
    UnknownLanguage {
        /// The requested language.
        given: String,
    },
    /// A list of layers or heads is malformed.
    #[error(
        "{what}s {given:?}: expected numbers and ranges from 0, as in 0,2-3, or from the end, as in last or -2--1"
    )]
    BadSelection {
        /// `layer` or `head`.
        what: &'static str,
        /// The list.
        given: String,
    },
    /// A layer or head does not exist.
    #[error("there is no {what} {asked}: {}", existing(what, *count))]
    NoSuch {
        /// `layer`, `head` or `neuron`.
        what: &'static str,
        /// The requested index.
        asked: String,
        /// Number of layers or heads.
        count: usize,
    },
    /// The text has no such token.
    #[error("there is no token {asked} in the text; it has {tokens}{remedy}")]
    NoSuchToken {
        /// The requested index or label.
        asked: String,
        /// Indices and labels of the existing tokens.
        tokens: String,
        /// The tokens that contain the requested text, if any.
        remedy: String,
    },
    /// Several tokens have the requested label.
    #[error("{label:?} is the label of several tokens; choose one by its number: {numbers}")]
    ManyTokens {
        /// The label.
        label: String,
        /// Indices of the tokens with the label.
        numbers: String,
    },
    /// An edit does not suit the model or the text.
    #[error("edit {edit:?}: {problem}")]
    BadEdit {
        /// The edit as it was written.
        edit: String,
        /// The problem, with the remedy.
        problem: String,
    },
    /// A patching does not suit the model or its texts.
    #[error("{problem}")]
    BadPatch {
        /// The problem, with the remedy.
        problem: String,
    },
    /// An answer is compared with itself.
    #[error(
        "both answers begin with the same token, {token:?}: their logits do not differ; give answers whose first tokens differ"
    )]
    SameAnswer {
        /// The token.
        token: String,
    },
    /// A text that names a token is several tokens.
    #[error("{what} {given:?} is several tokens, {tokens}: give one of them")]
    SeveralTokens {
        /// The meaning of the text.
        what: &'static str,
        /// The text.
        given: String,
        /// The tokens.
        tokens: String,
    },
    /// The activation has no head axis.
    #[error("{activation} has no head axis; choose from {}", per_head())]
    NotPerHead {
        /// The activation.
        activation: Activation,
    },
    /// The residual stream of the model is not a sum of parts.
    #[error("{what} is not defined for this model: {why}")]
    NoSum {
        /// The analysis.
        what: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// The model lacks a component.
    #[error("the model has no {what}: {why}")]
    Lacks {
        /// The component.
        what: &'static str,
        /// The reason.
        why: &'static str,
    },
    /// The name of a part of the residual stream is unknown.
    #[error("unknown part {given:?} of the residual stream; choose from embed, attn, mlp")]
    UnknownPart {
        /// The name.
        given: String,
    },
    /// The name of a head is malformed.
    #[error(
        "{given:?} names no {what}: give its layer and its number, as in 1.2, or from the end, as in last.-1"
    )]
    BadComponent {
        /// `head` or `neuron`.
        what: &'static str,
        /// The name.
        given: String,
    },
    /// An analysis of weights is not defined for the model.
    #[error("{what} is not defined for this model: {why}")]
    Undefined {
        /// The analysis.
        what: &'static str,
        /// The reason, and the way on.
        why: String,
    },
    /// Two tokens cannot be so far apart.
    #[error(
        "a distance of {distance} tokens does not occur: the model was trained on {context_len} tokens, which are at most {} apart", context_len - 1
    )]
    TooFarApart {
        /// The distance in tokens.
        distance: usize,
        /// Context length of the model.
        context_len: usize,
    },
    /// The name of an activation is unknown.
    #[error("unknown activation {name:?}; choose from {}", per_head())]
    UnknownActivation {
        /// The name.
        name: String,
    },
}

impl InferError {
    /// Return the kind of error, so that a caller can decide how to react.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Model(error) => error.kind(),
            Self::Data(error) => error.kind(),
            Self::Empty { .. }
            | Self::NoAttention { .. }
            | Self::OutOfRange { .. }
            | Self::UnknownLanguage { .. }
            | Self::BadSelection { .. }
            | Self::NoSuch { .. }
            | Self::NoSuchToken { .. }
            | Self::ManyTokens { .. }
            | Self::NotPerHead { .. }
            | Self::NotFinite { .. }
            | Self::NoSum { .. }
            | Self::Lacks { .. }
            | Self::UnknownPart { .. }
            | Self::SameAnswer { .. }
            | Self::SeveralTokens { .. }
            | Self::BadComponent { .. }
            | Self::Undefined { .. }
            | Self::TooFarApart { .. }
            | Self::BadEdit { .. }
            | Self::BadPatch { .. }
            | Self::PastPositions { .. }
            | Self::NoSuchWord { .. }
            | Self::NoSuchOccurrence { .. }
            | Self::OccurrenceCount { .. }
            | Self::UnknownActivation { .. } => ErrorKind::Usage,
            Self::PastWindow { .. } | Self::LongSide { .. } | Self::Pair { .. } => ErrorKind::Input,
            Self::NotNumbers { .. } | Self::Vocabulary { .. } => ErrorKind::Data,
        }
    }
}

/// Describe the numbers that exist, counted from either end.
pub(crate) fn existing(what: &str, count: usize) -> String {
    match count {
        1 => format!("the model has one {what}, 0 or last"),
        _ => format!(
            "the model has {what}s 0 to {}, or -{count} to -1 from the end",
            count.saturating_sub(1)
        ),
    }
}

/// List the activations with a head axis, for messages.
fn per_head() -> String {
    Activation::PER_HEAD
        .map(|activation| activation.to_string())
        .join(", ")
}

fn times(count: &usize) -> String {
    match count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    }
}
