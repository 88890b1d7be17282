//! `sisun cache`: its listing, and that it removes only caches.

use crate::sisun::{Lab, Ran, command};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime};

fn cache(lab: &Lab, args: &[&str]) -> Ran {
    let mut cache = command(&["cache"]);
    cache
        .args(args)
        .env("SISUN_CACHE_DIR", lab.path("cache"))
        .output()
        .unwrap()
        .into()
}

#[test]
fn caches_are_listed_and_cleared_and_nothing_else() {
    let lab = Lab::new();
    assert_eq!(
        cache(&lab, &["--json"]).ok().json()["entries"],
        serde_json::json!([]),
        "there is no folder yet"
    );
    for kind in ["bpe", "char"] {
        let data = lab.at("stories.txt");
        let out = lab.at(&format!("{kind}.json"));
        let mut train = command(&[
            "tokenizer",
            "train",
            "--data",
            &data,
            "--kind",
            kind,
            "--out",
            &out,
        ]);
        if kind == "bpe" {
            train.args(["--vocab-size", "300"]);
        }
        let ran = Ran::from(
            train
                .env("SISUN_CACHE_DIR", lab.path("cache"))
                .output()
                .unwrap(),
        )
        .ok();
        assert!(
            ran.stderr.contains(&lab.at("cache")),
            "training says where: {}",
            ran.stderr
        );
    }
    let listed = cache(&lab, &["--json"]).ok().json();
    let entries = listed["entries"].as_array().unwrap();
    assert_eq!(entries.len(), 2);
    for entry in entries {
        assert_eq!(entry["text"], lab.at("stories.txt").as_str());
        assert!(
            entry["tokens"].as_u64().unwrap() > 1000 && entry["bytes"].as_u64().unwrap() > 2000
        );
    }
    let told = cache(&lab, &[]).ok().stdout;
    assert!(
        told.contains("stories.txt") && told.contains("today") && told.contains("2 token caches"),
        "{told}"
    );

    // One cache was unused for 40 days.
    let folders: Vec<_> = entries
        .iter()
        .map(|entry| std::path::PathBuf::from(entry["path"].as_str().unwrap()))
        .collect();
    let old = fs::File::options()
        .write(true)
        .open(folders[0].join("header.json"))
        .unwrap();
    old.set_modified(SystemTime::now() - Duration::from_secs(40 * 86_400))
        .unwrap();
    assert!(cache(&lab, &[]).ok().stdout.contains("40 days ago"));
    assert_eq!(
        cache(&lab, &["clear", "--older-than", "41"])
            .ok()
            .stdout
            .split(',')
            .next(),
        Some("removed 0 token caches")
    );

    // Files and folders that are not, or not only, from Sisun are kept.
    let name = "0".repeat(64);
    fs::create_dir_all(lab.path("cache").join(&name)).unwrap();
    fs::write(
        lab.path("cache").join(&name).join("thesis.txt"),
        "years of work",
    )
    .unwrap();
    fs::write(lab.path("cache/notes.txt"), "mine").unwrap();
    fs::write(folders[1].join("thesis.txt"), "years of work").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(&folders[0], lab.path("cache").join("1".repeat(64))).unwrap();
    assert!(
        cache(&lab, &["clear", "--older-than", "30"])
            .ok()
            .stdout
            .starts_with("removed 1 token cache,")
    );
    assert!(!folders[0].exists());
    assert!(
        cache(&lab, &["clear"])
            .ok()
            .stdout
            .starts_with("removed 0 token caches")
    );
    assert!(folders[1].join("header.json").is_file() && folders[1].join("thesis.txt").is_file());
    assert!(
        lab.path("cache/notes.txt").is_file()
            && lab.path("cache").join(name).join("thesis.txt").is_file()
    );
    fs::remove_file(folders[1].join("thesis.txt")).unwrap();
    // A link among its files.
    #[cfg(unix)]
    {
        fs::rename(folders[1].join("tokenizer.json"), lab.path("away.json")).unwrap();
        std::os::unix::fs::symlink(lab.path("away.json"), folders[1].join("tokenizer.json"))
            .unwrap();
        assert!(
            cache(&lab, &["clear"])
                .ok()
                .stdout
                .starts_with("removed 0 token caches")
        );
        fs::remove_file(folders[1].join("tokenizer.json")).unwrap();
    }
    assert!(
        cache(&lab, &["clear", "--json"]).ok().json()["removed"]
            .as_array()
            .unwrap()
            .len()
            == 1
    );
    assert!(lab.path("away.json").exists() && !folders[1].exists());
}

/// If the cache cannot be written, every command works without it, and says that it is the cache and
/// how to choose another.
#[test]
#[cfg(target_os = "linux")]
fn without_a_cache_that_can_be_written_the_text_is_tokenized_anew() {
    let lab = Lab::trained();
    let (data, run) = (lab.at("stories.txt"), lab.at("run"));
    let occupied = lab.path("occupied");
    fs::write(&occupied, "mine").unwrap();
    let caches = [Path::new("/proc/none"), Path::new("/dev/full"), &occupied];
    for (number, cache) in caches.into_iter().enumerate() {
        let parts = [
            "note: the token cache cannot be used",
            cache.to_str().unwrap(),
            "SISUN_CACHE_DIR",
            "data.cache_dir",
            "tokenizes the text anew",
        ];
        let check = |ran: Ran| {
            let ran = ran.ok();
            for part in parts {
                assert!(ran.stderr.contains(part), "no {part:?} in: {}", ran.stderr);
            }
            assert!(!ran.stderr.contains("are kept in"), "{}", ran.stderr);
        };
        let out = lab.at(&format!("tokenizer-{number}.json"));
        for args in [
            &["tokenizer", "train", "--data", &data, "--out", &out][..],
            &["eval", &run, "--data", &data],
            &["eval", &run],
        ] {
            let mut command = command(args);
            check(Ran::from(
                command.env("SISUN_CACHE_DIR", cache).output().unwrap(),
            ));
        }
        // Standard input, which is read once.
        let out = lab.at(&format!("tokenizer-stdin-{number}.json"));
        let mut piped = command(&["tokenizer", "train", "--data", "-", "--out", &out]);
        let text = fs::File::open(&data).unwrap();
        check(Ran::from(
            piped
                .env("SISUN_CACHE_DIR", cache)
                .stdin(text)
                .output()
                .unwrap(),
        ));
        let run = format!("no-cache-{number}");
        let mut train = lab.train_command(&run, &["--set", "train.steps=4"]);
        check(Ran::from(
            train.env("SISUN_CACHE_DIR", cache).output().unwrap(),
        ));
    }
    assert_eq!(fs::read_to_string(occupied).unwrap(), "mine");
}

/// Limit files to 8 KiB, as on a full disk.
#[test]
#[cfg(target_os = "linux")]
fn a_cache_without_room_is_told_as_the_cache() {
    let lab = Lab::new();
    let full = format!(
        "trap '' XFSZ; ulimit -f 8; exec {} tokenizer train --data {} --kind char --out {}",
        env!("CARGO_BIN_EXE_sisun"),
        lab.at("stories.txt"),
        lab.at("none.json")
    );
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-c", &full])
        .env("SISUN_CACHE_DIR", lab.path("cache"))
        .stdin(Stdio::null());
    Ran::from(shell.output().unwrap()).fails(
        1,
        &[
            "token cache",
            "training.tokens",
            "SISUN_CACHE_DIR",
            "data.cache_dir",
        ],
    );
}

/// Leftovers of killed processes are removed at the next start, even if its text is in the cache;
/// other files are kept.
#[test]
fn every_start_removes_what_the_dead_left() {
    let lab = Lab::new();
    let cache = lab.path("cache");
    let train = |run: &str| {
        let mut command = lab.train_command(run, &["--set", "train.steps=4"]);
        Ran::from(command.env("SISUN_CACHE_DIR", &cache).output().unwrap()).ok()
    };
    train("run0");
    let names = || {
        let names = fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect::<BTreeSet<String>>()
    };
    let before = names();

    // Standard input is copied to a file, by a process that is then killed.
    let mut reading = command(&[
        "tokenizer",
        "train",
        "--data",
        "-",
        "--out",
        &lab.at("none.json"),
    ]);
    let mut reading = reading
        .env("SISUN_CACHE_DIR", &cache)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let spool = || {
        names()
            .into_iter()
            .find(|name| name.starts_with(".standard-input."))
    };
    let began = Instant::now();
    while spool().is_none() {
        assert!(began.elapsed() < Duration::from_secs(60) && reading.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(5));
    }
    train("run1");
    assert!(spool().is_some(), "its process lives");
    reading.kill().unwrap();
    reading.wait().unwrap();

    // An entry being written, one that an older version was writing, and one that an older version
    // may still be writing.
    let entry = "fedcba9876543210".repeat(4);
    let unfinished = |name: &str| {
        fs::create_dir(cache.join(name)).unwrap();
        fs::write(cache.join(name).join("training.tokens"), "x").unwrap();
    };
    unfinished(&format!(".unfinished-{entry}-AbCdEf"));
    fs::write(cache.join(format!("{entry}.lock")), "").unwrap();
    let long_ago = SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    let set_back = |path: &Path| {
        fs::File::open(path)
            .unwrap()
            .set_modified(long_ago)
            .unwrap()
    };
    for (name, more) in [
        (".unfinished-AbCdEf", None),
        (".unfinished-newone", None),
        (".unfinished-theirs", Some("mine.txt")),
    ] {
        unfinished(name);
        if let Some(more) = more {
            fs::write(cache.join(name).join(more), "mine").unwrap();
        }
        if name != ".unfinished-newone" {
            fs::read_dir(cache.join(name))
                .unwrap()
                .for_each(|entry| set_back(&entry.unwrap().path()));
            set_back(&cache.join(name));
        }
    }
    fs::write(cache.join("mine.lock"), "mine").unwrap();
    let found = train("run2");
    assert!(
        found.stderr.contains("found in the cache") || !found.stderr.contains("tokenizing"),
        "{}",
        found.stderr
    );
    let left: Vec<String> = names().difference(&before).cloned().collect();
    assert_eq!(
        left,
        [".unfinished-newone", ".unfinished-theirs", "mine.lock"]
    );
    assert_eq!(fs::read_to_string(cache.join("mine.lock")).unwrap(), "mine");
}
