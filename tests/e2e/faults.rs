//! Processes that are killed, and system calls that fail, at any file access: afterwards the files
//! are in the old or the new state, the same command or `--resume` then produces the same bytes as
//! without the fault, other files are untouched, and no leftovers remain.
//!
//! A preloaded shim (`faults/shim.c`) counts the calls and makes one of them fail. A few cases of
//! each kind always run. This runs all and prints their number:
//!
//! ```text
//! SISUN_FAULTS=all cargo test --release -p sisun-cli --test e2e faults:: -- \
//!     --nocapture --test-threads=1
//! ```

use crate::sisun::{Ran, command, copy_folder, root};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use tempfile::TempDir;

/// The library to preload, built once. `None` without a C compiler, which only this test needs.
static SHIM: LazyLock<Option<(TempDir, PathBuf)>> = LazyLock::new(|| {
    let folder = TempDir::new().unwrap();
    let library = folder.path().join("shim.so");
    let source = root().join("tests/e2e/faults/shim.c");
    let built = Command::new("cc")
        .args(["-O1", "-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .status();
    match built {
        Ok(status) => {
            assert!(status.success(), "the shim does not compile");
            Some((folder, library))
        }
        Err(_) => {
            eprintln!("NOT RUN: faults (no C compiler named cc)");
            None
        }
    }
});

/// Faults: the shim's name for each, and whether all later calls fail as well.
const FAULTS: [(&str, bool); 6] = [
    ("kill", false),
    ("ENOSPC", false),
    ("ENOSPC", true),
    ("EIO", false),
    ("EACCES", false),
    ("EMFILE", false),
];

/// Number of cases of each fault that run without `SISUN_FAULTS=all`.
const FEW: u64 = 3;

/// A user's file in every folder that is used.
const MINE: &str = "mine.txt";

/// A command to disturb and the commands around it.
struct Scenario<'s> {
    /// Commands that prepare the disturbed one.
    before: &'s [&'s [&'s str]],
    /// The command to disturb.
    disturbed: &'s [&'s str],
    /// Commands of which the first to succeed completes the disturbed one.
    after: &'s [&'s [&'s str]],
    /// A command that must work at any time after a fault, if it worked before.
    always: &'s [&'s str],
}

const CONFIG: &str = r#"
name = "tiny"
[data]
sources = ["stories.txt"]
documents = "paragraph"
validation_fraction = 0.1
[tokenizer]
kind = "char"
[model]
d_model = 16
n_layers = 1
n_heads = 2
context_len = 16
position = "rope"
norm = "rms"
bias = false
[train]
steps = 8
batch_size = 2
lr_max = 1e-3
eval_every = 4
eval_windows = 2
checkpoint_every = 2
keep_checkpoints = 2
log_every = 1
[sample]
prompt = "One"
tokens = 5
every = 4
[attend]
text = "The cat sat."
"#;

const COMPARISON: &str = r#"
seeds = 1
baseline = "none"
[vary]
"model.position" = ["none", "rope"]
[model]
d_model = 16
n_layers = 1
n_heads = 2
context_len = 16
position = "none"
[train]
steps = 3
batch_size = 2
lr_max = 1e-3
[tracks.copy]
kind = "task"
task = "copy"
train_lengths = [1, 3]
test_lengths = [2, 4]
examples = 4
[budgets.class]
"#;

pub(crate) const TRAIN: &[&str] = &[
    "train",
    "tiny.toml",
    "--run",
    "run",
    "--device",
    "cpu",
    "--quiet",
];
pub(crate) const RESUME: &[&str] = &[
    "train",
    "tiny.toml",
    "--run",
    "run",
    "--resume",
    "--device",
    "cpu",
    "--quiet",
];
pub(crate) const SAMPLE: &[&str] = &[
    "sample", "run", "--prompt", "One", "--tokens", "3", "--device", "cpu", "--quiet",
];
pub(crate) const EXPORT: &[&str] = &["export", "run", "--to", "out", "--device", "cpu", "--quiet"];
const ATTEND: &[&str] = &[
    "attend",
    "run",
    "--text",
    "The cat.",
    "--out",
    "out",
    "--format",
    "json,csv,npz,safetensors,html",
    "--device",
    "cpu",
    "--quiet",
];
pub(crate) const COMPARE: &[&str] = &["compare", "grid.toml", "--out", "out", "--quiet"];
const MAKE: &[&str] = &[
    "data",
    "make",
    "stories",
    "--language",
    "en",
    "--bytes",
    "4000",
    "--out",
    "out.txt",
];

pub(crate) fn shorter(command: &[&'static str]) -> Vec<&'static str> {
    [command, &["--set", "train.steps=4"]].concat()
}

/// Create a folder with text, configurations, a cache, and a user's file.
pub(crate) fn workplace() -> TempDir {
    let folder = TempDir::new().unwrap();
    let stories = fs::read_to_string(root().join("data/stories-en.txt")).unwrap();
    let end = stories[..6_000].rfind("\n\n").unwrap();
    fs::write(folder.path().join("stories.txt"), &stories[..end]).unwrap();
    fs::write(folder.path().join("tiny.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("grid.toml"), COMPARISON).unwrap();
    fs::write(folder.path().join(MINE), "mine").unwrap();
    folder
}

pub(crate) fn in_folder(folder: &Path, args: &[&str]) -> Command {
    let mut command = command(args);
    // One thread, so that the calls always have the same order.
    command
        .current_dir(folder)
        .env("SISUN_CACHE_DIR", folder.join("cache"))
        .env("RAYON_NUM_THREADS", "1");
    command
}

pub(crate) fn run(folder: &Path, args: &[&str]) -> Ran {
    in_folder(folder, args).output().unwrap().into()
}

/// Run the command with the fault at call `at` (0: no fault), and return the number of calls if it
/// ran to its end.
fn disturb(
    folder: &Path,
    args: &[&str],
    (fault, stays): (&str, bool),
    at: u64,
) -> (Ran, Option<u64>) {
    let (_, library) = SHIM.as_ref().expect("looked at before");
    let count = TempDir::new().unwrap();
    let count = count.path().join("count");
    let mut command = in_folder(folder, args);
    command
        .env("LD_PRELOAD", library)
        .env("SISUN_FAULT_ROOT", folder)
        .env("SISUN_FAULT", fault);
    command
        .env("SISUN_FAULT_AT", at.to_string())
        .env("SISUN_FAULT_COUNT", &count);
    if stays {
        command.env("SISUN_FAULT_STAYS", "1");
    }
    let ran = command.output().unwrap().into();
    (
        ran,
        fs::read_to_string(&count)
            .ok()
            .and_then(|text| text.parse().ok()),
    )
}

/// Files that contain times.
const CLOCK: [&str; 9] = [
    "metrics.jsonl",
    "state.json",
    "state.json.sha256",
    "environment.json",
    "report.html",
    "summary.json",
    "measures.csv",
    "measures.parquet",
    "report.md",
];

/// Return every file with its expected contents, or empty contents if they depend on the clock.
fn snapshot(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() {
                walk(&entry.path(), &format!("{prefix}{name}/"), found);
                continue;
            }
            // A lock file that could not be removed is free, and the next process takes it.
            if name.ends_with(".lock") {
                continue;
            }
            let by_the_clock = CLOCK.contains(&name.as_str())
                || name.starts_with("copy-time.")
                || prefix.contains("cells/");
            let (name, fixed) = match name.starts_with("events.out.tfevents") {
                true => ("events".to_owned(), false),
                false => (name, !by_the_clock),
            };
            let content = if fixed {
                fs::read(entry.path()).unwrap()
            } else {
                Vec::new()
            };
            found.insert(format!("{prefix}{name}"), content);
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, "", &mut found);
    found
}

fn differences(
    found: &BTreeMap<String, Vec<u8>>,
    expected: &BTreeMap<String, Vec<u8>>,
) -> Vec<String> {
    let missing = expected
        .keys()
        .filter(|name| !found.contains_key(*name))
        .map(|name| format!("{name} is missing"));
    let more = found
        .iter()
        .filter_map(|(name, content)| match expected.get(name) {
            None => Some(format!("{name} is left over")),
            Some(expected) => (content != expected).then(|| format!("{name} differs")),
        });
    missing.chain(more).collect()
}

/// Return a description of what is wrong after this fault, if anything.
fn problem(
    scenario: &Scenario<'_>,
    start: &Path,
    expected: &BTreeMap<String, Vec<u8>>,
    fault: (&str, bool),
    at: u64,
) -> Option<String> {
    let folder = TempDir::new().unwrap();
    copy_folder(start, folder.path());
    let folder = folder.path();
    let (ran, _) = disturb(folder, scenario.disturbed, fault, at);
    if ran.stderr.contains("panicked") || ran.code.is_some_and(|code| code > 2) {
        return Some(format!("it ended with {:?}: {}", ran.code, ran.stderr));
    }
    if fault.0 != "kill" && ran.code.is_none() {
        return Some(format!("it crashed: {}", ran.stderr));
    }
    if !names_its_cause(fault.0, &ran) {
        return Some(format!(
            "it failed for another reason than the fault: {}",
            ran.stderr
        ));
    }
    if fs::read_to_string(folder.join(MINE)).ok().as_deref() != Some("mine") {
        return Some("the user's own file was touched".to_owned());
    }
    if !scenario.always.is_empty() {
        let read = run(folder, scenario.always);
        if read.code != Some(0) {
            return Some(format!(
                "afterwards {:?} fails: {}",
                scenario.always, read.stderr
            ));
        }
    }
    let mut told = Vec::new();
    if ran.code != Some(0) {
        // A command that lacked only a last sync or the removal of a lock reports that it is done;
        // the snapshot verifies this.
        let ended = scenario.after.iter().any(|args| {
            let ran = run(folder, args);
            told.push(format!("{args:?}: {}", ran.stderr.trim()));
            let is_done = |said: &str| ran.stderr.contains(said);
            ran.code == Some(0) || is_done("has done all of its") || is_done("is there already")
        });
        if !ended {
            return Some(format!(
                "nothing ends it\n    first: {}\n    {}",
                ran.stderr.trim(),
                told.join("\n    ")
            ));
        }
    }
    let differences = differences(&snapshot(folder), expected);
    (!differences.is_empty()).then(|| {
        format!(
            "{}\n    first: {}\n    {}",
            differences.join(", "),
            ran.stderr.trim(),
            told.join("\n    ")
        )
    })
}

/// Return true if a failed command reports the fault: an error must not be mistaken for a missing
/// or a damaged file.
fn names_its_cause(fault: &str, ran: &Ran) -> bool {
    let cause = match fault {
        "ENOSPC" => "no space left on device",
        "EIO" => "input/output error",
        "EACCES" => "permission denied",
        "EMFILE" => "too many open files",
        _ => return true,
    };
    ran.code == Some(0) || ran.stderr.contains(cause)
}

#[track_caller]
fn try_faults(name: &str, scenario: &Scenario<'_>) {
    if SHIM.is_none() {
        return;
    }
    let all = std::env::var("SISUN_FAULTS").is_ok_and(|value| value == "all");
    let start = workplace();
    for args in scenario.before {
        run(start.path(), args).ok();
    }
    let undisturbed = TempDir::new().unwrap();
    copy_folder(start.path(), undisturbed.path());
    run(undisturbed.path(), scenario.disturbed).ok();
    let expected = snapshot(undisturbed.path());

    let (mut cases, mut problems) = (0, Vec::new());
    for fault in FAULTS {
        let folder = TempDir::new().unwrap();
        copy_folder(start.path(), folder.path());
        let (ran, calls) = disturb(folder.path(), scenario.disturbed, fault, 0);
        ran.ok();
        let calls = calls.expect("it came to its end");
        // A command that only reads makes no call that fails on a full disk.
        if calls == 0 {
            continue;
        }
        let few = if all { calls } else { FEW.min(calls) };
        for i in 0..few {
            // Evenly spaced, including the first and the last.
            let at = 1 + i * (calls - 1) / (few - 1).max(1);
            cases += 1;
            if let Some(problem) = problem(scenario, start.path(), &expected, fault, at) {
                problems.push(format!("{fault:?} at call {at} of {calls}: {problem}"));
            }
        }
    }
    assert!(cases > 0, "{name}: no call was seen");
    eprintln!("{name}: {cases} faults, {} problems", problems.len());
    assert!(
        problems.is_empty(),
        "{name}: {} of {cases}\n{}",
        problems.len(),
        problems.join("\n")
    );
}

#[test]
fn training_from_the_start() {
    try_faults(
        "train",
        &Scenario {
            before: &[],
            disturbed: TRAIN,
            after: &[RESUME, TRAIN],
            always: &[],
        },
    );
}

#[test]
fn training_with_the_text_in_the_cache() {
    // The first run, of another name, creates the cache entry.
    let before: &[&[&str]] = &[&[
        "train",
        "tiny.toml",
        "--run",
        "other",
        "--device",
        "cpu",
        "--quiet",
    ]];
    try_faults(
        "train from the cache",
        &Scenario {
            before,
            disturbed: TRAIN,
            after: &[RESUME, TRAIN],
            always: &[],
        },
    );
}

#[test]
fn resuming() {
    let first = shorter(TRAIN);
    let before: &[&[&str]] = &[&first];
    try_faults(
        "resume",
        &Scenario {
            before,
            disturbed: RESUME,
            after: &[RESUME],
            always: SAMPLE,
        },
    );
}

#[test]
fn exporting() {
    try_faults(
        "export",
        &Scenario {
            before: &[TRAIN],
            disturbed: EXPORT,
            after: &[EXPORT],
            always: SAMPLE,
        },
    );
}

#[test]
fn writing_maps() {
    try_faults(
        "attend",
        &Scenario {
            before: &[TRAIN],
            disturbed: ATTEND,
            after: &[ATTEND],
            always: SAMPLE,
        },
    );
}

#[test]
fn comparing() {
    try_faults(
        "compare",
        &Scenario {
            before: &[],
            disturbed: COMPARE,
            after: &[COMPARE],
            always: &[],
        },
    );
}

/// Reading a run, its text and a Hugging Face directory either fails or gives the output without a
/// fault.
#[test]
fn with_sources() {
    let before: &[&[&str]] = &[
        TRAIN,
        EXPORT,
        &["compare", "grid.toml", "--out", "report", "--quiet"],
    ];
    let all: [(&str, &[&str]); 6] = [
        ("sample", SAMPLE),
        (
            "sample of a directory",
            &[
                "sample", "out", "--prompt", "One", "--tokens", "3", "--device", "cpu", "--quiet",
            ],
        ),
        ("eval", &["eval", "run", "--device", "cpu", "--quiet"]),
        ("info", &["info", "out"]),
        ("caches", &["cache", "--json"]),
        (
            "merge",
            &["compare", "merge", "report", "--out", "joined", "--quiet"],
        ),
    ];
    for (name, disturbed) in all {
        try_faults(
            name,
            &Scenario {
                before,
                disturbed,
                after: &[disturbed],
                always: &[],
            },
        );
    }
}

#[test]
fn making_text() {
    try_faults(
        "data make",
        &Scenario {
            before: &[],
            disturbed: MAKE,
            after: &[MAKE],
            always: &[],
        },
    );
}
