//! Settings and options that change nothing are named, and remedies are in the words of the command
//! that was typed.

use crate::sisun::{Lab, Ran, sisun};
use std::fs;

fn on(run: &str, command: &str, more: &[&str]) -> Ran {
    sisun(&[&[command, run, "--device", "cpu"], more].concat())
}

#[test]
fn tokenizers_are_trained_in_the_words_of_their_options() {
    let lab = Lab::new();
    let (text, out) = (lab.at("stories.txt"), lab.at("made.json"));
    let train = |more: &[&str]| sisun(&[&["tokenizer", "train", "--out", &out][..], more].concat());
    let of_characters = ["--data", &text, "--kind", "char"];
    for idle in [["--vocab-size", "300"], ["--special", "<x>"]] {
        train(&[&of_characters[..], &idle].concat()).fails(2, &[idle[0], "--kind bpe"]);
    }
    fs::write(lab.path("records.jsonl"), "{\"body\": \"The cat.\"}\n").unwrap();
    let records = train(&["--data", &lab.at("records.jsonl")]);
    assert!(
        !records.stderr.contains("data.jsonl_field"),
        "{}",
        records.stderr
    );
    records.fails(1, &["--jsonl-field", "fields: body"]);
    fs::write(lab.path("looks.txt"), "{\"a\":\"a\"}\n").unwrap();
    let looks = train(&["--data", &lab.at("looks.txt")]);
    assert!(
        looks.stderr.contains("set --jsonl-field"),
        "{}",
        looks.stderr
    );
    looks.fails(2, &["too short to train a tokenizer on"]);
    let quiet = train(&["--data", &text, "--vocab-size", "280", "--quiet"]).ok();
    assert_eq!(quiet.stderr, "");
    let made = lab.at("made.txt");
    let make = [
        "data",
        "make",
        "stories",
        "--language",
        "en",
        "--bytes",
        "100",
        "--out",
        &made,
    ];
    assert!(
        sisun(&[&make[..], &["--force"]].concat())
            .ok()
            .stderr
            .contains("bytes")
    );
    assert_eq!(
        sisun(&[&make[..], &["-q", "--force"]].concat()).ok().stderr,
        ""
    );
}

#[test]
fn options_of_drawing_are_named_where_nothing_is_drawn() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let greedy = |more: &[&str]| {
        let options = ["--prompt", "The", "-n", "2", "--temperature", "0"];
        on(&run, "sample", &[&options[..], more].concat())
            .ok()
            .stderr
    };
    let told = greedy(&["--top-k", "4", "--seed", "3"]);
    assert!(
        told.contains(
            "--temperature 0 always takes the most likely token: --top-k, --seed changes nothing"
        ),
        "{told}"
    );
    let told = greedy(&["--repetition-penalty", "1.2"]);
    assert!(!told.contains("changes nothing"), "{told}");
}

#[test]
fn evaluations_and_exports_say_what_they_did() {
    let lab = Lab::new();
    let settings = [
        "train.steps=2",
        "train.warmup_steps=0",
        "train.eval_windows=99999",
        "model.position={kind=\"rope\",scaling={kind=\"dynamic\",factor=2.0,original_context_len=16}}",
    ];
    let settings: Vec<&str> = settings.iter().flat_map(|one| ["--set", one]).collect();
    let trained = lab.train("dynamic", &settings).ok();
    assert!(trained.stdout.contains("; on all "), "{}", trained.stdout);
    assert!(!trained.stdout.contains("99,999"), "{}", trained.stdout);
    let (run, to) = (lab.at("dynamic"), lab.at("exported"));
    let told = on(&run, "export", &["--to", &to]).ok().stderr;
    assert!(
        told.contains("max_position_embeddings = 16") && told.contains("context of 23"),
        "{told}"
    );
    // Of encoder–decoders only the run itself is read.
    fs::create_dir(lab.path("marian")).unwrap();
    let config = r#"{"architectures": ["MarianMTModel"], "model_type": "marian"}"#;
    fs::write(lab.path("marian/config.json"), config).unwrap();
    let marian = lab.at("marian");
    for (command, more) in [
        ("sample", &["--prompt", "a"][..]),
        ("attend", &["--text", "a"]),
        ("eval", &["--data", "data/stories-en.txt"]),
        ("info", &[]),
    ] {
        let told = match command {
            "info" => sisun(&["info", &marian]),
            _ => on(&marian, command, more),
        };
        told.fails(1, &["MarianMTModel", "the run that it was exported from"]);
    }
}

#[test]
fn mistakes_of_toml_are_told_with_the_line_to_write() {
    let lab = Lab::new();
    for (text, part) in [
        ("[model]\nd_model = 32,\n", "without a comma: d_model = 32"),
        (
            "[model]\nd_model = 32\nd_model = 64\n",
            "d_model stands twice",
        ),
        (
            "[model]\nd_model = 32\n[model]\nn_heads = 2\n",
            "[model] stands twice",
        ),
        (
            "[data]\nsources = [\"a.txt\",, \"b.txt\"]\n",
            "a comma stands there without a value",
        ),
        (
            "x = { a = 1,, b = 2 }\n",
            "a comma stands there without a value",
        ),
    ] {
        lab.write_config("mistake.toml", text);
        sisun(&["info", &lab.at("mistake.toml")]).fails(2, &["is not valid TOML", part]);
    }
}

#[test]
fn characters_that_no_font_has_are_named() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("boxes"));
    let told = |text: &str, format: &str| {
        let options = ["--text", text, "--out", &out, "--format", format];
        on(&run, "attend", &options).ok().stderr
    };
    // The last character for private use.
    let missing = "cat \u{10fffd}";
    assert!(told(missing, "png").contains("no font here has a glyph for \u{10fffd}"));
    assert!(!told(missing, "json").contains("glyph"));
    assert!(!told("밥을 먹었어요.", "png").contains("glyph"));
    let lens = ["--text", missing, "--out", &out, "--format", "png"];
    assert!(on(&run, "lens", &lens).ok().stderr.contains("no font here"));
}
