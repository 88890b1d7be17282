//! Two processes that start in one directory almost simultaneously: one does all the work, the
//! other reports which process does, and leaves nothing behind.
//!
//! A few rounds of each kind always run. This runs many and prints their number:
//!
//! ```text
//! SISUN_FAULTS=all cargo test --release -p sisun-cli --test e2e races:: -- \
//!     --nocapture --test-threads=1
//! ```

use crate::faults::{COMPARE, EXPORT, RESUME, SAMPLE, TRAIN, in_folder, run, shorter, workplace};
use crate::sisun::{Ran, copy_folder};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Rounds of each kind without `SISUN_FAULTS=all`, and with it.
const ROUNDS: (u32, u32) = (3, 40);

/// Two commands, the second started some time after the first.
struct Race<'r> {
    name: &'r str,
    /// Commands that prepare both.
    before: &'r [&'r [&'r str]],
    first: &'r [&'r str],
    second: &'r [&'r str],
    /// Possible messages of the process that gives up.
    told: &'r [&'r str],
    /// True if the first fails for another reason after some preparation.
    first_fails: bool,
}

/// Return the names of all files in a folder; lock files may remain, but must be free.
fn names(folder: &Path) -> BTreeSet<String> {
    fn walk(folder: &Path, prefix: &str, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            match entry.path().is_dir() {
                true => walk(&entry.path(), &format!("{prefix}{name}/"), found),
                false if name == ".lock" => {}
                // Its name contains the second of its creation.
                false if name.starts_with("events.out.tfevents") => {
                    found.insert(format!("{prefix}events"));
                }
                false => {
                    found.insert(format!("{prefix}{name}"));
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(folder, "", &mut found);
    found
}

#[track_caller]
fn try_races(race: &Race<'_>) {
    let start = workplace();
    for args in race.before {
        run(start.path(), args).ok();
    }
    let copy = || {
        let folder = TempDir::new().unwrap();
        copy_folder(start.path(), folder.path());
        folder
    };
    let alone = copy();
    let began = Instant::now();
    run(alone.path(), race.second).ok();
    let (expected, takes) = (names(alone.path()), began.elapsed());
    let all = std::env::var("SISUN_FAULTS").is_ok_and(|value| value == "all");
    let rounds = if all { ROUNDS.1 } else { ROUNDS.0 };
    let mut won = [0; 2];
    for round in 0..rounds {
        let folder = copy();
        let spawn = |args| {
            let mut command = in_folder(folder.path(), args);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let first = spawn(race.first);
        // From no delay to about the duration of a command.
        std::thread::sleep(takes * round / rounds.max(1));
        let second = spawn(race.second);
        let ids = [first.id(), second.id()];
        let ran = [first, second].map(|child| Ran::from(child.wait_with_output().unwrap()));
        let ok = ran.each_ref().map(|ran| ran.code == Some(0));
        let context = || format!("{}, round {round}: {ran:?}", race.name);
        assert!(
            ran.iter()
                .all(|ran| ran.code.is_some_and(|code| code <= 2)
                    && !ran.stderr.contains("panicked")),
            "{}",
            context()
        );
        if race.first_fails {
            // The second may have been refused while the first still held the lock; then it works
            // now.
            assert!(!ok[0], "{}", context());
            assert!(
                ok[1] || ran[1].stderr.contains(&format!("process {} on ", ids[0])),
                "{}",
                context()
            );
        } else {
            assert!(ok[0] || ok[1], "nobody won: {}", context());
            let over = |ran: &Ran| race.told.iter().any(|told| ran.stderr.contains(told));
            for (i, other) in [(0, 1), (1, 0)] {
                let is_told = || {
                    over(&ran[i])
                        || ran[i]
                            .stderr
                            .contains(&format!("process {} on ", ids[other]))
                };
                assert!(ok[i] || is_told(), "{}", context());
            }
        }
        won[0] += u32::from(ok[0]);
        won[1] += u32::from(ok[1]);
        if !ok[0] && !ok[1] {
            run(folder.path(), race.second).ok();
        }
        assert_eq!(names(folder.path()), expected, "{}", context());
        if expected.iter().any(|name| name.starts_with("run/")) {
            run(folder.path(), SAMPLE).ok();
        }
        // The lock is free.
        let again = run(folder.path(), race.second);
        assert!(
            !again.stderr.contains("process "),
            "{}: {}",
            race.name,
            again.stderr
        );
    }
    eprintln!(
        "{}: {rounds} races, won by the first {}, by the second {}",
        race.name, won[0], won[1]
    );
}

#[test]
fn two_starts() {
    let told = &["exists already"];
    try_races(&Race {
        name: "two starts",
        before: &[],
        first: TRAIN,
        second: TRAIN,
        told,
        first_fails: false,
    });
}

#[test]
fn a_start_that_fails_beside_another() {
    let fails = [TRAIN, &["--set", "model.vocab_size=7"]].concat();
    let name = "a start that fails";
    try_races(&Race {
        name,
        before: &[],
        first: &fails,
        second: TRAIN,
        told: &[],
        first_fails: true,
    });
}

#[test]
fn a_resume_beside_training() {
    let shorter = shorter(TRAIN);
    let told = &["has done all of its"];
    let name = "a resume beside training";
    try_races(&Race {
        name,
        before: &[&shorter],
        first: RESUME,
        second: RESUME,
        told,
        first_fails: false,
    });
}

#[test]
fn two_comparisons() {
    let name = "two comparisons";
    try_races(&Race {
        name,
        before: &[],
        first: COMPARE,
        second: COMPARE,
        told: &[],
        first_fails: false,
    });
}

#[test]
fn two_exports() {
    let told = &["is there already"];
    let name = "two exports";
    try_races(&Race {
        name,
        before: &[TRAIN],
        first: EXPORT,
        second: EXPORT,
        told,
        first_fails: false,
    });
}

/// Cold starts on the same text share one preparation.
#[test]
fn cold_starts_in_other_places() {
    let start = workplace();
    let all = std::env::var("SISUN_FAULTS").is_ok_and(|value| value == "all");
    let rounds: u64 = if all { 20 } else { 2 };
    for round in 0..rounds {
        let folder = TempDir::new().unwrap();
        copy_folder(start.path(), folder.path());
        let runs: Vec<String> = (0..5).map(|i| format!("run{i}")).collect();
        let spawn = |name: &String| {
            std::thread::sleep(Duration::from_millis(round * 3));
            // Not quiet: it says which process is preparing.
            let args = ["train", "tiny.toml", "--run", name, "--device", "cpu"];
            let mut command = in_folder(folder.path(), &args);
            command
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        };
        let children: Vec<_> = runs.iter().map(spawn).collect();
        let ran: Vec<Ran> = children
            .into_iter()
            .map(|child| Ran::from(child.wait_with_output().unwrap()).ok())
            .collect();
        let prepared = ran
            .iter()
            .filter(|ran| ran.stderr.lines().any(|line| line == "tokenizing"))
            .count();
        assert_eq!(prepared, 1, "{ran:?}");
        assert_eq!(
            fs::read_dir(folder.path().join("cache")).unwrap().count(),
            1,
            "one entry and nothing else"
        );
        let weights = |run: &String| {
            let path = folder
                .path()
                .join(run)
                .join("checkpoints/step-00000008/model.safetensors");
            fs::read(path).unwrap()
        };
        assert!(runs.iter().all(|run| weights(run) == weights(&runs[0])));
    }
    eprintln!("cold starts: {rounds} times five");
}
