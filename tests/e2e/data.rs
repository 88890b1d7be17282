//! `sisun data` and `sisun tokenizer`.

use crate::sisun::{Lab, root, sisun};
use std::fs;

#[test]
fn the_shipped_stories_are_what_the_command_makes() {
    let lab = Lab::new();
    for language in ["en", "ko"] {
        let file = format!("stories-{language}.txt");
        sisun(&[
            "data",
            "make",
            "stories",
            "--language",
            language,
            "--out",
            &lab.at(&file),
        ])
        .ok();
        let (made, shipped) = (
            fs::read(lab.path(&file)).unwrap(),
            fs::read(root().join("data").join(&file)).unwrap(),
        );
        assert!(made == shipped, "{file} differs from what is shipped");
        assert!(
            (1_000_000..=3_000_000).contains(&shipped.len()),
            "{file}: {} bytes",
            shipped.len()
        );
    }
    let other = sisun(&[
        "data",
        "make",
        "stories",
        "--language",
        "ko",
        "--seed",
        "2",
        "--bytes",
        "5000",
    ])
    .ok()
    .stdout;
    assert!(
        other.len() >= 5000
            && !fs::read_to_string(root().join("data/stories-ko.txt"))
                .unwrap()
                .starts_with(&other)
    );
    assert_eq!(
        sisun(&["data", "make", "stories", "--language", "tlh"]).code,
        Some(2)
    );
}

#[test]
fn tokenizers_are_trained_and_read_back() {
    let lab = Lab::new();
    let out = lab.at("tokenizer.json");
    sisun(&[
        "tokenizer",
        "train",
        "--data",
        "data/stories-ko.txt",
        "--vocab-size",
        "600",
        "--out",
        &out,
    ])
    .ok();
    let text = "나는 🙂 학교에\n갔다";
    let json = sisun(&["tokenizer", "encode", &out, "--text", text, "--json"])
        .ok()
        .json();
    let ids: Vec<String> = json["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    let back = sisun(
        &[
            &["tokenizer", "decode", &out],
            &ids.iter().map(String::as_str).collect::<Vec<_>>()[..],
        ]
        .concat(),
    )
    .ok();
    assert_eq!(back.stdout.strip_suffix('\n').unwrap(), text);
    sisun(&["tokenizer", "decode", &out, "99999"]).fails(1, &["99999", "600"]);
    fs::write(lab.path("nonsense.json"), "{}").unwrap();
    sisun(&[
        "tokenizer",
        "encode",
        &lab.at("nonsense.json"),
        "--text",
        "a",
    ])
    .fails(1, &["nonsense.json"]);
}
