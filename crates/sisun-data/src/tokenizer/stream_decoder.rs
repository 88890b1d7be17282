//! Token ids in, text out, as it becomes complete.

use crate::{DataError, Tokenizer};

/// Ids of what precedes that a decoder keeps in sight, and at most of white space.
const SEEN: usize = 16;

/// Decodes ids one by one and never gives half a character: what is not yet complete waits for the
/// next id.
///
/// All that [`push`](Self::push) gave and what [`finish`](Self::finish) gives is what the ids add
/// to the text of the ids before them: [`Tokenizer::decode_after`].
#[derive(Debug)]
pub struct StreamDecoder<'t> {
    tokenizer: &'t Tokenizer,
    /// The last ids: those not yet written out, and before them enough for the decoder to see what
    /// precedes.
    ids: Vec<u32>,
    /// The text of `ids` that was given out, or precedes.
    given: String,
    /// How many of `ids` were there when text was last given out.
    complete: usize,
    /// Whether a run of bytes is given as soon as it is text. It could yet become none.
    eager: bool,
}

impl Tokenizer {
    /// A decoder for ids that come one by one, the first of a text.
    pub fn stream_decoder(&self) -> StreamDecoder<'_> {
        StreamDecoder {
            tokenizer: self,
            ids: Vec::new(),
            given: String::new(),
            complete: 0,
            eager: false,
        }
    }

    /// A decoder for ids that come one by one after those `before`. What a decoder does to the
    /// beginning of a text (it may take away a space) it does not do to them. Special tokens among
    /// those before are no text.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`].
    pub fn stream_decoder_after(&self, before: &[u32]) -> Result<StreamDecoder<'_>, DataError> {
        let is_byte = |id: u32| self.byte_of(id).is_some();
        let mut seen: Vec<u32> = Vec::new();
        // Backwards. A run of bytes is text or not as a whole.
        for &id in before.iter().rev().filter(|id| !self.is_special(**id)) {
            if seen.len() >= SEEN
                && !(is_byte(id) && seen.last().is_some_and(|&after| is_byte(after)))
            {
                break;
            }
            seen.push(id);
        }
        seen.reverse();
        let given = self
            .decode(&seen)?
            .trim_end_matches(char::REPLACEMENT_CHARACTER)
            .to_owned();
        let complete = seen.len();
        Ok(StreamDecoder {
            tokenizer: self,
            ids: seen,
            given,
            complete,
            eager: false,
        })
    }

    /// What `ids` add to the text of those `before`. The text of a continuation by itself is
    /// another where the decoder treats the beginning of a text in a special way, as
    /// SentencePiece's do.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`].
    pub fn decode_after(&self, before: &[u32], ids: &[u32]) -> Result<String, DataError> {
        let mut decoder = self.stream_decoder_after(before)?;
        let mut text = String::new();
        for &id in ids {
            text += &decoder.push(id)?;
        }
        Ok(text + &decoder.finish()?)
    }

    /// For each of `ids`, which follow those `before`, the text that it adds; where several make
    /// one character, they have its text together, and each says which piece it is and of how many.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`].
    pub fn texts_after(
        &self,
        before: &[u32],
        ids: &[u32],
    ) -> Result<Vec<(String, usize, usize)>, DataError> {
        let mut decoder = StreamDecoder {
            eager: true,
            ..self.stream_decoder_after(before)?
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
}

impl StreamDecoder<'_> {
    /// Takes one more id and gives the text that is now complete, which may be empty.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`]; the decoder is then as it was before.
    pub fn push(&mut self, id: u32) -> Result<String, DataError> {
        self.tokenizer.check_id(id)?;
        self.ids.push(id);
        if !self.eager && self.tokenizer.byte_of(id).is_some() {
            // Bytes that follow one another are text together, or none of them is.
            return Ok(String::new());
        }
        let text = self.tokenizer.decode(&self.ids)?;
        // Bytes that may yet become a character show as U+FFFD at the end.
        let complete = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let new = new_text(&self.given, complete).to_owned();
        if complete.len() == text.len() && !new.is_empty() {
            self.forget(text)?;
        } else if !new.is_empty() {
            self.given = complete.to_owned();
        }
        Ok(new)
    }

    /// The text that would come next if nothing but text followed: bytes that are held back because
    /// others may yet make them none. Empty where they are no whole characters.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`].
    pub fn pending(&self) -> Result<String, DataError> {
        if self
            .ids
            .last()
            .is_none_or(|&id| self.tokenizer.byte_of(id).is_none())
        {
            return Ok(String::new());
        }
        let text = self.tokenizer.decode(&self.ids)?;
        let new = new_text(&self.given, &text);
        Ok(if new.ends_with(char::REPLACEMENT_CHARACTER) {
            String::new()
        } else {
            new.to_owned()
        })
    }

    /// What is left, incomplete bytes as U+FFFD.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`].
    pub fn finish(self) -> Result<String, DataError> {
        let text = self.tokenizer.decode(&self.ids)?;
        Ok(new_text(&self.given, &text).to_owned())
    }

    /// Lets go of the ids that are no longer needed. White space alone does not show what a decoder
    /// does to a beginning.
    fn forget(&mut self, text: String) -> Result<(), DataError> {
        let rest = self.tokenizer.decode(&self.ids[self.complete..])?;
        if rest.trim().is_empty() && self.ids.len() < SEEN {
            self.given = text;
        } else {
            self.ids.drain(..self.complete);
            self.given = rest;
        }
        self.complete = self.ids.len();
        Ok(())
    }
}

/// What a text has after the part of it that was given. Bytes that were text and with others are
/// none show as a U+FFFD each: as many as were given are passed over.
fn new_text<'a>(given: &str, text: &'a str) -> &'a str {
    if let Some(new) = text.strip_prefix(given) {
        return new;
    }
    let same = given
        .char_indices()
        .zip(text.chars())
        .find(|((_, a), b)| a != b)
        .map_or(text.len(), |((at, _), _)| at);
    let new = &text[same.min(text.len())..];
    let lost = new
        .chars()
        .take_while(|c| *c == char::REPLACEMENT_CHARACTER)
        .count()
        .min(given.len() - same.min(given.len()));
    &new[lost * char::REPLACEMENT_CHARACTER.len_utf8()..]
}

#[cfg(test)]
mod tests {
    use super::new_text;

    #[test]
    fn what_was_given_is_passed_over_whatever_became_of_it() {
        assert_eq!(new_text("The", "The cat"), " cat");
        assert_eq!(new_text("", "cat"), "cat");
        assert_eq!(new_text("a cat", "a"), "");
        // Three bytes were a character; with a fourth none of them is.
        assert_eq!(
            new_text("a한", "a\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}b"),
            "\u{FFFD}b"
        );
        assert_eq!(new_text("cat ", "cat."), ".");
    }
}
