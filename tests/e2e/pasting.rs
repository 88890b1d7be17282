//! Commands in messages work when they are pasted into a shell, whatever the names of files.

#![cfg(unix)]

use crate::sisun::{Lab, Ran, command, root};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names that need quoting: spaces, quotes, Korean, a leading dash.
const NAMES: [&str; 3] = ["-run of mine", "it's \"한글\" $HOME", "a;b & `c` *"];

fn within(folder: &Path, args: &[&str]) -> Ran {
    command(args).current_dir(folder).output().unwrap().into()
}

/// Run a line in a shell in which `sisun` is the binary.
fn paste(folder: &Path, line: &str) -> Ran {
    let script = format!("sisun() {{ \"$SISUN\" \"$@\"; }}\n{line}");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &script])
        .env("SISUN", env!("CARGO_BIN_EXE_sisun"))
        .current_dir(folder)
        .stdin(Stdio::null());
    shell.output().unwrap().into()
}

/// Return the rest of the line that begins with this.
#[track_caller]
fn after<'t>(text: &'t str, lead: &str) -> &'t str {
    text.lines()
        .find_map(|line| line.strip_prefix(lead))
        .unwrap_or_else(|| panic!("no {lead:?} in {text}"))
}

const OPTIONS: [&str; 4] = ["--device", "cpu", "--json", "--quiet"];
const ASKED: &str = "--device cpu --quiet --json";

#[test]
fn suggested_commands_can_be_pasted_with_the_options_that_were_given() {
    let lab = Lab::new();
    let folder = lab.folder.path();
    for (number, name) in NAMES.into_iter().enumerate() {
        let run = format!("runs/{name}");
        let run_option = format!("--run={run}");
        let train = |more: &[&str]| {
            let args = [&["train", "lab.toml", &run_option], &OPTIONS[..], more].concat();
            within(folder, &args)
        };
        let steps = ["--set", "train.steps=4"];
        // What a finished run suggests next.
        let told = within(
            folder,
            &[
                "train",
                "lab.toml",
                &run_option,
                "--set",
                "train.steps=4",
                "--device",
                "cpu",
            ],
        )
        .ok()
        .stdout;
        paste(folder, &format!("{} -n 2", after(&told, "next: "))).ok();
        let attend = told.lines().last().unwrap().trim();
        paste(folder, attend).ok();
        // The same again.
        let told = train(&steps)
            .fails(1, &["has done all of its 4 steps", ASKED])
            .stderr;
        paste(folder, after(&told, "to train it longer: ")).ok();
        // A run named instead of a configuration.
        let named = ["train", &run[..]];
        let told = within(folder, &[&named, &OPTIONS[..]].concat())
            .fails(2, &["is a run", ASKED])
            .stderr;
        let ran = paste(folder, after(&told, "to train it longer: ")).ok();
        assert_eq!(ran.json()["step"], 16);
        // Settings that may not change.
        let resume = [
            "train",
            "--resume",
            &run,
            "--set",
            "train.lr_max=0.002",
            "--set",
            "train.steps=17",
        ];
        let told = within(folder, &[&resume, &OPTIONS[..]].concat())
            .fails(2, &["may not change", "in a new run: ", ASKED])
            .stderr;
        assert!(
            after(&told, "to go on as it is: ").ends_with(ASKED),
            "{told}"
        );
        let ran = paste(folder, after(&told, "in a new run: ")).ok();
        assert_eq!(ran.json()["step"], 17);
        assert!(ran.stderr.is_empty(), "{}", ran.stderr);
        // Other text.
        let other = format!("other text {number}.txt");
        let stories = fs::read_to_string(lab.path("stories.txt")).unwrap();
        fs::write(lab.path(&other), &stories[..20_000]).unwrap();
        let sources = format!("data.sources={:?}", [&other]);
        let resume = [
            "train",
            "--resume",
            &run,
            "--set",
            "train.steps=17",
            "--set",
            &sources,
        ];
        let told = within(folder, &[&resume, &OPTIONS[..]].concat())
            .fails(1, &["this is not the text", "in a new run: ", ASKED])
            .stderr;
        paste(folder, after(&told, "in a new run: ")).ok();
    }
    // A loss that is no number.
    let hot = [
        "--set",
        "train.lr_max=1e30",
        "--set",
        "train.grad_clip=0",
        "--set",
        "train.steps=4",
    ];
    let args = [
        &["train", "lab.toml", "--run", "runs/hot one"],
        &hot[..],
        &OPTIONS[..],
    ]
    .concat();
    let told = within(folder, &args)
        .fails(1, &["with a tenth of the learning rate: "])
        .stderr;
    let way = after(&told, "with a tenth of the learning rate: ");
    assert!(way.ends_with(ASKED), "{way}");
}

#[test]
fn the_commands_of_init_and_of_a_lonely_text_can_be_pasted() {
    let lab = Lab::new();
    let folder = lab.folder.path();
    let text = fs::read_to_string(root().join("data/stories-en.txt")).unwrap();
    for name in ["it's \"mine\" 한글.txt", "a & b.txt"] {
        fs::write(lab.path(name), &text[..3_000]).unwrap();
        let told = within(folder, &["train", name])
            .fails(2, &["to write one for it: "])
            .stderr;
        let init = format!(
            "{} --minutes 0.1 --device cpu",
            after(&told, "to write one for it: ")
        );
        let told = paste(folder, &init).ok().stdout;
        let train = format!(
            "{} --set train.steps=12 --device cpu",
            after(&told, "next: ")
        );
        paste(folder, &train).ok();
    }
}

#[test]
fn a_text_without_quotes_is_told() {
    let lab = Lab::trained();
    let run = lab.at("run");
    let tip = |args: &[&str]| {
        let ran = crate::sisun::sisun(args);
        assert_ne!(ran.code, Some(0), "{args:?}");
        ran.stderr
    };
    for (args, line) in [
        (
            &["sample", &run, "--prompt", "Once", "upon", "a", "time"][..],
            "--prompt 'Once upon a time'",
        ),
        (
            &["sample", "--prompt", "Once", "upon", "a", "time"],
            "--prompt 'Once upon a time'",
        ),
        (
            &["sample", &run, "--prompt=Once", "upon"],
            "--prompt 'Once upon'",
        ),
        (
            &["attend", &run, "--text", "The", "cat", "sat"],
            "--text 'The cat sat'",
        ),
        (
            &["attend", "--text", "The", "cat", "sat", "--format", "html"],
            "--text 'The cat sat'",
        ),
        (
            &["heads", &run, "--text", "고양이가", "앉았다", "--fast"],
            "--text '고양이가 앉았다'",
        ),
        (
            &["explain", &run, "--text", "The", "cat"],
            "--text 'The cat'",
        ),
    ] {
        let told = tip(args);
        assert!(
            told.contains(&format!("put the text in quotes: {line}")),
            "{args:?}: {told}"
        );
    }
    let told = tip(&["sample", "--prompt", "Once", "runs/none"]);
    assert!(!told.contains("quotes"), "{told}");
}
