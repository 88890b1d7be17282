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

#[test]
fn pairs_of_every_task_are_made() {
    let lab = Lab::new();
    for task in [
        "copy",
        "reverse",
        "dates",
        "numbers",
        "romanization",
        "translation",
    ] {
        let out = lab.at(&format!("{task}.jsonl"));
        let make = ["data", "make", "pairs", "--task", task, "--count", "20"];
        sisun(&[&make[..], &["--out", &out]].concat()).ok();
        let made = fs::read_to_string(&out).unwrap();
        assert_eq!(made.lines().count(), 20, "{task}");
        for line in made.lines() {
            let pair: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(pair["source"].is_string() && pair["target"].is_string());
            assert!(
                !pair["alignment"]["sure"].as_array().unwrap().is_empty(),
                "{line}"
            );
        }
        assert_eq!(
            sisun(&make).ok().stdout,
            made,
            "the same seed makes the same"
        );
    }
    let numbers = ["data", "make", "pairs", "--task", "numbers"];
    let long = sisun(
        &[
            &numbers[..],
            &["--digits", "16", "--count", "3", "--language", "ko"],
        ]
        .concat(),
    )
    .ok()
    .stdout;
    for line in long.lines() {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(pair["target"].as_str().unwrap().len(), 16, "{line}");
        assert!(pair["source"].as_str().unwrap().contains('조'), "{line}");
    }
    for (arguments, expected) in [
        (&["--hangul", "letters"][..], "has no --hangul"),
        (&["--min-length", "3"], "has no --min-length"),
    ] {
        sisun(&[&numbers[..], arguments].concat()).fails(2, &[expected]);
    }
    for (arguments, expected) in [
        (&["--digits", "9-17"], "1 to 16"),
        (&["--language", "fr"], "ko"),
    ] {
        sisun(&[&numbers[..], arguments].concat()).fails_by_clap(&[expected]);
    }
    let copy = [
        "data",
        "make",
        "pairs",
        "--task",
        "copy",
        "--min-length",
        "9",
    ];
    sisun(&[&copy[..], &["--max-length", "8"]].concat()).fails(2, &["--min-length 9"]);
}
