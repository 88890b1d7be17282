//! Hints for text whose Unicode form differs from that of a tokenizer's vocabulary.

use crate::{
    DataError,
    text::normalization::{composed, decomposed},
};

/// The remedy for decomposed text where the vocabulary is composed.
const COMPOSE_TEXT: &str = "composed (NFC), the text has only known characters, but it is decomposed (NFD), as macOS writes names: compose it, as by python3 -c \"import sys, unicodedata; sys.stdout.write(unicodedata.normalize('NFC', sys.stdin.read()))\" < TEXT; a run that is trained with data.normalize = \"nfc\" composes all it reads by itself";
/// The remedy for composed text where the vocabulary is decomposed.
const DECOMPOSE_TEXT: &str = "decomposed (NFD), the text has only known characters, because the tokenizer comes from decomposed text: decompose it, as by python3 -c \"import sys, unicodedata; sys.stdout.write(unicodedata.normalize('NFD', sys.stdin.read()))\" < TEXT; a run that is trained with data.normalize = \"nfc\" composes all it reads by itself";

/// Syllables that occur in any Korean text.
const COMMON_SYLLABLES: &str = "가나다라이는을에서한";

/// Return what to do about characters of `text` that the vocabulary lacks, if it has all those of
/// another form of the text, as `is_known` says.
pub(super) fn remedy(text: &str, is_known: impl Fn(&str) -> bool) -> Option<&'static str> {
    let (composed, decomposed) = (composed(text), decomposed(text));
    if composed != text && is_known(&composed) {
        Some(COMPOSE_TEXT)
    } else if decomposed != text && is_known(&decomposed) {
        Some(DECOMPOSE_TEXT)
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
