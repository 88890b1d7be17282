//! Tokenizers that cannot write a text: nothing of it vanishes without a word.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::Desk;
use serde_json::{Value, json};
use sisun_config::TokenizerConfig;
use sisun_data::{DataError, Tokenizer};
use std::fs;

/// A tokenizer of another family.
fn foreign(desk: &Desk, model: &Value, parts: &Value, added: &[&str]) -> Tokenizer {
    let added: Vec<Value> = (0..)
        .zip(added)
        .map(|(i, content)| {
            json!({ "id": 900 + i, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true })
        })
        .collect();
    let whole = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": added,
        "normalizer": parts["normalizer"], "pre_tokenizer": parts["pre_tokenizer"], "post_processor": null,
        "decoder": parts["decoder"], "model": model,
    });
    fs::write(desk.path("tokenizer.json"), whole.to_string()).unwrap();
    Tokenizer::from_file(desk.path("tokenizer.json").as_ref()).unwrap()
}

fn bpe(tokens: &[&str], unknown: Option<&str>, byte_fallback: bool) -> Value {
    let vocab: serde_json::Map<String, Value> = (0..)
        .zip(tokens)
        .map(|(i, token)| ((*token).to_owned(), json!(i)))
        .collect();
    json!({ "type": "BPE", "vocab": vocab, "merges": [], "unk_token": unknown, "byte_fallback": byte_fallback })
}

/// Return the characters that encoding a text and training on it both report.
fn unseen(desk: &mut Desk, tokenizer: &Tokenizer, text: &str) -> Vec<char> {
    fs::write(desk.path("a.txt"), text.repeat(40)).unwrap();
    desk.tokenizer = TokenizerConfig::File {
        path: desk.path("tokenizer.json").into(),
    };
    let characters = |error: DataError| match error {
        DataError::UnseenCharacters { characters, .. } => characters,
        other => panic!("{other}"),
    };
    let encoded = characters(tokenizer.encode(text).unwrap_err());
    assert_eq!(characters(desk.error()), encoded, "{text:?}");
    encoded
}

fn byte_level() -> [Value; 3] {
    let part = json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let split = json!({ "type": "Sequence", "pretokenizers": [
        { "type": "Split", "pattern": { "Regex": " ?[^ ]+" }, "behavior": "Isolated", "invert": false },
        { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false },
    ]});
    [
        json!({ "pre_tokenizer": part, "decoder": part }),
        json!({ "pre_tokenizer": split, "decoder": part }),
        json!({ "normalizer": { "type": "ByteLevel" }, "decoder": part }),
    ]
}

#[test]
fn a_byte_level_vocabulary_without_some_bytes_is_refused() {
    let mut desk = Desk::new(&[("a.txt", b"")]);
    for parts in byte_level() {
        // 한 is ED 95 9C, of which the last byte is there.
        let tokenizer = foreign(
            &desk,
            &bpe(&["a", "b", "Ġ", "ľ"], None, false),
            &parts,
            &["<|끝|>"],
        );
        assert_eq!(
            tokenizer.encode("ab a<|끝|>b").unwrap().ids,
            [0, 1, 2, 0, 4, 1],
            "{parts}"
        );
        assert_eq!(
            unseen(&mut desk, &tokenizer, "ab 한c<|끝|>a\nb"),
            ['한', 'c', '\n'],
            "{parts}"
        );
        // A space is text as well.
        let tokenizer = foreign(&desk, &bpe(&["a", "b"], None, false), &parts, &[]);
        assert_eq!(unseen(&mut desk, &tokenizer, "ab a"), [' '], "{parts}");
    }
}

#[test]
fn byte_fallback_without_bytes_is_refused() {
    let mut desk = Desk::new(&[("a.txt", b"")]);
    let sentencepiece = json!({ "normalizer": { "type": "Sequence", "normalizers": [
        { "type": "Prepend", "prepend": "▁" }, { "type": "Replace", "pattern": { "String": " " }, "content": "▁" },
    ]}, "decoder": { "type": "Fuse" } });
    let metaspace = json!({ "pre_tokenizer": { "type": "Metaspace", "replacement": "▁", "prepend_scheme": "always" } });
    for parts in [sentencepiece, metaspace] {
        let some: Vec<String> = (0..0x80).map(|byte| format!("<0x{byte:02X}>")).collect();
        let tokens: Vec<&str> = ["a", "b", "▁"]
            .into_iter()
            .chain(some.iter().map(String::as_str))
            .collect();
        let tokenizer = foreign(&desk, &bpe(&tokens, None, true), &parts, &[]);
        assert_eq!(tokenizer.encode("ab\nq").unwrap().ids.len(), 5, "{parts}");
        assert_eq!(unseen(&mut desk, &tokenizer, "ab 한q\n"), ['한'], "{parts}");
        let tokenizer = foreign(&desk, &bpe(&["a", "b", "▁"], None, false), &parts, &[]);
        assert_eq!(
            unseen(&mut desk, &tokenizer, "ab 한q\n"),
            ['한', 'q', '\n'],
            "{parts}"
        );
    }
}

#[test]
fn a_character_left_out_within_a_word_is_reported() {
    let mut desk = Desk::new(&[("a.txt", b"")]);
    let white = json!({ "pre_tokenizer": { "type": "WhitespaceSplit" } });
    let tokenizer = foreign(&desk, &bpe(&["a", "b"], None, false), &white, &[]);
    assert_eq!(unseen(&mut desk, &tokenizer, "a한b a\n"), ['한']);
    let mut model = bpe(&["a", "b", "b</w>"], None, false);
    model["end_of_word_suffix"] = json!("</w>");
    let tokenizer = foreign(&desk, &model, &white, &[]);
    assert_eq!(tokenizer.encode("aab bb").unwrap().ids, [0, 0, 2, 1, 2]);
    assert_eq!(unseen(&mut desk, &tokenizer, "a한b ab"), ['한']);
    assert_eq!(
        unseen(&mut desk, &tokenizer, "ab ba"),
        ['a'],
        "which is known but not at the end of a word"
    );
    let mut model = bpe(&["a", "##b"], None, false);
    model["continuing_subword_prefix"] = json!("##");
    let tokenizer = foreign(&desk, &model, &white, &[]);
    assert_eq!(unseen(&mut desk, &tokenizer, "abb한 a"), ['한']);
}

#[test]
fn unknown_tokens_are_counted() {
    let white = json!({ "pre_tokenizer": { "type": "WhitespaceSplit" } });
    let words = |kind: &str| {
        json!({ "type": kind, "vocab": { "ab": 0, "a": 1, "[UNK]": 2, "b": 3 }, "unk_token": "[UNK]",
                "continuing_subword_prefix": "##", "max_input_chars_per_word": 100 })
    };
    let unigram = json!({ "type": "Unigram", "unk_id": 0, "vocab": [["[UNK]", 0.0], ["a", -1.0], ["b", -1.0], ["ab", -1.5]] });
    let [level, ..] = byte_level();
    let cases = [
        (words("WordLevel"), &white, "ab 한글 a [UNK] 한"),
        (words("WordPiece"), &white, "ab 한글 a [UNK] 한"),
        (unigram, &white, "ab 한글 a 한"),
        (
            bpe(&["a", "b", "[UNK]"], Some("[UNK]"), false),
            &white,
            "ab 한글 a 한",
        ),
        (
            bpe(&["a", "b", "Ġ", "[UNK]"], Some("[UNK]"), false),
            &level,
            "ab 한글 a 한",
        ),
    ];
    for (model, parts, text) in cases {
        let mut desk = Desk::new(&[("a.txt", text.as_bytes())]);
        let tokenizer = foreign(&desk, &model, parts, &["<|endoftext|>"]);
        let unknown = tokenizer
            .unknown(text, &tokenizer.encode(text).unwrap())
            .unwrap();
        assert_eq!(unknown.examples, ['한', '글'], "{model}");
        let at_once = unknown.characters;
        // One for each byte where the model sees bytes.
        assert_eq!(at_once, if *parts == level { 9 } else { 3 }, "{model}");
        assert_eq!(
            tokenizer.unknown("ab a", &tokenizer.encode("ab a").unwrap()),
            None
        );

        fs::write(desk.path("a.txt"), format!("{text} ").repeat(20)).unwrap();
        desk.tokenizer = TokenizerConfig::File {
            path: desk.path("tokenizer.json").into(),
        };
        // From the text, and again from the cache.
        for _ in 0..2 {
            desk.messages.clear();
            desk.prepare().unwrap();
            let told = format!("note: {} characters of the text", 20 * at_once);
            let notes: Vec<&String> = desk
                .messages
                .iter()
                .filter(|message| message.starts_with("note"))
                .collect();
            assert!(
                notes.len() == 1 && notes[0].starts_with(&told),
                "{model}: {notes:?}"
            );
            assert!(
                notes[0].contains("[UNK]") && notes[0].contains("'한' (U+D55C), '글'"),
                "{notes:?}"
            );
        }
    }
}
