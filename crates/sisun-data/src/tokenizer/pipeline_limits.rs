//! Limits on the parts of a `tokenizer.json`, checked before the library builds and runs them: by
//! what factor they can lengthen a text, and whether the time that they take is bounded.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;

/// The factor by which normalizers, and decoders, may lengthen a text in the worst case. Those that
/// exist reach about 700: three Unicode forms and a SentencePiece map, each at its worst.
const MAX_GROWTH: u64 = 4096;
/// The same for pre-tokenizers: bytes written as characters double a text, marks for spaces triple
/// it.
const MAX_PRE_TOKENIZER_GROWTH: u64 = 16;
/// The largest bounded `max_input_chars_per_word`: the time of the library's WordPiece grows with
/// the cube of a word's length. BERT has 100.
const MAX_WORD_CHARS: u64 = 200;

/// The cost of a tokenizer's parts, known before they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PipelineLimits {
    /// The most bytes that the normalizer makes of one byte.
    pub(crate) growth: u64,
    /// True if the time to encode is unbounded, because the file has a regular expression to search
    /// for or allows long words.
    pub(crate) unbounded_encoding: bool,
    /// True if the time to decode is unbounded.
    pub(crate) unbounded_decoding: bool,
}

/// The parts of a `tokenizer.json` that are checked.
#[derive(Deserialize)]
struct File {
    #[serde(default)]
    normalizer: Value,
    #[serde(default)]
    pre_tokenizer: Value,
    #[serde(default)]
    post_processor: Value,
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    max_input_chars_per_word: Value,
}

impl PipelineLimits {
    /// Check the contents of a `tokenizer.json`.
    ///
    /// # Errors
    /// Text that is not JSON, or a part that can lengthen a text far more than any that exists.
    pub(crate) fn check(json: &[u8]) -> Result<Self, String> {
        // The library panics on some files that are not JSON.
        let file: File = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        let growth = normalizer_growth(&file.normalizer)?;
        let pre_tokenizer = pre_tokenizer_growth(&file.pre_tokenizer);
        for (part, growth, most) in [
            ("normalizer", growth, MAX_GROWTH),
            ("pre_tokenizer", pre_tokenizer, MAX_PRE_TOKENIZER_GROWTH),
            ("decoder", decoder_growth(&file.decoder), MAX_GROWTH),
        ] {
            if growth > most {
                return Err(format!(
                    "its {part} can make a text {growth} times as long; at most {most} times is accepted"
                ));
            }
        }
        check_templates(&file.post_processor)?;
        let long_words = file
            .model
            .and_then(|model| model.max_input_chars_per_word.as_u64())
            .is_some_and(|most| most > MAX_WORD_CHARS);
        Ok(Self {
            growth,
            unbounded_encoding: has_regex(&file.normalizer)
                || has_regex(&file.pre_tokenizer)
                || long_words,
            unbounded_decoding: has_regex(&file.decoder),
        })
    }
}

/// Return the parts of a sequence, nested ones included, or the single part itself.
fn parts(part: &Value) -> Vec<&Value> {
    let lists = ["normalizers", "pretokenizers", "processors", "decoders"];
    match lists.iter().find_map(|list| part.get(list)?.as_array()) {
        Some(all) => all.iter().flat_map(parts).collect(),
        None => vec![part],
    }
}

fn product(factors: impl Iterator<Item = u64>) -> u64 {
    factors.fold(1, u64::saturating_mul)
}

fn kind(part: &Value) -> &str {
    part["type"].as_str().unwrap_or_default()
}

/// Return the largest factor by which a normalizer can lengthen a text, in bytes of UTF-8. The
/// factors of the Unicode forms are those of <https://unicode.org/faq/normalization.html#12>.
fn normalizer_growth(normalizer: &Value) -> Result<u64, String> {
    let (mut forms, mut others) = (1, 1_u64);
    for part in parts(normalizer) {
        let factor = match kind(part) {
            // A second Unicode form does not repeat the growth of the first.
            "NFC" | "NFD" | "StripAccents" => {
                forms = forms.max(3);
                continue;
            }
            "NFKC" | "NFKD" => {
                forms = forms.max(11);
                continue;
            }
            "Lowercase" | "ByteLevel" => 2,
            // Spaces around Chinese characters, separate accents, lower case.
            "BertNormalizer" => 2 * 3 * 2,
            "Precompiled" => charsmap_growth(part)?,
            "Prepend" => 1 + length(&part["prepend"]),
            _ if part.get("pattern").is_some() => replacement_growth(part),
            _ => 1,
        };
        others = others.saturating_mul(factor);
    }
    Ok(others.saturating_mul(forms))
}

fn length(text: &Value) -> u64 {
    text.as_str().map_or(0, |text| text.len() as u64)
}

/// Return the growth by a replacement. A literal pattern has a length; a regular expression may
/// match the empty text.
fn replacement_growth(part: &Value) -> u64 {
    let content = length(&part["content"]);
    match length(&part["pattern"]["String"]) {
        0 => 1 + content,
        pattern => content.div_ceil(pattern).max(1),
    }
}

/// Return the growth by SentencePiece's map of characters, which is the length of a trie in bytes as
/// `u32`, the trie, and replacements that each end in 0.
fn charsmap_growth(part: &Value) -> Result<u64, String> {
    let bad = |why: &str| format!("the precompiled_charsmap of its normalizer is damaged: {why}");
    let Some(map) = part["precompiled_charsmap"].as_str() else {
        return Ok(1);
    };
    let map = STANDARD.decode(map).map_err(|_| bad("it is not base64"))?;
    let Some((length, rest)) = map.split_first_chunk() else {
        return Err(bad("it is empty"));
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length < 4 || !length.is_multiple_of(4) || length > rest.len() {
        return Err(bad(&format!(
            "it says that its first {length} bytes are a trie, of {}",
            rest.len()
        )));
    }
    let replacements = &rest[length..];
    if std::str::from_utf8(replacements).is_err() {
        return Err(bad("its replacements are not UTF-8"));
    }
    let longest = replacements
        .split(|byte| *byte == 0)
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0);
    Ok((longest as u64).max(1))
}

fn pre_tokenizer_growth(pre_tokenizer: &Value) -> u64 {
    let factor = |part: &Value| match kind(part) {
        "ByteLevel" => 2,
        "Metaspace" => length(&part["replacement"]).max(1),
        _ => 1,
    };
    product(parts(pre_tokenizer).into_iter().map(factor))
}

fn decoder_growth(decoder: &Value) -> u64 {
    let factor = |part: &Value| match kind(part) {
        // A space between all characters.
        "BPEDecoder" if length(&part["suffix"]) == 0 => 2,
        "CTC" if length(&part["word_delimiter_token"]) == 0 || length(&part["pad_token"]) == 0 => 2,
        _ if part.get("pattern").is_some() => replacement_growth(part),
        _ => 1,
    };
    product(parts(decoder).into_iter().map(factor))
}

/// Return an error unless each template names the text exactly once: a template that names it twice
/// doubles it, and several in a row multiply it.
fn check_templates(post_processor: &Value) -> Result<(), String> {
    for single in parts(post_processor)
        .into_iter()
        .filter_map(|part| part.get("single")?.as_array())
    {
        let named = single
            .iter()
            .filter(|piece| piece.get("Sequence").is_some())
            .count();
        if named != 1 {
            return Err(format!(
                "its post_processor has a template that names the text {named} times instead of once"
            ));
        }
    }
    Ok(())
}

/// Return whether any part has a regular expression.
fn has_regex(part: &Value) -> bool {
    parts(part)
        .into_iter()
        .any(|part| part["pattern"].get("Regex").is_some())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(
        normalizer: Value,
        pre_tokenizer: Value,
        decoder: Value,
    ) -> Result<PipelineLimits, String> {
        let file = json!({ "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "decoder": decoder, "model": {} });
        PipelineLimits::check(file.to_string().as_bytes())
    }

    #[test]
    fn growth_by_hand() {
        let replace =
            |from: Value, to: &str| json!({ "type": "Replace", "pattern": from, "content": to });
        let of = |normalizer| of(normalizer, Value::Null, Value::Null).unwrap().growth;
        assert_eq!(of(Value::Null), 1);
        assert_eq!(of(json!({ "type": "NFKC" })), 11);
        assert_eq!(of(replace(json!({ "String": " " }), "▁")), 3);
        assert_eq!(of(replace(json!({ "String": "``" }), "\"")), 1);
        assert_eq!(of(replace(json!({ "Regex": " {2,}" }), "▁")), 4);
        // LLaMA's: a mark in front, spaces as marks.
        let llama =
            json!([{ "type": "Prepend", "prepend": "▁" }, replace(json!({ "String": " " }), "▁")]);
        assert_eq!(of(json!({ "type": "Sequence", "normalizers": llama })), 12);
        // The forms once, and a map whose longest replacement has two bytes.
        let map = STANDARD.encode([&4_u32.to_le_bytes()[..], &[0; 4], b"a\0bc\0"].concat());
        let albert = json!([{ "type": "NFKD" }, { "type": "NFKC" }, { "type": "Precompiled", "precompiled_charsmap": map }]);
        assert_eq!(of(json!({ "type": "Sequence", "normalizers": albert })), 22);
    }

    #[test]
    fn unbounded_growth_is_refused() {
        let ten =
            json!({ "type": "Replace", "pattern": { "String": "a" }, "content": "aaaaaaaaaa" });
        let nested = json!({ "type": "Sequence", "normalizers": [{ "type": "Sequence", "normalizers": vec![ten; 40] }] });
        let refused = of(nested, Value::Null, Value::Null).unwrap_err();
        assert!(
            refused.contains("its normalizer can make a text 18446744073709551615 times as long"),
            "{refused}"
        );
        let words =
            json!({ "type": "Sequence", "pretokenizers": vec![json!({ "type": "ByteLevel" }); 5] });
        assert!(
            of(Value::Null, words, Value::Null)
                .unwrap_err()
                .contains("its pre_tokenizer can make a text 32 times")
        );
        let spaces = json!({ "type": "Sequence", "decoders": vec![json!({ "type": "BPEDecoder", "suffix": "" }); 60] });
        assert!(
            of(Value::Null, Value::Null, spaces)
                .unwrap_err()
                .contains("its decoder can make a text")
        );
        let twice =
            json!({ "post_processor": { "single": [{ "Sequence": {} }, { "Sequence": {} }] } });
        assert!(
            PipelineLimits::check(twice.to_string().as_bytes())
                .unwrap_err()
                .contains("names the text 2 times")
        );
    }

    #[test]
    fn a_damaged_charsmap_is_refused() {
        for (map, message) in [
            ("*", "not base64"),
            ("", "is empty"),
            (
                &*STANDARD.encode([255; 8]),
                "says that its first 4294967295 bytes are a trie, of 4",
            ),
            (
                &*STANDARD.encode([4, 0, 0, 0, 0, 0, 0, 0, 255]),
                "not UTF-8",
            ),
        ] {
            let refused = of(
                json!({ "type": "Precompiled", "precompiled_charsmap": map }),
                Value::Null,
                Value::Null,
            );
            let refused = refused.unwrap_err();
            assert!(refused.contains(message), "{refused}");
        }
    }
}
