//! Stopping a run in various ways and resuming it.

use crate::sisun::{Lab, Ran};
use std::fs;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// Enough steps that a signal arrives before the end.
const STEPS: &str = "train.steps=120";

fn same_end(lab: &Lab, a: &str, b: &str) {
    for file in ["model.safetensors", "training.safetensors"] {
        let read = |run: &str| {
            fs::read(lab.path(run).join("checkpoints/step-00000120").join(file)).unwrap()
        };
        assert!(read(a) == read(b), "{file} of {a} and {b} differ");
    }
    let lines = |run: &str| -> Vec<(u64, String, Option<f64>)> {
        let text = fs::read_to_string(lab.path(run).join("metrics.jsonl")).unwrap();
        let lines = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        // Losses are averages since the last line; with a line per step they are comparable.
        lines
            .map(|m| {
                (
                    m["step"].as_u64().unwrap(),
                    m["split"].to_string(),
                    m["loss"].as_f64(),
                )
            })
            .collect()
    };
    assert_eq!(lines(a), lines(b), "every step once, with the same loss");
}

/// Start a run and wait until its metrics reach a step.
fn started(lab: &Lab, run: &str, until: usize) -> Child {
    let mut child = lab
        .train_command(run, &["--set", STEPS])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let began = Instant::now();
    loop {
        let text = fs::read_to_string(lab.path(run).join("metrics.jsonl")).unwrap_or_default();
        if text.lines().count() >= until {
            return child;
        }
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "no metrics after two minutes"
        );
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it was stopped"
        );
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_killed_run_goes_on_bit_for_bit() {
    let lab = Lab::new();
    lab.train("whole", &["--set", STEPS]).ok();
    let mut child = started(&lab, "killed", 35);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        !lab.path("killed/checkpoints/step-00000120").exists(),
        "killed in the middle"
    );
    // A checkpoint that was being written when the run was killed.
    fs::create_dir_all(lab.path("killed/checkpoints/.step-00000099.partial")).unwrap();
    let ran = lab.train("killed", &["--set", STEPS, "--resume"]).ok();
    assert!(ran.stderr.contains("from step"), "{}", ran.stderr);
    same_end(&lab, "whole", "killed");
    assert!(
        !lab.path("killed/checkpoints/.step-00000099.partial")
            .exists()
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let lab = Lab::new();
    lab.train("whole", &["--set", STEPS]).ok();
    let child = started(&lab, "stopped", 35);
    let id = child.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, Some(130), "{}", ran.stderr);
    let advice = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("to go on: sisun "))
        .unwrap()
        .to_owned();
    assert!(advice.contains("--resume"), "{advice}");
    let args: Vec<&str> = advice
        .split(' ')
        .chain(["--set", STEPS, "--device", "cpu"])
        .collect();
    crate::sisun::sisun(&args).ok();
    same_end(&lab, "whole", "stopped");
}

#[test]
fn a_finished_run_goes_on_when_it_gets_more_steps() {
    let lab = Lab::new();
    lab.train("run", &[]).ok();
    lab.train("run", &["--resume"])
        .fails(1, &["all of its 40 steps", "train.steps"]);
    lab.train("run", &["--resume", "--set", "train.steps=45"])
        .ok();
    assert!(lab.path("run/checkpoints/step-00000045").is_dir());
}

#[test]
fn resuming_with_other_settings_or_text_is_refused() {
    let lab = Lab::new();
    lab.train("run", &[]).ok();
    lab.train("run", &[])
        .fails(1, &["exists already", "--resume"]);
    lab.train("none", &["--resume"])
        .fails(1, &["no run to resume"]);
    let more = ["--resume", "--set", "train.steps=50"];
    lab.train("run", &[&more[..], &["--set", "model.d_model=48"]].concat())
        .fails(2, &["model.d_model (36 → 48)"]);
    lab.train("run", &[&more[..], &["--set", "train.lr_max=0.5"]].concat())
        .fails(2, &["train.lr_max"]);
    let mut text = fs::read_to_string(lab.path("stories.txt")).unwrap();
    text.push_str("\n\nAnother story.");
    fs::write(lab.path("stories.txt"), text).unwrap();
    lab.train("run", &more)
        .fails(1, &["not the text that", "it has changed"]);
}

/// Settings that may change on resume do change the output.
#[test]
fn settings_that_may_change_take_effect() {
    let lab = Lab::new();
    lab.train("run", &["--set", "model.dropout=0.0"]).ok();
    let run = lab.at("run");
    let set = [
        "name=other",
        "train.steps=60",
        "train.eval_every=10",
        "train.checkpoint_every=5",
        "train.keep_checkpoints=4",
        "train.log_every=4",
        "sample.prompt=Every year",
        "sample.tokens=5",
        "sample.temperature=0.0",
        "sample.top_k=3",
        "sample.every=10",
        "attend.text=The sun was shining.",
    ];
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    crate::sisun::sisun(&[&["train", "--resume", &run, "--device", "cpu"], &set[..]].concat()).ok();
    let text = fs::read_to_string(lab.path("run/metrics.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |split: &str| -> Vec<u64> {
        let new = lines
            .iter()
            .filter(|m| m["split"] == split && m["step"].as_u64() > Some(40));
        new.map(|m| m["step"].as_u64().unwrap()).collect()
    };
    assert_eq!(of("validation"), [50, 60]);
    assert_eq!(of("train"), [44, 45, 48, 50, 52, 55, 56, 60]);
    for step in [45, 50, 55, 60] {
        assert!(
            lab.path(&format!("run/checkpoints/step-000000{step}"))
                .is_dir(),
            "{step}"
        );
    }
    let sample = fs::read_to_string(lab.path("run/samples/step-00000050.txt")).unwrap();
    assert!(
        sample.starts_with("Every year") && sample.len() < 50,
        "{sample}"
    );
    assert!(
        fs::read_to_string(lab.path("run/report.html"))
            .unwrap()
            .contains("<h1 dir=\"auto\">other</h1>")
    );
    let config = fs::read_to_string(lab.path("run/config.toml")).unwrap();
    for line in [
        "name = \"other\"",
        "steps = 60",
        "prompt = \"Every year\"",
        "The sun was shining.",
    ] {
        assert!(config.contains(line), "{line}: {config}");
    }
}

/// The training data and the criterion for the best checkpoint cannot change, and completed steps
/// are not undone.
#[test]
fn settings_that_could_only_take_half_effect_are_refused() {
    let lab = Lab::new();
    lab.train("run", &[]).ok();
    for set in [
        "data.normalize=nfc",
        "data.jsonl_field=body",
        "data.jsonl_answer_field=answer",
        "train.eval_windows=1",
    ] {
        let key = set.split('=').next().unwrap();
        lab.train(
            "run",
            &["--resume", "--set", "train.steps=50", "--set", set],
        )
        .fails(2, &[key, "may not change"]);
    }
    let ran = lab.train("run", &["--resume", "--set", "train.steps=20"]);
    ran.fails(2, &["has done 40 steps", "train.steps = 20"]);
    assert!(
        fs::read_to_string(lab.path("run/config.toml"))
            .unwrap()
            .contains("steps = 40")
    );
}
