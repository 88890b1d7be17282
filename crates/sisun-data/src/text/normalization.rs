//! Unicode's composed form, NFC (<https://unicode.org/reports/tr15/>): `한` as one character rather
//! than as the three that macOS and some programs write (NFD).

use crate::{
    DataError, Tokenizer,
    text::documents::{Event, Kind, Sink},
};
use std::borrow::Cow;
use unicode_normalization_alignments::UnicodeNormalization;

/// Text that nothing allows to cut is composed in parts of this many bytes.
const LONGEST: usize = 4 << 20;

/// What to do about text that is decomposed where a vocabulary is composed.
const COMPOSE: &str = "composed (NFC), the text has only known characters, but it is decomposed (NFD), as macOS writes names: compose it, as by python3 -c \"import sys, unicodedata; sys.stdout.write(unicodedata.normalize('NFC', sys.stdin.read()))\" < TEXT; a run that is trained with data.normalize = \"nfc\" composes all it reads by itself";
/// And the reverse.
const DECOMPOSE: &str = "decomposed (NFD), the text has only known characters, because the tokenizer comes from decomposed text: decompose it, as by python3 -c \"import sys, unicodedata; sys.stdout.write(unicodedata.normalize('NFD', sys.stdin.read()))\" < TEXT; a run that is trained with data.normalize = \"nfc\" composes all it reads by itself";

/// Syllables that any Korean text has.
const PROBE: &str = "가나다라이는을에서한";

/// The text in composed form.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || text.nfc().map(|(c, _)| c).eq(text.chars()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.nfc().map(|(c, _)| c).collect())
}

/// A text as it is, composed and decomposed.
pub fn forms(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    for form in [composed(text).into_owned(), decomposed(text)] {
        if !forms.contains(&form) {
            forms.push(form);
        }
    }
    forms
}

/// The text in decomposed form, NFD.
fn decomposed(text: &str) -> String {
    text.nfd().map(|(c, _)| c).collect()
}

/// What would help where a vocabulary lacks characters of `text`, if another form of the text is
/// `known`.
pub(crate) fn remedy(text: &str, known: impl Fn(&str) -> bool) -> Option<&'static str> {
    let (composed, decomposed) = (composed(text), decomposed(text));
    if composed != text && known(&composed) {
        Some(COMPOSE)
    } else if decomposed != text && known(&decomposed) {
        Some(DECOMPOSE)
    } else {
        None
    }
}

impl Tokenizer {
    /// What to know of a text that is in another form than the tokenizer's vocabulary, if it
    /// becomes more tokens by that.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`], of the text as it is.
    pub fn form_note(&self, text: &str) -> Result<Option<String>, DataError> {
        if self.composes || text.is_ascii() {
            return Ok(None);
        }
        let tokens = self.encode(text)?.ids.len();
        let fewer = |other: &str| {
            let others = (other != text)
                .then(|| self.encode(other).ok())
                .flatten()?
                .ids
                .len();
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

    /// Whether Hangul becomes fewer tokens composed than in parts, and is not composed as it is
    /// read.
    pub(crate) fn knows_composed(&self) -> bool {
        let tokens = |text: &str| self.encode(text).map(|encoding| encoding.ids.len());
        !self.composes
            && matches!((tokens(PROBE), tokens(&decomposed(PROBE))), (Ok(whole), Ok(parts)) if whole < parts)
    }
}

/// Whether a set of characters has vowels or final consonants of Hangul that stand for themselves.
pub(crate) fn has_parts_of_hangul(mut characters: impl Iterator<Item = char>) -> bool {
    characters.any(|c| matches!(c, '\u{1161}'..='\u{1175}' | '\u{11A8}'..='\u{11C2}'))
}

/// Lets each range of characters that begins within what becomes one character end with that,
/// whatever of it the library has given the range: it gives only the first.
pub(crate) fn to_whole_characters(text: &str, offsets: &mut [(usize, usize)]) {
    if text.is_ascii() {
        return;
    }
    let mut ends: Vec<usize> = Vec::new();
    for (_, change) in text.nfc() {
        // `change` characters more than were there; 1 is one that came from the same as the last.
        let taken = usize::try_from(1 - change).unwrap_or(0);
        let end = ends.len() + taken;
        ends.resize(end, end);
    }
    for (start, end) in offsets.iter_mut().filter(|(start, end)| start < end) {
        *end = ends.get(*end - 1).map_or(*end, |&whole| whole.max(*end));
        debug_assert!(start <= end);
    }
}

/// Composes documents as they are read, in pieces that no composition reaches across.
#[derive(Debug, Default)]
pub(crate) struct Composer {
    pending: String,
    kind: Kind,
}

impl Composer {
    pub(crate) fn take(&mut self, event: Event<'_>, sink: &mut Sink<'_>) -> Result<(), DataError> {
        let Event::Text(text, kind) = event else {
            self.give(self.pending.len(), sink)?;
            self.kind = Kind::default();
            return sink(Event::End);
        };
        if kind != self.kind {
            self.give(self.pending.len(), sink)?;
            self.kind = kind;
        }
        self.pending.push_str(text);
        // No character of ASCII is composed with one before it.
        let cut = self.pending.rfind(|c: char| c.is_ascii()).unwrap_or(0);
        let cut = if self.pending.len() - cut > LONGEST {
            self.pending.len()
        } else {
            cut
        };
        self.give(cut, sink)
    }

    fn give(&mut self, upto: usize, sink: &mut Sink<'_>) -> Result<(), DataError> {
        if upto == 0 {
            return Ok(());
        }
        let text = composed(&self.pending[..upto]);
        sink(Event::Text(&text, self.kind))?;
        self.pending.drain(..upto);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Composer, composed, to_whole_characters};
    use crate::text::documents::{Event, Kind};
    use unicode_normalization_alignments::UnicodeNormalization;

    /// 한글, é, and a mark that belongs to nothing.
    const DECOMPOSED: &str =
        "\u{1112}\u{1161}\u{11AB}\u{1100}\u{1173}\u{11AF} caf\u{65}\u{301}, \u{301}x";

    #[test]
    fn pieces_compose_as_the_whole() {
        assert_eq!(composed(DECOMPOSED), "한글 caf\u{E9}, \u{301}x");
        let long = DECOMPOSED.repeat(3);
        let characters: Vec<char> = long.chars().collect();
        for size in 1..9 {
            let (mut whole, mut ends) = (String::new(), 0);
            let mut composer = Composer::default();
            let mut take = |event: Event<'_>| {
                composer.take(event, &mut |event| {
                    match event {
                        Event::Text(text, _) => whole += text,
                        Event::End => ends += 1,
                    }
                    Ok(())
                })
            };
            characters.chunks(size).for_each(|part| {
                take(Event::Text(&part.iter().collect::<String>(), Kind::Plain)).unwrap()
            });
            take(Event::End).unwrap();
            assert_eq!((whole, ends), (composed(&long).into_owned(), 1));
        }
    }

    #[test]
    fn ranges_are_of_whole_characters() {
        // As the library gives them: 한, 글 in two tokens, a space, caf, é.
        let mut offsets = [(0, 1), (3, 4), (3, 4), (6, 7), (7, 10), (10, 11), (0, 0)];
        to_whole_characters(DECOMPOSED, &mut offsets);
        assert_eq!(
            offsets,
            [(0, 3), (3, 6), (3, 6), (6, 7), (7, 10), (10, 12), (0, 0)]
        );
        let plain = "한글 café".nfc().map(|(c, _)| c).collect::<String>();
        let mut offsets = [(0, 1), (1, 3), (3, 7)];
        to_whole_characters(&plain, &mut offsets);
        assert_eq!(offsets, [(0, 1), (1, 3), (3, 7)]);
    }
}
