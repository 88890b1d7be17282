//! The text that tokens add, compared with `transformers` (`tests/peers/reference_continuations.py`).
#![allow(clippy::unwrap_used)]

use serde::Deserialize;
use serde_json::Value;
use sisun_data::Tokenizer;
use std::{collections::BTreeMap, fs, path::Path};

#[derive(Deserialize)]
struct Fixture {
    families: BTreeMap<String, Family>,
}

#[derive(Deserialize)]
struct Family {
    continuations: Vec<Continuation>,
    /// Of those that have no folder of their own.
    tokenizer: Option<Value>,
}

#[derive(Deserialize)]
struct Continuation {
    before: Vec<u32>,
    ids: Vec<u32>,
    text: String,
}

fn families() -> Vec<(String, Tokenizer, Vec<Continuation>)> {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures");
    let fixture: Fixture =
        serde_json::from_slice(&fs::read(fixtures.join("continuations.json")).unwrap()).unwrap();
    let folder = tempfile::TempDir::new().unwrap();
    let read = |(name, family): (String, Family)| {
        let path = match family.tokenizer {
            None => fixtures
                .join("tokenizers")
                .join(&name)
                .join("tokenizer.json"),
            Some(tokenizer) => {
                let path = folder.path().join("tokenizer.json");
                fs::write(&path, tokenizer.to_string()).unwrap();
                path
            }
        };
        (
            name,
            Tokenizer::from_file(&path).unwrap(),
            family.continuations,
        )
    };
    fixture.families.into_iter().map(read).collect()
}

#[test]
fn the_text_that_tokens_add_agrees_with_transformers() {
    let families = families();
    assert_eq!(families.len(), 6);
    for (name, tokenizer, continuations) in families {
        for Continuation { before, ids, text } in continuations {
            let found = tokenizer.decode_after(&before, &ids).unwrap();
            assert_eq!(found, text, "{name}: {ids:?} after {before:?}");
            let pieces = tokenizer.texts_after(&before, &ids).unwrap();
            assert_eq!(
                pieces.len(),
                ids.len(),
                "{name}: a piece for each of {ids:?}"
            );
        }
    }
}

#[test]
fn streamed_text_is_final_and_memory_is_bounded() {
    for (name, tokenizer, continuations) in families() {
        let all: Vec<u32> = continuations
            .iter()
            .flat_map(|continuation| continuation.ids.clone())
            .collect();
        let mut stream = tokenizer.stream_decoder();
        let (mut text, mut longest) = (String::new(), 0);
        for &id in &all {
            let piece = stream.push(id).unwrap();
            longest = longest.max(piece.len());
            text += &piece;
        }
        text += &stream.finish().unwrap();
        assert_eq!(text, tokenizer.decode(&all).unwrap(), "{name}");
        assert!(longest < text.len() / 2, "{name}: given as it came");
    }
}

#[test]
fn the_first_token_of_a_text_and_the_next_read_differently() {
    let of = |wanted: &str| {
        families()
            .into_iter()
            .find(|(name, ..)| name == wanted)
            .unwrap()
            .1
    };
    for (name, space) in [
        ("sentencepiece_bpe", true),
        ("unigram", true),
        ("word_piece", true),
        ("split_byte_level", false),
    ] {
        let tokenizer = of(name);
        let kite = tokenizer.encode("kite").unwrap().ids;
        let the = tokenizer.encode("the").unwrap().ids;
        let expected = if space { " kite" } else { "kite" };
        assert_eq!(
            tokenizer.decode_after(&the, &kite).unwrap(),
            expected,
            "{name}"
        );
        assert_eq!(
            tokenizer.decode_after(&[], &kite).unwrap(),
            "kite",
            "{name}"
        );
        // A token that begins a text is none.
        let special = tokenizer.end_of_text().unwrap();
        assert_eq!(
            tokenizer.decode_after(&[special], &kite).unwrap(),
            "kite",
            "{name}"
        );
    }
    let word_piece = of("word_piece");
    let texts: String = word_piece
        .encode("the kite")
        .unwrap()
        .ids
        .iter()
        .map(|&id| word_piece.token_text(id))
        .collect();
    assert_eq!(texts, " the kite");
}

#[test]
fn bytes_that_are_held_back_are_pending_while_they_are_text() {
    let tokenizer = families()
        .into_iter()
        .find(|(name, ..)| name == "sentencepiece_bpe")
        .unwrap()
        .1;
    let bytes: Vec<u32> = tokenizer
        .encode("빨")
        .unwrap()
        .ids
        .into_iter()
        .filter(|&id| tokenizer.token_text(id).starts_with("<0x"))
        .collect();
    assert_eq!(bytes.len(), 3);
    let mut stream = tokenizer
        .stream_decoder_after(&tokenizer.encode("the").unwrap().ids)
        .unwrap();
    let mut pending = Vec::new();
    for &id in &bytes {
        assert_eq!(stream.push(id).unwrap(), "");
        pending.push(stream.pending().unwrap());
    }
    assert_eq!(pending, ["", "", "빨"]);
    assert_eq!(
        stream
            .push(tokenizer.encode("kite").unwrap().ids[0])
            .unwrap(),
        format!(
            "빨{}",
            tokenizer.token_text(tokenizer.encode("kite").unwrap().ids[0])
        )
    );
}
