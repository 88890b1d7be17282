//! `sisun train`: the files of a run directory and their figures.

use crate::sisun::{Lab, root, sisun};
use serde_json::Value;
use std::fs;

fn metrics(lab: &Lab, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(lab.path(run).join("metrics.jsonl")).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_run_directory_holds_everything_and_the_loss_falls() {
    let lab = Lab::trained();
    let run = lab.path("run");
    for file in [
        "config.toml",
        "environment.json",
        "tokenizer.json",
        "metrics.jsonl",
        "report.html",
        "loss.svg",
        "samples/step-00000150.txt",
        "maps/heads.png",
        "maps/attention.npz",
        "checkpoints/last",
        "checkpoints/best",
        "checkpoints/step-00000150/model.safetensors",
        "checkpoints/step-00000150/training.safetensors",
        "checkpoints/step-00000150/state.json",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    assert!(fs::read_dir(&run).unwrap().any(|e| {
        e.unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with("events.out")
    }));
    let sample = fs::read_to_string(run.join("samples/step-00000150.txt")).unwrap();
    assert!(
        sample.starts_with("One day") && sample.len() > 20,
        "{sample}"
    );

    let metrics = metrics(lab, "run");
    let losses: Vec<f64> = metrics
        .iter()
        .filter(|m| m["split"] == "train")
        .map(|m| m["loss"].as_f64().unwrap())
        .collect();
    assert_eq!(losses.len(), 150, "one line a step");
    // ln 320 = 5.77 before training.
    assert!((losses[0] - 5.77).abs() < 0.15, "{}", losses[0]);
    assert!(
        losses[149] < losses[0] - 1.5,
        "{} -> {}",
        losses[0],
        losses[149]
    );
    let last = metrics.last().unwrap();
    assert_eq!(last["split"], "validation");
    for key in ["loss", "perplexity", "bits_per_byte", "tokens", "elapsed_s"] {
        assert!(last[key].as_f64().unwrap() > 0.0, "{key}: {last}");
    }
    assert_eq!(last["tokens"], 150 * 2 * 5 * 23);
    for key in ["lr", "grad_norm", "tokens_per_second"] {
        assert!(
            metrics[0][key].as_f64().unwrap() > 0.0,
            "{key}: {}",
            metrics[0]
        );
    }
}

#[test]
fn only_the_newest_and_the_best_checkpoints_are_kept() {
    let lab = Lab::new();
    lab.train("run", &[]).ok();
    let folder = lab.path("run/checkpoints");
    let mut kept: Vec<String> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with("step"))
        .collect();
    kept.sort();
    let best = fs::read_to_string(folder.join("best")).unwrap();
    let mut expected = vec!["step-00000030".to_owned(), "step-00000040".to_owned(), best];
    expected.sort();
    expected.dedup();
    assert_eq!(kept, expected);
    assert_eq!(
        fs::read_to_string(folder.join("last")).unwrap(),
        "step-00000040"
    );
}

#[test]
fn training_twice_gives_the_same_bytes() {
    let lab = Lab::new();
    lab.train("a", &[]).ok();
    lab.train("b", &[]).ok();
    for file in ["model.safetensors", "training.safetensors"] {
        let read = |run: &str| {
            fs::read(lab.path(run).join("checkpoints/step-00000040").join(file)).unwrap()
        };
        assert!(read("a") == read("b"), "{file} differs");
    }
    let samples =
        ["a", "b"].map(|run| fs::read(lab.path(run).join("samples/step-00000040.txt")).unwrap());
    assert_eq!(samples[0], samples[1]);
}

#[test]
fn one_batch_can_be_learnt_by_heart() {
    let lab = Lab::new();
    // 24 tokens of text: every window is the same.
    fs::write(lab.path("tiny.txt"), "abcdefghijklmnopqrstuvwx").unwrap();
    let sources = format!("data.sources=[{:?}]", lab.at("tiny.txt"));
    let validation = format!("data.validation=[{:?}]", lab.at("copy.txt"));
    fs::copy(lab.path("tiny.txt"), lab.path("copy.txt")).unwrap();
    lab.train(
        "run",
        &[
            "--set",
            &sources,
            "--set",
            &validation,
            "--set",
            "tokenizer={kind=\"char\"}",
            "--set",
            "data.documents=file",
            "--set",
            "model.dropout=0.0",
            "--set",
            "train.steps=150",
            "--set",
            "sample.prompt=abc",
            "--set",
            "attend.text=abc",
            "--set",
            "train.eval_every=150",
        ],
    )
    .ok();
    let last = metrics(&lab, "run").pop().unwrap();
    assert!(last["loss"].as_f64().unwrap() < 0.02, "{last}");
    let sample = sisun(&[
        "sample",
        &lab.at("run"),
        "--prompt",
        "abcd",
        "-n",
        "12",
        "--temperature",
        "0",
    ])
    .ok();
    assert_eq!(sample.stdout.trim_end(), "abcdefghijklmnop");
}

#[test]
fn muon_epochs_and_marked_answers_train() {
    let lab = Lab::new();
    let lines: String = (0..400)
        .map(|i| {
            format!(
                "{{\"q\": \"{}+{}=\", \"a\": \"{}\"}}\n",
                i % 20,
                i / 20,
                i % 20 + i / 20
            )
        })
        .collect();
    fs::write(lab.path("sums.jsonl"), lines).unwrap();
    let sources = format!("data.sources=[{:?}]", lab.at("sums.jsonl"));
    lab.train(
        "run",
        &[
            "--set",
            &sources,
            "--set",
            "data.jsonl_field=q",
            "--set",
            "data.jsonl_answer_field=a",
            "--set",
            "tokenizer={kind=\"char\"}",
            "--set",
            "train.windows=epochs",
            "--set",
            "train.optimizer=muon",
            "--set",
            "train.steps=80",
            "--set",
            "sample.prompt=2+3=",
            "--set",
            "attend.text=2+3=5",
        ],
    )
    .ok();
    let last = metrics(&lab, "run").pop().unwrap();
    // 13 characters: guessing costs ln 13 = 2.6 per token.
    assert!(last["loss"].as_f64().unwrap() < 1.6, "{last}");
    assert!(
        last.get("bits_per_byte").is_none(),
        "the loss is on answers only: {last}"
    );
}

#[test]
fn stderr_that_is_no_terminal_gets_plain_lines() {
    let lab = Lab::new();
    let ran = lab.train("run", &[]).ok();
    assert!(ran.stderr.contains("device: cpu"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("step 20/40  validation loss"),
        "{}",
        ran.stderr
    );
    assert!(
        !ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'),
        "escape codes"
    );
    assert!(
        ran.stdout.contains("validation loss") && ran.stdout.contains("maps/heads.png"),
        "{}",
        ran.stdout
    );
    let quiet = lab.train("quiet", &["--quiet"]).ok();
    assert_eq!(quiet.stderr, "");
    let json = lab.train("json", &["--quiet", "--json"]).ok().json();
    assert_eq!(json["step"], 40);
    assert!(json["validation"]["loss"].as_f64().unwrap() > 0.0);
}

#[test]
fn every_shipped_configuration_is_read() {
    let mut n = 0;
    for entry in fs::read_dir(root().join("configs")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue; // the schemas
        }
        if path
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .starts_with("compare-")
        {
            continue; // read and run by `comparing`
        }
        // If its base model is not shipped, use one that is.
        let base = ["--set", "finetune.model=tests/peers/fixtures/hf/gpt2"];
        let tunes = path.file_stem().unwrap() == "finetune";
        let more: &[&str] = if tunes { &base } else { &[] };
        let counted = sisun(&[&["info", path.to_str().unwrap(), "--json"], more].concat())
            .ok()
            .json();
        assert!(counted["count"]["total"].as_u64().unwrap() > 0, "{counted}");
        n += 1;
    }
    assert!(n >= 4, "{n} configurations");
    let gpt3 = sisun(&["info", "configs/gpt3.toml"]).ok().stdout;
    assert!(gpt3.contains("57,982,058,496"), "{gpt3}");
}

#[test]
fn a_former_key_is_read_and_told() {
    let lab = Lab::new();
    let quick = ["--set", "train.steps=4", "--set", "train.accumulate=3"];
    let ran = lab.train("run", &quick).ok();
    let note = "train.accumulate is now called train.gradient_accumulation_steps";
    assert!(ran.stderr.contains(note), "{}", ran.stderr);
    // A run of an earlier version, whose settings contain a former key, can be resumed.
    let settings = lab.path("run/config.toml");
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.contains("gradient_accumulation_steps = 3"), "{text}");
    fs::write(
        &settings,
        text.replace("gradient_accumulation_steps", "accumulate"),
    )
    .unwrap();
    let run = lab.at("run");
    sisun(&["train", "--resume", &run, "--set", "train.steps=5"]).ok();
    let text = fs::read_to_string(&settings).unwrap();
    assert!(text.contains("gradient_accumulation_steps = 3"), "{text}");
}

/// Return settings for long questions with a one-word answer each, so that most windows have no
/// token in the loss.
fn sparse(lab: &Lab) -> Vec<String> {
    let question = "the cat sat on the mat and the dog ran home ".repeat(6);
    let lines: String = (0..60)
        .map(|i| {
            format!(
                "{{\"text\": \"{question}\", \"answer\": \"{}\"}}\n",
                ["yes", "no"][i * i % 7 % 2]
            )
        })
        .collect();
    fs::write(lab.path("sparse.jsonl"), lines).unwrap();
    let set = [
        format!("data.sources=[{:?}]", lab.at("sparse.jsonl")),
        "data.jsonl_answer_field=answer".to_owned(),
        "tokenizer={kind=\"char\"}".to_owned(),
        "train.batch_size=1".to_owned(),
        "train.gradient_accumulation_steps=1".to_owned(),
        "train.lr_max=1e-6".to_owned(),
        "train.eval_windows=1".to_owned(),
        "train.warmup_steps=0".to_owned(),
        "sample.prompt=the cat".to_owned(),
        "attend.text=the cat".to_owned(),
    ];
    set.into_iter()
        .flat_map(|set| ["--set".to_owned(), set])
        .collect()
}

#[test]
fn a_loss_is_a_mean_over_what_counts() {
    let lab = Lab::new();
    let set = sparse(&lab);
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    let ran = lab
        .train(
            "run",
            &[&set[..], &["--set", "train.log_every=40"]].concat(),
        )
        .ok();
    assert!(ran.stderr.contains("count for the loss)"), "{}", ran.stderr);
    lab.train("each", &set).ok();
    let train = |run: &str| {
        metrics(&lab, run)
            .into_iter()
            .filter(|m| m["split"] == "train")
            .collect::<Vec<_>>()
    };
    let each = train("each");
    let losses: Vec<f64> = each.iter().filter_map(|m| m["loss"].as_f64()).collect();
    assert!(
        losses.len() < 20 && losses.len() > 1,
        "some steps have an answer: {}",
        losses.len()
    );
    for m in &each {
        assert_eq!(
            m["loss"].is_null(),
            m.get("grad_norm").is_none_or(Value::is_null),
            "{m}"
        );
    }
    // Nothing is learnt at this rate: about ln 20, never near the zeros of steps without loss
    // tokens.
    let validation = metrics(&lab, "run").pop().unwrap();
    let validation = validation["loss"].as_f64().unwrap();
    let last = train("run").pop().unwrap()["loss"].as_f64().unwrap();
    assert!(
        (last - validation).abs() < 0.7,
        "{last} beside {validation}"
    );
    assert!(
        losses.iter().all(|loss| (loss - validation).abs() < 1.5),
        "{losses:?} beside {validation}"
    );
    sisun(&["sample", &lab.at("run"), "--prompt", "the", "-n", "3"]).ok();
    sisun(&[
        "train",
        "--resume",
        &lab.at("run"),
        "--set",
        "train.steps=45",
        "--device",
        "cpu",
    ])
    .ok();
}

#[test]
fn plain_text_counts_whole_beside_answers() {
    let lab = Lab::new();
    let set = sparse(&lab);
    let set: Vec<&str> = set.iter().map(String::as_str).collect();
    lab.train("run", &set).ok();
    fs::write(
        lab.path("plain.txt"),
        "the cat ran home and the dog sat on the mat ".repeat(9),
    )
    .unwrap();
    let (run, plain) = (lab.at("run"), lab.at("plain.txt"));
    let eval = sisun(&["eval", &run, "--data", &plain, "--json", "--quiet"])
        .ok()
        .json();
    assert_eq!(eval["tokens"], 44 * 9 - 1);
    assert!(eval["bits_per_byte"].as_f64().unwrap() > 0.0, "{eval}");
    let heads = sisun(&[
        "heads", &run, "--text", "the cat", "--data", &plain, "--json", "--quiet",
    ])
    .ok()
    .json();
    assert!(
        (heads["loss"].as_f64().unwrap() - eval["loss"].as_f64().unwrap()).abs() < 0.3,
        "{heads}"
    );
    sisun(&["eval", &run, "--data", &plain, "--lengths", "64,4000"])
        .fails(2, &["--lengths 4000", "396 tokens"]);
    // As validation text it determines `best`, all of it.
    let validation = format!("data.validation=[{plain:?}]");
    lab.train(
        "whole",
        &[&set[..], &["--set", &validation, "--set", "train.steps=2"]].concat(),
    )
    .ok();
    assert!(
        metrics(&lab, "whole").pop().unwrap()["bits_per_byte"]
            .as_f64()
            .unwrap()
            > 0.0
    );
}

#[test]
fn a_run_that_ends_without_a_number_says_so() {
    let lab = Lab::new();
    // Finite weights whose loss is not: the only step makes them huge, and no further loss is
    // computed.
    let set = [
        "train.steps=1",
        "train.warmup_steps=0",
        "train.lr_max=1e30",
        "train.grad_clip=0.0",
        "model.dropout=0.0",
    ];
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    let ran = lab.train("run", &[&set[..], &["--json"]].concat());
    let found = ran.json();
    ran.fails(
        1,
        &[
            "the validation loss after the last step, 1, is NaN",
            "everything is saved",
            "learning rate: sisun",
        ],
    );
    assert!(
        found["validation"]["loss"].is_null() && found["best"].is_null(),
        "{found}"
    );
    assert!(
        fs::read_to_string(lab.path("run/report.html"))
            .unwrap()
            .contains("that is not finite")
    );
    for step in ["step-00000000", "step-00000001"] {
        sisun(&["info", &lab.at(&format!("run/checkpoints/{step}"))]).ok();
    }
    sisun(&["eval", &lab.at("run/checkpoints/step-00000000")]).ok();
    sisun(&["eval", &lab.at("run/checkpoints/step-00000001")]).fails(1, &["no finite number"]);
}
