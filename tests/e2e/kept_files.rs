//! Existing output files are not overwritten by accident.

use crate::sisun::{Lab, command, sisun};
use std::fs;
use std::process::Stdio;

#[test]
fn a_file_that_is_there_is_replaced_only_when_that_is_asked_for() {
    let lab = Lab::new();
    lab.train("run", &["--set", "train.steps=4"]).ok();
    let (text, run) = (lab.at("stories.txt"), lab.at("run"));
    let commands: [(&str, &[&str]); 3] = [
        (
            "tokenizer.json",
            &[
                "tokenizer",
                "train",
                "--data",
                &text,
                "--vocab-size",
                "300",
                "--out",
            ],
        ),
        (
            "copy.jsonl",
            &[
                "data", "make", "task", "--task", "copy", "--count", "3", "--out",
            ],
        ),
        (
            "more.txt",
            &[
                "data",
                "make",
                "stories",
                "--language",
                "en",
                "--bytes",
                "99",
                "--out",
            ],
        ),
    ];
    for (name, args) in commands {
        let (path, option) = (lab.at(name), *args.last().unwrap());
        let ran = |more: &[&str]| sisun(&[args, &[&path], more].concat());
        fs::write(&path, "mine").unwrap();
        ran(&[]).fails(2, &[&path, "exists already", option, "--force"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine", "{name}");
        // A file with the beginning of the same text differs.
        ran(&["--force"]).ok();
        let written = fs::read_to_string(&path).unwrap();
        assert!(written.len() > 20, "{name}");
        fs::write(&path, &written[..written.len() - 1]).unwrap();
        ran(&[]).fails(2, &["exists already"]);
        fs::write(&path, format!("{written}x")).unwrap();
        ran(&[]).fails(2, &["exists already"]);
        // An empty file has nothing to lose.
        fs::write(&path, "").unwrap();
        ran(&[]).ok();
        assert!(fs::metadata(&path).unwrap().len() > 20, "{name}");
    }
    // A trace replaces only an earlier trace.
    for name in ["why.json", "why.html"] {
        let path = lab.at(name);
        let trace = [
            "sample", &run, "--prompt", "One", "-n", "2", "--device", "cpu", "--trace",
        ];
        let ran = |more: &[&str]| sisun(&[&trace[..], &[&path], more].concat());
        fs::write(&path, "mine").unwrap();
        ran(&[]).fails(2, &[&path, "exists already", "--trace", "--force"]);
        ran(&["--force"]).ok();
        ran(&[]).ok();
    }
    // Writing identical data again is harmless.
    sisun(&[commands[1].1, &[&lab.at("copy.jsonl")]].concat()).ok();
    // A run's own tokenizer at the default output path.
    let before = fs::read(lab.path("run/tokenizer.json")).unwrap();
    let ran: crate::sisun::Ran = command(&["tokenizer", "train", "--data", &text])
        .current_dir(lab.path("run"))
        .output()
        .unwrap()
        .into();
    ran.fails(2, &["tokenizer.json exists already", "--out", "--force"]);
    assert_eq!(fs::read(lab.path("run/tokenizer.json")).unwrap(), before);
    sisun(&[
        "sample", &run, "--prompt", "One", "-n", "1", "--device", "cpu",
    ])
    .ok();
}

#[test]
fn data_is_made_into_folders_that_are_not_there_and_into_standard_output() {
    let lab = Lab::new();
    let make = [
        "data", "make", "task", "--task", "copy", "--count", "3", "--out",
    ];
    let deep = lab.at("new/folder/copy.jsonl");
    sisun(&[&make[..], &[&deep]].concat()).ok();
    let dash = command(&[&make[..], &["-"]].concat())
        .current_dir(lab.folder.path())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(dash.stdout, fs::read(&deep).unwrap());
    assert!(!lab.path("-").exists());
    let below = lab.at("stories.txt/copy.jsonl");
    sisun(&[&make[..], &[&below]].concat()).fails(1, &["stories.txt"]);
    let tokenizer = lab.at("tokens/deep/tokenizer.json");
    let text = lab.at("stories.txt");
    sisun(&[
        "tokenizer",
        "train",
        "--data",
        &text,
        "--vocab-size",
        "300",
        "--out",
        &tokenizer,
    ])
    .ok();
}
