//! Hints for text whose Unicode form differs from that of a tokenizer's vocabulary.

use super::unknown_remedy::KnownForm;
use crate::{
    DataError,
    text::normalization::{composed, decomposed},
};

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
