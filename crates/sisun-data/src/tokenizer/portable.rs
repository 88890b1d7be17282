//! A tokenizer as data for another program, which applies it exactly: characters and byte-level BPE.

use super::{Tokenizer, byte_alphabet::character_of, char_table::CharTable};
use regex::Regex;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use thiserror::Error;

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
}

#[derive(Clone, Debug, Serialize)]
struct PortableAdded {
    id: u32,
    content: String,
    /// True if it is found in what the normalizer makes of a text.
    normalized: bool,
}

/// The reason why a tokenizer cannot be written as data.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("its {part} cannot be applied exactly outside the program: {found}")]
pub struct NotPortable {
    /// The key of `tokenizer.json`.
    pub part: &'static str,
    /// What stands there, or what is missing.
    pub found: String,
}

fn not_portable(part: &'static str, found: impl Into<String>) -> NotPortable {
    NotPortable {
        part,
        found: found.into(),
    }
}

/// Regular expressions of words that are known, each with the same in ECMAScript's syntax. The
/// second is LLaMA 3's, the third Qwen 2's: without regard to case `s` is also `ſ`.
const PATTERNS: [(&str, &str); 3] = [
    (
        r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        r"'s|'t|'re|'ve|'m|'ll|'d| ?[{L}]+| ?[{N}]+| ?[^{S}{L}{N}]+|[{S}]+(?![^{S}])|[{S}]+",
    ),
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n{L}{N}]?[{L}]+|[{N}]{1,3}| ?[^{S}{L}{N}]+[\r\n]*|[{S}]*[\r\n]+|[{S}]+(?![^{S}])|[{S}]+",
    ),
    (
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        r"'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n{L}{N}]?[{L}]+|[{N}]| ?[^{S}{L}{N}]+[\r\n]*|[{S}]*[\r\n]+|[{S}]+(?![^{S}])|[{S}]+",
    ),
];

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
            None => byte_level(&json)?,
        };
        check_normalizer(&json["normalizer"])?;
        check_post_processor(tokenizer)?;
        Ok(Self {
            model,
            added: added(tokenizer)?,
            prefix: tokenizer.prefix.clone(),
            composes: tokenizer.composes,
            spaces: ranges(r"\s"),
        })
    }
}

fn characters(table: &CharTable) -> PortableModel {
    PortableModel::Characters {
        characters: table.characters().collect(),
    }
}

fn byte_level(json: &Value) -> Result<PortableModel, NotPortable> {
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
    if model["byte_fallback"] == true {
        return Err(not_portable(
            "model",
            "BPE with byte_fallback (SentencePiece)",
        ));
    }
    let pattern = pattern(&json["pre_tokenizer"])?;
    let vocab: HashMap<&str, u32> = model["vocab"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(token, id)| Some((token.as_str(), u32::try_from(id.as_u64()?).ok()?)))
        .collect();
    for byte in 0..=255 {
        let character = character_of(byte).to_string();
        if !vocab.contains_key(character.as_str()) {
            return Err(not_portable(
                "model",
                format!("no token for the byte {byte}"),
            ));
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
    Ok(PortableModel::ByteLevel {
        vocab: tokens,
        merges,
        ignore_merges: model["ignore_merges"] == true,
        pattern,
        classes: [('L', r"\p{L}"), ('N', r"\p{N}"), ('S', r"\s")]
            .map(|(name, class)| (name, ranges(class)))
            .into(),
    })
}

/// Return the regular expression of a word, in ECMAScript's syntax.
fn pattern(pre_tokenizer: &Value) -> Result<&'static str, NotPortable> {
    let bytes_only =
        |part: &Value| part["type"] == "ByteLevel" && part["add_prefix_space"] == false;
    if bytes_only(pre_tokenizer) && pre_tokenizer["use_regex"] != false {
        return Ok(PATTERNS[0].1);
    }
    let parts = pre_tokenizer["pretokenizers"].as_array().map(Vec::as_slice);
    if let Some([split, bytes]) = parts
        && split["type"] == "Split"
        && split["behavior"] == "Isolated"
        && split["invert"] == false
        && bytes_only(bytes)
        && bytes["use_regex"] == false
    {
        let given = split["pattern"]["Regex"].as_str().unwrap_or_default();
        if let Some((_, ours)) = PATTERNS.iter().find(|(known, _)| *known == given) {
            return Ok(ours);
        }
    }
    let told = match pre_tokenizer {
        Value::Null => "none".to_owned(),
        other => other.to_string().chars().take(160).collect(),
    };
    Err(not_portable("pre_tokenizer", told))
}

fn check_normalizer(normalizer: &Value) -> Result<(), NotPortable> {
    if normalizer.is_null() || *normalizer == json!({ "type": "NFC" }) {
        return Ok(());
    }
    let told = normalizer.to_string().chars().take(160).collect::<String>();
    Err(not_portable("normalizer", told))
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

/// Return the ranges of a class as they stand in a character class of ECMAScript with the flag `u`.
/// The tables are those of the library that the tokenizer itself uses.
fn ranges(class: &str) -> String {
    let class = Regex::new(class).expect("a class is a regular expression");
    let mut buffer = [0; 4];
    let mut members = (char::MIN..=char::MAX)
        .filter(|c| class.is_match(c.encode_utf8(&mut buffer)))
        .map(u32::from)
        .peekable();
    let mut written = String::new();
    while let Some(first) = members.next() {
        let mut last = first;
        while let Some(next) = members.next_if_eq(&(last + 1)) {
            last = next;
        }
        written += &match first == last {
            true => format!("\\u{{{first:x}}}"),
            false => format!("\\u{{{first:x}}}-\\u{{{last:x}}}"),
        };
    }
    written
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn ranges_are_those_of_unicode() {
        assert_eq!(
            ranges(r"\s"),
            r"\u{9}-\u{d}\u{20}\u{85}\u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}-\u{2029}\u{202f}\u{205f}\u{3000}"
        );
        assert!(ranges(r"\p{L}").starts_with(r"\u{41}-\u{5a}\u{61}-\u{7a}\u{aa}\u{b5}"));
    }

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
