//! `--edit`: what it changes, on runs and Hugging Face directories, and what it refuses.

use crate::sisun::{Lab, Ran, root, sisun};
use serde_json::Value;
use std::fs;
use tempfile::TempDir;

const TEXT: &str = "The cat sat on the mat.";

fn on(command: &str, run: &str, more: &[&str]) -> Ran {
    sisun(&[&[command, run, "--device", "cpu"], more].concat())
}

fn loss(run: &str, more: &[&str]) -> f64 {
    let windows = ["--windows", "8", "--json"];
    on("eval", run, &[&windows, more].concat()).ok().json()["loss"]
        .as_f64()
        .unwrap()
}

fn fixture(name: &str) -> String {
    let path = root().join("tests/peers/fixtures/hf").join(name);
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_head_that_is_zero_is_an_ablated_head() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let whole = loss(&run, &[]);
    assert_eq!(loss(&run, &["--edit", "z = scale 1"]), whole);
    let heads = on("heads", &run, &["--text", TEXT, "--windows", "8", "--json"])
        .ok()
        .json();
    let row = &heads["heads"][4];
    assert_eq!(
        (row["layer"].as_u64(), row["head"].as_u64()),
        (Some(1), Some(1))
    );
    let without = loss(&run, &["--edit", "z 1.1 = zero"]);
    assert!((without - whole - row["silenced"].as_f64().unwrap()).abs() < 1e-6);
    // Zero, the mean and random values of another text are three answers.
    let mean = loss(&run, &["--edit", "z 1.1 = mean 'The dog ran home.'"]);
    let other = lab.path("other.txt");
    fs::write(
        &other,
        "The dog ran home, and the cat sat on the mat and slept all day long.\n",
    )
    .unwrap();
    let resample = format!("z 1.1 = resample {}", other.display());
    let resampled = loss(&run, &["--edit", &resample]);
    assert_eq!(
        loss(&run, &["--edit", &resample]),
        resampled,
        "draws are repeatable"
    );
    assert!(without != mean && mean != resampled && resampled != without);
    // In bfloat16 too, and edits add up.
    let bf16 = ["--precision", "bf16"];
    let both = ["--edit", "z 1.1 = zero", "--edit", "mlp_out 0 = zero"];
    let rounded = loss(&run, &[&bf16[..], &both].concat());
    assert!((rounded - loss(&run, &both)).abs() < 0.05);
    assert!((rounded - without).abs() > 0.05);
}

#[test]
fn maps_and_samples_are_those_of_the_edited_model() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("edited maps"));
    let edits = [
        "--edit",
        "pattern 0.1 = previous",
        "--edit",
        "pattern 1.2 @3:1 = 0.75",
    ];
    let options = ["--text", TEXT, "--out", &out, "--format", "json,html"];
    on("attend", &run, &[&options[..], &edits].concat()).ok();
    let maps: Value =
        serde_json::from_str(&fs::read_to_string(lab.path("edited maps/attention.json")).unwrap())
            .unwrap();
    let title = maps["model"].as_str().unwrap();
    assert!(title.contains(", pattern 0.1 = previous"), "{title}");
    let head = |layer: usize, head: usize| &maps["layers"][layer]["heads"][head]["pattern"];
    for (query, row) in head(0, 1).as_array().unwrap().iter().enumerate() {
        for (key, weight) in row.as_array().unwrap().iter().enumerate() {
            let expected = f64::from(u8::from(key == query.saturating_sub(1)));
            assert_eq!(weight.as_f64(), Some(expected), "{query}, {key}");
        }
    }
    let row: Vec<f64> = head(1, 2)[3]
        .as_array()
        .unwrap()
        .iter()
        .map(|weight| weight.as_f64().unwrap())
        .collect();
    assert!((row[1] - 0.75).abs() < 1e-6 && (row.iter().sum::<f64>() - 1.0).abs() < 1e-5);

    let sample = |more: &[&str]| {
        let options = [
            "--prompt",
            "One day",
            "-n",
            "40",
            "--temperature",
            "0",
            "--json",
        ];
        on("sample", &run, &[&options[..], more].concat())
            .ok()
            .json()["text"]
            .clone()
    };
    let plain = sample(&[]);
    assert_eq!(sample(&["--edit", "resid_post = scale 1"]), plain);
    assert_ne!(sample(&["--edit", "pattern = first"]), plain);
    // The whole residual stream of the prompt's last token decides the first token.
    let n = on(
        "sample",
        &run,
        &["--prompt", "One day", "-n", "1", "--json"],
    )
    .ok()
    .json()["prompt_tokens"]
        .as_u64()
        .unwrap() as usize;
    let edit = format!("resid_post 1 @{} = from 'One day'", n - 1);
    assert_eq!(sample(&["--edit", &edit]), plain);
}

#[test]
fn hugging_face_directories_are_edited_as_runs_are() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("text.txt");
    fs::write(&data, "the cat sat on the mat and ran home. ".repeat(30)).unwrap();
    let data = data.to_str().unwrap();
    for name in ["gpt2", "llama_tied", "neox"] {
        let run = fixture(name);
        let with = |more: &[&str]| loss(&run, &[&["--data", data][..], more].concat());
        let plain = with(&[]);
        assert_eq!(with(&["--edit", "resid_pre 1 = scale 1"]), plain, "{name}");
        assert_ne!(with(&["--edit", "z 1.2 = zero"]), plain, "{name}");
        let precise = with(&["--edit", "pattern 0 = diagonal"]);
        let bf16 = with(&["--edit", "pattern 0 = diagonal", "--precision", "bf16"]);
        assert!((precise - bf16).abs() < 0.05 && precise != plain, "{name}");
        let sampled = |edit: &str| {
            let options = [
                "--prompt",
                "the cat",
                "-n",
                "12",
                "--temperature",
                "0",
                "--json",
                "--edit",
                edit,
            ];
            on("sample", &run, &options).ok().json()["tokens"].clone()
        };
        assert_ne!(sampled("logits = zero"), sampled("z = scale 1"), "{name}");
    }
}

#[test]
fn edits_that_make_no_sense_are_refused_with_the_remedy() {
    let lab = Lab::trained();
    let run = lab.at("run");
    for (edit, said) in [
        ("hook_z 1 = zero", "did you mean z?"),
        ("z 1.1", "as in \"z 1.3 = zero\""),
        ("z 1.1 = nothing", "choose zero, a number"),
    ] {
        on("eval", &run, &["--edit", edit]).fails_by_clap(&[edit, said]);
    }
    for (edit, said) in [
        (
            "z 7 = zero",
            "there is no layer 7: the model has layers 0 to 1",
        ),
        (
            "z 1.7 = zero",
            "there is no head 7: the model has heads 0 to 2",
        ),
        ("z 1.7 = mean 'cat'", "there is no head 7"),
        (
            "pos_embed = zero",
            "there is no pos_embed: positions are not added",
        ),
        ("embed 0 = zero", "embed belongs to no layer"),
        (
            "z 1 @23 = zero",
            "position 23 is beyond the window, which has 23 tokens",
        ),
        (
            "z 1 = from 'cat'",
            "the window has 23: give one of the same number",
        ),
        ("z 1 @9 = from 'cat'", "position 9 is beyond the other text"),
        (
            "pattern 0.1 @3:5 = 0.5",
            "the query 3 does not see the key 5",
        ),
        ("pattern 0.1 @3:2 = 2", "a weight is from 0 to 1"),
    ] {
        on("eval", &run, &["--edit", edit]).fails(2, &[edit, said]);
    }
    on("eval", &run, &["--edit", "z = mean no/such.txt"]).fails(1, &["no/such.txt"]);
    let at = ["--prompt", "One", "-n", "3", "--edit", "z @9 = zero"];
    on("sample", &run, &at).fails(2, &["beyond the prompt", "and 2 that may be written"]);
}

#[test]
fn an_edit_that_makes_weights_no_numbers_is_refused_wherever_they_are_shown() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("no-numbers"));
    for format in ["npz", "html"] {
        let edit = ["--edit", "mlp_out 0 = scale 1e38"];
        let rest = ["--text", TEXT, "--format", format, "--out", &out];
        let args = [&["attend", &run], &rest[..], &edit[..]].concat();
        sisun(&args).fails(2, &["are no numbers", "an edit makes"]);
        assert!(!lab.path("no-numbers").exists(), "{format}");
    }
}
