//! Characters that a tokenizer would leave out of a text.

use super::{
    byte_alphabet::character_of,
    hf_tokenizer::{EncodeError, HfTokenizer},
    normalization_hints::known_form,
};
use crate::{DataError, text::characters::distinct_characters};
use std::sync::Arc;
use tokenizers::{Model, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, models::bpe::BPE};

/// A check that a tokenizer has a token for every character of a text.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    library: Arc<HfTokenizer>,
    missing: Missing,
}

/// The tokens that a BPE model without an unknown token lacks.
#[derive(Clone, Debug)]
enum Missing {
    Nothing,
    /// These bytes of a byte-level vocabulary.
    Bytes(Box<[bool; 256]>),
    /// Characters without a token.
    Characters,
    /// Characters without a token for some position in a word.
    CharactersByPosition,
}

impl Missing {
    fn of(tokenizer: &tokenizers::Tokenizer) -> Self {
        let ModelWrapper::BPE(model) = tokenizer.get_model() else {
            return Self::Nothing;
        };
        if model.unk_token.is_some() {
            return Self::Nothing;
        }
        Self::of_bpe(tokenizer, model)
    }

    fn of_bpe(tokenizer: &tokenizers::Tokenizer, model: &BPE) -> Self {
        let known = |token: &str| model.token_to_id(token).is_some();
        if is_byte_level(tokenizer) {
            let missing: [bool; 256] = std::array::from_fn(|byte| {
                !known(character_of(byte as u8).encode_utf8(&mut [0; 4]))
            });
            return if missing.contains(&true) {
                Self::Bytes(Box::new(missing))
            } else {
                Self::Nothing
            };
        }
        let affix = |affix: &Option<String>| affix.as_ref().is_some_and(|affix| !affix.is_empty());
        if affix(&model.continuing_subword_prefix) || affix(&model.end_of_word_suffix) {
            return Self::CharactersByPosition;
        }
        let falls_back =
            model.byte_fallback && (0..=255).all(|byte: u8| known(&format!("<0x{byte:02X}>")));
        if falls_back {
            Self::Nothing
        } else {
            Self::Characters
        }
    }
}

impl Coverage {
    pub(super) fn new(library: Arc<HfTokenizer>) -> Self {
        Self {
            missing: Missing::of(&library),
            library,
        }
    }

    /// Return the same check with another instance of its tokenizer.
    pub(super) fn with_library(&self, library: Arc<HfTokenizer>) -> Self {
        Self {
            library,
            missing: self.missing.clone(),
        }
    }

    /// Return why encoding `text` failed: because of characters that no token can write, or else
    /// `failure` itself.
    pub(super) fn explain(&self, text: &str, failure: EncodeError) -> DataError {
        if let EncodeError::Unusable(error) = failure {
            return error;
        }
        let vocab = self.library.get_vocab(true);
        let characters = distinct_characters(text.chars(), |c| {
            self.library.encode(&c.to_string(), false).is_err()
                && !vocab.keys().any(|token| token.contains(c))
        });
        if characters.is_empty() {
            failure.into()
        } else {
            self.unseen_characters(text, characters)
        }
    }

    /// Return [`DataError::UnseenCharacters`] if a character of a text is left out. `offsets` are
    /// the byte ranges that its tokens came from.
    pub(super) fn check_encoding(
        &self,
        text: &str,
        offsets: &[(usize, usize)],
    ) -> Result<(), DataError> {
        let characters = match &self.missing {
            Missing::CharactersByPosition => {
                // A character's token depends on its position in a word. A character that is left
                // out shifts the ranges after it, so they do not show which one it is.
                let mut covered = vec![false; text.len()];
                offsets
                    .iter()
                    .filter_map(|&(start, end)| {
                        covered.get_mut(start..end).map(|part| part.fill(true))
                    })
                    .count();
                let uncovered = || {
                    text.char_indices()
                        .filter(|(at, c)| !covered[*at] && !c.is_whitespace())
                        .map(|(_, c)| c)
                };
                let vocab = if uncovered().next().is_some() {
                    self.library.get_vocab(true)
                } else {
                    return Ok(());
                };
                let unknown = distinct_characters(text.chars(), |c| {
                    !c.is_whitespace()
                        && !self.normalized(c).is_empty()
                        && !vocab.keys().any(|token| token.contains(c))
                });
                if unknown.is_empty() {
                    distinct_characters(uncovered(), |c| !self.normalized(c).is_empty())
                } else {
                    unknown
                }
            }
            Missing::Characters => {
                let keeps_lines = keeps_white_space(&self.library);
                let is_significant = |c: char| {
                    if keeps_lines {
                        c != ' '
                    } else {
                        !c.is_whitespace()
                    }
                };
                self.left_out_among(
                    self.between_added_tokens(text)
                        .into_iter()
                        .flat_map(str::chars)
                        .filter(|c| is_significant(*c)),
                )
            }
            Missing::Nothing | Missing::Bytes(_) => return self.check_bytes(text),
        };
        if characters.is_empty() {
            Ok(())
        } else {
            Err(self.unseen_characters(text, characters))
        }
    }

    /// Return [`DataError::UnseenCharacters`] if a byte-level vocabulary lacks a byte of the text.
    pub(super) fn check_bytes(&self, text: &str) -> Result<(), DataError> {
        let Missing::Bytes(missing) = &self.missing else {
            return Ok(());
        };
        if !text.bytes().any(|byte| missing[usize::from(byte)]) {
            return Ok(());
        }
        let characters = self.left_out_among(
            self.between_added_tokens(text)
                .into_iter()
                .flat_map(str::chars),
        );
        if characters.is_empty() {
            Ok(())
        } else {
            Err(self.unseen_characters(text, characters))
        }
    }

    fn left_out_among(&self, characters: impl Iterator<Item = char>) -> Vec<char> {
        distinct_characters(characters, |c| self.leaves_out(c))
    }

    /// Return the parts of a text between added tokens, which are found before the model sees the
    /// text.
    fn between_added_tokens<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let added = self.library.get_added_tokens_decoder();
        added
            .values()
            .filter(|token| !token.content.is_empty())
            .fold(vec![text], |parts, token| {
                parts
                    .into_iter()
                    .flat_map(|part| part.split(token.content.as_str()))
                    .collect()
            })
    }

    fn unseen_characters(&self, text: &str, characters: Vec<char>) -> DataError {
        let is_known = |text: &str| {
            let encoding = self.library.encode(text, false);
            encoding.is_ok_and(|encoding| {
                distinct_characters(text.chars(), |c| self.leaves_out(c)).is_empty()
                    && !encoding.is_empty()
            })
        };
        DataError::UnseenCharacters {
            characters,
            form: known_form(text, is_known),
            keys: super::unknown_remedy::TokenizerKeys::LANGUAGE,
        }
    }

    /// Return whether the model of a BPE vocabulary without an unknown token leaves out `c`, or a
    /// part of it.
    fn leaves_out(&self, c: char) -> bool {
        let ModelWrapper::BPE(_) = self.library.get_model() else {
            return false;
        };
        let normalized = self.normalized(c);
        if !matches!(self.missing, Missing::Bytes(_) | Missing::Characters) || normalized.is_empty()
        {
            return false;
        }
        let is_lost = |c: char| {
            self.library
                .tokens_of_word(c.encode_utf8(&mut [0; 4]))
                .is_ok_and(|tokens| tokens.is_empty())
        };
        match self
            .library
            .get_pre_tokenizer()
            .is_some_and(splits_into_bytes)
        {
            true => normalized.bytes().any(|byte| is_lost(character_of(byte))),
            false => normalized.chars().any(is_lost),
        }
    }

    /// Return `c` as the normalizer changes it, without the mark that some put before a text.
    fn normalized(&self, c: char) -> String {
        let Ok(normalized) = self.library.normalized(c.encode_utf8(&mut [0; 4])) else {
            return String::new();
        };
        let text = normalized.get();
        text.strip_prefix('▁')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(text)
            .to_owned()
    }
}

/// Return whether the tokenizer writes text in GPT-2's alphabet of bytes.
fn is_byte_level(tokenizer: &tokenizers::Tokenizer) -> bool {
    fn normalizes(normalizer: &NormalizerWrapper) -> bool {
        match normalizer {
            NormalizerWrapper::ByteLevel(_) => true,
            NormalizerWrapper::Sequence(sequence) => sequence.as_ref().iter().any(normalizes),
            _ => false,
        }
    }
    tokenizer.get_pre_tokenizer().is_some_and(splits_into_bytes)
        || tokenizer.get_normalizer().is_some_and(normalizes)
}

fn splits_into_bytes(pre_tokenizer: &PreTokenizerWrapper) -> bool {
    match pre_tokenizer {
        PreTokenizerWrapper::ByteLevel(_) => true,
        PreTokenizerWrapper::Sequence(sequence) => sequence.as_ref().iter().any(splits_into_bytes),
        _ => false,
    }
}

/// Return whether line ends and tabs reach the model, because words are not split at them.
fn keeps_white_space(tokenizer: &tokenizers::Tokenizer) -> bool {
    matches!(
        tokenizer.get_pre_tokenizer(),
        None | Some(PreTokenizerWrapper::Metaspace(_))
    )
}
