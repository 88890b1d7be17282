//! Runs of grids: results do not depend on how they are run, and every kind of failure is handled.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use sisun_compare::{
    CellOutcome, CellResult, CompareError, Event, Finished, Grid, MeasureName, Plan, Shard, Store,
    Summary, merge, run,
};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const COMPARISON: &str = r#"
seeds = 2
baseline = "rope"

[vary]
"model.position" = ["learned", "rope"]

[model]
d_model = 12
n_layers = 1
n_heads = 2
context_len = 8
position = "none"

[train]
steps = 12
batch_size = 5
lr_max = 3e-3

[tracks.sort]
kind = "task"
task = "sort"
train_lengths = [1, 3]
test_lengths = [2, 3, 5]
examples = 7

[tracks.words]
kind = "language"
sources = ["TEXT"]
factors = [1, 2]
eval_tokens = 100

[budgets.tiny]
"#;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text: String = (0..400)
            .map(|i| ["a cat sat. ", "the dog ran. ", "we ate it. "][i * i % 7 % 3])
            .collect();
        fs::write(folder.path().join("text.txt"), text).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, replaced: &[(&str, &str)], set: &[&str]) -> Result<Grid, CompareError> {
        let mut toml = COMPARISON.replace("TEXT", self.path("text.txt").to_str().unwrap());
        for (from, to) in replaced {
            assert!(toml.contains(from), "{from} is not in the comparison");
            toml = toml.replace(from, to);
        }
        fs::write(self.path("tiny.toml"), toml).unwrap();
        let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
        Grid::read(&self.path("tiny.toml"), "tiny", &set)
    }

    fn grid(&self, set: &[&str]) -> Grid {
        self.read(&[], set).unwrap()
    }

    fn plan(&self, jobs: usize, shard: Option<Shard>) -> Plan {
        Plan {
            jobs,
            shard,
            device: Device::flex(),
            cache: self.path("cache"),
        }
    }

    fn run(&self, grid: &Grid, out: &str, jobs: usize) -> Finished {
        run(
            grid,
            &self.path(out),
            &self.plan(jobs, None),
            &AtomicBool::new(false),
            &|_| (),
        )
        .unwrap()
    }

    fn error(&self, replaced: &[(&str, &str)], set: &[&str]) -> String {
        self.read(replaced, set)
            .expect_err("these settings are wrong")
            .to_string()
    }
}

/// Return every file of a comparison's cells except the timings.
fn cells(out: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![out.join("cells")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.to_str().unwrap().ends_with(".time.json") {
                found.insert(
                    path.strip_prefix(out).unwrap().to_owned(),
                    fs::read(&path).unwrap(),
                );
            }
        }
    }
    found
}

fn results(grid: &Grid, summary: &Summary) -> usize {
    grid.cells.len() - summary.missing.len()
}

#[test]
fn jobs_resuming_and_parts_change_nothing() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&[]);
    assert_eq!(grid.cells.len(), 2 * 2 * 2);
    let one = fixture.run(&grid, "one", 1);
    assert!(!one.interrupted && one.summary.missing.is_empty());
    fixture.run(&grid, "two", 2);
    let expected = cells(&fixture.path("one"));
    assert_eq!(expected.len(), 8);
    assert_eq!(
        expected,
        cells(&fixture.path("two")),
        "jobs change the results"
    );

    // Stopped at the first finished cell, over and over.
    let mut sessions = 0;
    loop {
        let stop = AtomicBool::new(false);
        let watch = |event| {
            if matches!(event, Event::CellDone { .. }) {
                stop.store(true, Ordering::Relaxed);
            }
        };
        let finished = run(
            &grid,
            &fixture.path("stopped"),
            &fixture.plan(2, None),
            &stop,
            &watch,
        )
        .unwrap();
        sessions += 1;
        if finished.summary.missing.is_empty() {
            break;
        }
        assert!(finished.interrupted && sessions < 20);
    }
    assert!(sessions > 1);
    assert_eq!(
        expected,
        cells(&fixture.path("stopped")),
        "resuming changes the results"
    );

    // Run in three parts, then joined.
    let parts: Vec<PathBuf> = (1..=3).map(|i| fixture.path(&format!("part{i}"))).collect();
    let mut done = 0;
    for (number, part) in (1..).zip(&parts) {
        let plan = fixture.plan(1, Some(Shard { number, of: 3 }));
        let finished = run(&grid, part, &plan, &AtomicBool::new(false), &|_| ()).unwrap();
        done += results(&grid, &finished.summary);
    }
    assert_eq!(done, grid.cells.len());
    let joined = merge(
        &parts,
        &fixture.path("joined"),
        &fixture.plan(1, None),
        &|_| (),
    )
    .unwrap();
    assert!(joined.missing.is_empty());
    assert_eq!(
        expected,
        cells(&fixture.path("joined")),
        "parts change the results"
    );
    let told = |summary: &Summary| {
        let mut value = serde_json::to_value(summary).unwrap();
        // Timings differ between runs.
        for variant in value["tracks"].as_array_mut().unwrap().iter_mut() {
            variant["variants"]
                .as_array_mut()
                .unwrap()
                .iter_mut()
                .for_each(|v| v["step_ms"] = 0.into());
        }
        value
    };
    assert_eq!(told(&one.summary), told(&joined));
}

#[test]
fn finished_cells_are_kept_and_damaged_ones_run_again() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&[]);
    fixture.run(&grid, "out", 2);
    let out = fixture.path("out");
    let expected = cells(&out);
    let files: Vec<PathBuf> = expected.keys().map(|path| out.join(path)).collect();
    fs::write(&files[0], "{ half a").unwrap();
    let text = fs::read_to_string(&files[1]).unwrap();
    let tampered = text.replacen("\"loss\": ", "\"loss\": 1", 1);
    assert_ne!(text, tampered);
    fs::write(&files[1], tampered).unwrap();
    fs::remove_file(&files[2]).unwrap();

    let (ran, notes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let watch = |event| match event {
        Event::CellDone { .. } => _ = ran.fetch_add(1, Ordering::Relaxed),
        Event::Note(note) if note.contains("damaged") => _ = notes.fetch_add(1, Ordering::Relaxed),
        _ => (),
    };
    run(
        &grid,
        &out,
        &fixture.plan(2, None),
        &AtomicBool::new(false),
        &watch,
    )
    .unwrap();
    assert_eq!((ran.into_inner(), notes.into_inner()), (3, 2));
    assert_eq!(expected, cells(&out));
}

/// If losses are finite but the weights are not after the last update, nothing is measured, and the
/// results can be read again.
#[test]
fn weights_that_the_last_update_spoils_are_told() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&["train.steps=1", "train.lr_max=1e39"]);
    assert!(fixture.run(&grid, "out", 2).summary.missing.is_empty());
    let ran = AtomicUsize::new(0);
    let watch = |event| {
        let again = matches!(event, Event::CellDone { .. })
            || matches!(event, Event::Note(note) if note.contains("damaged"));
        ran.fetch_add(usize::from(again), Ordering::Relaxed);
    };
    let again = run(
        &grid,
        &fixture.path("out"),
        &fixture.plan(2, None),
        &AtomicBool::new(false),
        &watch,
    )
    .unwrap();
    assert_eq!(ran.into_inner(), 0);
    let variants: Vec<_> = again
        .summary
        .tracks
        .iter()
        .flat_map(|track| &track.variants)
        .collect();
    assert_eq!(variants.len(), 4);
    assert!(
        variants
            .iter()
            .all(|variant| variant.diverged.len() == 2 && variant.heads.is_empty())
    );
}

#[test]
fn a_comparison_may_grow_but_not_change() {
    let fixture = Fixture::new();
    fixture.run(&fixture.grid(&["seeds=1"]), "out", 2);
    let ran = AtomicUsize::new(0);
    let watch = |event| {
        if matches!(event, Event::CellDone { .. }) {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    };
    let go_on = |set: &[&str]| {
        let stop = AtomicBool::new(false);
        run(
            &fixture.grid(set),
            &fixture.path("out"),
            &fixture.plan(2, None),
            &stop,
            &watch,
        )
    };
    assert!(go_on(&["seeds=2"]).unwrap().summary.missing.is_empty());
    assert_eq!(
        ran.load(Ordering::Relaxed),
        4,
        "only the new seed's cells run"
    );
    for (set, difference) in [
        ("train.lr_max=1e-3", "settings or text of the cell"),
        ("tracks.sort.examples=8", "settings or text of the cell"),
        ("seeds=1", "which this one lacks"),
    ] {
        let error = go_on(&[set]).expect_err("another comparison").to_string();
        assert!(error.contains(difference), "{set}: {error}");
    }
    let error = merge(
        &[fixture.path("cache")],
        &fixture.path("x"),
        &fixture.plan(1, None),
        &|_| (),
    );
    assert!(
        error
            .expect_err("no comparison there")
            .to_string()
            .contains("holds no results")
    );
}

#[test]
fn a_cell_that_diverges_is_recorded_and_the_rest_go_on() {
    let fixture = Fixture::new();
    let wild = "{ name = \"wild\", set = { \"train.lr_max\" = 1e30, \"train.grad_clip\" = 0.0 } }";
    let variants = format!(
        "[[variants]]\nname = \"rope\"\nset = {{ \"model.position\" = \"rope\" }}\n{}",
        {
            let mut table = wild
                .replace("{ name", "[[variants]]\nname")
                .replace("\", set", "\"\nset");
            table.truncate(table.len() - 2);
            table
        }
    );
    let vary = "[vary]\n\"model.position\" = [\"learned\", \"rope\"]\n";
    let grid = fixture
        .read(
            &[
                (vary, ""),
                ("[budgets.tiny]", &format!("{variants}\n[budgets.tiny]")),
            ],
            &[],
        )
        .unwrap();
    let summary = fixture.run(&grid, "out", 2).summary;
    for track in &summary.tracks {
        assert_eq!(
            track.variant("wild").unwrap().diverged,
            [1, 2],
            "{}",
            track.name
        );
        assert!(
            track
                .variant("wild")
                .unwrap()
                .headline
                .values
                .iter()
                .all(Option::is_none)
        );
        assert!(track.variant("rope").unwrap().diverged.is_empty());
    }
    let texts = BTreeMap::new();
    // A store opened with another text reports another comparison.
    assert!(Store::open(&fixture.path("out"), &grid, &texts).is_err());
}

#[test]
fn every_result_says_what_was_measured() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&["seeds=1"]);
    let summary = fixture.run(&grid, "out", 2).summary;
    let sort = &summary.tracks[0];
    assert_eq!(
        (
            sort.name.as_str(),
            sort.trained_on,
            sort.headline.at.as_slice()
        ),
        ("sort", 3, &[5][..])
    );
    let learned = sort.variant("learned").unwrap();
    let past = learned.at(MeasureName::ExactMatch, 5).unwrap();
    assert_eq!(past.spread.values, [None]);
    assert_eq!(
        past.note.as_deref(),
        Some("past the table of 8 learned positions")
    );
    assert!(
        learned
            .at(MeasureName::ExactMatch, 3)
            .unwrap()
            .spread
            .values[0]
            .is_some()
    );

    let words = &summary.tracks[1];
    let rope = words.variant("rope").unwrap();
    let at = |name, at| rope.at(name, at).and_then(|point| point.spread.values[0]);
    let (near, far) = (
        at(MeasureName::BitsPerByte, 8).unwrap(),
        at(MeasureName::BitsPerByte, 16).unwrap(),
    );
    assert!(near > 0.5 && far > 0.5, "{near} {far}");
    for name in [
        MeasureName::BitsPerByteLinear,
        MeasureName::BitsPerByteNtk,
        MeasureName::BitsPerByteYarn,
    ] {
        assert!(
            at(name, 16).is_some_and(|bits| bits != far) && at(name, 8).is_none(),
            "{name}"
        );
        assert!(
            words
                .variant("learned")
                .unwrap()
                .series(name)
                .next()
                .is_none()
        );
    }
    // A causal model predicts the same with and without the future.
    let leak =
        at(MeasureName::LossPastOnly, 8).unwrap() - at(MeasureName::LossWholeWindow, 8).unwrap();
    assert!(leak.abs() < 1e-5, "{leak}");
    assert_eq!(rope.series(MeasureName::LossAtPosition).count(), 16);
    assert_eq!(rope.heads.len(), 2);
    assert!(
        rope.heads
            .iter()
            .all(|(_, _, spread)| (0.0..8.0).contains(&spread.mean))
    );
    assert!(rope.sample.as_ref().is_some_and(|text| text.len() > 100));
    assert_eq!(rope.curve.last().map(|(step, _)| *step), Some(12));
}

#[test]
fn a_sweep_chooses_by_what_is_trained_on_and_is_made_once() {
    let fixture = Fixture::new();
    // A learning rate that is too small to learn, and one that learns.
    let set = [
        "sweep={\"train.lr_max\"=[1e-9, 1e-2]}",
        "tracks.sort.train_lengths=[1, 1]",
        "tracks.sort.test_lengths=[1]",
    ];
    let grid = fixture.grid(&set);
    let ran = AtomicUsize::new(0);
    let watch = |event| {
        if matches!(event, Event::CellDone { .. }) {
            ran.fetch_add(1, Ordering::Relaxed);
        }
    };
    let go = |out: &str, shard| {
        let stop = AtomicBool::new(false);
        run(
            &grid,
            &fixture.path(out),
            &fixture.plan(2, shard),
            &stop,
            &watch,
        )
        .unwrap()
    };
    let summary = go("out", None).summary;
    assert_eq!(
        ran.swap(0, Ordering::Relaxed),
        2 * 2 * 2 + 8,
        "trials, then cells"
    );
    assert_eq!(summary.chosen.len(), 4);
    for (track, variant, chosen) in summary.chosen.iter().filter(|(track, ..)| track == "words") {
        assert_eq!(chosen, "train.lr_max = 0.01", "{track} {variant}");
    }
    assert_eq!(go("out", None).summary.chosen, summary.chosen);
    assert_eq!(ran.load(Ordering::Relaxed), 0);
    let parts = [fixture.path("a"), fixture.path("b")];
    go("a", Some(Shard { number: 1, of: 2 }));
    go("b", Some(Shard { number: 2, of: 2 }));
    let joined = merge(
        &parts,
        &fixture.path("joined"),
        &fixture.plan(1, None),
        &|_| (),
    )
    .unwrap();
    assert!(joined.missing.is_empty());
    assert_eq!(joined.chosen, summary.chosen);
    assert_eq!(cells(&fixture.path("out")), cells(&fixture.path("joined")));
    // A part that was stopped during its sweep has nothing to join, and joining trains nothing.
    fs::remove_dir_all(fixture.path("a").join("sweep").join("cells").join("sort")).unwrap();
    let error = merge(
        &parts,
        &fixture.path("joined"),
        &fixture.plan(1, None),
        &|_| (),
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("sweep") && error.contains("not finished"),
        "{error}"
    );
}

#[test]
fn a_text_that_hardly_holds_a_window_is_enough() {
    let fixture = Fixture::new();
    fs::write(fixture.path("text.txt"), "abcab cabba ".repeat(9)).unwrap();
    // Ten held-out characters: fewer than the prompt of the sample, and than the longest tested
    // length.
    let summary = fixture.run(&fixture.grid(&["seeds=1"]), "out", 2).summary;
    let rope = summary.tracks[1].variant("rope").unwrap();
    assert!(
        rope.at(MeasureName::BitsPerByte, 8)
            .unwrap()
            .spread
            .mean
            .is_finite()
    );
    assert!(
        rope.at(MeasureName::BitsPerByte, 16)
            .unwrap()
            .note
            .is_some()
    );
    assert!(rope.sample.is_some());
}

#[test]
fn models_of_random_positions_are_trained_and_judged() {
    let fixture = Fixture::new();
    let variants =
        "variants=[{ name=\"random\", set={ \"model.position\"=\"rope\" }, random_positions=16 }]";
    let grid = fixture.grid(&["seeds=1", variants]);
    let summary = fixture.run(&grid, "out", 2).summary;
    assert_eq!(summary.variants, ["learned", "rope", "random"]);
    let words = &summary.tracks[1];
    let at = |name: &str| {
        words
            .variant(name)
            .unwrap()
            .at(MeasureName::BitsPerByte, 8)
            .unwrap()
            .spread
            .mean
    };
    assert!(at("random").is_finite() && at("random") != at("rope"));
    assert!(words.variant("random").unwrap().sample.is_none());
}

#[test]
fn without_a_mask_the_leak_shows() {
    let fixture = Fixture::new();
    let set = [
        "seeds=1",
        "tracks.words.set={\"train.steps\"=400, \"model.causal\"=false}",
    ];
    let vary = [("[\"learned\", \"rope\"]", "[\"rope\"]")];
    let grid = fixture.read(&vary, &set).unwrap();
    let summary = fixture.run(&grid, "out", 2).summary;
    let rope = summary.tracks[1].variant("rope").unwrap();
    let at = |name| rope.at(name, 8).unwrap().spread.mean;
    let (whole, past) = (
        at(MeasureName::LossWholeWindow),
        at(MeasureName::LossPastOnly),
    );
    assert!(
        whole < past - 0.3,
        "shown the future {whole}, shown the past alone {past}"
    );
}

#[test]
fn wrong_settings_are_told_with_key_value_and_remedy() {
    let fixture = Fixture::new();
    let told = |replaced: &[(&str, &str)], set: &[&str], parts: &[&str]| {
        let error = fixture.error(replaced, set);
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    };
    told(
        &[("\"model.position\" = [", "\"model.postion\" = [")],
        &[],
        &["model.postion", "model.position"],
    );
    told(
        &[("\"model.position\" = [", "\"data.sources\" = [")],
        &[],
        &["data.sources", "[model] and [train]"],
    );
    told(&[("\"rope\"]", "\"rop\"]")], &[], &["rop", "variant"]);
    told(&[("seeds = 2", "seeds = 0")], &[], &["seeds", "0"]);
    told(
        &[("baseline = \"rope\"", "baseline = \"alibi\"")],
        &[],
        &["baseline", "alibi", "learned, rope"],
    );
    told(
        &[("task = \"sort\"", "task = \"sorted\"")],
        &[],
        &["tracks.sort.task", "sorted", "copy"],
    );
    told(
        &[],
        &["tracks.sort.train_lengths=[3, 1]"],
        &["train_lengths", "[3, 1]"],
    );
    told(
        &[],
        &["tracks.sort.test_lengths=[9]"],
        &["test_lengths", "[9]"],
    );
    told(
        &[],
        &["tracks.words.factors=[2, 1]"],
        &["factors", "rise from 1"],
    );
    told(&[], &["tracks.words.colour=1"], &["colour"]);
    told(
        &[],
        &["model.dropout=0.1"],
        &["model.dropout", "0.1", "must be 0"],
    );
    told(&[], &["vary={}"], &["vary", "[[variants]]"]);
    let random = |position: &str, below| {
        format!(
            "variants=[{{ name=\"x\", set={{ \"model.position\"=\"{position}\" }}, random_positions={below} }}]"
        )
    };
    told(
        &[],
        &[&random("alibi", 99)],
        &["random_positions", "\"x\"", "99", "alibi"],
    );
    told(
        &[],
        &[&random("rope", 3)],
        &["random_positions", "3", "8 tokens"],
    );
    told(&[], &["variants=[{ name=\"x\", sets={} }]"], &["sets"]);
    told(
        &[],
        &["vary={\"model.position\"=\"rope\"}"],
        &["vary", "list"],
    );
    told(
        &[],
        &["vary={\"model.position\"=[\"rope\", \"rope\"]}"],
        &["rope", "two variants"],
    );
    let error = Grid::read(&fixture.path("tiny.toml"), "huge", &[])
        .expect_err("no such budget")
        .to_string();
    assert!(error.contains("huge") && error.contains("tiny"), "{error}");
    for text in ["0/2", "3/2", "1", "a/b", "1/0"] {
        assert!(text.parse::<Shard>().is_err(), "{text}");
    }
    assert_eq!("2/3".parse(), Ok(Shard { number: 2, of: 3 }));
}

/// The hash that version 0.1.0 gave to a cell, before some of its keys were renamed.
#[test]
fn comparisons_of_earlier_versions_go_on() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&[]);
    let out = fixture.path("out");
    Store::open(&out, &grid, &[("words".to_owned(), String::new())].into()).unwrap();
    let text = fs::read_to_string(out.join("comparison.json")).unwrap();
    let identity: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        identity["cells"]["sort / rope / 1"],
        "b857ae0974cc9bbfe7ecc337d948b280adfd42c5738cf7a40d61f329be66e24b"
    );
}

#[test]
fn former_keys_are_read_and_told() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&["train.accumulate=3"]);
    assert_eq!(grid.cells[0].settings.train.gradient_accumulation_steps, 3);
    let told: Vec<String> = grid.former_keys.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["train.accumulate is now called train.gradient_accumulation_steps"]
    );
}

#[test]
fn a_result_is_read_back_as_it_was() {
    let fixture = Fixture::new();
    let grid = fixture.grid(&["seeds=1"]);
    fixture.run(&grid, "out", 2);
    for (path, bytes) in cells(&fixture.path("out")) {
        let filed: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let result: CellResult = serde_json::from_value(filed["result"].clone()).unwrap();
        assert_eq!(result.outcome, CellOutcome::Trained, "{}", path.display());
        assert_eq!(serde_json::to_value(&result).unwrap(), filed["result"]);
    }
}
