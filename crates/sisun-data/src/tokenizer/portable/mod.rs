//! A tokenizer as data for another program, which applies it exactly: characters, byte-level BPE, and
//! SentencePiece's BPE with bytes for unknown characters.

mod error;
mod words;

pub use error::NotPortable;

use super::{Tokenizer, byte_alphabet::character_of, char_table::CharTable};
use error::not_portable;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use words::Prepend;

/// What a program needs in order to encode as this tokenizer does.
#[derive(Clone, Debug, Serialize)]
pub struct PortableTokenizer {
    #[serde(flatten)]
    model: PortableModel,
    /// Tokens that are found in a text before it is divided.
    added: Vec<PortableAdded>,
    /// Tokens before every text.
    prefix: Vec<u32>,
    /// True if text is composed (NFC) first.
    composes: bool,
    /// White space, as ranges of a character class.
    spaces: String,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum PortableModel {
    Characters {
        characters: Vec<(char, u32)>,
    },
    ByteLevel {
        /// Tokens by id, in GPT-2's alphabet of bytes.
        vocab: Vec<Option<String>>,
        /// Pairs of tokens and the token that each becomes, in order of rank.
        merges: Vec<[u32; 3]>,
        /// True if a word that is a token is not merged.
        ignore_merges: bool,
        /// Regular expression of a word in ECMAScript's syntax; `{L}` stands for a class's ranges.
        pattern: &'static str,
        classes: BTreeMap<char, String>,
    },
    SentencePiece {
        /// Tokens by id; a space is `▁`, and `<0xED>` is a byte.
        vocab: Vec<Option<String>>,
        merges: Vec<[u32; 3]>,
        ignore_merges: bool,
        prepend: Prepend,
        /// True if `▁` begins a word.
        split: bool,
    },
}

#[derive(Clone, Debug, Serialize)]
struct PortableAdded {
    id: u32,
    content: String,
    /// True if it is found in what the normalizer makes of a text.
    normalized: bool,
}

impl PortableTokenizer {
    /// Return the data of a tokenizer.
    ///
    /// # Errors
    /// If one of its parts is of a kind that other programs cannot apply exactly.
    pub fn of(tokenizer: &Tokenizer) -> Result<Self, NotPortable> {
        let json = tokenizer
            .library
            .canonical_json()
            .map_err(|error| not_portable("file", error.to_string()))?;
        let json: Value =
            serde_json::from_str(&json).map_err(|error| not_portable("file", error.to_string()))?;
        let model = match &tokenizer.char_table {
            Some(table) => characters(table),
            None => merging(&json)?,
        };
        check_post_processor(tokenizer)?;
        Ok(Self {
            model,
            added: added(tokenizer)?,
            prefix: tokenizer.prefix.clone(),
            composes: tokenizer.composes,
            spaces: words::ranges(r"\s"),
        })
    }
}

fn characters(table: &CharTable) -> PortableModel {
    PortableModel::Characters {
        characters: table.characters().collect(),
    }
}

/// Return a model that merges bytes or characters.
fn merging(json: &Value) -> Result<PortableModel, NotPortable> {
    let model = &json["model"];
    let kind = model["type"].as_str().unwrap_or("unknown");
    if kind != "BPE" {
        return Err(not_portable("model", kind));
    }
    for key in ["dropout", "continuing_subword_prefix", "end_of_word_suffix"] {
        if !(model[key].is_null() || model[key] == "") {
            return Err(not_portable("model", format!("{key} = {}", model[key])));
        }
    }
    let vocab: HashMap<&str, u32> = model["vocab"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(token, id)| Some((token.as_str(), u32::try_from(id.as_u64()?).ok()?)))
        .collect();
    let falls_back = model["byte_fallback"] == true;
    for byte in 0..=255_u8 {
        let token = match falls_back {
            true => format!("<0x{byte:02X}>"),
            false => character_of(byte).to_string(),
        };
        if !vocab.contains_key(token.as_str()) {
            let told = format!("BPE without a token for the byte {byte}");
            return Err(not_portable("model", told));
        }
    }
    let merge = |pair: &Value| -> Option<[u32; 3]> {
        let (first, second) = match pair {
            Value::String(both) => both.split_once(' ')?,
            both => (both[0].as_str()?, both[1].as_str()?),
        };
        let merged = format!("{first}{second}");
        Some([
            *vocab.get(first)?,
            *vocab.get(second)?,
            *vocab.get(merged.as_str())?,
        ])
    };
    let merges: Option<Vec<[u32; 3]>> = model["merges"]
        .as_array()
        .into_iter()
        .flatten()
        .map(merge)
        .collect();
    let merges = merges.ok_or_else(|| not_portable("model", "a merge of unknown tokens"))?;
    let size = vocab.values().max().map_or(0, |id| *id as usize + 1);
    let mut tokens = vec![None; size];
    for (token, id) in &vocab {
        tokens[*id as usize] = Some((*token).to_owned());
    }
    let ignore_merges = model["ignore_merges"] == true;
    let (normalizer, pre_tokenizer) = (&json["normalizer"], &json["pre_tokenizer"]);
    if falls_back {
        let (prepend, split) = words::marks(normalizer, pre_tokenizer)?;
        return Ok(PortableModel::SentencePiece {
            vocab: tokens,
            merges,
            ignore_merges,
            prepend,
            split,
        });
    }
    if !(normalizer.is_null() || *normalizer == json!({ "type": "NFC" })) {
        return Err(not_portable("normalizer", words::shortened(normalizer)));
    }
    Ok(PortableModel::ByteLevel {
        vocab: tokens,
        merges,
        ignore_merges,
        pattern: words::pattern(pre_tokenizer)?,
        classes: [('L', r"\p{L}"), ('N', r"\p{N}"), ('S', r"\s")]
            .map(|(name, class)| (name, words::ranges(class)))
            .into(),
    })
}

/// Check that nothing is put after a text, and the same before every text.
fn check_post_processor(tokenizer: &Tokenizer) -> Result<(), NotPortable> {
    // A text that every tokenizer can write has none: its special tokens are all that is there.
    let empty = tokenizer.library.encode("", true);
    let found = empty.map_err(|_| not_portable("post_processor", "it fails"))?;
    if found.get_ids() != tokenizer.prefix {
        return Err(not_portable("post_processor", "tokens after a text"));
    }
    Ok(())
}

fn added(tokenizer: &Tokenizer) -> Result<Vec<PortableAdded>, NotPortable> {
    let mut all = Vec::new();
    for (id, token) in tokenizer.library.get_added_tokens_decoder() {
        if token.lstrip || token.rstrip || token.single_word {
            let told = format!("{:?} with lstrip, rstrip or single_word", token.content);
            return Err(not_portable("added_tokens", told));
        }
        all.push(PortableAdded {
            id,
            content: token.content,
            normalized: token.normalized,
        });
    }
    all.sort_by_key(|token| token.id);
    Ok(all)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_cannot_be_applied_exactly_is_named() {
        let json = json!({
            "version": "1.0", "added_tokens": [], "normalizer": null, "pre_tokenizer": { "type": "Whitespace" },
            "post_processor": null, "decoder": null,
            "model": { "type": "WordLevel", "vocab": { "a": 0 }, "unk_token": "a" },
        });
        let tokenizer = Tokenizer::from_json(json.to_string().as_bytes(), None).unwrap();
        let error = PortableTokenizer::of(&tokenizer).unwrap_err();
        assert_eq!(
            error.to_string(),
            "its model cannot be applied exactly outside the program: WordLevel"
        );
    }
}
