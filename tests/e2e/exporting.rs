//! `sisun export`, and the way back.

use crate::sisun::{Lab, sisun};
use serde_json::Value;
use std::fs;

const CPU: [&str; 3] = ["--quiet", "--device", "cpu"];

fn run(args: &[&str]) -> crate::sisun::Ran {
    sisun(&[args, &CPU].concat())
}

#[test]
fn an_export_is_taken_wherever_a_run_is_and_says_the_same() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=20", "--set", "model.dropout=0.0"]).ok();
    let (trained, exported) = (lab.at("run"), lab.at("exported/"));
    let told = run(&["export", &trained, "--to", &exported, "--json"]).ok().json();
    assert_eq!(told["dtype"], "float32");
    let weights = fs::metadata(lab.path("exported/model.safetensors")).unwrap();
    assert_eq!(told["bytes"], weights.len());
    let config: Value = serde_json::from_slice(&fs::read(lab.path("exported/config.json")).unwrap()).unwrap();
    assert_eq!(config["architectures"][0], told["architecture"]);

    let prompt = ["--prompt", "One day", "--temperature", "0", "-n", "30", "--json"];
    let sample = |model: &str| run(&[&["sample", model], &prompt[..]].concat()).ok().json()["tokens"].clone();
    assert_eq!(sample(&exported), sample(&trained));
    let maps = |model: &str, out: &str| {
        run(&["attend", model, "--text", "One day Mina sat.", "--out", &lab.at(out), "--format", "npz"]).ok();
        fs::read(lab.path(out).join("attention.npz")).unwrap()
    };
    assert_eq!(maps(&exported, "b"), maps(&trained, "a"));

    // A second time it would be in the way.
    run(&["export", &trained, "--to", &exported]).fails(1, &["is there already", "--to"]);
    // Half the numbers' bits, and out once more.
    let half = lab.at("half");
    run(&["export", &exported, "--to", &half, "--dtype", "bfloat16", "--materialize-head"]).ok();
    let (whole, half) = (weights.len(), fs::metadata(lab.path("half/model.safetensors")).unwrap().len());
    assert!(half < whole * 2 / 3, "{half} bytes of {whole}");
    run(&["eval", &lab.at("half"), "--data", &lab.at("stories.txt"), "--windows", "2"]).ok();
}

#[test]
fn what_others_cannot_compute_is_refused() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=4", "--set", "model.position=alibi"]).ok();
    run(&["export", &lab.at("run"), "--to", &lab.at("out")]).fails(1, &["alibi", "transformers"]);
    assert!(!lab.path("out").exists());
    run(&["export", &lab.at("nothing"), "--to", &lab.at("out")]).fails(1, &["no such folder"]);
}
