//! Decoding ids one by one, into whole characters.

use super::vocabulary::Vocabulary;
use crate::DataError;

/// The number of ids before the new text that a decoder keeps, and the most ids of white space.
const CONTEXT_IDS: usize = 16;

/// Decode ids one by one without ever returning part of a character: bytes that are not yet a
/// character wait for the next id.
///
/// The texts that [`push`](Self::push) returned and the one that [`finish`](Self::finish) returns
/// are together the text that the ids add to the text of the ids before them, as
/// [`Tokenizer::decode_after`](crate::Tokenizer::decode_after) returns it.
#[derive(Debug)]
pub struct StreamDecoder<'t> {
    vocabulary: &'t Vocabulary,
    /// The last ids: those whose text was not yet returned, and before them enough for the decoder
    /// to see the context.
    ids: Vec<u32>,
    /// The text of `ids` that was returned, or that precedes.
    returned: String,
    /// The number of `ids` when text was last returned.
    complete: usize,
    /// True if a run of bytes is returned as soon as it is text, although further bytes could make
    /// it invalid.
    eager: bool,
}

impl<'t> StreamDecoder<'t> {
    /// Start a text.
    pub(super) fn new(vocabulary: &'t Vocabulary) -> Self {
        Self {
            vocabulary,
            ids: Vec::new(),
            returned: String::new(),
            complete: 0,
            eager: false,
        }
    }

    /// Continue the text of the ids `before`.
    pub(super) fn after(vocabulary: &'t Vocabulary, before: &[u32]) -> Result<Self, DataError> {
        let is_byte = |id: u32| vocabulary.byte_of(id).is_some();
        let mut context: Vec<u32> = Vec::new();
        // Backwards. A run of bytes is decoded as a whole, so it is never cut.
        for &id in before
            .iter()
            .rev()
            .filter(|id| !vocabulary.is_special(**id))
        {
            if context.len() >= CONTEXT_IDS
                && !(is_byte(id) && context.last().is_some_and(|&after| is_byte(after)))
            {
                break;
            }
            context.push(id);
        }
        context.reverse();
        let returned = vocabulary
            .decode(&context)?
            .trim_end_matches(char::REPLACEMENT_CHARACTER)
            .to_owned();
        let complete = context.len();
        Ok(Self {
            vocabulary,
            ids: context,
            returned,
            complete,
            eager: false,
        })
    }

    /// Take one more id and return the text that is now complete, which may be empty.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`]; the decoder is then as it was before.
    pub fn push(&mut self, id: u32) -> Result<String, DataError> {
        self.vocabulary.check_id(id)?;
        self.ids.push(id);
        if !self.eager && self.vocabulary.byte_of(id).is_some() {
            // Consecutive bytes are valid text together or not at all.
            return Ok(String::new());
        }
        let text = self.vocabulary.decode(&self.ids)?;
        // Bytes that may yet become a character show as U+FFFD at the end.
        let complete = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let new = new_text(&self.returned, complete).to_owned();
        if complete.len() == text.len() && !new.is_empty() {
            self.drop_context(text)?;
        } else if !new.is_empty() {
            self.returned = complete.to_owned();
        }
        Ok(new)
    }

    /// Return the text that would come next if no further byte followed: bytes that are held back
    /// because others may make them invalid. The text is empty where they are not whole characters.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`](crate::Tokenizer::decode).
    pub fn pending(&self) -> Result<String, DataError> {
        if self
            .ids
            .last()
            .is_none_or(|&id| self.vocabulary.byte_of(id).is_none())
        {
            return Ok(String::new());
        }
        let text = self.vocabulary.decode(&self.ids)?;
        let new = new_text(&self.returned, &text);
        Ok(if new.ends_with(char::REPLACEMENT_CHARACTER) {
            String::new()
        } else {
            new.to_owned()
        })
    }

    /// Return the rest of the text, incomplete characters as U+FFFD.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`](crate::Tokenizer::decode).
    pub fn finish(self) -> Result<String, DataError> {
        let text = self.vocabulary.decode(&self.ids)?;
        Ok(new_text(&self.returned, &text).to_owned())
    }

    /// Drop the ids that are no longer needed. White space alone is kept, because it does not
    /// show how a decoder treats the beginning of a text.
    fn drop_context(&mut self, text: String) -> Result<(), DataError> {
        let rest = self.vocabulary.decode(&self.ids[self.complete..])?;
        if rest.trim().is_empty() && self.ids.len() < CONTEXT_IDS {
            self.returned = text;
        } else {
            self.ids.drain(..self.complete);
            self.returned = rest;
        }
        self.complete = self.ids.len();
        Ok(())
    }
}

/// Return the text that `ids` add to the text of those `before`.
pub(super) fn decode_after(
    vocabulary: &Vocabulary,
    before: &[u32],
    ids: &[u32],
) -> Result<String, DataError> {
    let mut decoder = StreamDecoder::after(vocabulary, before)?;
    let mut text = String::new();
    for &id in ids {
        text += &decoder.push(id)?;
    }
    Ok(text + &decoder.finish()?)
}

/// Return the text that each of `ids` adds; see
/// [`Tokenizer::texts_after`](crate::Tokenizer::texts_after).
pub(super) fn texts_after(
    vocabulary: &Vocabulary,
    before: &[u32],
    ids: &[u32],
) -> Result<Vec<(String, usize, usize)>, DataError> {
    let mut decoder = StreamDecoder {
        eager: true,
        ..StreamDecoder::after(vocabulary, before)?
    };
    let (mut texts, mut pieces) = (Vec::new(), 0);
    let mut add = |text: &str, pieces: usize| {
        texts.extend((1..=pieces).map(|i| (text.to_owned(), i, pieces)))
    };
    for &id in ids {
        pieces += 1;
        let text = decoder.push(id)?;
        if !text.is_empty() {
            add(&text, std::mem::take(&mut pieces));
        }
    }
    add(&decoder.finish()?, pieces);
    Ok(texts)
}

/// Return the part of `text` after the part that was `returned`. Bytes that were a character and
/// became invalid with others show as one U+FFFD each; as many of these are skipped as bytes were
/// returned.
fn new_text<'a>(returned: &str, text: &'a str) -> &'a str {
    if let Some(new) = text.strip_prefix(returned) {
        return new;
    }
    let same = returned
        .char_indices()
        .zip(text.chars())
        .find(|((_, a), b)| a != b)
        .map_or(text.len(), |((at, _), _)| at);
    let new = &text[same.min(text.len())..];
    let lost = new
        .chars()
        .take_while(|c| *c == char::REPLACEMENT_CHARACTER)
        .count()
        .min(returned.len() - same.min(returned.len()));
    &new[lost * char::REPLACEMENT_CHARACTER.len_utf8()..]
}

#[cfg(test)]
mod tests {
    use super::new_text;

    #[test]
    fn returned_text_is_skipped_even_if_it_became_invalid() {
        assert_eq!(new_text("The", "The cat"), " cat");
        assert_eq!(new_text("", "cat"), "cat");
        assert_eq!(new_text("a cat", "a"), "");
        // Three bytes were a character; with a fourth they are invalid.
        assert_eq!(
            new_text("a한", "a\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}b"),
            "\u{FFFD}b"
        );
        assert_eq!(new_text("cat ", "cat."), ".");
    }
}
