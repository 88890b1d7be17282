//! What a tokenizer cannot write: characters that it would leave out of a text, and those that
//! become its unknown token.

use crate::{
    DataError, Encoding, Tokenizer, error::list_characters, text::normalization,
    tokenizer::byte_alphabet::character_of, tokenizer::hf_tokenizer::Failure,
};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt};
use tokenizers::{Model, ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, models::bpe::BPE};

/// As many characters are kept to be shown.
const SHOWN: usize = 16;

/// What a vocabulary lacks.
#[derive(Clone, Debug)]
pub(crate) struct Coverage {
    lack: Lack,
    /// What stands for everything that it lacks.
    unknown: Option<u32>,
}

/// What a BPE model without an unknown token leaves out.
#[derive(Clone, Debug)]
enum Lack {
    Nothing,
    /// These bytes of a byte-level vocabulary.
    Bytes(Box<[bool; 256]>),
    /// Characters without a token.
    Characters,
    /// Characters that have none where in a word they stand.
    InWords,
}

/// Characters that became the unknown token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unknown {
    /// How many.
    pub characters: u64,
    /// Some of them, each once.
    pub examples: Vec<char>,
    /// How the unknown token is written.
    pub token: String,
}

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            characters,
            examples,
            token,
        } = self;
        let s = if *characters == 1 { "" } else { "s" };
        write!(
            f,
            "{characters} character{s} of the text cannot be told apart: the tokenizer's vocabulary has no token for them and writes each as {token}: {}",
            list_characters(examples)
        )
    }
}

impl Unknown {
    /// Adds what was found elsewhere.
    pub(crate) fn add(&mut self, other: Self) {
        self.characters += other.characters;
        for c in other.examples {
            if self.examples.len() < SHOWN && !self.examples.contains(&c) {
                self.examples.push(c);
            }
        }
    }
}

impl Coverage {
    pub(crate) fn of(tokenizer: &tokenizers::Tokenizer, canonical_json: &str) -> Self {
        #[derive(Deserialize)]
        struct File {
            model: Unigram,
        }
        #[derive(Deserialize)]
        struct Unigram {
            #[serde(default)]
            unk_id: Option<u32>,
        }
        let id = |token: &str| tokenizer.get_model().token_to_id(token);
        let unknown = match tokenizer.get_model() {
            ModelWrapper::BPE(model) => model.unk_token.as_deref().and_then(id),
            ModelWrapper::WordPiece(model) => id(&model.unk_token),
            ModelWrapper::WordLevel(model) => id(&model.unk_token),
            // The library keeps it to itself.
            ModelWrapper::Unigram(_) => serde_json::from_str::<File>(canonical_json)
                .ok()
                .and_then(|file| file.model.unk_id),
        };
        let lack = match tokenizer.get_model() {
            ModelWrapper::BPE(model) if model.unk_token.is_none() => Lack::of(tokenizer, model),
            _ => Lack::Nothing,
        };
        Self { lack, unknown }
    }
}

impl Lack {
    fn of(tokenizer: &tokenizers::Tokenizer, model: &BPE) -> Self {
        let known = |token: &str| model.token_to_id(token).is_some();
        if by_bytes(tokenizer) {
            let lacks: [bool; 256] = std::array::from_fn(|byte| {
                !known(character_of(byte as u8).encode_utf8(&mut [0; 4]))
            });
            return if lacks.contains(&true) {
                Self::Bytes(Box::new(lacks))
            } else {
                Self::Nothing
            };
        }
        let affix = |affix: &Option<String>| affix.as_ref().is_some_and(|affix| !affix.is_empty());
        if affix(&model.continuing_subword_prefix) || affix(&model.end_of_word_suffix) {
            return Self::InWords;
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

impl Tokenizer {
    /// Why encoding `text` failed: the characters that no token can write, if that is it.
    pub(crate) fn explain(&self, text: &str, failure: Failure) -> DataError {
        if let Failure::Unusable(error) = failure {
            return error;
        }
        let vocab = self.inner.get_vocab(true);
        let characters = distinct(text.chars(), |c| {
            self.inner.encode(&c.to_string(), false).is_err()
                && !vocab.keys().any(|token| token.contains(c))
        });
        if characters.is_empty() {
            failure.into()
        } else {
            self.unseen(text, characters)
        }
    }

    /// That nothing of a text is left out. `offsets` are the byte ranges that its tokens came from.
    pub(crate) fn check_coverage(
        &self,
        text: &str,
        offsets: &[(usize, usize)],
    ) -> Result<(), DataError> {
        let characters = match &self.coverage.lack {
            Lack::InWords => {
                // How a character is written depends on where in a word it stands. What is left out
                // shifts the ranges of what follows, so these do not say which it is.
                let mut covered = vec![false; text.len()];
                offsets
                    .iter()
                    .filter_map(|&(start, end)| {
                        covered.get_mut(start..end).map(|part| part.fill(true))
                    })
                    .count();
                let left = || {
                    text.char_indices()
                        .filter(|(at, c)| !covered[*at] && !c.is_whitespace())
                        .map(|(_, c)| c)
                };
                let vocab = if left().next().is_some() {
                    self.inner.get_vocab(true)
                } else {
                    return Ok(());
                };
                let unknown = distinct(text.chars(), |c| {
                    !c.is_whitespace()
                        && !self.normalized(c).is_empty()
                        && !vocab.keys().any(|token| token.contains(c))
                });
                if unknown.is_empty() {
                    distinct(left(), |c| !self.normalized(c).is_empty())
                } else {
                    unknown
                }
            }
            Lack::Characters => {
                let keeps_lines = keeps_white_space(&self.inner);
                let counts = |c: char| {
                    if keeps_lines {
                        c != ' '
                    } else {
                        !c.is_whitespace()
                    }
                };
                self.lost_among(
                    self.without_added(text)
                        .into_iter()
                        .flat_map(str::chars)
                        .filter(|c| counts(*c)),
                )
            }
            Lack::Nothing | Lack::Bytes(_) => return self.check_bytes(text),
        };
        if characters.is_empty() {
            Ok(())
        } else {
            Err(self.unseen(text, characters))
        }
    }

    /// The same for a byte-level vocabulary, which needs no offsets.
    pub(crate) fn check_bytes(&self, text: &str) -> Result<(), DataError> {
        let Lack::Bytes(lacks) = &self.coverage.lack else {
            return Ok(());
        };
        if !text.bytes().any(|byte| lacks[usize::from(byte)]) {
            return Ok(());
        }
        let characters = self.lost_among(self.without_added(text).into_iter().flat_map(str::chars));
        if characters.is_empty() {
            Ok(())
        } else {
            Err(self.unseen(text, characters))
        }
    }

    fn lost_among(&self, characters: impl Iterator<Item = char>) -> Vec<char> {
        distinct(characters, |c| self.loses(c))
    }

    /// The parts of a text between tokens that were added, which are found before the model sees a
    /// text.
    fn without_added<'t>(&self, text: &'t str) -> Vec<&'t str> {
        let added = self.inner.get_added_tokens_decoder();
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

    /// The characters of `text` that became the unknown token in its `encoding`.
    pub fn unknown(&self, text: &str, encoding: &Encoding) -> Option<Unknown> {
        let id = self
            .coverage
            .unknown
            .filter(|id| encoding.ids.contains(id))?;
        let starts: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let bytes = encoding
            .offsets
            .iter()
            .map(|&(start, end)| (starts[start], starts[end]));
        self.unknown_among(
            text,
            encoding
                .ids
                .iter()
                .copied()
                .zip(bytes)
                .filter(|(of, _)| *of == id)
                .map(|(_, at)| at),
        )
    }

    /// As [`Tokenizer::unknown`], of ids without offsets.
    pub(crate) fn unknown_in(&self, text: &str, ids: &[u32]) -> Option<Unknown> {
        let id = self.coverage.unknown.filter(|id| ids.contains(id))?;
        let encoding = self.inner.encode(text, false).ok()?;
        let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
        self.unknown_among(text, tokens.filter(|(of, _)| **of == id).map(|(_, &at)| at))
    }

    /// The id of the token that stands for what the vocabulary lacks.
    pub(crate) fn unknown_id(&self) -> Option<u32> {
        self.coverage.unknown
    }

    /// Counts the characters in these byte ranges, each of which became the unknown token.
    pub(crate) fn unknown_among(
        &self,
        text: &str,
        ranges: impl Iterator<Item = (usize, usize)>,
    ) -> Option<Unknown> {
        let token = self.inner.id_to_token(self.coverage.unknown?)?;
        // Its own name, written out in a text, is no unknown text.
        let parts = ranges
            .filter_map(|(start, end)| text.get(start..end))
            .filter(|part| part.trim() != token);
        let all: Vec<char> = parts
            .flat_map(|part| {
                if part.trim().is_empty() {
                    part.chars()
                } else {
                    part.trim().chars()
                }
            })
            .collect();
        let alone = |c: char| {
            let ids = self
                .inner
                .encode(&c.to_string(), false)
                .map(|encoding| encoding.get_ids().to_vec());
            ids.is_ok_and(|ids| ids.contains(&self.coverage.unknown.unwrap_or(u32::MAX)))
        };
        let mut examples = distinct(all.iter().copied(), alone);
        if examples.is_empty() {
            examples = distinct(all.iter().copied(), |_| true);
        }
        examples.truncate(SHOWN);
        (!all.is_empty()).then_some(Unknown {
            characters: all.len() as u64,
            examples,
            token,
        })
    }

    fn unseen(&self, text: &str, characters: Vec<char>) -> DataError {
        let known = |text: &str| {
            let encoding = self.inner.encode(text, false);
            encoding.is_ok_and(|encoding| {
                distinct(text.chars(), |c| self.loses(c)).is_empty() && !encoding.is_empty()
            })
        };
        DataError::UnseenCharacters {
            characters,
            remedy: normalization::remedy(text, known),
        }
    }

    /// Whether the model of a BPE vocabulary without an unknown token leaves out `c`, or a part of
    /// it.
    fn loses(&self, c: char) -> bool {
        let ModelWrapper::BPE(_) = self.inner.get_model() else {
            return false;
        };
        let normalized = self.normalized(c);
        if !matches!(self.coverage.lack, Lack::Bytes(_) | Lack::Characters) || normalized.is_empty()
        {
            return false;
        }
        let lost = |c: char| {
            self.inner
                .tokens_of_word(c.encode_utf8(&mut [0; 4]))
                .is_ok_and(|tokens| tokens.is_empty())
        };
        match self
            .inner
            .get_pre_tokenizer()
            .is_some_and(splits_into_bytes)
        {
            true => normalized.bytes().any(|byte| lost(character_of(byte))),
            false => normalized.chars().any(lost),
        }
    }

    /// What the normaliser leaves of `c`, without the mark that some put in front of a text.
    fn normalized(&self, c: char) -> String {
        let Ok(normalized) = self.inner.normalized(c.encode_utf8(&mut [0; 4])) else {
            return String::new();
        };
        let text = normalized.get();
        text.strip_prefix('▁')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(text)
            .to_owned()
    }
}

/// The characters that satisfy `wanted`, each once, in order of appearance.
pub(crate) fn distinct(
    characters: impl Iterator<Item = char>,
    wanted: impl Fn(char) -> bool,
) -> Vec<char> {
    let mut seen = HashSet::new();
    characters
        .filter(|&c| seen.insert(c) && wanted(c))
        .collect()
}

/// Whether text is written in GPT-2's alphabet of bytes.
fn by_bytes(tokenizer: &tokenizers::Tokenizer) -> bool {
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

/// Whether line ends and tabs come to the model, as where words are not split at them.
fn keeps_white_space(tokenizer: &tokenizers::Tokenizer) -> bool {
    matches!(
        tokenizer.get_pre_tokenizer(),
        None | Some(PreTokenizerWrapper::Metaspace(_))
    )
}
