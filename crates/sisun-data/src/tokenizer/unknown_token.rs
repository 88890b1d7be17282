//! The token that a tokenizer writes in place of characters that its vocabulary lacks.

use super::{encoding::Encoding, hf_tokenizer::HfTokenizer};
use crate::text::characters::{distinct_characters, list_characters};
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc};
use tokenizers::{Model, ModelWrapper};

/// The number of example characters that a message shows.
const MAX_EXAMPLES: usize = 16;

/// Characters that became the unknown token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnknownCharacters {
    /// Their number, repeated ones included.
    pub characters: u64,
    /// Some of them, each once.
    pub examples: Vec<char>,
    /// The name of the unknown token.
    pub token: String,
}

impl fmt::Display for UnknownCharacters {
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

impl UnknownCharacters {
    /// Add the characters of another text.
    pub(crate) fn add(&mut self, other: Self) {
        self.characters += other.characters;
        for c in other.examples {
            if self.examples.len() < MAX_EXAMPLES && !self.examples.contains(&c) {
                self.examples.push(c);
            }
        }
    }
}

/// The unknown token of a tokenizer, if it has one.
#[derive(Clone, Debug)]
pub(crate) struct UnknownToken {
    library: Arc<HfTokenizer>,
    id: Option<u32>,
}

impl UnknownToken {
    pub(super) fn new(library: Arc<HfTokenizer>, canonical_json: &str) -> Self {
        Self {
            id: find_unknown_token(&library, canonical_json),
            library,
        }
    }

    /// Return the same token with another instance of its tokenizer.
    pub(super) fn with_library(&self, library: Arc<HfTokenizer>) -> Self {
        Self {
            library,
            id: self.id,
        }
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.id
    }

    /// Return the characters of `text` that became this token in its `encoding`.
    pub(super) fn characters_of_encoding(
        &self,
        text: &str,
        encoding: &Encoding,
    ) -> Option<UnknownCharacters> {
        let id = self.id.filter(|id| encoding.ids.contains(id))?;
        let starts: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        let bytes = encoding
            .offsets
            .iter()
            .map(|&(start, end)| (starts[start], starts[end]));
        self.characters_in(
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

    /// Return the characters of `text` that became this token in its `ids`.
    pub(super) fn characters_of_ids(&self, text: &str, ids: &[u32]) -> Option<UnknownCharacters> {
        let id = self.id.filter(|id| ids.contains(id))?;
        let encoding = self.library.encode(text, false).ok()?;
        let tokens = encoding.get_ids().iter().zip(encoding.get_offsets());
        self.characters_in(text, tokens.filter(|(of, _)| **of == id).map(|(_, &at)| at))
    }

    /// Return the characters in these byte ranges, each of which became this token.
    pub(super) fn characters_in(
        &self,
        text: &str,
        ranges: impl Iterator<Item = (usize, usize)>,
    ) -> Option<UnknownCharacters> {
        let token = self.library.id_to_token(self.id?)?;
        // The token's own name, written out in a text, is known text.
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
                .library
                .encode(&c.to_string(), false)
                .map(|encoding| encoding.get_ids().to_vec());
            ids.is_ok_and(|ids| ids.contains(&self.id.unwrap_or(u32::MAX)))
        };
        let mut examples = distinct_characters(all.iter().copied(), alone);
        if examples.is_empty() {
            examples = distinct_characters(all.iter().copied(), |_| true);
        }
        examples.truncate(MAX_EXAMPLES);
        (!all.is_empty()).then_some(UnknownCharacters {
            characters: all.len() as u64,
            examples,
            token,
        })
    }
}

/// Return the id of the unknown token of a tokenizer's model.
fn find_unknown_token(tokenizer: &tokenizers::Tokenizer, canonical_json: &str) -> Option<u32> {
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
    match tokenizer.get_model() {
        ModelWrapper::BPE(model) => model.unk_token.as_deref().and_then(id),
        ModelWrapper::WordPiece(model) => id(&model.unk_token),
        ModelWrapper::WordLevel(model) => id(&model.unk_token),
        // The library does not expose it.
        ModelWrapper::Unigram(_) => serde_json::from_str::<File>(canonical_json)
            .ok()
            .and_then(|file| file.model.unk_id),
    }
}
