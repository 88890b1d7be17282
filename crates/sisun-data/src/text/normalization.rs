//! Unicode's composed and decomposed forms (<https://unicode.org/reports/tr15/>): `한` as one
//! character (NFC), or as the three that macOS and some programs write (NFD).

use std::borrow::Cow;
use unicode_normalization_alignments::UnicodeNormalization;

/// Return the text in composed form, NFC.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || text.nfc().map(|(c, _)| c).eq(text.chars()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().map(|(c, _)| c).collect())
}

/// Return the text in decomposed form, NFD.
pub(crate) fn decomposed(text: &str) -> String {
    text.nfd().map(|(c, _)| c).collect()
}

/// Return a text as it is, composed and decomposed, without repetitions.
pub fn unicode_forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    for form in [composed(text).into_owned(), decomposed(text)] {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// Return whether any of the characters is a vowel or final consonant of decomposed Hangul.
pub(crate) fn has_decomposed_hangul(mut characters: impl Iterator<Item = char>) -> bool {
    characters.any(|c| matches!(c, '\u{1161}'..='\u{1175}' | '\u{11A8}'..='\u{11C2}'))
}

/// Extend each range of characters that starts within a composed character to the end of that
/// character: the library gives it only the first of the characters that are composed.
pub(crate) fn extend_to_composed(text: &str, offsets: &mut [(usize, usize)]) {
    if text.is_ascii() {
        return;
    }
    let mut ends: Vec<usize> = Vec::new();
    for (_, change) in text.nfc() {
        // `change` is the number of characters added: 1 means that this one has the same source as
        // the last, -n that it was composed from 1 + n.
        let taken = usize::try_from(1 - change).unwrap_or(0);
        let end = ends.len() + taken;
        ends.resize(end, end);
    }
    for (start, end) in offsets.iter_mut().filter(|(start, end)| start < end) {
        *end = ends.get(*end - 1).map_or(*end, |&whole| whole.max(*end));
        debug_assert!(start <= end);
    }
}

#[cfg(test)]
mod tests {
    use super::extend_to_composed;
    use unicode_normalization_alignments::UnicodeNormalization;

    /// 한글, é, and a mark that belongs to nothing.
    const DECOMPOSED: &str =
        "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF} caf\u{65}\u{301}, \u{301}x";

    #[test]
    fn ranges_cover_composed_characters() {
        // As the library returns them: 한, 글 in two tokens, a space, caf, é.
        let mut offsets = [(0, 1), (3, 4), (3, 4), (6, 7), (7, 10), (10, 11), (0, 0)];
        extend_to_composed(DECOMPOSED, &mut offsets);
        assert_eq!(
            offsets,
            [(0, 3), (3, 6), (3, 6), (6, 7), (7, 10), (10, 12), (0, 0)]
        );
        let plain = "한글 café".nfc().map(|(c, _)| c).collect::<String>();
        let mut offsets = [(0, 1), (1, 3), (3, 7)];
        extend_to_composed(&plain, &mut offsets);
        assert_eq!(offsets, [(0, 1), (1, 3), (3, 7)]);
    }
}
