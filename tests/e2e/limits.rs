//! Sizes that no machine supports are refused before they are allocated, with the memory needed and
//! the setting to change.

use crate::sisun::{Lab, Ran, command, copy_folder, root, sisun};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Run the command with 8 GB of address space, so that the limit does not depend on the machine.
#[cfg(target_os = "linux")]
fn limited(command: &Command) -> Ran {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "ulimit -v 8000000; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    shell.current_dir(root()).stdin(Stdio::null());
    shell.envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell.output().unwrap().into()
}

/// Run `sisun` with these arguments, which must be refused at once.
#[track_caller]
fn refused(code: i32, args: &[&str], parts: &[&str]) {
    let began = Instant::now();
    let ran = sisun(args);
    assert!(
        began.elapsed() < Duration::from_secs(60),
        "{args:?} took {:?}",
        began.elapsed()
    );
    assert!(
        ran.code.is_some(),
        "{args:?} ended by a signal: {}",
        ran.stderr
    );
    ran.fails(code, parts);
}

#[test]
fn a_start_that_needs_too_much_leaves_nothing() {
    let lab = Lab::new();
    let (d, n) = (1_u64 << 24, 1_u64 << 40);
    // Terabytes, on any machine.
    let (deep, many) = ("--set=model.n_layers=99", "--set=train.batch_size=4096");
    let cases = [
        ("model.d_ff", d, deep, "GiB"),
        ("model.n_layers", d, "", "GiB"),
        ("model.d_model", d / 4 - 4, "", "GiB"),
        ("model.vocab_size", d, many, "GiB"),
        ("model.d_head", d / 4, deep, "GiB"),
        ("train.batch_size", n, "", "GiB"),
        ("train.gradient_accumulation_steps", n, "", "GiB"),
        (
            "train.batch_size",
            u64::MAX >> 1,
            "",
            "must be at most 2^40",
        ),
        (
            "train.gradient_accumulation_steps",
            1 << 62,
            "",
            "must be at most 2^40",
        ),
        ("model.d_ff", n, "", "must be at most 16777216"),
        ("model.context_len", d, deep, "GiB"),
        ("tokenizer.vocab_size", n, "", "tokenizer.vocab_size"),
        ("sample.tokens", 1 << 62, "", "must be at most"),
    ];
    for (key, value, beside, told) in cases {
        let set = format!("--set={key}={value}");
        let sets = [&set, beside].into_iter().filter(|set| !set.is_empty());
        let run = lab.train("run", &sets.collect::<Vec<&str>>());
        assert!(
            matches!(run.code, Some(1 | 2)),
            "{key} = {value}: {}",
            run.stderr
        );
        let code = run.code.unwrap();
        let names = if told == "GiB" {
            format!("{key} = {value} needs about ")
        } else {
            String::new()
        };
        run.fails(code, &[told, &names]);
        assert!(!lab.path("run").exists(), "{key} = {value} left a run");
    }
    // Together they do not overflow.
    let sets: Vec<String> = cases[..4]
        .iter()
        .map(|(key, value, ..)| format!("--set={key}={value}"))
        .collect();
    let sets: Vec<&str> = sets
        .iter()
        .map(String::as_str)
        .chain(["--set=model.context_len=16777216"])
        .collect();
    lab.train("run", &sets)
        .fails(1, &["needs about", "GiB of memory", "can be had here"]);
    assert!(!lab.path("run").exists());
}

#[test]
fn a_resume_that_needs_too_much_loses_nothing() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=3"]).ok();
    let resume = |more: &[&str]| {
        lab.train(
            "run",
            &[&["--resume", "--set=train.steps=4"], more].concat(),
        )
    };
    let before = fs::read(lab.path("run/config.toml")).unwrap();
    let ran = resume(&["--set=train.batch_size=1099511627776"]);
    assert_ne!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.code.is_some(), "{}", ran.stderr);
    assert_eq!(fs::read(lab.path("run/config.toml")).unwrap(), before);
    resume(&[]).ok();
    // A run whose settings were changed by hand.
    let settings = String::from_utf8(before).unwrap();
    for (from, to) in [
        ("d_ff = 144", "d_ff = 16777216"),
        ("batch_size = 5", "batch_size = 1099511627776"),
    ] {
        assert!(settings.contains(from), "{settings}");
        fs::write(lab.path("run/config.toml"), settings.replace(from, to)).unwrap();
        let ran = sisun(&["eval", &lab.at("run"), "--device", "cpu"]);
        assert!(
            matches!(ran.code, Some(0 | 1)) && !ran.stderr.contains("panicked"),
            "{to}: {:?} {}",
            ran.code,
            ran.stderr
        );
    }
}

#[cfg(target_os = "linux")]
#[test]
fn attention_over_a_long_text_is_refused_with_what_helps() {
    let lab = Lab::trained();
    let (run, out) = (lab.at("run"), lab.at("long-maps"));
    let text = "the kite ".repeat(13_000);
    let tokens = "tokens, each at every one before it, needs about";
    limited(&command(&[
        "attend", &run, "--text", &text, "--out", &out, "--device", "cpu",
    ]))
    .fails(
        1,
        &[tokens, "give a shorter text, fewer layers or fewer heads"],
    );
    limited(&command(&[
        "attend", &run, "--text", &text, "--out", &out, "--format", "html", "--device", "cpu",
    ]))
    .fails(1, &[tokens, "give a shorter text"]);
    limited(&command(&[
        "heads", &run, "--text", &text, "--fast", "--device", "cpu",
    ]))
    .fails(1, &[tokens, "give a shorter text"]);
    limited(&command(&[
        "explain", &run, "--text", &text, "--device", "cpu",
    ]))
    .fails(1, &[tokens, "give a shorter text"]);
    assert!(!lab.path("long-maps").exists(), "a folder was left");
    // The text of maps, which are drawn after training.
    let long = format!("--set=attend.text={:?}", "one day ".repeat(15_000));
    let told = limited(&lab.train_command("long", &[&long]));
    told.fails(
        1,
        &["tokens of attend.text needs about", "give a shorter text"],
    );
    assert!(!lab.path("long").exists());
    // A text that fits is drawn.
    limited(&command(&[
        "heads",
        &run,
        "--text",
        &text[..2_000],
        "--fast",
        "--device",
        "cpu",
    ]))
    .ok();
}

#[test]
fn every_number_of_every_command_may_be_huge() {
    let lab = Lab::trained();
    let run = lab.at("run");
    for huge in [
        "16777216",
        "1099511627776",
        "4611686018427387904",
        "18446744073709551615",
    ] {
        let lines: [&[&str]; 9] = [
            &["eval", &run, "--lengths", huge],
            &["eval", &run, "--windows", huge],
            &["heads", &run, "--windows", huge],
            &["explain", &run, "--text", "One day", "--layer", huge],
            &["explain", &run, "--text", "One day", "--head", huge],
            &[
                "attend",
                &run,
                "--text",
                "One day",
                "--layers",
                huge,
                "--out",
                &lab.at("huge"),
            ],
            &[
                "attend",
                &run,
                "--text",
                "One day",
                "--cell",
                huge,
                "--out",
                &lab.at("huge"),
            ],
            &["sample", &run, "-n", "3", "--top-k", huge],
            &["sample", &run, "-n", "3", "--seed", huge],
        ];
        for line in lines {
            let ran = sisun(&[line, &["--device", "cpu"]].concat());
            assert!(
                matches!(ran.code, Some(0..=2)),
                "{line:?}: {:?} {}",
                ran.code,
                ran.stderr
            );
            assert!(!ran.stderr.contains("panicked"), "{line:?}: {}", ran.stderr);
        }
    }
    for what in ["train", "decode", "attend"] {
        let (config, set) = (lab.at("lab.toml"), "--set=model.vocab_size=16777216");
        let line = [
            "bench",
            what,
            &config,
            set,
            "--set=model.d_model=4194300",
            "--device",
            "cpu",
        ];
        refused(1, &line, &["needs about", "GiB", "lower model."]);
    }
    let line = [
        "bench",
        "attend",
        &lab.at("lab.toml"),
        "--set=model.context_len=16777216",
        "--device",
        "cpu",
    ];
    refused(
        1,
        &line,
        &[
            "model.context_len = 16777216 tokens needs about",
            "lower it",
        ],
    );
}

#[test]
fn comparisons_of_too_much_are_refused() {
    let lab = Lab::new();
    let out = lab.at("report");
    let compare = |set: &str, parts: &[&str]| {
        let ran = sisun(&[
            "compare",
            "configs/compare-ablations.toml",
            "--budget",
            "smoke",
            set,
            "--out",
            &out,
        ]);
        assert!(
            matches!(ran.code, Some(1 | 2)),
            "{set}: {:?} {}",
            ran.code,
            ran.stderr
        );
        let code = ran.code.unwrap();
        ran.fails(code, parts);
    };
    compare(
        "--set=seeds=1099511627776",
        &["seeds = 1099511627776", "must be from 1 to 10000"],
    );
    compare(
        "--set=model.n_layers=16777216",
        &["model.n_layers = 16777216 needs about", "GiB"],
    );
    compare(
        "--set=train.batch_size=1099511627776",
        &["train.batch_size = 1099511627776 needs about", "GiB"],
    );
    let jobs = [
        "compare",
        "configs/compare-ablations.toml",
        "--budget",
        "smoke",
        "--jobs",
        "1099511627776",
        "--out",
        &out,
    ];
    refused(2, &jobs, &["--jobs 1099511627776", "give at most"]);
}

#[test]
fn more_threads_than_a_machine_can_use_are_refused() {
    for (threads, told) in [
        ("100000", "set it to at most"),
        ("18446744073709551615", "set it to at most"),
    ] {
        let ran = Ran::from(
            command(&["devices"])
                .env("RAYON_NUM_THREADS", threads)
                .output()
                .unwrap(),
        );
        ran.fails(2, &[&format!("RAYON_NUM_THREADS = {threads}"), told]);
    }
    Ran::from(
        command(&["devices"])
            .env("RAYON_NUM_THREADS", "100")
            .output()
            .unwrap(),
    )
    .ok();
}

/// Data larger than memory is written as it is generated.
#[cfg(target_os = "linux")]
#[test]
fn data_is_made_in_bounded_memory() {
    for line in [
        &[
            "data",
            "make",
            "stories",
            "--language",
            "en",
            "--bytes",
            "20000000000",
        ][..],
        &[
            "data",
            "make",
            "stories",
            "--language",
            "ko",
            "--bytes",
            "18446744073709551615",
        ],
        &[
            "data",
            "make",
            "task",
            "--task",
            "copy",
            "--count",
            "18446744073709551615",
        ],
    ] {
        let mut making = command(line).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = making.stdout.take().unwrap();
        let mut block = vec![0; 1 << 20];
        for _ in 0..20 {
            out.read_exact(&mut block).unwrap();
        }
        let mut status = String::new();
        File::open(format!("/proc/{}/status", making.id()))
            .unwrap()
            .read_to_string(&mut status)
            .unwrap();
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 100_000, "{line:?}: {peak} kB");
        // Close the pipe early.
        drop(out);
        assert_eq!(making.wait().unwrap().code(), Some(0));
    }
}

/// A damaged `config.json` causes no allocation.
#[test]
fn a_hugging_face_directory_that_claims_too_much_is_refused() {
    let lab = Lab::new();
    for family in ["llama_tied", "gpt2", "neox"] {
        let from = root().join("tests/peers/fixtures/hf").join(family);
        let dir = lab.path(family);
        copy_folder(&from, &dir);
        let whole: Value =
            serde_json::from_slice(&fs::read(from.join("config.json")).unwrap()).unwrap();
        let keys: Vec<&String> = whole
            .as_object()
            .unwrap()
            .iter()
            .filter(|(_, value)| value.is_number())
            .map(|(key, _)| key)
            .collect();
        assert!(keys.len() > 8, "{family}: {keys:?}");
        for key in keys {
            for huge in [
                json!(1_u64 << 24),
                json!(1_u64 << 40),
                json!(u64::MAX >> 1),
                json!(1e308),
            ] {
                let mut config = whole.clone();
                config[key] = huge.clone();
                fs::write(dir.join("config.json"), config.to_string()).unwrap();
                let ran = sisun(&[
                    "sample",
                    dir.to_str().unwrap(),
                    "--prompt",
                    "The",
                    "-n",
                    "2",
                    "--device",
                    "cpu",
                ]);
                let sound = matches!(ran.code, Some(0..=2)) && !ran.stderr.contains("panicked");
                assert!(
                    sound,
                    "{family}, {key} = {huge}: {:?} {}",
                    ran.code, ran.stderr
                );
            }
        }
    }
}
