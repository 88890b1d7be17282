//! One token per Unicode character, numbered in code-point order (as nanoGPT's `shakespeare_char`).

use crate::{
    DataError, END_OF_TEXT, Encoding, Tokenizer,
    text::normalization::{composed, remedy},
    tokenizer::coverage::distinct,
};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeSet};
use tokenizers::ModelWrapper;

impl Tokenizer {
    /// A tokenizer of single characters: the id of a character is its rank in code-point order.
    /// `<|endoftext|>` comes last if `end_of_text` asks for it.
    ///
    /// # Errors
    /// [`DataError::NoCharacters`] when `characters` is empty.
    pub fn characters(
        characters: impl IntoIterator<Item = char>,
        end_of_text: bool,
    ) -> Result<Self, DataError> {
        let characters: BTreeSet<char> = characters.into_iter().collect();
        if characters.is_empty() {
            return Err(DataError::NoCharacters);
        }
        let special = end_of_text.then(|| {
            json!({
                "id": characters.len(), "content": END_OF_TEXT, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true,
            })
        });
        let vocab: serde_json::Map<String, Value> = characters
            .iter()
            .enumerate()
            .map(|(id, c)| (c.to_string(), json!(id)))
            .collect();
        let tokenizer = json!({
            "version": "1.0",
            "truncation": null,
            "padding": null,
            "added_tokens": special.into_iter().collect::<Vec<_>>(),
            "normalizer": null,
            "pre_tokenizer": every_character(),
            "post_processor": null,
            "decoder": { "type": "Fuse" },
            "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" },
        });
        Self::from_json(tokenizer.to_string().as_bytes(), None)
    }
}

/// The pre-tokenizer that makes every character, line breaks included, a word of its own.
fn every_character() -> Value {
    json!({ "type": "Split", "pattern": { "Regex": r"[\s\S]" }, "behavior": "Isolated", "invert": false })
}

/// A character vocabulary as a table: the ids that Hugging Face's library gives, without its cost
/// of a string per character.
#[derive(Debug)]
pub(crate) struct CharTable {
    /// Indexed by code point.
    ids: Vec<u32>,
    end_of_text: Option<u32>,
    /// What is read is composed first.
    composes: bool,
}

/// Marks a code point without a token.
const NO_TOKEN: u32 = u32::MAX;

impl CharTable {
    /// The table of a tokenizer that [`Tokenizer::characters`] made; `None` for any other.
    pub(crate) fn of(tokenizer: &tokenizers::Tokenizer, canonical_json: &str) -> Option<Self> {
        if !matches!(tokenizer.get_model(), ModelWrapper::WordLevel(_)) {
            return None;
        }
        let json: Value = serde_json::from_str(canonical_json).ok()?;
        let composes = json["normalizer"] == json!({ "type": "NFC" });
        let plain = json["post_processor"].is_null() && (composes || json["normalizer"].is_null());
        if !plain || json["pre_tokenizer"] != every_character() {
            return None;
        }
        let added = tokenizer.get_added_tokens_decoder();
        if added.values().any(|token| {
            token.content != END_OF_TEXT || token.lstrip || token.rstrip || token.single_word
        }) {
            return None;
        }
        let mut table = Self {
            ids: Vec::new(),
            end_of_text: added.keys().next().copied(),
            composes,
        };
        for (token, id) in tokenizer.get_vocab(false) {
            let mut characters = token.chars();
            let (Some(c), None) = (characters.next(), characters.next()) else {
                return None;
            };
            let at = u32::from(c) as usize;
            if table.ids.len() <= at {
                table.ids.resize(at + 1, NO_TOKEN);
            }
            table.ids[at] = id;
        }
        Some(table)
    }

    /// The ids alone.
    pub(crate) fn encode_ids(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let mut ids = Vec::with_capacity(text.len());
        for (part, between) in self.parts(text) {
            ids.extend(between);
            ids.extend(part.chars().map(|c| self.id(c).unwrap_or(NO_TOKEN)));
        }
        if ids.contains(&NO_TOKEN) {
            let parts: Vec<Cow<'_, str>> = self.parts(text).map(|(part, _)| part).collect();
            let characters = distinct(parts.iter().flat_map(|part| part.chars()), |c| {
                self.id(c).is_none()
            });
            let known = |text: &str| {
                self.parts(text)
                    .all(|(part, _)| part.chars().all(|c| self.id(c).is_some()))
            };
            return Err(DataError::UnseenCharacters {
                characters,
                remedy: remedy(text, known),
            });
        }
        Ok(ids)
    }

    /// Ids and character offsets.
    pub(crate) fn encode(&self, text: &str) -> Result<Encoding, DataError> {
        let ids = self.encode_ids(text)?;
        let mut at = 0;
        let offsets = ids
            .iter()
            .map(|&id| {
                let start = at;
                at += if Some(id) == self.end_of_text {
                    END_OF_TEXT.chars().count()
                } else {
                    1
                };
                (start, at)
            })
            .collect();
        Ok(Encoding { ids, offsets })
    }

    fn id(&self, c: char) -> Option<u32> {
        self.ids
            .get(u32::from(c) as usize)
            .copied()
            .filter(|&id| id != NO_TOKEN)
    }

    /// The stretches of ordinary text, each with the end-of-text token that stands before it, if
    /// one does.
    fn parts<'t>(&self, text: &'t str) -> impl Iterator<Item = (Cow<'t, str>, Option<u32>)> {
        let end_of_text = self.end_of_text;
        // Without the token nothing in the text is special: one part.
        let count = if end_of_text.is_some() { usize::MAX } else { 1 };
        let parts = text.splitn(count, END_OF_TEXT);
        let composes = self.composes;
        parts.enumerate().map(move |(i, part)| {
            let part = if composes {
                composed(part)
            } else {
                Cow::Borrowed(part)
            };
            (part, end_of_text.filter(|_| i > 0))
        })
    }
}
