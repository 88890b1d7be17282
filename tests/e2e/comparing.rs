//! `sisun compare` and its tasks.

use crate::sisun::{Lab, Ran, command, peer, sisun};
use serde_json::Value;
use std::fs;

const TINY: &str = r#"
seeds = 2
[vary]
"model.position" = ["none", "rope"]
[model]
d_model = 8
n_layers = 1
n_heads = 2
context_len = 8
position = "none"
[train]
steps = 10
batch_size = 4
lr_max = 1e-3
[tracks.copy]
kind = "task"
task = "copy"
train_lengths = [1, 3]
test_lengths = [3, 4]
examples = 3
[budgets.class]
[budgets.long]
train = { steps = 20 }
"#;

const PAIRS: &str = r#"
seeds = 1
[vary]
"seq2seq.context" = ["last", "dot"]
[seq2seq]
kind = "recurrent"
encoder = "gru"
d_embed = 4
d_hidden = 8
[train]
steps = 4
batch_size = 4
lr_max = 1e-3
[tracks.reverse]
kind = "pair_task"
task = "reverse"
lengths = [2, 5]
train_pairs = 100
test_pairs = 40
groups = 2
[budgets.class]
"#;

/// Each budget writes a folder of its own; a sweep begins only where its results may be written, and
/// says what it does.
#[test]
fn budgets_do_not_meet_in_one_folder() {
    let lab = Lab::new();
    let tuned = format!("{TINY}[budgets.tuned]\nsweep = {{ \"train.lr_max\" = [1e-3, 2e-3] }}\n");
    fs::write(lab.path("tiny.toml"), tuned).unwrap();
    let compare = |arguments: &[&str]| {
        let all = [&["compare", "tiny.toml", "--device", "cpu"], arguments].concat();
        let mut command = command(&all);
        Ran::from(command.current_dir(lab.folder.path()).output().unwrap())
    };
    compare(&[]).ok();
    compare(&["--budget", "long"]).ok();
    let refused = compare(&["--budget", "tuned", "--out", "reports/tiny"]);
    refused.fails(2, &["another comparison", "its budget is \"class\""]);
    assert!(!lab.path("reports/tiny/sweep").exists());
    let told = compare(&["--budget", "tuned"]).ok().stderr;
    for part in [
        "1 track × 4 variants × 1 seed: 4 cells",
        "1 track × 2 variants × 2 seeds: 4 cells",
        "100 %",
        "copy / rope with 0.001 / sweep: ",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let percents = told.lines().filter_map(|line| line.trim().split_once(" %"));
    let most = percents
        .filter_map(|(number, _)| number.parse::<u32>().ok())
        .max();
    assert_eq!(most, Some(100), "{told}");
    for folder in ["tiny", "tiny-long", "tiny-tuned"] {
        let report = lab.path("reports").join(folder).join("report.md");
        let report = fs::read_to_string(report).unwrap();
        assert!(
            report.contains("They differ in model.position and"),
            "{report}"
        );
    }
}

#[test]
fn the_shipped_comparisons_run_and_report() {
    let lab = Lab::new();
    for (name, tracks, variants) in [("positions", 4, 7), ("ablations", 1, 6), ("context", 2, 12)] {
        let config = format!("configs/compare-{name}.toml");
        let out = lab.at(name);
        let json = sisun(&[
            "compare", &config, "--budget", "smoke", "--out", &out, "--device", "cpu", "--json",
        ])
        .ok()
        .json();
        assert_eq!(json["tracks"].as_array().unwrap().len(), tracks);
        assert_eq!(json["variants"].as_array().unwrap().len(), variants);
        assert_eq!(json["missing"].as_array().unwrap().len(), 0);
        // A trial run draws no conclusions.
        assert_eq!(
            (&json["trial"], json["verdicts"].as_array().unwrap().len()),
            (&Value::Bool(true), 0)
        );
        let told = sisun(&[
            "compare", &config, "--budget", "smoke", "--out", &out, "--device", "cpu",
        ])
        .ok()
        .stdout;
        assert_eq!(told.matches(": works: ").count(), tracks, "{told}");
        assert!(told.contains("its numbers mean nothing"), "{told}");
        let page = fs::read_to_string(lab.path(name).join("report.html")).unwrap();
        let markdown = fs::read_to_string(lab.path(name).join("report.md")).unwrap();
        for text in [&told, &page, &markdown] {
            for failure in [
                "did not learn it",
                ">cannot tell<",
                "** cannot tell",
                "failed the gate",
                "does not claim",
            ] {
                assert!(!text.contains(failure), "{failure} in {text}");
            }
        }
        assert_eq!(page.matches("works: ").count(), tracks);
        assert_eq!(markdown.matches("works: ").count(), tracks);
        assert!(page.contains("This was a trial") && markdown.contains("This was a trial"));
        assert!(page.contains("<svg") && !page.contains("<script"), "{name}");
        for file in [
            "report.md",
            "measures.csv",
            "measures.parquet",
            "summary.json",
            "comparison.toml",
        ] {
            assert!(
                fs::metadata(lab.path(name).join(file)).unwrap().len() > 100,
                "{file}"
            );
        }
        peer("measures_check.py", &lab.path(name));
        let pictures = fs::read_dir(lab.path(name).join("figures"))
            .unwrap()
            .count();
        assert!(pictures >= 6 * tracks, "{pictures} pictures");
        if name == "context" {
            the_page_of_pairs(&json, &page);
        }
    }
    // The other budgets of every task and text are parsed, though not run: use a shard without
    // cells.
    for (name, budget) in [
        ("positions", "class"),
        ("positions", "overnight"),
        ("context", "class"),
        ("context", "overnight"),
    ] {
        let out = lab.at(&format!("{name}-{budget}"));
        let config = &format!("configs/compare-{name}.toml");
        let args = [
            "compare",
            config,
            "--budget",
            budget,
            "--out",
            &out,
            "--shard",
            "100000/100000",
            "--device",
            "cpu",
        ];
        sisun(&args).ok();
    }
}

/// Check the summary and the page of the comparison on pairs.
fn the_page_of_pairs(json: &Value, page: &str) {
    for track in json["tracks"].as_array().unwrap() {
        let variants = track["variants"].as_array().unwrap();
        let values = |variant: &str, name: &str| -> Vec<f64> {
            let of = variants.iter().find(|one| one["name"] == variant).unwrap();
            let series = of["series"].as_array().unwrap().iter();
            series
                .filter(|point| point["name"] == name)
                .flat_map(|point| point["spread"]["values"].as_array().unwrap())
                .filter_map(Value::as_f64)
                .collect()
        };
        let groups = track["headline"]["at"].as_array().unwrap().len();
        assert!(groups > 2, "{track}");
        for name in ["alignment_error_rate", "attention_mass"] {
            assert!(values("last 64", name).is_empty(), "{name}");
            for variant in ["dot 64", "additive 128", "transformer"] {
                let found = values(variant, name);
                assert_eq!(found.len(), 2 * groups, "{variant} {name}");
                assert!(found.iter().all(|value| (0.0..=1.0).contains(value)));
            }
        }
        let of_places = "alignment_error_rate_head_for_each_place";
        assert_eq!(values("transformer", of_places).len(), 2);
        assert_eq!(values("last 128", "exact_match").len(), 2 * groups);
    }
    for part in ["encoder–decoder", "alignment error rate by length", "→"] {
        assert!(page.contains(part), "{part}");
    }
}

#[test]
fn parts_are_joined_and_the_same_command_goes_on() {
    let lab = Lab::new();
    lab.write_config("tiny.toml", TINY);
    let (config, whole) = (lab.at("tiny.toml"), lab.at("whole"));
    let compare = |out: &str, more: &[&str]| {
        sisun(&[&["compare", &config, "--out", out, "--device", "cpu"], more].concat())
    };
    let first = compare(&whole, &[]).ok();
    assert!(
        first.stderr.contains("4 cells, 0 of them done before"),
        "{}",
        first.stderr
    );
    assert!(
        first
            .stdout
            .contains("copy: exact match at lengths 4 (trained on 3)"),
        "{}",
        first.stdout
    );
    assert!(
        compare(&whole, &[])
            .ok()
            .stderr
            .contains("4 cells, 4 of them done before")
    );
    assert_eq!(compare(&whole, &["--quiet"]).ok().stderr, "");
    let (a, b, joined) = (lab.at("a"), lab.at("b"), lab.at("joined"));
    assert!(
        compare(&a, &["--shard", "1/2"])
            .ok()
            .stdout
            .contains("sisun compare merge")
    );
    compare(&b, &["--shard", "2/2", "--jobs", "1"]).ok();
    let json = sisun(&[
        "compare", "merge", &a, &b, "--out", &joined, "--json", "--device", "cpu",
    ])
    .ok()
    .json();
    let without_times = |mut json: Value| {
        for variant in json["tracks"][0]["variants"].as_array_mut().unwrap() {
            variant["step_ms"] = Value::Null;
        }
        json
    };
    assert_eq!(
        without_times(json),
        without_times(compare(&whole, &["--json"]).ok().json())
    );
}

#[test]
fn an_interrupt_keeps_finished_cells() {
    let lab = Lab::new();
    lab.write_config("tiny.toml", TINY);
    let (config, out) = (lab.at("tiny.toml"), lab.at("out"));
    let args = [
        "compare",
        &config,
        "--out",
        &out,
        "--device",
        "cpu",
        "--jobs",
        "1",
        "--set",
        "train.steps=3000",
    ];
    let child = command(&args)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let first = lab.path("out").join("cells/copy/none/1.json");
    // As long as it takes on a machine that is busy.
    for _ in 0..6_000 {
        if first.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let pid = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(130), "{stderr}");
    assert!(stderr.contains("the same command goes on"), "{stderr}");
    assert!(first.exists());
}

#[test]
fn wrong_comparisons_are_told() {
    let lab = Lab::new();
    lab.write_config("tiny.toml", TINY);
    let (config, out) = (lab.at("tiny.toml"), lab.at("out"));
    let compare = |more: &[&str]| {
        sisun(
            &[
                &["compare", &config, "--out", &out, "--device", "cpu"],
                more,
            ]
            .concat(),
        )
    };
    compare(&[]).ok();
    compare(&["--budget", "long"]).fails(2, &["another comparison", "--out"]);
    compare(&["--budget", "huge"]).fails(2, &["huge", "class, long"]);
    compare(&["--set", "budgets.long.seeds=3"]).fails(2, &["\"class\"", "--budget long"]);
    compare(&["--set", "budgets.lng.seeds=3"]).fails(2, &["no budget \"lng\"", "\"class\""]);
    let grown = compare(&["--set", "budgets.class.seeds=3", "--json"])
        .ok()
        .json();
    assert_eq!(grown["seeds"].as_array().map_or(0, Vec::len), 3, "{grown}");
    compare(&["--set", "model.causal=false"])
        .fails(2, &["track \"copy\"", "model.causal", "sees the answer"]);
    compare(&["--set", "finetune.model=x"]).fails(2, &["finetune", "random weights"]);
    compare(&["--set", "model.d_modle=9"]).fails(2, &["model.d_modle", "model.d_model"]);
    compare(&["--set", "tracks.copy.task=kopy"]).fails(2, &["tracks.copy.task", "kopy", "reverse"]);
    assert_eq!(compare(&["--shard", "3/2"]).code, Some(2));
    sisun(&["compare", "configs/quickstart.toml"]).fails(2, &["quickstart.toml", "sisun train"]);
    sisun(&["train", &config]).fails(2, &["tracks", "sisun compare"]);
    sisun(&[
        "compare",
        "merge",
        &lab.at("nowhere"),
        "--out",
        &lab.at("x"),
    ])
    .fails(2, &["nowhere"]);
    assert_eq!(sisun(&["compare"]).code, Some(2));
}

/// Comparisons on pairs are refused as clearly as others, and go on as they do.
#[test]
fn comparisons_of_pairs_go_on_and_are_refused() {
    let lab = Lab::new();
    lab.write_config("pairs.toml", PAIRS);
    let (config, out) = (lab.at("pairs.toml"), lab.at("out"));
    let compare = |more: &[&str]| {
        let first = ["compare", &config, "--out", &out, "--device", "cpu"];
        sisun(&[&first, more].concat())
    };
    let told = compare(&[]).ok();
    let table = "reverse: exact match at sources of up to 3, 5 tokens (trained on all of them)";
    assert!(told.stdout.contains(table), "{}", told.stdout);
    assert!(!told.stdout.contains("did not learn"), "{}", told.stdout);
    let grown = compare(&["--set", "seeds=2"]).ok();
    let done = "1 track × 2 variants × 2 seeds: 4 cells, 2 of them done before";
    assert!(grown.stderr.contains(done), "{}", grown.stderr);
    compare(&["--set", "seq2seq.d_hidden=10"]).fails(2, &["another comparison", "--out"]);
    compare(&["--set", "model.d_model=8"]).fails(2, &["seq2seq", "[model]", "remove the other"]);
    compare(&["--set", "tracks.reverse.task=revers"])
        .fails(2, &["tracks.reverse.task", "revers", "romanization"]);
    compare(&["--set", "seq2seq.contxt=dot"]).fails(2, &["seq2seq.contxt", "seq2seq.context"]);
    compare(&["--set", "tracks.reverse.lengths=[1, 1]"])
        .fails(1, &["reverse", "too few different"]);
    sisun(&["train", &config]).fails(2, &["tracks", "sisun compare"]);
    sisun(&["compare", "configs/dates-gru.toml"]).fails(2, &["dates-gru.toml", "sisun train"]);
}

#[test]
fn tasks_are_made_and_can_be_trained_on() {
    let lab = Lab::new();
    let out = lab.at("reverse.jsonl");
    sisun(&[
        "data",
        "make",
        "task",
        "--task",
        "reverse",
        "--lengths",
        "2-5",
        "--count",
        "300",
        "--out",
        &out,
    ])
    .ok();
    let text = fs::read_to_string(&out).unwrap();
    assert_eq!(text.lines().count(), 300);
    for line in text.lines() {
        let example: Value = serde_json::from_str(line).unwrap();
        let (prompt, answer) = (
            example["prompt"].as_str().unwrap(),
            example["answer"].as_str().unwrap(),
        );
        let reversed: String = prompt.strip_suffix('>').unwrap().chars().rev().collect();
        assert_eq!(Some(reversed.as_str()), answer.strip_suffix('.'));
        assert!((2..=5).contains(&reversed.len()));
    }
    let again = [
        "data",
        "make",
        "task",
        "--task",
        "reverse",
        "--lengths",
        "2-5",
        "--count",
        "300",
    ];
    assert_eq!(sisun(&again).ok().stdout, text);
    sisun(&[
        "data",
        "make",
        "task",
        "--task",
        "recall",
        "--lengths",
        "1-99",
    ])
    .fails(2, &["99", "recall", "16"]);
    for wrong in ["0", "5-2", "x"] {
        assert_eq!(
            sisun(&["data", "make", "task", "--task", "copy", "--lengths", wrong]).code,
            Some(2)
        );
    }
    assert_eq!(
        sisun(&["data", "make", "task", "--task", "kopy"]).code,
        Some(2)
    );
    let fields = [
        format!("data.sources=[{out:?}]"),
        "data.jsonl_field=\"prompt\"".to_owned(),
        "data.jsonl_answer_field=\"answer\"".to_owned(),
        "tokenizer={ kind = \"char\" }".to_owned(),
        "sample.prompt=\"ab>\"".to_owned(),
        "attend.text=\"ab>\"".to_owned(),
    ];
    let sets: Vec<&str> = fields.iter().flat_map(|field| ["--set", field]).collect();
    lab.train("tasks", &sets).ok();
}

#[test]
fn parts_of_different_comparisons_are_told_apart() {
    let lab = Lab::new();
    lab.write_config("tiny.toml", TINY);
    let (config, a, joined) = (lab.at("tiny.toml"), lab.at("a"), lab.at("joined"));
    let compare = |out: &str, more: &[&str]| {
        sisun(&[&["compare", &config, "--out", out, "--device", "cpu"], more].concat()).ok()
    };
    compare(&a, &["--shard", "1/2"]);
    for (name, set, told) in [
        ("seeds", "seeds=3", "a has 2 seeds, "),
        ("steps", "train.steps=11", "train.steps is 10 in "),
        (
            "variants",
            "vary={\"model.position\"=[\"none\", \"alibi\"]}",
            "a has the variant",
        ),
    ] {
        let b = lab.at(name);
        compare(&b, &["--shard", "2/2", "--set", set]);
        let ran = sisun(&[
            "compare", "merge", &a, &b, "--out", &joined, "--device", "cpu",
        ])
        .fails(2, &[&a, &b, told, "not parts of one comparison"]);
        assert!(!ran.stderr.contains("remove"), "{}", ran.stderr);
        assert!(fs::metadata(&b).is_ok());
    }
}
