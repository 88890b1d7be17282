//! Signals that end a run, and signals that its parent process ignores.

use crate::sisun::{Lab, Ran, root};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Start a run from a shell that ignores these signals, and wait until it trains.
fn training(lab: &Lab, run: &str, ignoring: &str, steps: u32) -> Child {
    let program = env!("CARGO_BIN_EXE_sisun");
    let mut child = Command::new("sh")
        .args(["-c", &format!("trap \"\" {ignoring}; exec \"$0\" \"$@\"")])
        .args([
            program,
            "train",
            &lab.at("lab.toml"),
            "--run",
            &lab.at(run),
            "--device",
            "cpu",
        ])
        .args([
            "--set",
            &format!("train.steps={steps}"),
            "--set",
            "sample.every=0",
        ])
        .env("SISUN_CACHE_DIR", lab.path("cache"))
        .current_dir(root())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (metrics, began) = (lab.path(run).join("metrics.jsonl"), Instant::now());
    while fs::read_to_string(&metrics)
        .unwrap_or_default()
        .lines()
        .count()
        < 2
    {
        assert!(child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn send(signal: &str, child: &Child) {
    assert!(
        Command::new("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
}

fn ended(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

#[test]
fn what_is_ignored_from_the_start_stays_ignored() {
    let lab = Lab::new();
    for (i, (ignoring, signal)) in [("HUP", "-HUP"), ("INT", "-INT"), ("HUP INT TERM", "-TERM")]
        .into_iter()
        .enumerate()
    {
        let child = training(&lab, &format!("run{i}"), ignoring, 60);
        send(signal, &child);
        let ran = ended(child).ok();
        assert!(
            !ran.stderr.contains("finishing this step"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn the_others_end_a_run_after_it_is_saved() {
    let lab = Lab::new();
    for (i, (ignoring, signal)) in [("USR1", "-INT"), ("HUP", "-TERM"), ("INT", "-HUP")]
        .into_iter()
        .enumerate()
    {
        let child = training(&lab, &format!("run{i}"), ignoring, 100_000);
        send(signal, &child);
        let ran = ended(child);
        assert_eq!(ran.code, Some(130), "{ran:?}");
        assert!(ran.stderr.contains("saved in"), "{}", ran.stderr);
    }
}
