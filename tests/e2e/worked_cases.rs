//! The worked cases of the guide: heads that are found by a score, tested by an intervention, and
//! read from the weights.

use crate::sisun::{Ran, command, root, sisun};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

fn on_cpu(args: &[&str]) -> Value {
    sisun(&[args, &["--json", "--device", "cpu"]].concat())
        .ok()
        .json()
}

/// Run a command of the guide in a folder.
fn at(folder: &Path, args: &[&str]) -> Ran {
    command(args).current_dir(folder).output().unwrap().into()
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// Return the head with the largest value, by layer and number.
fn largest(heads: &Value, of: impl Fn(&Value) -> f64) -> (usize, usize) {
    let heads = heads.as_array().unwrap().iter();
    let best = heads.max_by(|a, b| of(a).total_cmp(&of(b))).unwrap();
    let [layer, head] = ["layer", "head"].map(|key| best[key].as_u64().unwrap() as usize);
    (layer, head)
}

/// An induction head, the previous-token head whose output is its key, and what each is good for.
#[test]
fn an_induction_head_is_found_tested_and_explained() {
    let folder = TempDir::new().unwrap();
    let at = |args: &[&str]| at(folder.path(), args);
    at(&[
        "data",
        "make",
        "task",
        "--task",
        "copy",
        "--lengths",
        "5-24",
        "--count",
        "40000",
        "--out",
        "copy.jsonl",
    ])
    .ok();
    let config = root().join("configs/induction.toml");
    let sources = format!("data.sources=[{:?}]", folder.path().join("copy.jsonl"));
    at(&[
        "train",
        config.to_str().unwrap(),
        "--quiet",
        "--device",
        "cpu",
        "--set",
        &sources,
        "--set",
        "name=circuit",
        "--set",
        "model.n_layers=2",
        "--set",
        "model.n_heads=2",
        "--set",
        "model.position=t5_bias",
        "--set",
        "model.ffn=none",
    ])
    .ok();
    let run = folder.path().join("runs/circuit");
    let run = run.to_str().unwrap();

    // Found by their scores.
    let text = "kobldmac>kobldmac";
    let heads = &on_cpu(&["heads", run, "--fast", "--text", text])["heads"];
    let reads = largest(heads, |head| number(&head["induction"]));
    let first: Value = heads
        .as_array()
        .unwrap()
        .iter()
        .filter(|head| head["layer"] == 0)
        .cloned()
        .collect();
    let writes = largest(&first, |head| number(&head["previous"]));
    assert_eq!(reads.0, 1, "the induction head lies above the other");
    let score = |(layer, head): (usize, usize)| {
        let mut rows = heads.as_array().unwrap().iter();
        rows.find(|row| row["layer"] == layer && row["head"] == head)
            .unwrap()
    };
    assert!(
        number(&score(reads)["induction"]) > 0.25,
        "{}",
        score(reads)
    );
    assert_eq!(score(writes)["positional"]["offset"], -1);
    let other = (0, 1 - writes.1);

    // Read from the weights: of all pairs the two compose most.
    let circuits = on_cpu(&["circuits", run]);
    let k = &circuits["composition"][1]["scores"];
    let composition =
        |from: (usize, usize), to: (usize, usize)| number(&k[from.0][from.1][to.0][to.1]);
    let pair = composition(writes, reads);
    for from in [writes, other] {
        for to in [(1, 0), (1, 1)] {
            assert!(
                composition(from, to) <= pair,
                "{from:?} and {to:?} compose more than {writes:?} and {reads:?}: {circuits}"
            );
        }
    }
    assert!(pair > number(&circuits["baseline"]["mean"]) + 0.03);

    // Tested: without either the loss on the copies rises by more than a nat.
    let loss = |edit: &[&str]| {
        let args = ["eval", run, "--windows", "32"];
        number(&on_cpu(&[&args[..], edit].concat())["loss"])
    };
    let whole = loss(&[]);
    for (layer, head) in [reads, writes] {
        for change in ["zero".to_owned(), format!("mean '{text}'")] {
            let edit = format!("z {layer}.{head} = {change}");
            let rise = loss(&["--edit", &edit]) - whole;
            assert!(rise > 1.0, "{edit}: the loss rises by {rise} only");
        }
    }

    // Patching the induction head restores the answer, through its keys and nothing else.
    let patched = |more: &[&str]| {
        let texts = ["--clean", "kobldmac>kobl", "--corrupt", "kobdlmac>kobl"];
        let answers = ["--answer", "d", "--against", "m"];
        let found = on_cpu(&[&["patch", run], &texts[..], &answers[..], more].concat());
        found["recovered"].clone()
    };
    let by_head = patched(&["--at", "z"]);
    let share = number(&by_head[1][reads.1]);
    assert!(share > 0.5, "{by_head}");
    let to = format!("{}.{}", reads.0, reads.1);
    let into = |what: &str, from: (usize, usize)| {
        number(&patched(&["--to-head", &to, "--into", what])[from.0][from.1])
    };
    let keys = into("k", writes);
    assert!(keys > 0.3, "{keys}");
    for small in [into("k", other), into("q", writes), into("v", writes)] {
        assert!(small.abs() < keys / 2.0, "{small} beside {keys}");
    }
}

/// Names of two syllables that end in a consonant, and that end in a vowel.
const CLOSED: [&str; 8] = [
    "다은", "은별", "서준", "수빈", "보람", "가람", "예린", "하은",
];
const OPEN: [&str; 8] = [
    "미나", "유나", "정우", "진우", "건우", "소라", "민재", "나래",
];

/// 이 follows a consonant and 가 a vowel. A model that reads bytes needs attention for it: the
/// final consonant is in the last two bytes of three.
#[test]
fn heads_bring_the_bytes_that_decide_a_korean_particle() {
    let folder = TempDir::new().unwrap();
    let config = root().join("configs/quickstart-ko.toml");
    let stories = format!("data.sources=[{:?}]", root().join("data/stories-ko.txt"));
    at(
        folder.path(),
        &[
            "train",
            config.to_str().unwrap(),
            "--quiet",
            "--device",
            "cpu",
            "--set",
            &stories,
            "--set",
            "name=particles",
            "--set",
            "tokenizer.vocab_size=257",
            "--set",
            "model.n_layers=2",
            "--set",
            "train.batch_size=16",
            "--set",
            "train.steps=800",
        ],
    )
    .ok();
    let run = folder.path().join("runs/particles");
    let run = run.to_str().unwrap();

    let mut adds = (0.0, 0.0);
    for (names, answer, against) in [(CLOSED, "이", "가"), (OPEN, "가", "이")] {
        for name in names {
            let text = format!("어느 날 {name}");
            let split = on_cpu(&[
                "attribute",
                run,
                "--text",
                &text,
                "--answer",
                answer,
                "--against",
                against,
            ]);
            let last = |values: &Value| number(values.as_array().unwrap().last().unwrap());
            for part in split["parts"].as_array().unwrap() {
                let value = last(&part["adds"]);
                match part["part"].as_str().unwrap() {
                    name if name.starts_with("mlp") => adds.0 += value,
                    name if name.starts_with("head") => adds.1 += value,
                    _ => {}
                }
            }
        }
    }
    // The feed-forward networks write the answer, hardly any head does.
    assert!(adds.0 > 4.0 * adds.1.abs(), "{adds:?}");

    // What they need of the syllable comes by the heads of the first layer.
    let mut recovered = [[0.0; 4]; 2];
    let (mut whole, mut right) = (0.0, 0);
    for (closed, open) in CLOSED.iter().zip(OPEN) {
        let [clean, corrupt] = [closed, open].map(|name| format!("어느 날 {name}"));
        let found = on_cpu(&[
            "patch",
            run,
            "--clean",
            &clean,
            "--corrupt",
            &corrupt,
            "--answer",
            "이",
            "--against",
            "가",
            "--at",
            "z",
        ]);
        let difference = |text: &str| number(&found[text]["logit_difference"]);
        let moved = difference("clean") - difference("corrupt");
        whole += moved;
        right += usize::from(moved > 0.0);
        for (layer, row) in recovered.iter_mut().enumerate() {
            for (head, sum) in row.iter_mut().enumerate() {
                *sum += moved * number(&found["recovered"][layer][head]);
            }
        }
    }
    let shares = recovered.map(|row| row.map(|sum| sum / whole));
    let [first, second] = shares.map(|row| row.iter().sum::<f64>());
    // The model tells a final consonant from a vowel.
    assert!(right >= 7 && whole > 8.0, "{right} of 8, {whole}");
    assert!(first > 0.3 && first > second + 0.3, "{shares:?}");
    let heads = &on_cpu(&["heads", run, "--windows", "8"])["heads"];
    let missed = largest(heads, |head| number(&head["ablated"]["resample"]));
    assert_eq!(missed.0, 0, "{heads}");
}
