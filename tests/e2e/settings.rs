//! Settings that explain themselves: `sisun config`, the schemas and the chapter made by it, and
//! values as people write them.

use crate::sisun::{Lab, root, sisun};
use serde_json::Value;
use std::fs;

#[test]
fn the_committed_schemas_and_chapter_are_what_the_program_prints() {
    for (arguments, file) in [
        (&["--schema"][..], "configs/sisun.schema.json"),
        (
            &["--schema", "seq2seq"],
            "configs/sisun-seq2seq.schema.json",
        ),
        (
            &["--schema", "compare"],
            "configs/sisun-compare.schema.json",
        ),
        (&["--markdown"], "crates/sisun/guide/settings.md"),
    ] {
        let printed = sisun(&[&["config"], arguments].concat()).ok().stdout;
        let committed = fs::read_to_string(root().join(file)).unwrap_or_default();
        assert!(
            printed == committed,
            "write it anew: sisun config {} > {file}",
            arguments.join(" ")
        );
    }
}

#[test]
fn every_setting_is_listed_within_80_columns() {
    let listed = sisun(&["config"]).ok().stdout;
    let long = listed.lines().find(|line| line.chars().count() > 80);
    assert_eq!(long, None);
    let json: Value = sisun(&["config", "--json"]).ok().json();
    let settings = json["settings"].as_array().unwrap();
    assert!(settings.len() > 110, "{} settings", settings.len());
    for setting in settings {
        let name = setting["key"].as_str().unwrap().rsplit('.').next().unwrap();
        let starts = |line: &str| line.trim_start().starts_with(name);
        assert!(listed.lines().any(starts), "{name} is not listed");
        assert!(!setting["meaning"].as_str().unwrap().is_empty());
    }
}

#[test]
fn a_key_is_described_and_an_unknown_one_suggested() {
    let told = sisun(&["config", "train.lr_max"]).ok().stdout;
    for part in [
        "Highest learning rate of AdamW.",
        "above 0",
        "it has to be set",
        "[train]\n             lr_max = 1e-3",
        "--set train.lr_max=1e-3",
        "learning_rate",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    let found = sisun(&["config", "lr"]).ok().stdout;
    assert!(
        found.contains("lr_min") && found.contains("muon_lr_max") && !found.contains("n_heads")
    );
    for (word, part) in [
        ("train.lr_mx", "did you mean train.lr_max?"),
        (
            "epochs",
            "did you mean train.steps? Training is counted in steps",
        ),
        ("xyzzyplugh", "nothing found for \"xyzzyplugh\" among"),
    ] {
        sisun(&["config", word]).fails(2, &[part]);
    }
}

#[test]
fn help_and_completions_know_the_command() {
    let help = sisun(&["--help"]).ok().stdout;
    let at = |name: &str| help.find(&format!("\n  {name} ")).expect(name);
    assert!(at("info") < at("config") && at("config") < at("compare"));
    assert!(
        sisun(&["completions", "bash"])
            .ok()
            .stdout
            .contains("sisun__subcmd__config")
    );
}

#[test]
fn values_are_understood_as_people_write_them() {
    let lab = Lab::new();
    let source = "data.sources=~/stories.txt";
    let mut train = lab.train_command(
        "run",
        &[
            "--set",
            source,
            "--set",
            "train.steps=1e1",
            "--set",
            "train.warmup_steps=1.0",
        ],
    );
    let trained = train.env("HOME", lab.folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&trained.stderr);
    assert!(trained.status.success(), "{said}");
    let saved = fs::read_to_string(lab.path("run/config.toml")).unwrap();
    let whole = format!("sources = [\"{}\"]", lab.at("stories.txt"));
    assert!(
        saved.contains(&whole) && saved.contains("steps = 10\n"),
        "{saved}"
    );
}

#[test]
fn a_setting_given_twice_is_refused_with_both() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=1", "--set", "train.steps=2"])
        .fails(
            2,
            &["--set train.steps=1 and --set train.steps=2: train.steps is set twice; keep one of them"],
        );
    assert!(!lab.path("run").exists());
}
