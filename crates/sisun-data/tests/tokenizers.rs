//! Tokenizers: what goes in comes out, and every token knows where it came from.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use sisun_data::{DataError, Encoding, Tokenizer, labels};
use std::path::Path;
use std::sync::LazyLock;

const TEXT: &str = "Hana gave the kite to Minsu. 하나는 민수에게 연을 주었어요. \u{1F600}\u{1F469}\u{200D}\u{1F4BB}\n\n\
                    Minsu's kite, the red kite, didn't fly: 12 tries, 345 more.\r\n\tHana laughed; 민수도 웃었어요.\n";

/// A byte-level tokenizer with some merges of each script.
static BPE: LazyLock<Tokenizer> = LazyLock::new(|| {
    let texts = [TEXT.repeat(3), "한글과 한국, 학교에서 the thing".repeat(2)];
    Tokenizer::train_bpe(texts.iter(), 331, &["<|user|>".to_owned()]).unwrap()
});

fn characters() -> Tokenizer {
    Tokenizer::characters(TEXT.chars().chain("<|endof".chars()), true).unwrap()
}

#[test]
fn characters_are_numbered_in_code_point_order() {
    let tokenizer = Tokenizer::characters("banana\n 바나나".chars(), false).unwrap();
    assert_eq!(tokenizer.vocab_size(), 7);
    // \n < space < a < b < n < 나 < 바
    assert_eq!(
        tokenizer.encode("나a\nb 바n").unwrap().ids,
        [5, 2, 0, 3, 1, 6, 4]
    );
    assert_eq!(tokenizer.end_of_text(), None);
    assert_eq!(
        Tokenizer::characters("ba".chars(), true)
            .unwrap()
            .end_of_text(),
        Some(2)
    );
}

#[test]
fn an_empty_alphabet_is_an_error() {
    assert!(matches!(
        Tokenizer::characters([], true),
        Err(DataError::NoCharacters)
    ));
}

#[test]
fn unseen_characters_are_listed_once_each() {
    let error = Tokenizer::characters("abc".chars(), false)
        .unwrap()
        .encode("a뷁b뷁\tc")
        .unwrap_err();
    let DataError::UnseenCharacters {
        characters,
        form: None,
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(characters, &['뷁', '\t']);
    assert!(
        error.to_string().contains(r"'뷁' (U+BDC1), '\t' (U+0009)"),
        "{error}"
    );
}

#[test]
fn the_character_table_agrees_with_hugging_faces_library() {
    let tokenizer = characters();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    tokenizer.save(&path).unwrap();
    let theirs = tokenizers::Tokenizer::from_file(&path).unwrap();
    for text in [
        TEXT,
        "",
        "\n",
        "Hana<|endoftext|>민수<|endoftext|>",
        "<|endof",
        "\u{1F600}",
    ] {
        let expected = theirs.encode_char_offsets(text, false).unwrap();
        let found = tokenizer.encode(text).unwrap();
        assert_eq!(found.ids, expected.get_ids(), "{text:?}");
        assert_eq!(found.offsets, expected.get_offsets(), "{text:?}");
        assert_eq!(tokenizer.decode(&found.ids).unwrap(), text);
    }
}

#[test]
fn a_saved_tokenizer_reads_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (name, tokenizer) in [("char", characters()), ("bpe", BPE.clone())] {
        let path = folder.path().join(name);
        tokenizer.save(&path).unwrap();
        let back = Tokenizer::from_file(&path).unwrap();
        assert_eq!(back.sha256(), tokenizer.sha256());
        assert_eq!(back.vocab_size(), tokenizer.vocab_size());
        assert_eq!(back.encode(TEXT).unwrap(), tokenizer.encode(TEXT).unwrap());
    }
}

#[test]
fn offsets_count_characters_and_pieces_share_their_character() {
    let tokenizer = Tokenizer::train_bpe(std::iter::empty::<&str>(), 257, &[]).unwrap();
    let encoding = tokenizer.encode("a한\u{1F600}b").unwrap();
    assert_eq!(encoding.ids.len(), 1 + 3 + 4 + 1);
    assert_eq!(
        encoding.offsets,
        [
            (0, 1),
            (1, 2),
            (1, 2),
            (1, 2),
            (2, 3),
            (2, 3),
            (2, 3),
            (2, 3),
            (3, 4)
        ]
    );
    let texts: Vec<String> = labels("a한\u{1F600}b", &encoding)
        .into_iter()
        .map(|label| label.text)
        .collect();
    assert_eq!(
        texts,
        [
            "a",
            "한 1/3",
            "한 2/3",
            "한 3/3",
            "\u{1F600} 1/4",
            "\u{1F600} 2/4",
            "\u{1F600} 3/4",
            "\u{1F600} 4/4",
            "b"
        ]
    );
}

#[test]
fn labels_make_white_space_visible() {
    let text = "\n\t\0  \u{200B}\u{7F} x\u{3000}";
    let tokenizer = Tokenizer::characters(text.chars(), false).unwrap();
    let found = labels(text, &tokenizer.encode(text).unwrap());
    let texts: Vec<&str> = found.iter().map(|label| label.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "⏎", "⇥", "U+0000", "␣", "␣", "U+200B", "U+007F", "␣", "x", "U+3000"
        ]
    );
    assert_eq!((found[8].start, found[8].end), (8, 9));
}

#[test]
fn a_label_counts_the_pieces_of_the_character_that_goes_on() {
    // " 한" as (" " and a first piece), then two more pieces; then a token of nothing.
    let encoding = Encoding {
        ids: vec![1, 2, 3, 4],
        offsets: vec![(0, 2), (1, 2), (1, 2), (2, 2)],
    };
    let texts: Vec<String> = labels(" 한", &encoding)
        .into_iter()
        .map(|label| label.text)
        .collect();
    assert_eq!(texts, [" 한 1/3", "한 2/3", "한 3/3", "∅"]);
}

/// Templates put tokens before and after a text, and say of both that they are at its beginning.
#[test]
fn tokens_from_no_text_make_no_piece_of_their_neighbours() {
    let texts = |text: &str, offsets: &[(usize, usize)]| {
        let encoding = Encoding {
            ids: vec![0; offsets.len()],
            offsets: offsets.to_vec(),
        };
        labels(text, &encoding)
            .into_iter()
            .map(|label| label.text)
            .collect::<Vec<_>>()
    };
    assert_eq!(texts("the", &[(0, 0), (0, 3), (0, 0)]), ["∅", "the", "∅"]);
    assert_eq!(
        texts("a the", &[(0, 1), (1, 5), (0, 0), (0, 0)]),
        ["a", " the", "∅", "∅"]
    );
    assert_eq!(
        texts("한", &[(0, 0), (0, 1), (0, 1), (1, 1), (0, 1), (0, 0)])[1..5],
        ["한 1/3", "한 2/3", "∅", "한 3/3"]
    );
    let fixtures = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/peers/fixtures/tokenizers");
    let folder = tempfile::TempDir::new().unwrap();
    for name in [
        "word_piece",
        "unigram",
        "sentencepiece_bpe",
        "split_byte_level",
    ] {
        let json = std::fs::read(fixtures.join(name).join("tokenizer.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let piece = |kind: &str, id: &str| serde_json::json!({ kind: { "id": id, "type_id": 0 } });
        json["post_processor"] = serde_json::json!({
            "type": "TemplateProcessing",
            "single": [piece("SpecialToken", "<s>"), piece("Sequence", "A"), piece("SpecialToken", "</s>")],
            "pair": [piece("Sequence", "A"), piece("Sequence", "B")],
            "special_tokens": { "<s>": { "id": "<s>", "ids": [1], "tokens": ["<s>"] }, "</s>": { "id": "</s>", "ids": [2], "tokens": ["</s>"] } },
        });
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, json.to_string()).unwrap();
        let tokenizer = Tokenizer::from_file(&path).unwrap();
        let encoding = tokenizer.encode_prompt("the cat").unwrap();
        let texts: Vec<String> = tokenizer
            .labels("the cat", &encoding)
            .into_iter()
            .map(|label| label.text)
            .collect();
        assert!(
            encoding.ids.first() == Some(&1) && encoding.ids.last() == Some(&2),
            "{name}: {encoding:?}"
        );
        assert!(
            texts.iter().all(|text| !text.contains("1/")),
            "{name}: {texts:?}"
        );
    }
}

#[test]
fn special_tokens_in_a_text_are_recognised() {
    for tokenizer in [characters(), BPE.clone()] {
        let end = tokenizer.end_of_text().unwrap();
        let encoding = tokenizer.encode("Hana<|endoftext|>민수").unwrap();
        let at = encoding.ids.iter().position(|&id| id == end).unwrap();
        assert_eq!(encoding.offsets[at], (4, 17));
        assert_eq!(
            tokenizer.decode(&encoding.ids).unwrap(),
            "Hana<|endoftext|>민수"
        );
        assert_eq!(tokenizer.token_text(end), "<|endoftext|>");
    }
    assert_eq!(BPE.encode("<|user|>").unwrap().ids.len(), 1);
}

#[test]
fn specials_are_checked() {
    let train = |special: &str| {
        Tokenizer::train_bpe(std::iter::empty::<&str>(), 300, &[special.to_owned()])
    };
    for special in ["", "<|endoftext|>", "<|a b|>", "한", "x"] {
        assert!(
            matches!(train(special), Err(DataError::BadSpecial { .. })),
            "{special:?}"
        );
    }
    let error = Tokenizer::train_bpe([TEXT].iter(), 200, &[]).unwrap_err();
    assert!(
        matches!(
            error,
            DataError::VocabTooSmall {
                vocab_size: 200,
                specials: 1
            }
        ),
        "{error}"
    );
}

#[test]
fn merges_never_touch_a_special_token() {
    let text = "<|endoftext|>endoftext".repeat(20);
    let tokenizer = Tokenizer::train_bpe([text].iter(), 500, &[]).unwrap();
    assert_eq!(
        tokenizer
            .decode(&tokenizer.encode("endoftext").unwrap().ids)
            .unwrap(),
        "endoftext"
    );
    // The 256 bytes, the special token, and the eight merges that build `endoftext`.
    assert_eq!(tokenizer.vocab_size(), 256 + 1 + 8);
}

#[test]
fn training_is_deterministic_and_does_not_depend_on_how_the_text_is_cut() {
    let text = TEXT.repeat(40);
    let whole = Tokenizer::train_bpe([text.as_str()].iter(), 400, &[]).unwrap();
    let cuts = text
        .match_indices(' ')
        .map(|(at, _)| at)
        .filter(|at| at % 7 == 0);
    let mut parts = Vec::new();
    let mut from = 0;
    for at in cuts {
        parts.push(&text[from..at]);
        from = at;
    }
    parts.push(&text[from..]);
    assert!(parts.len() > 100);
    for _ in 0..5 {
        let again = Tokenizer::train_bpe(parts.iter(), 400, &[]).unwrap();
        assert_eq!(again.sha256(), whole.sha256());
    }
}

#[test]
fn tokens_read_as_their_text() {
    let texts: Vec<String> = BPE
        .encode(" the kite")
        .unwrap()
        .ids
        .iter()
        .map(|&id| BPE.token_text(id))
        .collect();
    assert_eq!(texts.concat(), " the kite");
    let byte = BPE.encode("\u{AC1C}").unwrap().ids; // 개: EA B0 9C, never seen in training
    assert_eq!(
        byte.iter()
            .map(|&id| BPE.token_text(id))
            .collect::<String>(),
        "<0xEA><0xB0><0x9C>"
    );
    assert_eq!(BPE.token_text(1_000_000), "<unknown 1000000>");
}

#[test]
fn unknown_ids_are_an_error() {
    let size = BPE.vocab_size() as u32;
    assert!(BPE.decode(&[size - 1]).is_ok());
    assert!(
        matches!(BPE.decode(&[0, size]), Err(DataError::UnknownToken { id, .. }) if id == size)
    );
    assert!(BPE.stream_decoder().push(u32::MAX).is_err());
}

#[test]
fn a_stream_never_gives_half_a_character() {
    let text = "하나는 \u{1F469}\u{200D}\u{1F4BB} 웃었어요\n";
    for tokenizer in [
        Tokenizer::train_bpe(std::iter::empty::<&str>(), 257, &[]).unwrap(),
        BPE.clone(),
    ] {
        let mut stream = tokenizer.stream_decoder();
        let mut whole = String::new();
        for id in tokenizer.encode(text).unwrap().ids {
            let new = stream.push(id).unwrap();
            assert!(!new.contains(char::REPLACEMENT_CHARACTER));
            whole += &new;
            assert!(text.starts_with(&whole), "{whole:?}");
        }
        assert_eq!(whole, text, "nothing is held back once it is whole");
        assert_eq!(stream.finish().unwrap(), "");
    }
}

proptest! {
    #[test]
    fn any_text_goes_through_bpe_and_back(text in "\\PC*|[\\s\\S]{0,64}|[ \\n\\r\\ta-c가-힣'<|>]{0,64}") {
        let encoding = BPE.encode(&text).unwrap();
        prop_assert_eq!(BPE.decode(&encoding.ids).unwrap(), text.as_str());
        let end = text.chars().count();
        prop_assert!(encoding.offsets.iter().all(|&(from, to)| from < to && to <= end));
        prop_assert!(encoding.offsets.is_sorted());
        // Every character is covered.
        let mut upto = 0;
        for &(from, to) in &encoding.offsets {
            prop_assert!(from <= upto);
            upto = upto.max(to);
        }
        prop_assert_eq!(upto, end);
        prop_assert_eq!(labels(&text, &encoding).len(), encoding.ids.len());
    }

    #[test]
    fn a_stream_agrees_with_decoding_at_once(ids in prop::collection::vec(0..331_u32, 0..40)) {
        let mut stream = BPE.stream_decoder();
        let mut text = String::new();
        for &id in &ids {
            text += &stream.push(id).unwrap();
        }
        text += &stream.finish().unwrap();
        prop_assert_eq!(text, BPE.decode(&ids).unwrap());
    }
}

/// A tokenizer of another family, from its JSON.
fn foreign(model: &str, normalizer: &str, pre_tokenizer: &str) -> Result<Tokenizer, DataError> {
    let json = format!(
        r#"{{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [], "normalizer": {normalizer},
            "pre_tokenizer": {pre_tokenizer}, "post_processor": null, "decoder": null, "model": {model}}}"#
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    std::fs::write(&path, json).unwrap();
    Tokenizer::from_file(&path)
}

#[test]
fn a_vocabulary_without_an_unknown_token_never_drops_characters_silently() {
    let bpe = r#"{"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]]}"#;
    let words = r#"{"type": "WordLevel", "vocab": {"ab": 0, "a": 1}, "unk_token": "[UNK]"}"#;
    let without_x = r#"{"type": "Replace", "pattern": {"String": "x"}, "content": ""}"#;
    let white_space = r#"{"type": "WhitespaceSplit"}"#;
    let unseen = |tokenizer: &Tokenizer, text: &str| match tokenizer.encode(text) {
        Err(DataError::UnseenCharacters { characters, .. }) => characters,
        other => panic!("{other:?}"),
    };
    let tokenizer = foreign(bpe, "null", "null").unwrap();
    assert_eq!(tokenizer.encode("abba").unwrap().ids, [2, 1, 0]);
    assert_eq!(unseen(&tokenizer, "abc한c"), ['c', '한']);
    // A character that a normalizer or pre-tokenizer removes on purpose is not missing.
    assert_eq!(
        foreign(bpe, without_x, white_space)
            .unwrap()
            .encode("ax b")
            .unwrap()
            .ids,
        [0, 1]
    );
    assert_eq!(
        unseen(&foreign(bpe, without_x, white_space).unwrap(), "axy"),
        ['y']
    );
    assert_eq!(
        unseen(&foreign(words, "null", white_space).unwrap(), "ab ㅎ"),
        ['ㅎ']
    );
    let DataError::Tokenizer { .. } = foreign(words, "null", white_space)
        .unwrap()
        .encode("aab")
        .unwrap_err()
    else {
        panic!("every character is known, but not the word")
    };
}

#[test]
fn a_vocabulary_with_absurd_ids_is_refused() {
    let model = r#"{"type": "WordLevel", "vocab": {"a": 4000000000}, "unk_token": "[UNK]"}"#;
    assert!(matches!(
        foreign(model, "null", "null"),
        Err(DataError::TokenizerFile { .. })
    ));
    assert!(matches!(
        foreign(
            r#"{"type": "WordLevel", "vocab": {}, "unk_token": "[UNK]"}"#,
            "null",
            "null"
        ),
        Err(DataError::TokenizerFile { .. })
    ));
}

#[test]
fn a_damaged_tokenizer_file_is_an_error_wherever_it_is_cut() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tokenizer.json");
    BPE.save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for cut in (0..whole.len() - 2).step_by(197) {
        std::fs::write(&path, &whole[..cut]).unwrap();
        assert!(
            matches!(
                Tokenizer::from_file(&path),
                Err(DataError::TokenizerFile { .. })
            ),
            "{cut}"
        );
    }
    let table = r#"{"type": "Precompiled", "precompiled_charsmap": "AAAA"}"#;
    let model = r#"{"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "[UNK]"}"#;
    assert!(matches!(
        foreign(model, table, "null"),
        Err(DataError::TokenizerFile { .. })
    ));
}

/// Post-processors on which the library panics, or that add tokens outside the vocabulary.
#[test]
fn a_post_processor_that_is_damaged_is_an_error() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/peers/fixtures/hf/llama_tied/tokenizer.json");
    let whole: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let refused = |pointer: &str, value: serde_json::Value| {
        let (mut broken, folder) = (whole.clone(), tempfile::tempdir().unwrap());
        *broken.pointer_mut(pointer).unwrap() = value;
        let path = folder.path().join("tokenizer.json");
        std::fs::write(&path, broken.to_string()).unwrap();
        Tokenizer::from_file(&path).unwrap_err().to_string()
    };
    let tokens = "/post_processor/special_tokens";
    let message = refused(&format!("{tokens}/<s>/ids"), serde_json::json!([99_999]));
    assert!(
        message.contains("token 99999, which is not in its vocabulary"),
        "{message}"
    );
    let message = refused(tokens, serde_json::json!({}));
    assert!(
        message.contains("tokenizer.json") && message.contains("damaged"),
        "{message}"
    );
}

/// Offsets that leave spaces out, against the library's own that do not.
#[test]
fn labels_cover_the_whole_token() {
    let fixtures =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures");
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("tokenizer.json");
    let texts = [
        "The  red   kite\n\n flew\tover",
        "   The",
        " The ",
        "a \n b  ",
        "한 글  과",
        "\t \t x",
        "\u{3000} a",
        " ",
        "",
    ];
    for family in ["hf/gpt2", "hf/neox", "tokenizers/split_byte_level"] {
        let json = std::fs::read(fixtures.join(family).join("tokenizer.json")).unwrap();
        let mut json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let [trimmed, whole] = [true, false].map(|trim| {
            json["post_processor"] =
                serde_json::json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": trim, "use_regex": true });
            std::fs::write(&path, json.to_string()).unwrap();
            Tokenizer::from_file(&path).unwrap()
        });
        let mut differ = 0;
        for text in texts {
            let [found, expected] =
                [&trimmed, &whole].map(|tokenizer| tokenizer.encode(text).unwrap());
            differ += usize::from(found.offsets != expected.offsets);
            let labels_of = trimmed.labels(text, &found);
            assert_eq!(labels_of, labels(text, &expected), "{family}: {text:?}");
            let offsets: Vec<_> = labels_of
                .iter()
                .map(|label| (label.start, label.end))
                .collect();
            assert_eq!(offsets, expected.offsets, "{family}: {text:?}");
        }
        assert!(differ > 3, "{family}: some were trimmed");
    }
    // The mark that SentencePiece's put before a text stands for nothing in it.
    let tokenizer =
        Tokenizer::from_file(&fixtures.join("tokenizers/sentencepiece_bpe/tokenizer.json"))
            .unwrap();
    let found = |text: &str| {
        let labels = tokenizer.labels(text, &tokenizer.encode_prompt(text).unwrap());
        labels
            .into_iter()
            .map(|label| (label.text, label.start, label.end))
            .collect::<Vec<_>>()
    };
    let of = |text: &str, start, end| (text.to_owned(), start, end);
    assert_eq!(
        found("The  kite"),
        [
            of("<s>", 0, 0),
            of("␣", 0, 0),
            of("The", 0, 3),
            of("␣", 3, 4),
            of(" kite", 4, 9)
        ]
    );
    assert_eq!(
        found("  The"),
        [
            of("<s>", 0, 0),
            of("␣", 0, 0),
            of("␣", 0, 1),
            of("␣", 1, 2),
            of("The", 2, 5)
        ],
        "two spaces, and the mark"
    );
}
