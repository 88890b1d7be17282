//! The vocabulary of a tokenizer: its ids, the text of each, and decoding.

use super::{byte_alphabet, hf_tokenizer::HfTokenizer};
use crate::DataError;
use std::{collections::HashSet, sync::Arc};
use tokenizers::DecoderWrapper;

/// The ids of a tokenizer and the text that they stand for.
#[derive(Clone, Debug)]
pub(crate) struct Vocabulary {
    library: Arc<HfTokenizer>,
    /// Highest id + 1.
    size: usize,
    /// Ids below `size` that no token has.
    unassigned: Arc<HashSet<u32>>,
    /// A token of letters. Decoding another token after it gives that token's text within a text.
    letters: Option<u32>,
    /// True if tokens are written in GPT-2's alphabet of bytes.
    byte_level: bool,
    /// True if the decoder reads tokens such as `<0xED>` as bytes.
    byte_fallback: bool,
}

/// Return all ids that a tokenizer's tokens have.
///
/// # Errors
/// A vocabulary that is empty, or whose highest id is far above the number of its tokens.
pub(super) fn assigned_ids(tokenizer: &tokenizers::Tokenizer) -> Result<HashSet<u32>, DataError> {
    let ids: HashSet<u32> = tokenizer.get_vocab(true).into_values().collect();
    let Some(&highest) = ids.iter().max() else {
        return Err(DataError::tokenizer("its vocabulary is empty"));
    };
    // Checked here, before anything is sized by the highest id.
    if highest as usize >= 4 * ids.len() + 65_536 {
        return Err(DataError::tokenizer(format!(
            "its highest token id is {highest}, but it has only {} tokens",
            ids.len()
        )));
    }
    Ok(ids)
}

impl Vocabulary {
    /// Describe the vocabulary of `library`, whose [`assigned_ids`] are `ids`.
    pub(super) fn new(library: Arc<HfTokenizer>, ids: &HashSet<u32>) -> Self {
        let size = ids.iter().max().map_or(0, |&highest| highest as usize + 1);
        Self {
            size,
            unassigned: Arc::new((0..size as u32).filter(|id| !ids.contains(id)).collect()),
            letters: token_of_letters(&library),
            byte_level: has_decoder(&library, |decoder| {
                matches!(decoder, DecoderWrapper::ByteLevel(_))
            }),
            byte_fallback: has_decoder(&library, |decoder| {
                matches!(decoder, DecoderWrapper::ByteFallback(_))
            }),
            library,
        }
    }

    /// Return the same vocabulary, decoded by another instance of its tokenizer.
    pub(super) fn with_library(&self, library: Arc<HfTokenizer>) -> Self {
        Self {
            library,
            ..self.clone()
        }
    }

    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// Return whether a token has the id `id`.
    pub(super) fn has_token(&self, id: u32) -> bool {
        (id as usize) < self.size && !self.unassigned.contains(&id)
    }

    /// Return [`DataError::UnknownToken`] if no token has the id `id`.
    pub(super) fn check_id(&self, id: u32) -> Result<(), DataError> {
        if !self.has_token(id) {
            return Err(DataError::UnknownToken {
                id,
                vocab_size: self.size,
            });
        }
        Ok(())
    }

    /// Return [`DataError::TokenOutsideModel`] for the first of `ids` that an embedding of `rows`
    /// rows lacks.
    pub(super) fn check_rows(&self, ids: &[u32], rows: usize) -> Result<(), DataError> {
        match ids.iter().find(|&&id| id as usize >= rows) {
            Some(&id) => Err(DataError::TokenOutsideModel {
                token: self.token_text(id),
                id,
                rows,
            }),
            None => Ok(()),
        }
    }

    /// Return the text of `ids`, special tokens written out.
    pub(super) fn decode(&self, ids: &[u32]) -> Result<String, DataError> {
        for &id in ids {
            self.check_id(id)?;
        }
        if ids.is_empty() {
            return Ok(String::new());
        }
        self.library.decode(ids)
    }

    /// Return one token in readable form; see [`Tokenizer::token_text`](super::Tokenizer::token_text).
    pub(super) fn token_text(&self, id: u32) -> String {
        match self.library.id_to_token(id) {
            None => format!("<unknown {id}>"),
            Some(token) if self.is_special(id) => token,
            Some(token) if self.byte_level => byte_alphabet::readable(&token),
            Some(token) => match self.text_within(id) {
                Some(text) if !text.is_empty() && !text.contains(char::REPLACEMENT_CHARACTER) => {
                    text
                }
                _ => token.replace('▁', " "),
            },
        }
    }

    /// Return the text that a token adds after another that is neither special nor a byte.
    fn text_within(&self, id: u32) -> Option<String> {
        let before = self.letters?;
        let [alone, both] = [&[before][..], &[before, id]].map(|ids| self.decode(ids).ok());
        both?.strip_prefix(&alone?).map(str::to_owned)
    }

    pub(super) fn is_special(&self, id: u32) -> bool {
        self.library
            .id_to_token(id)
            .is_some_and(|token| self.library.get_added_vocabulary().is_special_token(&token))
    }

    pub(super) fn is_added(&self, id: u32) -> bool {
        self.library
            .get_added_vocabulary()
            .get_added_tokens_decoder()
            .contains_key(&id)
    }

    /// Return the byte that a token such as `<0xED>` stands for, if the decoder reads such tokens.
    pub(super) fn byte_of(&self, id: u32) -> Option<u8> {
        let token = self
            .library
            .id_to_token(id)
            .filter(|_| self.byte_fallback)?;
        parse_byte_token(&token)
    }

    /// Return whether tokens are written in GPT-2's alphabet of bytes.
    pub(super) fn is_byte_level(&self) -> bool {
        self.byte_level
    }

    /// Return the number of bytes of text that a token stands for, at the beginning of a text or
    /// within one. `characters` is true if the vocabulary is one of single characters.
    pub(super) fn token_bytes(&self, id: u32, at_beginning: bool, characters: bool) -> usize {
        match self.library.id_to_token(id) {
            None => 0,
            // Also where a tokenizer lists its byte tokens as special ones.
            Some(_) if self.byte_of(id).is_some() => 1,
            Some(_) if self.is_special(id) => 0,
            Some(token) if self.is_added(id) || characters => token.len(),
            Some(token) if self.byte_level => byte_alphabet::byte_len(&token),
            Some(token) => {
                let text = match at_beginning {
                    true => self.decode(&[id]).ok(),
                    false => self.text_within(id),
                };
                text.map_or_else(|| token.replace('▁', " ").len(), |text| text.len())
            }
        }
    }

    /// Count the spaces that a token begins and ends with, as its vocabulary writes them. A token
    /// of spaces alone has all of them at its beginning and `None` at its end.
    pub(super) fn spaces_around(&self, id: u32) -> [Option<usize>; 2] {
        let Some(token) = self.library.id_to_token(id).filter(|_| !self.is_added(id)) else {
            return [None, None];
        };
        let mark = if self.byte_level { 'Ġ' } else { '▁' };
        let count =
            |marks: &mut dyn Iterator<Item = char>| marks.take_while(|c| *c == mark).count();
        let before = count(&mut token.chars());
        let only_spaces = before == token.chars().count();
        [
            Some(before),
            (!only_spaces).then(|| count(&mut token.chars().rev())),
        ]
    }
}

/// Return the shortest token of letters alone; of several, the one with the lowest id.
fn token_of_letters(tokenizer: &tokenizers::Tokenizer) -> Option<u32> {
    let letters = |token: &str| token.chars().all(char::is_alphabetic) && !token.is_empty();
    tokenizer
        .get_vocab(false)
        .into_iter()
        .filter(|(token, _)| letters(token))
        .map(|(token, id)| (token.len(), id))
        .min()
        .map(|(_, id)| id)
}

/// Read the byte of a token such as `<0xED>`, as the library's decoder does.
fn parse_byte_token(token: &str) -> Option<u8> {
    let digits = token
        .strip_prefix("<0x")?
        .strip_suffix('>')
        .filter(|digits| digits.len() == 2)?;
    u8::from_str_radix(digits, 16).ok()
}

/// Return whether a part of a tokenizer's decoder satisfies `matches`.
fn has_decoder(
    tokenizer: &tokenizers::Tokenizer,
    matches: impl Fn(&DecoderWrapper) -> bool + Copy,
) -> bool {
    fn has(decoder: &DecoderWrapper, matches: impl Fn(&DecoderWrapper) -> bool + Copy) -> bool {
        match decoder {
            DecoderWrapper::Sequence(sequence) => sequence
                .get_decoders()
                .iter()
                .any(|part| has(part, matches)),
            other => matches(other),
        }
    }
    tokenizer
        .get_decoder()
        .is_some_and(|decoder| has(decoder, matches))
}
