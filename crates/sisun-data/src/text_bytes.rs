//! How many bytes of text some tokens stand for: what turns a loss per token into bits per byte.

use crate::{Tokenizer, Tokens, byte_level};
use std::collections::HashMap;
use std::ops::Range;

impl Tokens {
    /// How many tokens there are for each byte of text, among those at `targets`, which do not
    /// overlap: bits per byte are `loss / ln 2` times this. `None` where they stand for no text.
    ///
    /// Where they are all that a model can be asked for, that is every token but the first, it is
    /// the number of tokens over [`bytes`](Self::bytes). Of a part of them the bytes are counted
    /// token by token, as [`Tokenizer::text_bytes`] defines.
    pub fn tokens_per_byte(
        &self,
        targets: impl Iterator<Item = Range<usize>> + Clone,
        tokenizer: &Tokenizer,
    ) -> Option<f64> {
        let count: usize = targets.clone().map(|range| range.len()).sum();
        let (count, bytes) = match count + 1 == self.len() {
            true => (self.len(), self.bytes()),
            false => (count, tokenizer.text_bytes(self, targets)),
        };
        (bytes > 0).then(|| count as f64 / bytes as f64)
    }
}

impl Tokenizer {
    /// How many bytes of text the tokens at `ranges` stand for.
    ///
    /// A token of a byte-level vocabulary or of single characters has a fixed number of bytes, and
    /// so has one such as `<0xED>`. Of any other tokenizer it is what the token adds to the text
    /// when it is decoded, at the beginning of a document without the space that the decoder takes
    /// away there. Special tokens stand for no text.
    pub fn text_bytes(&self, tokens: &Tokens, ranges: impl Iterator<Item = Range<usize>>) -> u64 {
        let mut within: HashMap<u32, usize> = HashMap::new();
        let mut bytes = 0;
        for range in ranges {
            let before = range.start.saturating_sub(1)..range.start;
            let mut previous = tokens.read(before).first().copied();
            let first = range.start;
            for (i, id) in tokens.read(range).into_iter().enumerate() {
                let begins = || {
                    tokens.starts_document(first + i)
                        || previous.is_none_or(|previous| self.is_special(previous))
                };
                bytes += match !self.is_fixed() && begins() {
                    true => self.bytes_of(id, true),
                    false => *within.entry(id).or_insert_with(|| self.bytes_of(id, false)),
                } as u64;
                previous = Some(id);
            }
        }
        bytes
    }

    /// Whether a token stands for the same bytes wherever it is.
    fn is_fixed(&self) -> bool {
        self.byte_level || self.characters.is_some()
    }

    /// How many bytes of text a token stands for, at the beginning of a text or within one.
    fn bytes_of(&self, id: u32, begins: bool) -> usize {
        match self.inner.id_to_token(id) {
            None => 0,
            Some(_) if self.is_special(id) => 0,
            Some(token) if self.is_added(id) || self.characters.is_some() => token.len(),
            Some(token) if self.byte_level => byte_level::length(&token),
            Some(_) if self.byte_of(id).is_some() => 1,
            Some(token) => {
                let text = match begins {
                    true => self.decode(&[id]).ok(),
                    false => self.within_text(id),
                };
                text.map_or_else(|| token.replace('▁', " ").len(), |text| text.len())
            }
        }
    }
}
