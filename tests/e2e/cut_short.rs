//! Memory-mapped files that another process truncates.

use crate::sisun::{Lab, Ran};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

fn token_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                token_files(&path)
            } else {
                vec![path]
            }
        })
        .filter(|path| path.to_string_lossy().contains("tokens"))
        .collect()
}

#[test]
fn a_token_cache_that_is_cut_short_ends_training_with_its_name() {
    let lab = Lab::new();
    let cache = lab.path("cache");
    let mut training = lab.train_command("run", &["--set", "train.steps=1000000"]);
    let training = training
        .env("SISUN_CACHE_DIR", &cache)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let metrics = lab.path("run/metrics.jsonl");
    let lines = || {
        fs::read_to_string(&metrics)
            .unwrap_or_default()
            .lines()
            .count()
    };
    while lines() < 15 {
        sleep(Duration::from_millis(20));
    }
    let files = token_files(&cache);
    assert!(!files.is_empty(), "no tokens in {}", cache.display());
    for file in &files {
        File::options()
            .write(true)
            .open(file)
            .unwrap()
            .set_len(0)
            .unwrap();
    }
    let ran = Ran::from(training.wait_with_output().unwrap());
    ran.fails(
        1,
        &[
            &lab.at("cache"),
            "was cut short by another process",
            "run the command again",
        ],
    );
    // Earlier checkpoints are intact, and the cache is recreated.
    let resumed = lab
        .train_command("run", &["--resume", "--set", "train.steps=1000000"])
        .env("SISUN_CACHE_DIR", &cache)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut resumed = resumed.unwrap();
    let before = lines();
    while lines() < before + 5 {
        assert!(
            resumed.try_wait().unwrap().is_none(),
            "{}",
            Ran::from(resumed.wait_with_output().unwrap()).stderr
        );
        sleep(Duration::from_millis(20));
    }
    resumed.kill().unwrap();
    resumed.wait().unwrap();
}
