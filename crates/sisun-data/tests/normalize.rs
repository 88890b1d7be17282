//! Composed and decomposed text: what is composed where it is asked for, and what is said where it
//! is not.
#![allow(clippy::unwrap_used)]

mod desk;

use desk::{Desk, text};
use sisun_config::{Normalize, TokenizerConfig};
use sisun_data::{DataError, Tokenizer, labels, prepare_whole};
use std::fs;
use unicode_normalization_alignments::UnicodeNormalization;

const TEXT: &str = "하나는 민수에게 연을 주었어요. Émile's café!\n";

fn decomposed(text: &str) -> String {
    text.nfd().map(|(c, _)| c).collect()
}

/// Every kind of tokenizer, on decomposed text that is to be composed.
fn desks() -> [Desk; 3] {
    let text = decomposed(&TEXT.repeat(40));
    let bpe = TokenizerConfig::Bpe {
        vocab_size: 300,
        specials: Vec::new(),
    };
    let mut plain = Desk::new(&[("a.txt", TEXT.repeat(40).as_bytes())]);
    plain.tokenizer = bpe.clone();
    let file = fs::read({
        let path = plain.path("tokenizer.json");
        plain
            .prepare()
            .unwrap()
            .tokenizer
            .save(path.as_ref())
            .unwrap();
        path
    });
    let file = file.unwrap();
    let desk = |tokenizer| {
        let mut desk = Desk::new(&[("a.txt", text.as_bytes())]);
        fs::write(desk.path("tokenizer.json"), &file).unwrap();
        desk.data.normalize = Normalize::Nfc;
        desk.tokenizer = tokenizer;
        desk
    };
    let mut given = desk(TokenizerConfig::Char);
    given.tokenizer = TokenizerConfig::File {
        path: given.path("tokenizer.json").into(),
    };
    [desk(TokenizerConfig::Char), desk(bpe), given]
}

#[test]
fn training_text_and_prompts_are_composed() {
    for mut desk in desks() {
        let corpus = desk.prepare().unwrap();
        let whole = text(&corpus, &corpus.train) + &text(&corpus, &corpus.validation);
        assert_eq!(whole, TEXT.repeat(40), "{:?}", desk.tokenizer);
        assert_eq!(
            corpus.train.bytes() + corpus.validation.bytes(),
            (TEXT.len() * 40) as u64
        );
        assert!(
            !desk.messages.iter().any(|message| message.contains("NFD")),
            "{:?}",
            desk.messages
        );

        // The file from which every tool reads the tokenizer.
        let path = desk.path("saved.json");
        corpus.tokenizer.save(path.as_ref()).unwrap();
        let saved = Tokenizer::from_file(path.as_ref()).unwrap();
        assert_eq!(saved.sha256(), corpus.tokenizer.sha256());
        let ids = saved.encode(TEXT).unwrap().ids;
        assert_eq!(saved.encode(&decomposed(TEXT)).unwrap().ids, ids);
        let library = tokenizers::Tokenizer::from_file(&path).unwrap();
        assert_eq!(
            library.encode(decomposed(TEXT), false).unwrap().get_ids(),
            ids
        );
        // Once more is the same tokenizer.
        desk.tokenizer = TokenizerConfig::File { path: path.into() };
        let again = desk.prepare().unwrap();
        assert_eq!(
            (again.tokenizer.sha256(), again.sha256),
            (saved.sha256(), corpus.sha256)
        );
        let tokens = prepare_whole(&desk.data, &saved, &desk.cache(), &mut |_| ()).unwrap();
        assert_eq!(
            saved.decode(&tokens.read(0..tokens.len())).unwrap(),
            TEXT.repeat(40)
        );
    }
}

/// Each token's range is of the text as it was written, whole characters that become one.
#[test]
fn labels_show_the_text_as_it_was_written() {
    for mut desk in desks() {
        let tokenizer = desk.prepare().unwrap().tokenizer;
        let written = decomposed(TEXT);
        let (plain, parts) = (
            tokenizer.encode(TEXT).unwrap(),
            tokenizer.encode(&written).unwrap(),
        );
        let composed: Vec<String> = labels(TEXT, &plain)
            .into_iter()
            .map(|label| label.text)
            .collect();
        let shown: Vec<String> = labels(&written, &parts)
            .into_iter()
            .map(|label| label.text.nfc().map(|(c, _)| c).collect())
            .collect();
        assert_eq!(shown, composed, "{:?}", desk.tokenizer);
        let characters: Vec<char> = written.chars().collect();
        assert!(
            parts
                .offsets
                .iter()
                .all(|(start, end)| start <= end && *end <= characters.len())
        );
        if desk.tokenizer == TokenizerConfig::Char {
            let joined: Vec<String> = parts
                .offsets
                .iter()
                .map(|&(start, end)| characters[start..end].iter().collect())
                .collect();
            assert_eq!(joined.concat(), written, "they cover all of it, once");
        }
    }
}

#[test]
fn a_form_that_would_be_known_is_named() {
    let remedy = |tokenizer: &Tokenizer, text: &str| match tokenizer.encode(text).unwrap_err() {
        error @ DataError::UnseenCharacters { .. } => error.to_string(),
        other => panic!("{other}"),
    };
    let composed = Tokenizer::characters(TEXT.chars(), false).unwrap();
    let told = remedy(&composed, &decomposed("민수에게"));
    assert!(
        told.contains("NFD") && told.contains("data.normalize = \"nfc\"") && told.contains("'NFC'"),
        "{told}"
    );
    let told = remedy(&composed, &decomposed("민수에게 뷁"));
    assert!(
        !told.contains("NFC") && told.contains("byte-level"),
        "{told}"
    );
    let parts = Tokenizer::characters(decomposed(TEXT).chars(), false).unwrap();
    let told = remedy(&parts, "민수에게");
    assert!(
        told.contains("'NFD'") && told.contains("data.normalize"),
        "{told}"
    );
    assert!(!remedy(&composed, "XYZ").contains("NFC"));

    let mut desk = Desk::new(&[("a.txt", decomposed(&TEXT.repeat(9)).as_bytes())]);
    desk.prepare().unwrap();
    assert!(
        desk.messages
            .iter()
            .any(|message| message.contains("data.normalize = \"nfc\"")),
        "{:?}",
        desk.messages
    );
}

#[test]
fn a_prompt_in_the_other_form_has_a_note() {
    let text = TEXT.repeat(40);
    for (trained, other, form) in [
        (text.clone(), decomposed(TEXT), "composed (NFC)"),
        (decomposed(&text), TEXT.to_owned(), "decomposed (NFD)"),
    ] {
        let mut desk = Desk::new(&[("a.txt", trained.as_bytes())]);
        desk.tokenizer = TokenizerConfig::Bpe {
            vocab_size: 300,
            specials: Vec::new(),
        };
        let tokenizer = desk.prepare().unwrap().tokenizer;
        let told = tokenizer.normalization_note(&other).unwrap().unwrap();
        let counts = [
            other.clone(),
            if form.contains("NFC") {
                TEXT.to_owned()
            } else {
                decomposed(TEXT)
            },
        ]
        .map(|text| tokenizer.encode(&text).unwrap().ids.len());
        assert!(
            told.contains(&format!(
                "becomes {} tokens, {form} it would become {}",
                counts[0], counts[1]
            )),
            "{told}"
        );
        let same = if form.contains("NFC") {
            TEXT.to_owned()
        } else {
            decomposed(TEXT)
        };
        assert_eq!(tokenizer.normalization_note(&same).unwrap(), None);
        assert_eq!(tokenizer.normalization_note("plain ASCII").unwrap(), None);
        let mut messages = Vec::new();
        let path = desk.path("other.txt");
        fs::write(&path, other.repeat(20)).unwrap();
        desk.data.sources = vec![path];
        prepare_whole(&desk.data, &tokenizer, &desk.cache(), &mut |line| {
            messages.push(line.to_owned())
        })
        .unwrap();
        assert_eq!(
            messages
                .iter()
                .any(|line| line.contains("compose the text first")),
            form.contains("NFC"),
            "{messages:?}"
        );
    }
}
