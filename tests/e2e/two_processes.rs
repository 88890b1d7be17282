//! Several processes in one directory: one works, the others are informed, no data is lost.

use crate::sisun::{Lab, Ran, command, sisun};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ended(child: Child) -> Ran {
    child.wait_with_output().unwrap().into()
}

/// Wait until a run has metrics.
fn until_it_trains(lab: &Lab, run: &str, child: &mut Child) {
    let began = Instant::now();
    while fs::read_to_string(lab.path(run).join("metrics.jsonl"))
        .unwrap_or_default()
        .lines()
        .count()
        < 3
    {
        assert!(
            child.try_wait().unwrap().is_none(),
            "the run ended before it trained"
        );
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "no metrics after two minutes"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn of_two_starts_one_trains() {
    let lab = Lab::new();
    for round in 0..3 {
        let run = format!("run{round}");
        let children: Vec<Child> = (0..3)
            .map(|_| spawn(lab.train_command(&run, &[])))
            .collect();
        let ids: Vec<u32> = children.iter().map(Child::id).collect();
        let ran: Vec<Ran> = children.into_iter().map(ended).collect();
        let (trained, refused): (Vec<&Ran>, Vec<&Ran>) =
            ran.iter().partition(|ran| ran.code == Some(0));
        assert_eq!(trained.len(), 1, "{ran:?}");
        for ran in refused {
            let by = ids.iter().any(|id| {
                ran.stderr
                    .contains(&format!("is being trained by process {id} on "))
            });
            assert!(
                by || ran.stderr.contains("exists already"),
                "{}",
                ran.stderr
            );
        }
        assert!(
            lab.path(&run)
                .join("checkpoints/step-00000040/state.json")
                .is_file()
        );
        sisun(&["sample", &lab.at(&run), "--prompt", "One day", "-n", "3"]).ok();
    }
}

#[test]
fn a_start_that_fails_removes_nothing_of_another() {
    let lab = Lab::new();
    // It prepares its text before it detects that its model does not fit.
    let slow = spawn(lab.train_command("run", &["--set", "model.vocab_size=7"]));
    let trains = spawn(lab.train_command("run", &["--wait"]));
    let (slow, trains) = (ended(slow), ended(trains));
    assert_ne!(slow.code, Some(0));
    trains.ok();
    assert!(
        lab.path("run/config.toml").is_file() && lab.path("run/checkpoints/step-00000040").is_dir()
    );
}

#[test]
fn a_run_that_trains_is_not_resumed_beside_it() {
    let lab = Lab::new();
    let set = [
        "--set",
        "train.steps=400",
        "--set",
        "train.checkpoint_every=5",
    ];
    let mut first = spawn(lab.train_command("run", &set));
    until_it_trains(&lab, "run", &mut first);
    let process = format!("process {} on ", first.id());
    let run = lab.at("run");
    sisun(&["train", "--resume", &run]).fails(1, &["is being trained by", &process, "--wait"]);
    lab.train("run", &[])
        .fails(1, &["is being trained by", &process]);
    // Readers are not locked out.
    sisun(&["sample", &run, "--prompt", "One day", "-n", "3"]).ok();
    let waits = spawn(command(&[
        "train",
        "--resume",
        &run,
        "--wait",
        "--device",
        "cpu",
        "--set",
        "train.steps=405",
    ]));
    ended(first).ok();
    let waited = ended(waits).ok();
    assert!(
        waited.stderr.contains(&format!("waiting for {process}")),
        "{}",
        waited.stderr
    );
    assert!(lab.path("run/checkpoints/step-00000405").is_dir());
}

#[test]
fn a_killed_process_holds_nothing() {
    let lab = Lab::new();
    let mut killed = spawn(lab.train_command("run", &["--set", "train.steps=4000"]));
    until_it_trains(&lab, "run", &mut killed);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let run = lab.at("run");
    sisun(&[
        "train",
        "--resume",
        &run,
        "--set",
        "train.steps=60",
        "--device",
        "cpu",
    ])
    .ok();
}

#[test]
fn of_five_cold_starts_one_prepares_the_text() {
    let lab = Lab::new();
    let text = fs::read_to_string(lab.path("stories.txt"))
        .unwrap()
        .repeat(40);
    fs::write(lab.path("stories.txt"), text).unwrap();
    let cache = lab.path("cache");
    // Leftovers of killed processes, of this cache entry and of another.
    let other = "0123456789abcdef".repeat(4);
    fs::create_dir_all(cache.join(format!(".unfinished-{other}-abc"))).unwrap();
    fs::write(
        cache.join(format!("{other}.lock")),
        "{\"pid\":1,\"host\":\"gone\",\"since\":0}",
    )
    .unwrap();
    let start = |i: usize| {
        let mut command = lab.train_command(&format!("run{i}"), &["--set", "train.steps=4"]);
        command.env("SISUN_CACHE_DIR", &cache);
        spawn(command)
    };
    let children: Vec<Child> = (0..5).map(start).collect();
    let ran: Vec<Ran> = children
        .into_iter()
        .map(|child| ended(child).ok())
        .collect();
    let prepared = ran
        .iter()
        .filter(|ran| ran.stderr.contains("training a tokenizer"))
        .count();
    assert_eq!(prepared, 1, "{ran:?}");
    let left: Vec<String> = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left.len(), 1, "one entry and nothing else: {left:?}");
}

#[test]
fn a_comparison_is_run_by_one_process() {
    let lab = Lab::new();
    let out = lab.at("report");
    let args = [
        "compare",
        "configs/compare-positions.toml",
        "--budget",
        "smoke",
        "--out",
        &out,
    ];
    let mut first = spawn(command(&args));
    let began = Instant::now();
    while !lab.path("report/.lock").is_file()
        || fs::read(lab.path("report/.lock")).unwrap().is_empty()
    {
        assert!(first.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(2));
    }
    sisun(&args).fails(1, &["in use by process", &first.id().to_string(), "--wait"]);
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn two_exports_to_one_directory_leave_one() {
    let lab = Lab::trained();
    let (run, to) = (lab.at("run"), lab.at("exported-at-once"));
    let children: Vec<Child> = (0..3)
        .map(|_| spawn(command(&["export", &run, "--to", &to])))
        .collect();
    let ran: Vec<Ran> = children.into_iter().map(ended).collect();
    assert_eq!(
        ran.iter().filter(|ran| ran.code == Some(0)).count(),
        1,
        "{ran:?}"
    );
    for ran in ran.iter().filter(|ran| ran.code != Some(0)) {
        assert!(
            ran.stderr.contains("is being written by") || ran.stderr.contains("there already"),
            "{}",
            ran.stderr
        );
    }
    assert!(!lab.path(".exported-at-once.lock").exists());
}
