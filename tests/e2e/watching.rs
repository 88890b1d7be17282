//! Training to watch: events, the page, the replay, and that nothing of it changes the training.

use crate::browser::Browser;
use crate::serving::{Serving, unchunked};
use crate::sisun::{Lab, command};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

/// Settings of a short run with dropout, whose random numbers must not move.
const SHORT: [&str; 8] = [
    "--set",
    "train.steps=40",
    "--set",
    "train.eval_every=10",
    "--set",
    "sample.every=10",
    "--set",
    "train.keep_checkpoints=9",
];

/// Return what training leaves: weights, optimizer state, and measurements without times.
fn results(run: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for step in ["step-00000020", "step-00000040"] {
        for file in fs::read_dir(run.join("checkpoints").join(step)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|end| end == "safetensors") {
                found.push((
                    path.file_name().unwrap().to_string_lossy().into_owned(),
                    fs::read(&path).unwrap(),
                ));
            }
        }
    }
    let metrics = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    for line in metrics.lines() {
        let metric: Value = serde_json::from_str(line).unwrap();
        let kept = format!(
            "{} {} {} {}",
            metric["step"], metric["split"], metric["loss"], metric["grad_norm"]
        );
        found.push(("metrics".to_owned(), kept.into_bytes()));
    }
    found.sort();
    found
}

/// Return the events of a page that replays them.
fn replayed(page: &Path) -> Vec<Value> {
    let html = fs::read_to_string(page).unwrap();
    let from = html.find("id=\"page\">").unwrap() + "id=\"page\">".len();
    let json = html[from..].split("</script>").next().unwrap();
    let page: Value = serde_json::from_str(json).unwrap();
    page["events"].as_array().unwrap().clone()
}

/// Return the events that a server has sent when it ends them.
fn pushed(body: &[u8]) -> Vec<Value> {
    let text = String::from_utf8(unchunked(body)).unwrap();
    assert!(text.contains("event: end"), "the events do not end");
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "{}")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

#[test]
fn watching_changes_nothing_and_shows_everything() {
    let lab = Lab::new();
    lab.train("plain", &SHORT).ok();
    // With a page that watches from the beginning to the end.
    let (config, run, replay) = (lab.at("lab.toml"), lab.at("watched"), lab.at("course.html"));
    let mut args = vec![
        "train", &config, "--run", &run, "--watch", "--replay", &replay, "--device", "cpu",
    ];
    args.extend(SHORT);
    let mut child = command(&args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines
        .by_ref()
        .map(|line| line.unwrap())
        .find_map(|line| line.strip_prefix("watch: ").map(str::to_owned))
        .expect("the address is printed");
    let reader = std::thread::spawn(move || lines.map_while(Result::ok).collect::<Vec<_>>());
    let body = crate::serving::fetched(&address, "events");
    assert!(
        child.wait().unwrap().success(),
        "{:?}",
        reader.join().unwrap()
    );
    assert_eq!(results(&lab.path("plain")), results(&lab.path("watched")));

    let events = pushed(&body);
    let of = |kind: &str| {
        events
            .iter()
            .filter(|event| event["kind"] == kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(of("run")[0]["steps"], 40);
    let metrics = fs::read_to_string(lab.path("watched/metrics.jsonl")).unwrap();
    assert_eq!(of("metric").len(), metrics.lines().count());
    assert!(
        of("metric")
            .iter()
            .any(|metric| metric["lr"].as_f64().unwrap_or(0.0) > 0.0)
    );
    let steps = |kind: &str| {
        of(kind)
            .iter()
            .map(|event| event["step"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(steps("sample"), [10, 20, 30, 40]);
    let maps = steps("heads");
    assert!(
        [0, 10, 20, 30, 40].iter().all(|step| maps.contains(step)),
        "{maps:?}"
    );
    let states: Vec<&str> = of("state")
        .iter()
        .map(|event| event["state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["running", "finished"]);

    // The replay has them all, and asks nobody.
    assert_eq!(replayed(Path::new(&replay)), events);
    if let Some(browser) = Browser::start(1200, 900) {
        browser.open(Path::new(&replay));
        assert_eq!(browser.complaints(), Vec::<String>::new());
        assert_eq!(
            browser.eval("document.querySelectorAll('#maps canvas').length"),
            6
        );
        assert!(
            browser
                .eval("document.querySelectorAll('#chart-loss path').length")
                .as_u64()
                .unwrap()
                >= 2
        );
        browser.eval("{ const time = document.querySelector('#time'); time.value = 0; time.dispatchEvent(new Event('input')); true }");
        browser.wait_for("document.querySelector('#maps h3').textContent === 'step 0'");
        browser.choose("#language", "ko");
        browser.wait_for("document.querySelector('#forming h2').textContent === '만들어지는 헤드'");
        browser.choose("#theme", "dark");
        assert_eq!(browser.complaints(), Vec::<String>::new());
        // The report has no script: styles show one language.
        browser.open_still(&lab.path("watched/report.html"));
        let shown = |language: &str| {
            let first = format!(
                "getComputedStyle(document.querySelector('main span[lang={language}]')).display"
            );
            browser.eval(&first)
        };
        assert_eq!([shown("en"), shown("ko")], ["inline", "none"]);
        browser.click("#choose-ko");
        assert_eq!([shown("en"), shown("ko")], ["none", "inline"]);
        let links = browser
            .eval("[...document.querySelectorAll('.links a')].map(a => a.getAttribute('href'))");
        assert_eq!(links, serde_json::json!(["maps/heads.png", "loss.svg"]));
    }
}

#[test]
fn what_cannot_be_shown_does_not_end_training() {
    let lab = Lab::new();
    // Its folder is no folder when the replay is written: training is over by then, and stays.
    let (config, run, replay) = (
        lab.at("lab.toml"),
        lab.at("run"),
        lab.at("gone/course.html"),
    );
    let mut child = command(&[
        "train",
        &config,
        "--run",
        &run,
        "--replay",
        &replay,
        "--device",
        "cpu",
        "--set",
        "train.steps=400",
    ])
    .stdout(Stdio::null())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let gone = lab.path("gone");
    for _ in 0..3000 {
        if lab.path("run/metrics.jsonl").exists() && gone.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    fs::remove_dir_all(&gone).unwrap();
    fs::write(&gone, "").unwrap();
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{said}");
    assert!(said.contains("course.html"), "{said}");
    assert!(lab.path("run/report.html").exists());
    // Told before anything is computed.
    let refused = |replay: &str, part: &str| {
        crate::sisun::sisun(&[
            "train",
            &config,
            "--run",
            &lab.at("other"),
            "--replay",
            replay,
        ])
        .fails(2, &[part]);
    };
    refused("course.txt", ".html");
    fs::write(lab.path("mine.html"), "<p>mine").unwrap();
    refused(&lab.at("mine.html"), "no replay");
    assert!(!lab.path("other").exists());
}

#[test]
fn runs_are_followed_together() {
    let lab = Lab::new();
    let hostile = "<img src=x onerror=alert(1)>";
    lab.train(hostile, &SHORT).ok();
    lab.train("two", &SHORT).ok();
    let serving = Serving::start(&["live", &lab.at(hostile), &lab.at("two"), "--device", "cpu"]);
    let Some(browser) = Browser::start(1200, 900) else {
        return;
    };
    browser.open_address(&serving.address);
    browser.wait_for("document.querySelectorAll('#maps canvas').length === 12");
    browser.wait_for("document.querySelectorAll('.sample').length === 2");
    assert_eq!(
        browser.eval("document.querySelector('#runs bdi').textContent"),
        hostile
    );
    assert_eq!(
        browser.eval("document.querySelectorAll('#chart-loss path').length"),
        4
    );
    assert_eq!(
        browser.complaints_but_of(&serving.address),
        Vec::<String>::new()
    );
    // One goes on, in another process.
    let run = lab.at("two");
    crate::sisun::sisun(&[
        "train",
        "--resume",
        &run,
        "--set",
        "train.steps=50",
        "--device",
        "cpu",
    ])
    .ok();
    browser.wait_for("document.querySelector('#runs li:nth-child(2)').textContent.includes('50')");
}
