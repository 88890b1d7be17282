//! Tokenizer files that are crafted or damaged to make their reader panic, hang or exhaust memory.

use crate::sisun::{Lab, Ran, command};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Return a word tokenizer with one part replaced.
fn with(part: &str, value: Value) -> Value {
    let mut file = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": null, "pre_tokenizer": { "type": "WhitespaceSplit" }, "post_processor": null, "decoder": null,
        "model": { "type": "WordLevel", "vocab": { "a": 0, "[UNK]": 1, "<|endoftext|>": 2 }, "unk_token": "[UNK]" },
    });
    file[part] = value;
    file
}

fn replace(pattern: Value, content: &str) -> Value {
    json!({ "type": "Replace", "pattern": pattern, "content": content })
}

/// Run `sisun tokenizer encode FILE` on a text from standard input, and measure its duration.
fn encode(file: &Path, text: &str) -> (Ran, Duration) {
    let began = Instant::now();
    let mut encoding = command(&["tokenizer", "encode", file.to_str().unwrap()]);
    let mut encoding = encoding
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = encoding.stdin.take().unwrap();
    let text = text.to_owned();
    // The process may end before it has read everything.
    let writing = std::thread::spawn(move || drop(input.write_all(text.as_bytes())));
    let ran = Ran::from(encoding.wait_with_output().unwrap());
    writing.join().unwrap();
    (ran, began.elapsed())
}

/// Return a SentencePiece map in base64: the length of its trie, the trie, its replacements.
fn map(base64: &str) -> Value {
    json!({ "type": "Precompiled", "precompiled_charsmap": base64 })
}

#[test]
fn hostile_files_are_told() {
    let many =
        |list: &str, part: Value, n: usize| json!({ "type": "Sequence", list: vec![part; n] });
    let text = |id: &str| json!({ "Sequence": { "id": id, "type_id": 0 } });
    let template = |single: Value| json!({ "type": "TemplateProcessing", "single": single, "pair": [text("A"), text("B")], "special_tokens": {} });
    let lookahead = "(?=((?:a(?=a)|a(?=a)){0,18})b)a|a";
    let split = json!({ "type": "Split", "pattern": { "Regex": lookahead }, "behavior": "Isolated", "invert": false });
    let long_words = json!({
        "type": "WordPiece", "vocab": { "a": 0, "##a": 1, "[UNK]": 2 }, "unk_token": "[UNK]",
        "continuing_subword_prefix": "##", "max_input_chars_per_word": 1_000_000_000,
    });
    let cases = [
        (
            "words of no characters",
            with(
                "pre_tokenizer",
                json!({ "type": "FixedLength", "length": 0 }),
            ),
            "its pre_tokenizer is damaged",
        ),
        (
            "a trie that ends too soon",
            with("normalizer", map("BAAAAAD//39hAA==")),
            "its normalizer is damaged",
        ),
        (
            "an empty map",
            with("normalizer", map("")),
            "precompiled_charsmap",
        ),
        (
            "a map that says it has 4 GB",
            with("normalizer", map("/////wAAAAA=")),
            "are a trie, of 4",
        ),
        (
            "a map without a trie",
            with("normalizer", map("AAAAAGEA")),
            "precompiled_charsmap",
        ),
        (
            "a map that is no base64",
            with("normalizer", map("%%%")),
            "not base64",
        ),
        (
            "tenfold forty times",
            with(
                "normalizer",
                many(
                    "normalizers",
                    replace(json!({ "String": "a" }), "aaaaaaaaaa"),
                    40,
                ),
            ),
            "its normalizer can make a text",
        ),
        (
            "sequences in sequences",
            with(
                "normalizer",
                many(
                    "normalizers",
                    many("normalizers", replace(json!({ "String": "a" }), "aaaa"), 9),
                    9,
                ),
            ),
            "its normalizer can make a text",
        ),
        (
            "a book for each letter",
            with(
                "normalizer",
                replace(json!({ "String": "a" }), &"long ".repeat(50_000)),
            ),
            "its normalizer can make a text 250000 times as long",
        ),
        (
            "a page for each nothing",
            with(
                "normalizer",
                replace(json!({ "Regex": "" }), &"x".repeat(4_000)),
            ),
            "its normalizer makes a text more than 16 times as long",
        ),
        (
            "a thousandfold",
            with(
                "normalizer",
                replace(json!({ "String": "a" }), &"x".repeat(1_000)),
            ),
            "its normalizer makes a text more than 16 times as long",
        ),
        (
            "bytes of bytes of bytes",
            with(
                "pre_tokenizer",
                many(
                    "pretokenizers",
                    json!({ "type": "ByteLevel", "add_prefix_space": false, "use_regex": false }),
                    40,
                ),
            ),
            "its pre_tokenizer can make a text",
        ),
        (
            "the text twice, thirty times",
            with(
                "post_processor",
                many("processors", template(json!([text("A"), text("A")])), 30),
            ),
            "names the text 2 times",
        ),
        (
            "no text at all",
            with("post_processor", template(json!([]))),
            "names the text 0 times",
        ),
        (
            "the second of one text",
            with("post_processor", template(json!([text("B")]))),
            "damaged",
        ),
        (
            "an expression that is none",
            with(
                "pre_tokenizer",
                json!({ "type": "Split", "pattern": { "Regex": "(" }, "behavior": "Isolated", "invert": false }),
            ),
            "not a usable Hugging Face tokenizer",
        ),
        (
            "an expression too large",
            with(
                "pre_tokenizer",
                json!({ "type": "Split", "pattern": { "Regex": "((a{1000}){1000}){1000}" }, "behavior": "Isolated", "invert": false }),
            ),
            "not a usable Hugging Face tokenizer",
        ),
        (
            "back and forth",
            with("pre_tokenizer", split),
            "takes longer than 11 seconds",
        ),
        (
            "one long word",
            with("model", long_words),
            "takes longer than 11 seconds",
        ),
        (
            "no pieces",
            with(
                "model",
                json!({ "type": "Unigram", "unk_id": 0, "vocab": [], "byte_fallback": false }),
            ),
            "not a usable Hugging Face tokenizer",
        ),
        (
            "an unknown piece past the last",
            with(
                "model",
                json!({ "type": "Unigram", "unk_id": 7, "vocab": [["a", 0.0]], "byte_fallback": false }),
            ),
            "not a usable Hugging Face tokenizer",
        ),
        (
            "merges of no tokens",
            with(
                "model",
                json!({ "type": "BPE", "vocab": { "a": 0 }, "merges": [["a", "b"]] }),
            ),
            "not a usable Hugging Face tokenizer",
        ),
        (
            "spaces everywhere",
            with(
                "decoder",
                many(
                    "decoders",
                    json!({ "type": "BPEDecoder", "suffix": "" }),
                    50,
                ),
            ),
            "its decoder can make a text",
        ),
    ];
    let lab = Lab::new();
    let letters = "a".repeat(20_000);
    let mut wrong = Vec::new();
    for (name, file, told) in cases {
        let path = lab.path("tokenizer.json");
        fs::write(&path, file.to_string()).unwrap();
        let text = if name == "a thousandfold" {
            "a".repeat(100_000)
        } else {
            letters.clone()
        };
        let (ran, took) = encode(&path, &text);
        let right = ran.code == Some(1)
            && ran.stderr.contains(&lab.at("tokenizer.json"))
            && ran.stderr.contains(told);
        if !right || ran.stderr.contains("panicked") || took > Duration::from_secs(30) {
            wrong.push(format!(
                "{name}: {:?} after {took:?}: {}",
                ran.code, ran.stderr
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// They specify how batches are truncated and padded, which does not affect the tokens of a text.
#[test]
fn padding_and_truncation_are_left_out() {
    let lab = Lab::new();
    let path = lab.path("tokenizer.json");
    let ids = |file: &Value| {
        fs::write(&path, file.to_string()).unwrap();
        encode(&path, "a a b a").0.ok().stdout
    };
    let plain = ids(&with("version", json!("1.0")));
    assert_eq!(plain.lines().count(), 4, "{plain}");
    let padding = |strategy: Value, multiple: Value| json!({ "strategy": strategy, "direction": "Right", "pad_to_multiple_of": multiple, "pad_id": 9, "pad_type_id": 0, "pad_token": "[PAD]" });
    let truncation = |length: u64, stride: u64| json!({ "direction": "Right", "max_length": length, "strategy": "LongestFirst", "stride": stride });
    for file in [
        with("padding", padding(json!({ "Fixed": 0 }), Value::Null)),
        with(
            "padding",
            padding(json!({ "Fixed": 1_u64 << 40 }), json!(0)),
        ),
        with(
            "padding",
            padding(json!("BatchLongest"), json!(1_u64 << 50)),
        ),
        with("truncation", truncation(0, 0)),
        with("truncation", truncation(2, 0)),
        with("truncation", truncation(1, 5)),
    ] {
        assert_eq!(ids(&file), plain, "{file}");
    }
}

#[test]
fn training_on_one_leaves_no_run() {
    let lab = Lab::new();
    let file = with(
        "pre_tokenizer",
        json!({ "type": "FixedLength", "length": 0 }),
    );
    fs::write(lab.path("tokenizer.json"), file.to_string()).unwrap();
    let settings = fs::read_to_string(lab.path("lab.toml")).unwrap();
    let settings = settings.replace(
        "kind = \"bpe\"\nvocab_size = 320",
        &format!("kind = \"file\"\npath = {:?}", lab.path("tokenizer.json")),
    );
    lab.write_config("lab.toml", &settings);
    lab.train("run", &[]).fails(
        1,
        &[&lab.at("tokenizer.json"), "its pre_tokenizer is damaged"],
    );
    assert!(!lab.path("run").exists());
}
