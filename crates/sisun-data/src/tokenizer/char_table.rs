//! Vocabularies of single characters, numbered in code-point order (as in nanoGPT's
//! `shakespeare_char`).

use super::{encoding::Encoding, normalization_hints::known_form, special_tokens::END_OF_TEXT};
use crate::{
    DataError,
    text::{characters::distinct_characters, normalization::composed},
};
use serde_json::{Value, json};
use std::{borrow::Cow, collections::BTreeSet};
use tokenizers::ModelWrapper;

/// Return the `tokenizer.json` of a character vocabulary; see
/// [`Tokenizer::characters`](crate::Tokenizer::characters).
pub(super) fn character_tokenizer(
    characters: impl IntoIterator<Item = char>,
    end_of_text: bool,
) -> Result<String, DataError> {
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
        "pre_tokenizer": split_characters(),
        "post_processor": null,
        "decoder": { "type": "Fuse" },
        "model": { "type": "WordLevel", "vocab": vocab, "unk_token": "<unk>" },
    });
    Ok(tokenizer.to_string())
}

/// Return the pre-tokenizer that makes every character, line breaks included, a word of its own.
fn split_characters() -> Value {
    json!({ "type": "Split", "pattern": { "Regex": r"[\s\S]" }, "behavior": "Isolated", "invert": false })
}

/// A character vocabulary as a table. It gives the ids that Hugging Face's library gives, about a
/// hundred times faster, without a string for each character.
#[derive(Debug)]
pub(crate) struct CharTable {
    /// Indexed by code point.
    ids: Vec<u32>,
    end_of_text: Option<u32>,
    /// True if text is composed (NFC) first.
    composes: bool,
}

/// Marks a code point without a token.
const NO_TOKEN: u32 = u32::MAX;

impl CharTable {
    /// Return the table of a tokenizer that [`character_tokenizer`] made; `None` for any other.
    pub(crate) fn new(tokenizer: &tokenizers::Tokenizer, canonical_json: &str) -> Option<Self> {
        if !matches!(tokenizer.get_model(), ModelWrapper::WordLevel(_)) {
            return None;
        }
        let json: Value = serde_json::from_str(canonical_json).ok()?;
        let composes = json["normalizer"] == json!({ "type": "NFC" });
        let plain = json["post_processor"].is_null() && (composes || json["normalizer"].is_null());
        if !plain || json["pre_tokenizer"] != split_characters() {
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

    /// Iterate over the characters and their ids.
    pub(crate) fn characters(&self) -> impl Iterator<Item = (char, u32)> {
        let all = self.ids.iter().zip(0..).filter(|(id, _)| **id != NO_TOKEN);
        all.filter_map(|(id, code)| Some((char::from_u32(code)?, *id)))
    }

    /// Return the ids of a text.
    pub(crate) fn encode_ids(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let mut ids = Vec::with_capacity(text.len());
        for (part, between) in self.parts(text) {
            ids.extend(between);
            ids.extend(part.chars().map(|c| self.id(c).unwrap_or(NO_TOKEN)));
        }
        if ids.contains(&NO_TOKEN) {
            let parts: Vec<Cow<'_, str>> = self.parts(text).map(|(part, _)| part).collect();
            let characters = distinct_characters(parts.iter().flat_map(|part| part.chars()), |c| {
                self.id(c).is_none()
            });
            let known = |text: &str| {
                self.parts(text)
                    .all(|(part, _)| part.chars().all(|c| self.id(c).is_some()))
            };
            return Err(DataError::UnseenCharacters {
                characters,
                form: known_form(text, known),
                keys: super::unknown_remedy::TokenizerKeys::LANGUAGE,
            });
        }
        Ok(ids)
    }

    /// Return the ids and character offsets of a text.
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

    /// Return the parts of `text` between end-of-text tokens, each with the token before it, if
    /// there is one.
    fn parts<'t>(&self, text: &'t str) -> impl Iterator<Item = (Cow<'t, str>, Option<u32>)> {
        let end_of_text = self.end_of_text;
        // Without such a token the whole text is one part.
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
