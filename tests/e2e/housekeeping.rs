//! `sisun runs`, and what `sisun info` tells of training.

use crate::sisun::{Lab, Ran, command, sisun};
use serde_json::Value;
use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

fn runs(lab: &Lab, args: &[&str]) -> Ran {
    sisun(&[&["runs", &lab.at("runs")], args].concat())
}

fn entry<'v>(listed: &'v Value, name: &str) -> &'v Value {
    let all = listed["runs"].as_array().unwrap();
    all.iter()
        .find(|run| run["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {listed}"))
}

#[test]
fn runs_are_listed_with_what_they_are() {
    let lab = Lab::new();
    sisun(&["runs", &lab.at("runs")]).fails(2, &["is no folder", "sisun init --demo"]);
    fs::create_dir(lab.path("runs")).unwrap();
    assert!(runs(&lab, &[]).ok().stdout.contains("0 directories"));
    let short = ["--set", "train.steps=6", "--set", "train.eval_every=3"];
    lab.train("runs/완료", &short).ok();
    lab.train("runs/stopped", &short).ok();
    sisun(&[
        "train",
        "--resume",
        &lab.at("runs/stopped"),
        "--set",
        "train.steps=8",
        "--device",
        "cpu",
    ])
    .ok();
    // As if the last two steps had not been done.
    let checkpoint = lab.path("runs/stopped/checkpoints/step-00000008");
    fs::remove_dir_all(checkpoint).unwrap();
    lab.train("runs/broken", &short).ok();
    fs::write(lab.path("runs/broken/config.toml"), "name = 1").unwrap();
    lab.train("runs/unsaved", &short).ok();
    fs::remove_dir_all(lab.path("runs/unsaved/checkpoints")).unwrap();
    fs::create_dir(lab.path("runs/unsaved/checkpoints")).unwrap();
    fs::create_dir_all(lab.path("runs/compared/cells/copy/rope")).unwrap();
    fs::write(
        lab.path("runs/compared/comparison.json"),
        r#"{"name":"c","budget":"b","cells":{"a":"1","b":"2"}}"#,
    )
    .unwrap();
    fs::write(lab.path("runs/compared/cells/copy/rope/1.json"), "{}").unwrap();
    fs::write(lab.path("runs/compared/cells/copy/rope/1.time.json"), "{}").unwrap();
    fs::create_dir(lab.path("runs/photos")).unwrap();

    let listed = runs(&lab, &["--json"]).ok().json();
    assert_eq!(listed["runs"].as_array().unwrap().len(), 5, "{listed}");
    let done = entry(&listed, "완료");
    assert_eq!(
        (&done["state"], &done["step"], &done["steps"]),
        (&"finished".into(), &6.into(), &6.into())
    );
    let metrics = fs::read_to_string(lab.path("runs/완료/metrics.jsonl")).unwrap();
    let losses = metrics
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|metric| metric["split"] == "validation")
        .map(|metric| metric["loss"].as_f64().unwrap());
    let best = losses.fold(f64::INFINITY, f64::min);
    assert_eq!(done["validation_loss"].as_f64(), Some(best));
    assert!(done["bits_per_byte"].as_f64().unwrap() > 0.0);
    let stopped = entry(&listed, "stopped");
    assert_eq!(
        (&stopped["state"], &stopped["steps"]),
        (&"interrupted".into(), &8.into())
    );
    let broken = entry(&listed, "broken");
    assert_eq!(broken["state"], "broken");
    assert!(
        broken["problem"].as_str().unwrap().contains("name"),
        "{broken}"
    );
    assert_eq!(entry(&listed, "unsaved")["state"], "never saved");
    let compared = entry(&listed, "compared");
    assert_eq!(
        (&compared["state"], &compared["step"], &compared["steps"]),
        (&"comparison".into(), &1.into(), &2.into())
    );

    let told = runs(&lab, &["--sort", "name"]).ok().stdout;
    let names: Vec<&str> = told
        .lines()
        .skip(1)
        .take(5)
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(names, ["broken", "compared", "stopped", "unsaved", "완료"]);
    assert!(
        told.contains("5 directories") && told.contains("broken: "),
        "{told}"
    );
    // The command that is suggested works.
    let way = told
        .lines()
        .last()
        .unwrap()
        .strip_prefix("to go on with one: sisun ")
        .unwrap();
    sisun(&[way.split(' ').collect::<Vec<_>>(), vec!["--device", "cpu"]].concat()).ok();
    assert_eq!(
        entry(&runs(&lab, &["--json"]).ok().json(), "stopped")["state"],
        "finished"
    );
}

#[test]
fn a_run_whose_files_are_damaged_is_listed_so_in_one_line() {
    let lab = Lab::new();
    let short = ["--set", "train.steps=6"];
    lab.train("runs/cut", &short).ok();
    let weights = lab.path("runs/cut/checkpoints/step-00000006/model.safetensors");
    let file = fs::OpenOptions::new().write(true).open(&weights).unwrap();
    file.set_len(99).unwrap();
    fs::create_dir(lab.path("runs/empty")).unwrap();
    fs::write(lab.path("runs/empty/config.toml"), "").unwrap();
    let told = runs(&lab, &[]).ok().stdout;
    let line = |name: &str| told.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(
        line("cut").contains("model.safetensors has 99 bytes, expected"),
        "{told}"
    );
    let empty = line("empty");
    assert!(
        empty.contains("things are wrong (sisun info ") && !empty.contains("tokenizer.kind"),
        "{told}"
    );
}

#[test]
fn a_run_that_is_trained_now_is_listed_so() {
    let lab = Lab::new();
    let mut training = lab
        .train_command("runs/now", &["--set", "train.steps=100000"])
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    let state = || {
        let listed = runs(&lab, &["--json"]);
        (listed.code == Some(0)).then(|| listed.json()["runs"][0]["state"].clone())
    };
    while state() != Some("training".into()) {
        assert!(began.elapsed() < Duration::from_secs(60), "{:?}", state());
        std::thread::sleep(Duration::from_millis(20));
    }
    training.kill().unwrap();
    training.wait().unwrap();
    let after = state();
    assert!(
        after == Some("interrupted".into()) || after == Some("never saved".into()),
        "{after:?}"
    );
}

#[test]
fn info_tells_what_training_needs() {
    let lab = Lab::new();
    let config = lab.at("lab.toml");
    let told = sisun(&["info", &config]).ok().stdout;
    // 40 steps of 5 windows of 23 tokens, twice.
    assert!(
        told.contains("9,200 tokens, about ") && !told.contains(" s and "),
        "{told}"
    );
    let found = sisun(&["info", &config, "--json"]).ok().json();
    assert_eq!(found["needs"]["tokens"], 9_200);
    assert!(found["needs"]["expected_s"].is_null());
    let found = sisun(&["info", &config, "--json", "--measure", "--device", "cpu"])
        .ok()
        .json();
    let seconds = found["needs"]["expected_s"].as_f64().unwrap();
    assert!(seconds > 0.0 && seconds < 600.0, "{seconds}");
    assert_eq!(found["needs"]["parameters"], found["count"]["total"]);
    sisun(&["info", "configs/gpt3.toml", "--measure"]).fails(2, &["--measure", "[train]"]);
    assert!(!lab.path("runs").exists());
}

/// Where a run is meant by its name alone, it is suggested.
#[test]
fn every_command_suggests_a_run_of_this_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("runs/mine")).unwrap();
    let config = format!("{}/configs/finetune.toml", crate::sisun::root().display());
    for args in [
        &["sample", "mine"][..],
        &["info", "mine"],
        &["attend", "mine", "--text", "a b"],
        &["heads", "mine"],
        &["explain", "mine", "--text", "a b"],
        &["eval", "mine"],
        &["verify", "mine"],
        &["export", "mine", "--to", "x"],
        &["tokenizer", "encode", "mine", "--text", "a"],
        &["train", "--resume", "mine"],
        &["train", &config, "--set", "finetune.model=mine"],
    ] {
        let ran = Ran::from(command(args).current_dir(folder.path()).output().unwrap());
        assert_ne!(ran.code, Some(0), "{args:?}");
        assert!(
            ran.stderr.contains("did you mean runs/mine?"),
            "{args:?}: {}",
            ran.stderr
        );
    }
}

/// Caches are chosen by their text and their age.
#[test]
fn caches_are_chosen_by_text_and_age() {
    let lab = Lab::new();
    let cache = |args: &[&str]| {
        let mut cache = command(&["cache"]);
        let ran = cache
            .args(args)
            .env("SISUN_CACHE_DIR", lab.path("cache"))
            .output()
            .unwrap();
        Ran::from(ran)
    };
    for name in ["one.txt", "two.txt"] {
        fs::write(
            lab.path(name),
            format!("{name} and a few words more. ").repeat(30),
        )
        .unwrap();
        let mut train = command(&["tokenizer", "train", "--kind", "char"]);
        train.args([
            "--data",
            &lab.at(name),
            "--out",
            &lab.at(&format!("{name}.json")),
        ]);
        Ran::from(
            train
                .env("SISUN_CACHE_DIR", lab.path("cache"))
                .output()
                .unwrap(),
        )
        .ok();
    }
    assert!(
        cache(&["--text", "one.txt"])
            .ok()
            .stdout
            .contains("1 token cache,")
    );
    assert!(
        cache(&["--older-than", "1h"])
            .ok()
            .stdout
            .contains("0 token caches")
    );
    for wrong in ["x", "3y", "-1", ""] {
        let ran = cache(&["clear", &format!("--older-than={wrong}")]);
        assert!(
            ran.code == Some(2) && ran.stderr.contains("12h, 30d or 2w"),
            "{}",
            ran.stderr
        );
    }
    assert!(
        cache(&["clear", "--text", "one.txt"])
            .ok()
            .stdout
            .starts_with("removed 1 token cache,")
    );
    assert!(
        cache(&["--clear", "--older-than", "2w"])
            .ok()
            .stdout
            .starts_with("removed 0 token caches")
    );
    assert!(
        cache(&["--clear"])
            .ok()
            .stdout
            .starts_with("removed 1 token cache,")
    );
}
