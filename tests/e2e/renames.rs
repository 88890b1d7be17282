//! A process that ends between two renames leaves a checkpoint that `last` or `best` does not name
//! yet, or pointers to removed checkpoints. Every command uses the same checkpoint, according to
//! the newest `state.json`, and reports the disagreement; only a command that trains the run
//! corrects the pointers.

use crate::sisun::{Lab, copy_folder, sisun};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A run that keeps the checkpoints of all steps, with the steps of the best checkpoint according
/// to the newest, of another one, and of the newest.
struct Kept {
    run: PathBuf,
    best: u64,
    other: u64,
    newest: u64,
}

fn folder(step: u64) -> String {
    format!("step-{step:08}")
}

fn state(run: &Path, step: u64) -> Value {
    let path = run
        .join("checkpoints")
        .join(folder(step))
        .join("state.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Train ten steps with a checkpoint every second step and an evaluation every fourth.
fn kept(lab: &Lab) -> Kept {
    let set = [
        "train.steps=10",
        "train.checkpoint_every=2",
        "train.eval_every=4",
        "train.keep_checkpoints=9",
    ];
    let set: Vec<&str> = set.iter().flat_map(|set| ["--set", set]).collect();
    lab.train("kept", &set).ok();
    let run = lab.path("kept");
    let best = state(&run, 10)["best"][0].as_u64().unwrap();
    let other = if best == 4 { 2 } else { 4 };
    Kept {
        run,
        best,
        other,
        newest: 10,
    }
}

fn read(run: &Path, pointer: &str) -> String {
    fs::read_to_string(run.join("checkpoints").join(pointer)).unwrap_or_default()
}

/// A change to the pointers of a copy of the run, and the best checkpoint after it.
type Damage<'d> = (&'static str, &'d dyn Fn(&Path), u64);

#[test]
fn every_state_between_two_renames_is_read_as_the_newest_checkpoint_says() {
    let lab = Lab::new();
    let Kept {
        run,
        best,
        other,
        newest: _,
    } = kept(&lab);
    let point = |at: &Path, pointer: &str, to: &str| {
        fs::write(at.join("checkpoints").join(pointer), to).unwrap()
    };
    let remove =
        |at: &Path, pointer: &str| fs::remove_file(at.join("checkpoints").join(pointer)).unwrap();
    // The best checkpoint according to that of another step.
    let best_at = |step: u64| state(&run, step)["best"][0].as_u64().unwrap_or(step);
    let cases: [Damage<'_>; 10] = [
        // After `last`, before `best`.
        (
            "best names the one before",
            &|at| point(at, "best", &folder(other)),
            best,
        ),
        (
            "best names one that is gone",
            &|at| point(at, "best", "step-00000003"),
            best,
        ),
        ("best is empty", &|at| point(at, "best", ""), best),
        ("best is missing", &|at| remove(at, "best"), best),
        (
            "best names something else",
            &|at| point(at, "best", "../../elsewhere"),
            best,
        ),
        // After the checkpoint, before `last`: the run is at the step that `last` names.
        (
            "last names the one before",
            &|at| point(at, "last", &folder(8)),
            best_at(8),
        ),
        (
            "last names one that is gone",
            &|at| point(at, "last", "step-00000011"),
            best,
        ),
        ("last is empty", &|at| point(at, "last", ""), best),
        ("last is missing", &|at| remove(at, "last"), best),
        (
            "both name what is gone",
            &|at| {
                point(at, "last", "step-00000011");
                point(at, "best", "step-00000011");
            },
            best,
        ),
    ];
    for (number, (what, damage, right)) in cases.into_iter().enumerate() {
        let copy = lab.path(&format!("copy{number}"));
        for (use_, named) in [
            ("eval", ""),
            ("eval", "/checkpoints/best"),
            ("sample", ""),
            ("attend", ""),
            ("resume", ""),
        ] {
            let _ = fs::remove_dir_all(&copy);
            copy_folder(&run, &copy);
            damage(&copy);
            let at = copy.to_str().unwrap().to_owned() + named;
            let maps = lab.at("maps");
            let args: Vec<&str> = match use_ {
                "eval" => vec!["eval", &at, "--json"],
                "sample" => vec!["sample", &at, "--prompt", "One", "-n", "3"],
                "attend" => vec![
                    "attend", &at, "--text", "One", "--out", &maps, "--format", "csv",
                ],
                _ => vec!["train", "--resume", &at, "--set", "train.steps=12"],
            };
            let ran = sisun(&[&args[..], &["--device", "cpu"]].concat()).ok();
            let is_right = use_ == "resume" || ran.stderr.contains(&format!("(step {right})"));
            assert!(is_right, "{what}, {use_}{named}: {}", ran.stderr);
            // If `last` names an older checkpoint, `best` may be correct according to it.
            let says_so_too = what.starts_with("last names the one before") && right == best;
            let was_wrong = !says_so_too && what != "last is missing";
            assert_eq!(
                ran.stderr.contains("this has been put right"),
                was_wrong && use_ == "resume",
                "{what}, {use_}: {}",
                ran.stderr
            );
            assert_eq!(
                ran.stderr
                    .contains(&format!("note: {}/checkpoints", copy.display())),
                was_wrong,
                "{what}, {use_}: {}",
                ran.stderr
            );
            let (last, pointed) = (read(&copy, "last"), read(&copy, "best"));
            if use_ == "resume" {
                assert_eq!(last, folder(12), "{what}");
                assert_eq!(
                    pointed,
                    folder(state(&copy, 12)["best"][0].as_u64().unwrap()),
                    "{what}"
                );
            } else {
                // Commands that only read write nothing.
                let untouched = lab.path("untouched");
                let _ = fs::remove_dir_all(&untouched);
                copy_folder(&run, &untouched);
                damage(&untouched);
                let is = (read(&untouched, "last"), read(&untouched, "best"));
                assert_eq!((last, pointed), is, "{what}, {use_}");
                assert!(!copy.join(".lock").exists() || run.join(".lock").exists());
            }
        }
    }
}

#[test]
fn a_run_that_another_process_trains_is_read_through() {
    let lab = Lab::new();
    let Kept {
        run, best, other, ..
    } = kept(&lab);
    fs::write(run.join("checkpoints/best"), folder(other)).unwrap();
    let Some(mut held) = hold(&run.join(".lock")) else {
        return;
    };
    let ran = sisun(&["eval", run.to_str().unwrap(), "--device", "cpu"]).ok();
    assert!(
        ran.stderr.contains(&format!("(step {best})")) && !ran.stderr.contains("put right"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        read(&run, "best"),
        folder(other),
        "nothing is written beside a process that trains"
    );
    drop(held.stdin.take());
    held.wait().unwrap();
}

/// Start another process that holds a lock until its input ends; `None` if there is no `flock`.
fn hold(lock: &Path) -> Option<Child> {
    let mut command = Command::new("flock");
    command
        .arg(lock)
        .args(["sh", "-c", "echo held; cat"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let Ok(mut held) = command.spawn() else {
        eprintln!("NOT RUN: there is no flock to hold a lock with");
        return None;
    };
    let mut said = [0; 5];
    std::io::Read::read_exact(held.stdout.as_mut().unwrap(), &mut said).unwrap();
    Some(held)
}

#[test]
fn what_the_newest_checkpoint_cannot_say_is_told() {
    let lab = Lab::new();
    let Kept {
        run, best, newest, ..
    } = kept(&lab);
    let at = run.to_str().unwrap();
    // The best checkpoint was deleted by hand: the newest is used, each time with a note.
    if best != newest {
        let copy = lab.path("without-best");
        copy_folder(&run, &copy);
        fs::remove_dir_all(copy.join("checkpoints").join(folder(best))).unwrap();
        for _ in 0..2 {
            let ran = sisun(&["eval", copy.to_str().unwrap(), "--device", "cpu"]).ok();
            assert!(
                ran.stderr
                    .contains("is not there any more: the newest is taken"),
                "{}",
                ran.stderr
            );
        }
    }
    // The newest is damaged: only `best` is left as evidence.
    let pointed = if best == newest { 8 } else { best };
    fs::write(run.join("checkpoints/best"), folder(pointed)).unwrap();
    fs::write(
        run.join("checkpoints")
            .join(folder(newest))
            .join("state.json"),
        "{}",
    )
    .unwrap();
    let ran = sisun(&["eval", at, "--device", "cpu"]).ok();
    let parts = [
        "is damaged (state.json was altered",
        "is the best is taken from",
        &format!("(step {pointed})"),
    ];
    assert!(
        parts.iter().all(|part| ran.stderr.contains(part)),
        "{}",
        ran.stderr
    );
    sisun(&["train", "--resume", at, "--device", "cpu"]).fails(1, &[&folder(newest), "is damaged"]);
    // A link in place of the pointer.
    #[cfg(unix)]
    {
        fs::remove_file(run.join("checkpoints/best")).unwrap();
        std::os::unix::fs::symlink(folder(4), run.join("checkpoints/best")).unwrap();
        let ran = sisun(&["eval", at, "--device", "cpu"]).ok();
        assert!(ran.stderr.contains("(step 4)"), "{}", ran.stderr);
    }
}
