//! Layers, heads, neurons and tokens counted from the end, and texts read from files: in every
//! command that takes them.

use crate::sisun::{Lab, Ran, command, sisun};
use std::fs;
use std::io::Write;
use std::process::Stdio;

const TEXT: &str = "The cat sat on the mat.";

/// Texts and answers of a patching.
const PATCH: [&str; 8] = [
    "--clean",
    "The cat sat on",
    "--corrupt",
    "The hat sat on",
    "--answer",
    " The",
    "--against",
    " He",
];

fn on(run: &str, command: &str, more: &[&str]) -> Ran {
    sisun(&[&[command, run, "--device", "cpu", "--quiet"], more].concat())
}

#[test]
fn whatever_is_numbered_is_counted_from_the_end_as_well() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let n = on(&run, "lens", &["--text", TEXT, "--json"]).ok().json()["tokens"]
        .as_array()
        .unwrap()
        .len();
    let [second_last, third_last] = [n - 2, n - 3].map(|number| number.to_string());
    let text = ["--text", TEXT];
    let same = |command: &str, by_end: &[&str], by_number: &[&str]| {
        let found = |more: &[&str]| {
            let ran = on(&run, command, more).ok();
            let mut said = ran.json();
            // What is written is not what is asked.
            for changing in ["edits", "tokens_per_second", "prompt_s"] {
                said.as_object_mut().unwrap().remove(changing);
            }
            said
        };
        assert_eq!(found(by_end), found(by_number), "{command} {by_end:?}");
    };
    let explain = ["--text", TEXT, "--json"];
    same(
        "explain",
        &[
            &explain[..],
            &["--layer", "-2", "--head", "last", "--query", "-2"],
        ]
        .concat(),
        &[
            &explain[..],
            &["--layer", "0", "--head", "2", "--query", &second_last],
        ]
        .concat(),
    );
    let ends = ["--layer", "last", "--head", "-3", "--query", "last"];
    same("explain", &[&explain[..], &ends].concat(), &explain);
    same(
        "attribute",
        &[&text[..], &["--answer", " a", "--json", "--query", "-3"]].concat(),
        &[
            &text[..],
            &["--answer", " a", "--json", "--query", &third_last],
        ]
        .concat(),
    );
    same(
        "circuits",
        &["--json", "--head=-1.-2"],
        &["--json", "--head", "1.1"],
    );
    let windows = ["--windows", "2", "--json"];
    let last = on(&run, "neuron", &[&["last.-1"], &windows[..]].concat());
    let last = last.ok().json()["neuron"].as_str().unwrap().to_owned();
    same(
        "neuron",
        &[&["last.-1"], &windows[..]].concat(),
        &[&[last.as_str()], &windows[..]].concat(),
    );
    let number: usize = last.strip_prefix("1.").unwrap().parse().unwrap();
    on(&run, "neuron", &[&format!("1.{}", number + 1)]).fails(2, &["there is no neuron"]);
    let patch = |more: &[&'static str]| [&PATCH[..], &["--json"], more].concat();
    let tokens = on(&run, "patch", &patch(&["--at", "z"])).ok().json();
    let end = tokens["clean"]["tokens"].as_array().unwrap().len() - 1;
    let by_number = format!("--at-token={end}:{}", end - 1);
    let by_number = [&PATCH[..], &["--json", "--at", "z", &by_number]].concat();
    same(
        "patch",
        &patch(&["--at", "z", "--at-token=last:-2"]),
        &by_number,
    );
    same(
        "patch",
        &patch(&["--to-head", "last.-1", "--from-head", "-2.0"]),
        &patch(&["--to-head", "1.2", "--from-head", "0.0"]),
    );
    same(
        "eval",
        &[&windows[..], &["--edit", "z last.-1 @-1 = zero"]].concat(),
        &[&windows[..], &["--edit", "z 1.2 @22 = zero"]].concat(),
    );
    let write = [
        "--prompt",
        "The cat",
        "-n",
        "6",
        "--temperature",
        "0",
        "--json",
    ];
    same(
        "sample",
        &[&write[..], &["--edit", "pattern -1.0-last @last:-2 = 0.9"]].concat(),
        &[&write[..], &["--edit", "pattern 1.0-2 @3:2 = 0.9"]].concat(),
    );
    let maps = |name: &str, more: &[&str]| {
        let out = lab.at(name);
        on(
            &run,
            "attend",
            &[&text[..], &["--out", &out, "--format", "json"], more].concat(),
        )
        .ok();
        fs::read_to_string(lab.path(name).join("attention.json")).unwrap()
    };
    assert_eq!(
        maps("from the end", &["--layers", "last", "--heads=-2-last"]),
        maps("from the start", &["--layers", "1", "--heads", "1-2"])
    );
    // Errors name both ways of counting.
    for (command, more) in [
        ("attend", &["--text", TEXT, "--layers=-3"][..]),
        ("attend", &["--text", TEXT, "--heads", "3"]),
        ("explain", &["--text", TEXT, "--layer", "2"]),
        ("explain", &["--text", TEXT, "--head", "-4"]),
        ("explain", &["--text", TEXT, "--query", "-99"]),
        (
            "attribute",
            &["--text", TEXT, "--answer", " a", "--query", "99"],
        ),
        ("circuits", &["--head", "-3.0"]),
        ("neuron", &["0.99999"]),
        ("eval", &["--edit", "z -3.0 = zero"]),
        ("eval", &["--edit", "z 0.9 = zero"]),
        ("eval", &["--edit", "z 0.0 @-99 = zero"]),
        ("patch", &patch(&["--to-head", "9.0"])),
        ("patch", &patch(&["--at", "z", "--at-token", "-9"])),
    ] {
        on(&run, command, more).fails(2, &["-1 from the end"]);
    }
}

#[test]
fn every_text_is_read_from_a_file_too() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let path = lab.path("given.txt");
    fs::write(&path, format!("\u{FEFF}{TEXT}\r\n")).unwrap();
    let file = path.to_str().unwrap();
    let answer = ["--answer", " a", "--json"];
    let out = lab.at("given maps");
    for (command, more) in [
        ("lens", &["--json"][..]),
        ("attribute", &answer),
        ("explain", &["--json"]),
        ("heads", &["--fast", "--json"]),
        ("attend", &["--json", "--out", &out, "--format", "json"]),
    ] {
        let found = |given: [&str; 2]| on(&run, command, &[&given, more].concat()).ok().json();
        assert_eq!(
            found(["--text-file", file]),
            found(["--text", TEXT]),
            "{command}"
        );
        on(
            &run,
            command,
            &[&["--text", "a", "--text-file", file], more].concat(),
        )
        .fails_by_clap(&["cannot be used with"]);
        on(
            &run,
            command,
            &[&["--text-file", "no such file"], more].concat(),
        )
        .fails(1, &["text file no such file"]);
    }
    let [clean, corrupt] =
        [("clean.txt", PATCH[1]), ("corrupt.txt", PATCH[3])].map(|(name, text)| {
            fs::write(lab.path(name), format!("{text}\n")).unwrap();
            lab.at(name)
        });
    let at = ["--at", "z", "--json"];
    let files = ["--clean-file", &clean, "--corrupt-file", &corrupt];
    assert_eq!(
        on(&run, "patch", &[&files, &PATCH[4..], &at].concat())
            .ok()
            .json(),
        on(&run, "patch", &[&PATCH[..], &at].concat()).ok().json()
    );
    let twice = ["--clean-file", "-", "--corrupt-file", "-"];
    on(&run, "patch", &[&twice, &PATCH[4..], &at].concat()).fails(2, &["holds one text"]);
    let piped = |text: &str| {
        let arguments = [
            "lens",
            &run,
            "--text-file",
            "-",
            "--json",
            "--quiet",
            "--device",
            "cpu",
        ];
        let mut child = command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(text.as_bytes()).unwrap();
        drop(input);
        Ran::from(child.wait_with_output().unwrap())
    };
    assert_eq!(piped(&format!("{TEXT}\n")).ok().json()["text"], TEXT);
    piped("\n").fails(2, &["--text-file", "the text is empty"]);
}
