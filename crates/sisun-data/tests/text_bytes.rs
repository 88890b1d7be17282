//! Bytes of text that tokens stand for, counted by hand.
#![allow(clippy::unwrap_used)]

use sisun_data::{Tokenizer, Tokens, evaluation_targets, evaluation_windows};
use std::ops::Range;
use std::path::Path;

fn fixture(name: &str) -> Tokenizer {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures/tokenizers");
    Tokenizer::from_file(&folder.join(name).join("tokenizer.json")).unwrap()
}

/// The tokens of texts that are a document each, and the bytes of them all.
fn tokens(tokenizer: &Tokenizer, texts: &[&str]) -> Tokens {
    let (mut ids, mut starts) = (Vec::new(), Vec::new());
    for text in texts {
        starts.push(ids.len());
        ids.extend(tokenizer.encode(text).unwrap().ids);
        ids.extend(tokenizer.end_of_text());
    }
    let bytes: usize = texts.iter().map(|text| text.len()).sum();
    Tokens::from_ids(&ids, None, &starts, bytes as u64)
}

#[test]
fn each_character_has_the_bytes_that_utf_8_gives_it() {
    let tokenizer = Tokenizer::characters("ab한글é\u{1F600}".chars(), true).unwrap();
    let tokens = tokens(&tokenizer, &["ab한", "é\u{1F600}글"]);
    let bytes = |range: Range<usize>| tokens.text_bytes(std::iter::once(range), &tokenizer);
    let each: Vec<u64> = (0..tokens.len()).map(|at| bytes(at..at + 1)).collect();
    assert_eq!(each, [1, 1, 3, 0, 2, 4, 3, 0]);
    assert_eq!(bytes(1..6), 10);
    assert_eq!(tokens.text_bytes([0..2, 5..7].into_iter(), &tokenizer), 9);
    // Tokens for each byte: of the part that is measured, and of the whole.
    let of = |range: Range<usize>| tokens.tokens_per_byte(std::iter::once(range), &tokenizer);
    assert_eq!(of(1..6), Some(5.0 / 10.0));
    assert_eq!(of(1..8), Some(8.0 / 14.0), "all but the first is all");
    assert_eq!(of(3..4), None, "an end of text stands for no text");
}

/// For any vocabulary, the tokens of a text together have its bytes, in every script and across
/// parts of characters.
#[test]
fn tokens_have_the_bytes_of_their_text() {
    let texts = [
        "The cat sat on the mat.",
        "하나는 민수에게 연을 주었어요.",
        "naïve café \u{1F600} 12 tries\n\nThe  cat",
        "고양이 the cat 고양이",
    ];
    let bpe = Tokenizer::train_bpe(texts.iter(), 300, &["<|user|>".to_owned()]).unwrap();
    let names = std::fs::read_dir(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures/tokenizers"),
    )
    .unwrap()
    .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut checked = 0;
    for (name, tokenizer) in names
        .map(|name| (name.clone(), fixture(&name)))
        .chain([("bpe".to_owned(), bpe)])
    {
        for text in texts {
            let Ok(encoded) = tokenizer.encode(text) else {
                continue;
            };
            // One that cannot give the text back has lost some of it before.
            if tokenizer.decode(&encoded.ids).unwrap() != text {
                continue;
            }
            let tokens = Tokens::from_ids(&encoded.ids, None, &[0], text.len() as u64);
            let found = tokens.text_bytes(std::iter::once(0..tokens.len()), &tokenizer);
            assert_eq!(found, text.len() as u64, "{name}: {text}");
            // And so do its parts, wherever it is cut.
            for cut in 0..tokens.len() {
                let parts = [0..cut, cut..tokens.len()].into_iter();
                assert_eq!(
                    tokens.text_bytes(parts, &tokenizer),
                    found,
                    "{name}: {text}"
                );
            }
            checked += 1;
        }
    }
    assert!(checked >= 8, "only {checked} texts were compared");
}

/// Tokenizers whose byte tokens are special, and whose vocabulary lacks characters: the parts of a
/// text have its bytes together, wherever it is cut.
#[test]
fn special_bytes_and_unknown_characters_have_their_bytes_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/peers/fixtures/tokenizers/sentencepiece_bpe/tokenizer.json");
    let mut file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for byte in 0..256 {
        let mut added = file["added_tokens"][0].clone();
        added["id"] = (3 + byte).into();
        added["content"] = format!("<0x{byte:02X}>").into();
        file["added_tokens"].as_array_mut().unwrap().push(added);
    }
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, file.to_string()).unwrap();
    let special_bytes = Tokenizer::from_file(&path).unwrap();
    for (tokenizer, text) in [
        (special_bytes, "The cat 鬱 sat 鷄."),
        (fixture("unigram"), "The cat 鬱 sat 鷄 on"),
    ] {
        let ids = tokenizer.encode(text).unwrap().ids;
        // A first token that no model predicts, so that every part is one of the whole.
        let ids = [&ids[..1], &ids].concat();
        let first = Tokens::from_ids(&ids[..1], None, &[0], 0);
        let first = first.text_bytes(std::iter::once(0..1), &tokenizer);
        let tokens = Tokens::from_ids(&ids, None, &[0, 1], text.len() as u64 + first);
        for cut in 2..ids.len() - 1 {
            let bytes = |range: Range<usize>| {
                let count = range.len() as f64;
                let per_byte = tokens.tokens_per_byte(std::iter::once(range), &tokenizer);
                per_byte.map_or(0.0, |per_byte| count / per_byte)
            };
            let (before, after) = (bytes(1..cut), bytes(cut..ids.len()));
            assert!(
                (before + after - text.len() as f64).abs() < 1e-9,
                "{text}, {cut}: {before} + {after}"
            );
        }
    }
}

#[test]
fn the_targets_are_those_of_the_windows() {
    let ids: Vec<u32> = (0..61).collect();
    let loss: Vec<bool> = ids.iter().map(|id| (20..40).contains(id)).collect();
    for loss in [None, Some(&loss[..])] {
        let tokens = Tokens::from_ids(&ids, loss, &[0], 61);
        for context_len in [1, 7, 60, 100] {
            for limit in [None, Some(1), Some(3), Some(100)] {
                let windows = evaluation_windows(&tokens, 2, context_len, limit);
                let seen: Vec<u32> = windows.flat_map(|batch| batch.targets).collect();
                let said: Vec<u32> = evaluation_targets(&tokens, context_len, limit)
                    .flat_map(|range| tokens.read(range))
                    .collect();
                assert_eq!(said, seen, "{context_len} {limit:?}");
            }
        }
    }
}
