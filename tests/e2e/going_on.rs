//! Commands suggested in messages, pasted into a shell unchanged.

use crate::sisun::{Lab, Ran, command, sisun};
use serde_json::Value;
use std::fs;
use std::process::Command;

/// Return the command in a message, on its own line after `LABEL: `.
fn told(message: &str, label: &str) -> String {
    let line = message
        .lines()
        .find_map(|line| line.trim_start().strip_prefix(label));
    line.unwrap_or_else(|| panic!("no {label:?} in {message}"))
        .trim()
        .to_owned()
}

/// Run a pasted command in this directory.
fn paste_in(folder: &str, text: &str) -> Ran {
    let program = command(&[]);
    let bin = std::path::Path::new(program.get_program())
        .parent()
        .unwrap()
        .to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell
        .args(["-c", text])
        .env("PATH", path)
        .current_dir(folder)
        .stdin(std::process::Stdio::null());
    for (key, value) in program.get_envs() {
        shell.env(key, value.unwrap());
    }
    shell.output().unwrap().into()
}

fn paste(text: &str) -> Ran {
    paste_in(crate::sisun::root().to_str().unwrap(), text)
}

fn last_step(lab: &Lab, run: &str) -> u64 {
    let last = fs::read_to_string(lab.path(run).join("checkpoints/last")).unwrap();
    last.trim().strip_prefix("step-").unwrap().parse().unwrap()
}

fn metrics(lab: &Lab, run: &str, split: &str) -> Vec<Value> {
    let text = fs::read_to_string(lab.path(run).join("metrics.jsonl")).unwrap();
    let lines = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.filter(|metric| metric["split"] == split).collect()
}

const CPU: [&str; 2] = ["--device", "cpu"];

#[cfg(unix)]
#[test]
fn every_command_that_is_told_works() {
    let lab = Lab::new();
    // A name that needs quoting in a shell, and settings given only by --set.
    let run = "it's my $run";
    let ran = lab
        .train(
            run,
            &["--set", "model.position=alibi", "--set", "train.steps=30"],
        )
        .ok();
    paste(&told(&ran.stdout, "next: ")).ok();
    let pictures = lab.path("pictures");
    fs::create_dir(&pictures).unwrap();
    paste_in(
        pictures.to_str().unwrap(),
        ran.stdout.lines().last().unwrap(),
    )
    .ok();

    let finished = lab.train(
        run,
        &[
            "--resume",
            "--set",
            "model.position=alibi",
            "--set",
            "train.steps=30",
        ],
    );
    let longer = told(
        &finished.fails(1, &["all of its 30 steps"]).stderr,
        "to train it longer: ",
    );
    paste(&format!("{longer} --device cpu")).ok();
    assert_eq!(last_step(&lab, run), 60);
    // Settings given on resume are now in the run's configuration.
    let again = sisun(&[&["train", "--resume", &lab.at(run)], &CPU[..]].concat());
    again.fails(1, &["all of its 60 steps", "train.steps=120"]);

    let exists = lab.train(run, &[]).fails(
        1,
        &[
            "exists already, and has done all of its 60 steps",
            "--run DIR",
        ],
    );
    let longer = told(&exists.stderr, "to train it longer: ");
    assert!(longer.contains("train.steps=120"), "{longer}");
    for args in [
        &["train", &lab.at(run)][..],
        &["train", &lab.at(run), "--set", "train.steps=70"],
    ] {
        let named = sisun(args).fails(2, &["is a run"]);
        let longer = told(&named.stderr, "to train it longer: ");
        let (as_it_is, steps) = longer.split_once(" --set train.steps=").unwrap();
        assert!(["120", "122"].contains(&steps), "{longer}");
        paste(&format!("{as_it_is} --set train.steps=61"));
    }
    assert_eq!(last_step(&lab, run), 61);
    // In either order, and with a configuration.
    for (steps, args) in [("62", vec!["train", "--resume"]), ("63", vec!["train"])] {
        let (at, set) = (lab.at(run), format!("train.steps={steps}"));
        let more: &[&str] = if args.len() == 1 { &["--resume"] } else { &[] };
        sisun(&[&args[..], &[&at], more, &["--set", &set, "--device", "cpu"]].concat()).ok();
        assert_eq!(last_step(&lab, run).to_string(), steps);
    }
    let checkpoint = lab.at(&format!("{run}/checkpoints/step-00000063"));
    sisun(&["train", "--resume", &checkpoint]).fails(2, &["is a checkpoint"]);
    sisun(&["train", "--resume"]).fails(2, &["name a run"]);
    sisun(&["train", "--resume", &lab.at("none")]).fails(1, &["no run to resume"]);
    sisun(&["train", "--resume", &lab.at("none"), "--run", &lab.at(run)])
        .fails(2, &["one run directory"]);
    assert!(!lab.path("none").exists());
}

#[cfg(unix)]
#[test]
fn settings_that_may_not_change_show_a_way_that_works() {
    let lab = Lab::new();
    lab.train("run", &[]).ok();
    let run = lab.at("run");
    let more = [&["train", "--resume", &run], &CPU[..]].concat();
    let refused = |set: &[&str], parts: &[&str]| {
        let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
        sisun(&[&more[..], &set].concat()).fails(2, parts).stderr
    };
    let from_its_weights = |message: &str, run: &str| {
        let way = told(message, "in a new run: ");
        assert!(way.contains("finetune.model="), "{way}");
        // A key is set once, and some of these commands set the number of steps.
        let way = way.replace(" --set train.steps=50", "");
        paste(&format!("{way} --device cpu --set train.steps=5")).ok();
        // The final weights of the old run, not random ones: ln 320 = 5.77.
        assert!(
            metrics(&lab, run, "train")[0]["loss"].as_f64().unwrap() < 4.9,
            "{:?}",
            metrics(&lab, run, "train")[0]
        );
    };
    from_its_weights(
        &refused(&["train.lr_max=0.005"], &["train.lr_max (0.01 → 0.005)"]),
        "run-2",
    );
    from_its_weights(
        &refused(
            &["train.schedule=linear", "train.seed=5"],
            &["train.schedule", "train.seed"],
        ),
        "run-3",
    );
    from_its_weights(
        &refused(&["model.context_len=20"], &["model.context_len (23 → 20)"]),
        "run-4",
    );
    let shape = (
        ["model.position=alibi"],
        ["model.position ({ kind = \"rope\"", "→ \"alibi\""],
        "run-5",
    );
    let tokens = (
        ["tokenizer={kind=\"char\"}"],
        ["tokenizer ({ kind = \"bpe\"", "{ kind = \"char\" }"],
        "run-6",
    );
    let more_tokens = (
        ["tokenizer.vocab_size=400"],
        ["tokenizer ({ kind = \"bpe\"", "vocab_size = 400"],
        "run-7",
    );
    for (set, parts, run) in [shape, tokens, more_tokens] {
        let way = told(&refused(&set, &parts), "in a new run: ");
        assert!(!way.contains("finetune.model"), "{way}");
        paste(&format!("{way} --device cpu --set train.steps=5")).ok();
        assert_eq!(last_step(&lab, run), 5);
    }
    // Other permitted changes are not lost.
    let both = refused(
        &[
            "train.batch_size=4",
            "sample.temperature=0",
            "train.log_every=2",
        ],
        &["train.batch_size (5 → 4)"],
    );
    let way = told(&both, "in a new run: ");
    for set in [
        "train.batch_size=4",
        "sample.temperature=0",
        "train.log_every=2",
    ] {
        assert!(way.contains(&format!("--set {set}")), "{set}: {way}");
    }
    let as_it_is = told(
        &refused(&["model.bias=false"], &["model.bias"]),
        "to go on as it is: ",
    );
    paste(&as_it_is).fails(1, &["all of its 40 steps"]);
    refused(&["finetune.model=nowhere"], &["finetune.model"]);

    let mut text = fs::read_to_string(lab.path("stories.txt")).unwrap();
    text.push_str("\n\nOne day, Mina went home.");
    fs::write(lab.path("stories.txt"), text).unwrap();
    let changed = sisun(&[&more[..], &["--set", "train.steps=50"]].concat())
        .fails(1, &["not the text that", "it has changed"]);
    from_its_weights(&changed.stderr, "run-8");
    let cut = ["--set", "train.steps=50", "--set", "data.documents=line"];
    sisun(&[&more[..], &cut].concat()).fails(
        1,
        &[
            "data.documents (\"paragraph\" → \"line\")",
            "decides over it",
        ],
    );
}

#[cfg(unix)]
#[test]
fn a_run_with_relative_paths_says_where_it_was_started() {
    let lab = Lab::new();
    let text = fs::read_to_string(lab.path("lab.toml"))
        .unwrap()
        .replace(&lab.at("stories.txt"), "stories.txt");
    lab.write_config("lab.toml", &text);
    let here = lab.at("");
    let elsewhere = lab.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    paste_in(&here, "sisun train lab.toml --run run --device cpu").ok();
    let more = "sisun train --resume ../run --device cpu --set train.steps=50";
    let lost = paste_in(elsewhere.to_str().unwrap(), more);
    let lost = lost.fails(1, &["stories.txt", "does not exist", "was started in"]);
    let way = told(&lost.stderr, "to go on: ");
    // With the original arguments.
    paste(&way).ok();
    assert_eq!(last_step(&lab, "run"), 50);
}

#[cfg(unix)]
#[test]
fn a_run_whose_newest_checkpoint_is_damaged_goes_on_from_the_one_before() {
    let lab = Lab::new();
    // A name that needs quoting.
    let run = lab.at("my run");
    let keep = "--set train.keep_checkpoints=9 --set train.steps=30";
    let config = lab.at("lab.toml");
    paste(&format!(
        "sisun train {config} --run '{run}' --device cpu {keep}"
    ))
    .ok();
    for (damaged, from) in [(&[30][..], 20), (&[20, 30], 10)] {
        for step in damaged {
            let checkpoint = lab.path(&format!("my run/checkpoints/step-{step:08}"));
            fs::write(checkpoint.join("model.safetensors"), "cut").unwrap();
        }
        let more = "--device cpu --set train.log_every=5 --set train.steps=30";
        let ran = paste(&format!("sisun train --resume '{run}' {more}"))
            .fails(1, &["step-00000030 is damaged", "to go on: rm -r "]);
        assert!(!ran.stderr.contains("name that folder"), "{}", ran.stderr);
        let on = paste(&told(&ran.stderr, "to go on: ")).ok();
        assert!(
            on.stderr.contains(&format!("from step {from}")),
            "{}",
            on.stderr
        );
        assert_eq!(last_step(&lab, "my run"), 30);
    }
    let config = fs::read_to_string(lab.path("my run/config.toml")).unwrap();
    assert!(config.contains("log_every = 5"), "{config}");
    // Other commands read an explicitly named folder.
    let newest = lab.path("my run/checkpoints/step-00000030");
    fs::write(newest.join("model.safetensors"), "cut").unwrap();
    sisun(&["sample", newest.to_str().unwrap(), "--prompt", "a"])
        .fails(1, &["step-00000020: name that folder"]);
}

#[test]
fn a_remedy_says_again_what_was_typed() {
    let lab = Lab::new();
    let finished = ["--set", "train.steps=4", "--set", "train.log_every=2"];
    lab.train("run", &finished).ok();
    let more = [
        "--resume",
        "--set",
        "sample.prompt=A b",
        "--json",
        "--quiet",
    ];
    let ran = lab.train("run", &[&more[..], &finished].concat());
    for part in [
        "to train it longer: sisun train ",
        "lab.toml --resume",
        "--set 'sample.prompt=A b'",
        "--set train.log_every=2 --set train.steps=8",
        "--device cpu --quiet --json",
    ] {
        assert!(ran.stderr.contains(part), "no {part:?} in {}", ran.stderr);
    }
    assert!(!ran.stderr.contains("train.steps=4"), "{}", ran.stderr);
    let exists = lab.train("run", &finished);
    assert!(
        exists
            .stderr
            .contains("--set train.log_every=2 --set train.steps=8 --device cpu"),
        "{}",
        exists.stderr
    );
}

#[cfg(target_os = "linux")]
#[test]
fn the_threads_that_compute_are_recorded_and_others_are_told() {
    let lab = Lab::new();
    let with = |threads: &str, more: &[&str]| {
        let mut train = lab.train_command("run", more);
        Ran::from(train.env("RAYON_NUM_THREADS", threads).output().unwrap()).ok()
    };
    let first = with("1", &["--set", "train.steps=4"]);
    assert!(first.stderr.contains(", 1 thread)"), "{}", first.stderr);
    let environment: Value =
        serde_json::from_slice(&fs::read(lab.path("run/environment.json")).unwrap()).unwrap();
    assert_eq!(environment["threads"], 1);
    let device = environment["device"].as_str().unwrap();
    assert!(device.ends_with(", 1 thread)"), "{device}");
    let same = with("1", &["--resume", "--set", "train.steps=6"]);
    assert!(
        !same.stderr.contains("the run was begun on"),
        "{}",
        same.stderr
    );
    let other = with("3", &["--resume", "--set", "train.steps=8"]);
    assert!(
        other
            .stderr
            .contains(&format!("the run was begun on {device} and goes on on"))
            && other.stderr.contains(", 3 threads)")
            && other.stderr.contains("bits will differ"),
        "{}",
        other.stderr
    );
}

#[cfg(unix)]
#[test]
fn training_that_fails_says_what_to_try_and_that_works() {
    let lab = Lab::new();
    let set = [
        "train.grad_clip=0.0",
        "train.eval_every=1",
        "train.checkpoint_every=1",
        "model.dropout=0.0",
    ];
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    // Weights that are not finite, and finite weights whose loss is not.
    for (rate, run) in [
        ("train.lr_max=1e38", "spoilt"),
        ("train.lr_max=1e30", "large"),
    ] {
        let spoilt = lab.train(run, &[&set[..], &["--set", rate]].concat());
        let spoilt = spoilt.fails(1, &["train.lr_max", "with a tenth of the learning rate: "]);
        let named = spoilt
            .stderr
            .split("the last good checkpoint is ")
            .nth(1)
            .unwrap();
        let named = named.split([';', '\n']).next().unwrap();
        sisun(&["sample", named, "--prompt", "One day", "-n", "3"]).ok();
        // All remaining checkpoints are readable.
        for entry in fs::read_dir(lab.path(run).join("checkpoints")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sisun(&["info", path.to_str().unwrap()]).ok();
            }
        }
        let way = told(&spoilt.stderr, "with a tenth of the learning rate: ");
        let calmer = way.split("train.lr_max=").next().unwrap().to_owned() + "train.lr_max=1e-3";
        paste(&format!("{calmer} --device cpu --set train.steps=4")).ok();
        // The suggested command starts too, though it may end the same way.
        let again = lab.path(&format!("{run}-2"));
        fs::remove_dir_all(&again).unwrap();
        paste(&format!("{way} --device cpu --set train.steps=3"));
        assert!(again.join("checkpoints/step-00000000").is_dir());
    }
}
