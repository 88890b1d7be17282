//! Hints for text whose Unicode form differs from that of a tokenizer's vocabulary.

use crate::{
    DataError,
    text::normalization::{composed, decomposed},
};

/// A Unicode form of a text of which a vocabulary has all characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownForm {
    /// Composed (NFC); the text is decomposed.
    Composed,
    /// Decomposed (NFD); the text is composed.
    Decomposed,
}

/// The settings that decide which characters a tokenizer knows, as messages name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenizerKeys {
    /// The kind of the tokenizer.
    pub kind: &'static str,
    /// The Unicode form of all text.
    pub normalize: &'static str,
}

impl TokenizerKeys {
    /// Those of a language model.
    pub const LANGUAGE: Self = Self {
        kind: "tokenizer.kind",
        normalize: "data.normalize",
    };
}

/// Describe the remedy for characters that a vocabulary lacks.
pub(crate) fn remedy_for_unknown(form: Option<KnownForm>, keys: TokenizerKeys) -> String {
    let TokenizerKeys { kind, normalize } = keys;
    let (why, convert, to) = match form {
        None => {
            return format!(
                "use characters of its training text, or train a byte-level tokenizer ({kind} = \"bpe\"), which knows every character"
            );
        }
        Some(KnownForm::Composed) => (
            "composed (NFC), the text has only known characters, but it is decomposed (NFD), as macOS writes names",
            "compose it",
            "NFC",
        ),
        Some(KnownForm::Decomposed) => (
            "decomposed (NFD), the text has only known characters, because the tokenizer comes from decomposed text",
            "decompose it",
            "NFD",
        ),
    };
    format!(
        "{why}: {convert}, as by python3 -c \"import sys, unicodedata; sys.stdout.write(unicodedata.normalize('{to}', sys.stdin.read()))\" < TEXT; a run that is trained with {normalize} = \"nfc\" composes all it reads by itself"
    )
}

/// Syllables that occur in any Korean text.
const COMMON_SYLLABLES: &str = "가나다라이는을에서한";

/// Return the other form of `text` of which the vocabulary has all characters, as `is_known` says.
pub(super) fn known_form(text: &str, is_known: impl Fn(&str) -> bool) -> Option<KnownForm> {
    let (composed, decomposed) = (composed(text), decomposed(text));
    if composed != text && is_known(&composed) {
        Some(KnownForm::Composed)
    } else if decomposed != text && is_known(&decomposed) {
        Some(KnownForm::Decomposed)
    } else {
        None
    }
}

/// Return a note if another form of `text` has fewer tokens, as `count_tokens` counts them.
///
/// # Errors
/// Those of `count_tokens` for the text as it is.
pub(super) fn note(
    text: &str,
    count_tokens: impl Fn(&str) -> Result<usize, DataError>,
) -> Result<Option<String>, DataError> {
    if text.is_ascii() {
        return Ok(None);
    }
    let tokens = count_tokens(text)?;
    let fewer = |other: &str| {
        let others = (other != text)
            .then(|| count_tokens(other).ok())
            .flatten()?;
        (others < tokens).then_some(others)
    };
    let note = |is: &str, other: &str, fewer: usize| {
        format!(
            "note: the text is {is} and becomes {tokens} tokens, {other} it would become {fewer}: the model knows that form"
        )
    };
    Ok(match (fewer(&composed(text)), fewer(&decomposed(text))) {
        (Some(fewer), _) => Some(note(
            "decomposed (NFD, as macOS writes names)",
            "composed (NFC)",
            fewer,
        )),
        (None, Some(fewer)) => Some(note("composed (NFC)", "decomposed (NFD)", fewer)),
        (None, None) => None,
    })
}

/// Return whether composed Hangul has fewer tokens than decomposed.
pub(super) fn prefers_composed(count_tokens: impl Fn(&str) -> Result<usize, DataError>) -> bool {
    matches!(
        (count_tokens(COMMON_SYLLABLES), count_tokens(&decomposed(COMMON_SYLLABLES))),
        (Ok(composed), Ok(decomposed)) if composed < decomposed
    )
}
