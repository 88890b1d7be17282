//! The words in which a text is merged: regular expressions, and SentencePiece's marks.

use super::error::{NotPortable, not_portable};
use regex::Regex;
use serde::Serialize;
use serde_json::{Value, json};

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

/// Where `▁` is put before a part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Prepend {
    /// Before each part.
    Always,
    /// Before each part without it.
    Missing,
    /// Before the whole text, if it has none.
    First,
    Never,
}

/// Return the regular expression of a word, in ECMAScript's syntax.
pub(super) fn pattern(pre_tokenizer: &Value) -> Result<&'static str, NotPortable> {
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
    Err(not_portable("pre_tokenizer", shortened(pre_tokenizer)))
}

/// Return where SentencePiece's mark of a space is put, and if it begins a word.
pub(super) fn marks(
    normalizer: &Value,
    pre_tokenizer: &Value,
) -> Result<(Prepend, bool), NotPortable> {
    let replace = json!({ "type": "Replace", "pattern": { "String": " " }, "content": "▁" });
    let prepend = json!({ "type": "Prepend", "prepend": "▁" });
    let both = json!({ "type": "Sequence", "normalizers": [prepend, replace] });
    if pre_tokenizer.is_null() && *normalizer == both {
        return Ok((Prepend::Always, false));
    }
    if !normalizer.is_null() {
        return Err(not_portable("normalizer", shortened(normalizer)));
    }
    let scheme = match pre_tokenizer["prepend_scheme"].as_str() {
        Some("always") => Some(Prepend::Missing),
        Some("first") => Some(Prepend::First),
        Some("never") => Some(Prepend::Never),
        _ => None,
    };
    match scheme {
        Some(scheme)
            if pre_tokenizer["type"] == "Metaspace" && pre_tokenizer["replacement"] == "▁" =>
        {
            Ok((scheme, pre_tokenizer["split"] != false))
        }
        _ => Err(not_portable("pre_tokenizer", shortened(pre_tokenizer))),
    }
}

/// Return JSON for a message.
pub(super) fn shortened(part: &Value) -> String {
    match part {
        Value::Null => "none".to_owned(),
        other => other.to_string().chars().take(160).collect(),
    }
}

/// Return the ranges of a class as they stand in a character class of ECMAScript with the flag `u`.
/// The tables are those of the library that the tokenizer itself uses.
pub(super) fn ranges(class: &str) -> String {
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
    use super::ranges;

    #[test]
    fn ranges_are_those_of_unicode() {
        assert_eq!(
            ranges(r"\s"),
            r"\u{9}-\u{d}\u{20}\u{85}\u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}-\u{2029}\u{202f}\u{205f}\u{3000}"
        );
        assert!(ranges(r"\p{L}").starts_with(r"\u{41}-\u{5a}\u{61}-\u{7a}\u{aa}\u{b5}"));
    }
}
