//! Hugging Face's `tokenizers` package for Python and this crate must agree, in both directions.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde::{Deserialize, Serialize};
use sisun_data::{Tokenizer, labels};
use std::{fs, path::Path, process::Command};

#[derive(Debug, Serialize, Deserialize)]
struct Encodings {
    encodings: Vec<Text>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Text {
    text: String,
    ids: Vec<u32>,
    offsets: Vec<(usize, usize)>,
    decoded: String,
}

fn peers() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers")
}

/// Made by the package (`tests/peers/tokenizers_check.py --make`).
#[test]
fn tokenizers_of_other_families_agree_with_the_package() {
    let mut families = 0;
    for folder in fs::read_dir(peers().join("fixtures/tokenizers")).unwrap() {
        let folder = folder.unwrap().path();
        let tokenizer = Tokenizer::from_file(&folder.join("tokenizer.json")).unwrap();
        let expected: Encodings =
            serde_json::from_slice(&fs::read(folder.join("encodings.json")).unwrap()).unwrap();
        assert!(!expected.encodings.is_empty());
        for Text {
            text,
            ids,
            offsets,
            decoded,
        } in expected.encodings
        {
            let found = tokenizer.encode(&text).unwrap();
            assert_eq!(found.ids, ids, "{}: {text:?}", folder.display());
            // Of characters that become one, the package gives the range of the first.
            let whole = |(mine, theirs): (&(usize, usize), &(usize, usize))| {
                let beyond = text.chars().skip(theirs.1).take(mine.1 - theirs.1);
                mine.0 == theirs.0
                    && mine.1 >= theirs.1
                    && beyond.into_iter().all(|c| c == '\u{301}')
            };
            let all = found.offsets.len() == offsets.len()
                && found.offsets.iter().zip(&offsets).all(whole);
            assert!(
                all,
                "{}: {text:?}: {:?} instead of {offsets:?}",
                folder.display(),
                found.offsets
            );
            assert_eq!(
                tokenizer.decode(&ids).unwrap(),
                decoded,
                "{}: {text:?}",
                folder.display()
            );
            assert_eq!(labels(&text, &found).len(), ids.len());
            let mut stream = tokenizer.stream_decoder();
            let streamed: String = ids.iter().map(|&id| stream.push(id).unwrap()).collect();
            assert_eq!(
                streamed + &stream.finish().unwrap(),
                decoded,
                "{}: {text:?}",
                folder.display()
            );
        }
        assert!(tokenizer.end_of_text().is_some());
        families += 1;
    }
    assert_eq!(families, 4);
}

#[test]
fn tokens_of_other_families_read_as_their_text() {
    let read = |family: &str, text: &str| -> Vec<String> {
        let path = peers()
            .join("fixtures/tokenizers")
            .join(family)
            .join("tokenizer.json");
        let tokenizer = Tokenizer::from_file(&path).unwrap();
        tokenizer
            .encode(text)
            .unwrap()
            .ids
            .iter()
            .map(|&id| tokenizer.token_text(id))
            .collect()
    };
    assert_eq!(
        read("sentencepiece_bpe", "the 빨").concat(),
        " the <0xEB><0xB9><0xA8>"
    );
    assert_eq!(
        read("split_byte_level", "the 빨").concat(),
        "the <0xEB><0xB9><0xA8>"
    );
    assert_eq!(read("unigram", "kite").concat(), " kite");
}

/// Writes our tokenizers and what they give, for the script to read. With `SISUN_PEERS_PYTHON` set
/// to a Python that has the package, runs the script.
#[test]
fn the_package_reads_our_tokenizers() {
    let corpus = "Hana gave the kite to Minsu. 하나는 민수에게 연을 주었어요. don't! 12,345 \u{1F469}\u{200D}\u{1F4BB}\n\n\t끝\r\n";
    let texts = [
        "",
        corpus,
        "Minsu gave Hana  the kite\n\n",
        "하나<|endoftext|>민수<|endoftext|>",
        "\u{1F4BB} 345\t",
    ];
    let others = ["뷁 é \u{3000}\u{A0} <|user|>hello's 'S  \u{85}x"];
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokenizers");
    let bpe =
        Tokenizer::train_bpe([corpus.repeat(5)].iter(), 320, &["<|user|>".to_owned()]).unwrap();
    let characters = Tokenizer::characters(corpus.chars(), true).unwrap();
    for (name, tokenizer, texts) in [
        ("char", characters, texts.to_vec()),
        ("bpe", bpe, [texts.as_slice(), &others].concat()),
    ] {
        let encodings = texts.iter().map(|&text| {
            let encoding = tokenizer.encode(text).unwrap();
            let decoded = tokenizer.decode(&encoding.ids).unwrap();
            assert_eq!(decoded, text);
            Text {
                text: text.to_owned(),
                ids: encoding.ids,
                offsets: encoding.offsets,
                decoded,
            }
        });
        let encodings = Encodings {
            encodings: encodings.collect(),
        };
        fs::create_dir_all(folder.join(name)).unwrap();
        tokenizer
            .save(&folder.join(name).join("tokenizer.json"))
            .unwrap();
        fs::write(
            folder.join(name).join("encodings.json"),
            serde_json::to_vec(&encodings).unwrap(),
        )
        .unwrap();
    }
    let script = peers().join("tokenizers_check.py");
    match std::env::var_os("SISUN_PEERS_PYTHON") {
        Some(python) => {
            let run = Command::new(python)
                .arg(&script)
                .arg(&folder)
                .output()
                .unwrap();
            assert!(
                run.status.success(),
                "{}",
                String::from_utf8_lossy(&run.stderr)
            );
        }
        None => println!(
            "not checked with the package: python {} {}",
            script.display(),
            folder.display()
        ),
    }
}
