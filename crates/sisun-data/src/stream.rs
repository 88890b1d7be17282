//! Token ids in, text out, as it becomes complete.

use crate::{DataError, Tokenizer};

/// Decodes ids one by one and never gives half a character: what is not yet complete waits for the next id.
///
/// All that [`push`](Self::push) gave and what [`finish`](Self::finish) gives is [`Tokenizer::decode`] of
/// all the ids.
#[derive(Debug)]
pub struct StreamDecoder<'t> {
    tokenizer: &'t Tokenizer,
    /// The last ids: those not yet written out, and before them enough for the decoder to see what precedes.
    ids: Vec<u32>,
    /// How many bytes of the text of `ids` were given out.
    given: usize,
    /// How many of `ids` were there when text was last given out.
    complete: usize,
}

impl Tokenizer {
    /// A decoder for ids that come one by one.
    pub fn stream_decoder(&self) -> StreamDecoder<'_> {
        StreamDecoder { tokenizer: self, ids: Vec::new(), given: 0, complete: 0 }
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
        let text = self.tokenizer.decode(&self.ids)?;
        // Bytes that may yet become a character show as U+FFFD at the end.
        let complete = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        let new = complete.get(self.given..).unwrap_or_default().to_owned();
        if complete.len() == text.len() && !new.is_empty() {
            self.ids.drain(..self.complete);
            self.complete = self.ids.len();
            self.given = self.tokenizer.decode(&self.ids)?.len();
        } else {
            self.given += new.len();
        }
        Ok(new)
    }

    /// What is left, incomplete bytes as U+FFFD.
    ///
    /// # Errors
    /// Those of [`Tokenizer::decode`].
    pub fn finish(self) -> Result<String, DataError> {
        let text = self.tokenizer.decode(&self.ids)?;
        Ok(text.get(self.given..).unwrap_or_default().to_owned())
    }
}
