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

/// A text as a tokenizer encodes it. Fewer unknown characters are better, then fewer tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Measured {
    /// Characters that became the unknown token.
    pub(super) unknown: u64,
    pub(super) tokens: usize,
}

/// Return a note if another form of `text` is encoded better, as `measure` says.
///
/// # Errors
/// Those of `measure` for the text as it is.
pub(super) fn note(
    text: &str,
    measure: impl Fn(&str) -> Result<Measured, DataError>,
) -> Result<Option<String>, DataError> {
    if text.is_ascii() {
        return Ok(None);
    }
    let found = measure(text)?;
    let better = |other: &str| {
        let others = (other != text).then(|| measure(other).ok()).flatten()?;
        (others < found).then_some(others)
    };
    let note = |is: &str, other: &str, better: Measured| match better.unknown < found.unknown {
        true => format!(
            "note: the text is {is} and has {} characters that the vocabulary lacks, {other} it would have {}: the model knows that form",
            found.unknown, better.unknown
        ),
        false => format!(
            "note: the text is {is} and becomes {} tokens, {other} it would become {}: the model knows that form",
            found.tokens, better.tokens
        ),
    };
    Ok(match (better(&composed(text)), better(&decomposed(text))) {
        (Some(better), _) => Some(note(
            "decomposed (NFD, as macOS writes names)",
            "composed (NFC)",
            better,
        )),
        (None, Some(better)) => Some(note("composed (NFC)", "decomposed (NFD)", better)),
        (None, None) => None,
    })
}

/// Return whether composed Hangul is encoded better than decomposed.
pub(super) fn prefers_composed(measure: impl Fn(&str) -> Result<Measured, DataError>) -> bool {
    matches!(
        (measure(COMMON_SYLLABLES), measure(&decomposed(COMMON_SYLLABLES))),
        (Ok(composed), Ok(decomposed)) if composed < decomposed
    )
}
