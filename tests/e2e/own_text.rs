//! A run's text must be the one it was trained on, or its readers report the difference.

use crate::sisun::{Lab, Ran, command, sisun};
use std::fs;
use std::process::Command;

/// Create a lab with a short run of its own, because its text is changed.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.train(
        "run",
        &["--set", "train.steps=4", "--set", "train.eval_every=4"],
    )
    .ok();
    lab
}

/// Run every command that reads the text of a run.
fn readers(lab: &Lab) -> [Ran; 4] {
    let (run, page) = (lab.at("run"), lab.at("page"));
    [
        sisun(&["eval", &run]),
        sisun(&["heads", &run, "--text", "One day", "--windows", "1"]),
        sisun(&[
            "attend",
            &run,
            "--text",
            "One day",
            "--format",
            "html",
            "--ablate",
            "--windows",
            "1",
            "--out",
            &page,
        ]),
        lab.train(
            "run",
            &[
                "--resume",
                "--set",
                "train.steps=6",
                "--set",
                "train.eval_every=4",
            ],
        ),
    ]
}

#[test]
fn text_that_has_changed_is_refused_by_whoever_reads_it() {
    let lab = lab();
    let text = fs::read_to_string(lab.path("stories.txt")).unwrap();
    let half = text[..text.len() / 2].rfind("\n\n").unwrap();
    let swapped = text.replacen("One", "Two", 1);
    assert_ne!(swapped, text);
    let size = format!("{} bytes in 1 file", text.len());
    let cut = format!("{half} bytes in 1 file");
    let cases = [
        (
            text[..half].to_owned(),
            vec!["it was", size.as_str(), cut.as_str()],
        ),
        (swapped, vec!["still", size.as_str()]),
        (String::new(), vec!["holds no text"]),
    ];
    for (changed, parts) in cases {
        fs::write(lab.path("stories.txt"), changed).unwrap();
        for ran in readers(&lab) {
            ran.fails(
                1,
                &[
                    &[
                        "not the text that",
                        "it has changed",
                        "--data",
                        "restore it",
                    ],
                    parts.as_slice(),
                ]
                .concat(),
            );
        }
    }
    fs::remove_file(lab.path("stories.txt")).unwrap();
    for ran in readers(&lab) {
        ran.fails(
            1,
            &["was trained on cannot be read", "stories.txt", "--data"],
        );
    }
    // The same text with Windows line ends, or found through a folder's name, is unchanged.
    fs::write(lab.path("stories.txt"), text.replace('\n', "\r\n")).unwrap();
    sisun(&["eval", &lab.at("run")]).ok();
    // An explicitly named text is not checked.
    fs::write(lab.path("other.txt"), "One day Mia found a kite.").unwrap();
    fs::write(lab.path("stories.txt"), &text[..half]).unwrap();
    sisun(&["eval", &lab.at("run"), "--data", &lab.at("other.txt")]).ok();
}

#[test]
fn a_setting_that_decides_over_the_text_is_not_taken_for_the_text() {
    let lab = lab();
    let resume =
        |set: &str| lab.train("run", &["--resume", "--set", "train.steps=6", "--set", set]);
    resume("data.documents=file").fails(
        1,
        &[
            "data.documents (\"paragraph\" → \"file\") decides over it",
            "its files are the same",
        ],
    );
    resume("data.validation_fraction=0.3").fails(
        1,
        &[
            "data.validation_fraction (0.2 → 0.3)",
            "its files are the same",
        ],
    );
    let text = fs::read_to_string(lab.path("stories.txt")).unwrap();
    fs::write(lab.path("stories.txt"), text.clone() + "\n\nMore.").unwrap();
    resume("data.documents=file").fails(1, &["data.documents", "it has changed (it was"]);
    // Another name for the same text.
    fs::write(lab.path("renamed.txt"), text).unwrap();
    let renamed = format!("data.sources=[{:?}]", lab.at("renamed.txt"));
    resume(&renamed).ok();
}

/// Checkpoints from before source checksums were recorded can still be read.
#[test]
fn a_checkpoint_that_does_not_say_what_was_read_is_opened() {
    let lab = lab();
    for folder in fs::read_dir(lab.path("run/checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let Ok(state) = fs::read_to_string(folder.join("state.json")) else {
            continue;
        };
        let mut state: serde_json::Value = serde_json::from_str(&state).unwrap();
        assert!(state.as_object_mut().unwrap().remove("sources").is_some());
        fs::write(folder.join("state.json"), state.to_string()).unwrap();
        let sum = Command::new("sha256sum")
            .arg("state.json")
            .current_dir(&folder)
            .output()
            .unwrap();
        fs::write(folder.join("state.json.sha256"), sum.stdout).unwrap();
    }
    sisun(&["eval", &lab.at("run")]).ok();
    let text = fs::read_to_string(lab.path("stories.txt")).unwrap();
    fs::write(lab.path("stories.txt"), text.replacen("One", "Two", 1)).unwrap();
    sisun(&["eval", &lab.at("run")]).fails(1, &["not the text that", "it has changed;"]);
    fs::write(lab.path("stories.txt"), text.replacen("One", "Two\r", 1)).unwrap();
    sisun(&["eval", &lab.at("run")]).fails(1, &["not the text that", "carriage return"]);
}

#[test]
fn a_field_of_json_lines_is_read_whatever_the_file_is_called() {
    let lab = Lab::trained();
    let lines = "{\"id\": 1, \"body\": \"One day Mia found a kite. It was red.\"}\n{\"body\": \"The end came.\"}\n";
    fs::write(lab.path("body.json"), lines).unwrap();
    fs::write(
        lab.path("body.txt"),
        "One day Mia found a kite. It was red.\n\nThe end came.",
    )
    .unwrap();
    let (run, json, plain) = (lab.at("run"), lab.at("body.json"), lab.at("body.txt"));
    let as_records = sisun(&[
        "eval",
        &run,
        "--data",
        &json,
        "--jsonl-field",
        "body",
        "--json",
    ])
    .ok();
    let as_text = sisun(&["eval", &run, "--data", &plain, "--json"]).ok();
    assert_eq!(as_records.stdout, as_text.stdout);
    let unsaid = sisun(&["eval", &run, "--data", &json]).ok();
    assert!(
        unsaid.stderr.contains("looks like JSON lines"),
        "{}",
        unsaid.stderr
    );
    sisun(&["eval", &run, "--data", &json, "--jsonl-field", "txt"])
        .fails(1, &["no field `txt` (fields: id, body)"]);
    assert_eq!(
        sisun(&["eval", &run, "--jsonl-field", "body"]).code,
        Some(2)
    );

    let train = |name: &str| {
        let mut train = command(&[
            "tokenizer",
            "train",
            "--kind",
            "char",
            "--data",
            "-",
            "--out",
            &lab.at(name),
        ]);
        train
            .args(["--jsonl-field", "body"])
            .stdin(fs::File::open(&json).unwrap());
        Ran::from(train.output().unwrap())
    };
    train("letters.json").ok();
    let letters = fs::read_to_string(lab.path("letters.json")).unwrap();
    assert!(
        letters.contains("\"M\"") && !letters.contains("\"{\""),
        "{letters}"
    );
}
