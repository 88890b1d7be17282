//! Comparisons of encoder–decoders on pairs.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use sisun_compare::{
    CompareError, Finished, Grid, MeasureName, Plan, Shard, Summary, VariantSummary, merge, run,
};
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

const COMPARISON: &str = r#"
seeds = 3
baseline = "last"

[[variants]]
name = "last"

[[variants]]
name = "dot"
set = { "seq2seq.context" = "dot" }

[[variants]]
name = "transformer"
set = { seq2seq = { kind = "transformer", d_model = 8, n_layers = 2, n_heads = 2, position = "rope" } }

[seq2seq]
kind = "recurrent"
encoder = "bigru"
context = "last"
d_embed = 8
d_hidden = 12

[train]
steps = 6
batch_size = 8
lr_max = 3e-3

[tracks.copy]
kind = "pair_task"
task = "copy"
lengths = [2, 9]
train_pairs = 200
test_pairs = 60
groups = 4

[budgets.tiny]
"#;

const FILES: &str = r#"
[tracks.files]
kind = "pairs"
pairs = { sources = ["PAIRS"], validation_fraction = 0.2 }
tokenizer = { kind = "char" }
groups = 2
"#;

struct Fixture {
    folder: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, toml: &str, set: &[&str]) -> Result<Grid, CompareError> {
        let toml = toml.replace("PAIRS", self.path("pairs.jsonl").to_str().unwrap());
        fs::write(self.path("tiny.toml"), toml).unwrap();
        let set: Vec<String> = set.iter().map(|set| (*set).to_owned()).collect();
        Grid::read(&self.path("tiny.toml"), "tiny", &set)
    }

    /// Write pairs with an alignment, except at these lines, from 0.
    fn write_pairs(&self, without: &[usize]) {
        let line = |at: usize| {
            let source = format!("{}{}{}", at / 100, at / 10 % 10, at % 10);
            let alignment = match without.contains(&at) {
                true => String::new(),
                false => r#", "alignment": {"sure": [[0, 1, 0, 1]]}"#.to_owned(),
            };
            format!(
                "{{\"source\": \"{source}\", \"target\": \"{}\"{alignment}}}\n",
                &source[..1]
            )
        };
        let all: String = (0..120).map(line).collect();
        fs::write(self.path("pairs.jsonl"), all).unwrap();
    }

    fn plan(&self, jobs: usize, shard: Option<Shard>) -> Plan {
        Plan {
            jobs,
            shard,
            device: Device::flex(),
            cache: self.path("cache"),
        }
    }

    fn try_run(&self, grid: &Grid, out: &str, jobs: usize) -> Result<Finished, CompareError> {
        let stop = AtomicBool::new(false);
        run(
            grid,
            &self.path(out),
            &self.plan(jobs, None),
            &stop,
            &|_| (),
        )
    }

    fn run(&self, grid: &Grid, out: &str, jobs: usize) -> Summary {
        self.try_run(grid, out, jobs).unwrap().summary
    }
}

fn of<'s>(summary: &'s Summary, variant: &str) -> &'s VariantSummary {
    summary.tracks[0].variant(variant).unwrap()
}

fn without_times(summary: &Summary) -> serde_json::Value {
    let mut value = serde_json::to_value(summary).unwrap();
    for track in value["tracks"].as_array_mut().unwrap() {
        for variant in track["variants"].as_array_mut().unwrap() {
            variant["step_ms"] = 0.into();
        }
    }
    value
}

#[test]
fn jobs_parts_and_growing_change_nothing() {
    let fixture = Fixture::new();
    let grid = fixture.read(COMPARISON, &[]).unwrap();
    assert_eq!(grid.cells.len(), 9);
    let whole = fixture.run(&grid, "one", 1);
    assert!(whole.missing.is_empty());
    // A smaller comparison grows, on two threads.
    let small = fixture.read(COMPARISON, &["seeds=1"]).unwrap();
    fixture.run(&small, "grown", 2);
    let grown = fixture.run(&grid, "grown", 2);
    assert_eq!(without_times(&whole), without_times(&grown));
    let parts: Vec<PathBuf> = (1..=2).map(|i| fixture.path(&format!("part{i}"))).collect();
    for (number, part) in (1..).zip(&parts) {
        let plan = fixture.plan(1, Some(Shard { number, of: 2 }));
        run(&grid, part, &plan, &AtomicBool::new(false), &|_| ()).unwrap();
    }
    let plan = fixture.plan(1, None);
    let joined = merge(&parts, &fixture.path("joined"), &plan, &|_| ()).unwrap();
    assert_eq!(without_times(&whole), without_times(&joined));
    // Other settings are another comparison.
    for set in ["seq2seq.d_hidden=14", "tracks.copy.test_pairs=61"] {
        let other = fixture.read(COMPARISON, &[set]).unwrap();
        let error = fixture
            .try_run(&other, "one", 1)
            .expect_err(set)
            .to_string();
        assert!(error.contains("settings or text of the cell"), "{error}");
    }
}

#[test]
fn every_group_is_measured_and_attention_where_there_is_any() {
    let fixture = Fixture::new();
    let grid = fixture.read(COMPARISON, &["seeds=1"]).unwrap();
    let summary = fixture.run(&grid, "out", 2);
    let track = &summary.tracks[0];
    assert_eq!(
        (track.trained_on, &track.headline.at),
        (9, &vec![3, 5, 7, 9])
    );
    let values = |variant: &str, name| -> Vec<Option<f64>> {
        let variant = of(&summary, variant);
        variant
            .series(name)
            .map(|point| point.spread.values[0])
            .collect()
    };
    for variant in ["last", "dot", "transformer"] {
        let exact = values(variant, MeasureName::ExactMatch);
        assert!(
            exact.len() == 4 && exact.iter().all(Option::is_some),
            "{exact:?}"
        );
        // Nothing is left out though nothing is learnt in so few steps.
        assert!(of(&summary, variant).failed_gate.is_empty());
        let sample = of(&summary, variant).sample.clone().unwrap();
        assert_eq!(sample.lines().count(), 4, "{sample}");
    }
    assert!(
        values("last", MeasureName::AlignmentErrorRate)
            .iter()
            .all(Option::is_none)
    );
    let note = of(&summary, "last")
        .at(MeasureName::AttentionMass, 9)
        .unwrap();
    assert_eq!(note.note.as_deref(), Some("no attention to the source"));
    for (variant, several) in [("dot", 0), ("transformer", 4)] {
        for name in [MeasureName::AlignmentErrorRate, MeasureName::AttentionMass] {
            let found = values(variant, name);
            let inside = |value: &Option<f64>| value.is_some_and(|x| (0.0..=1.0).contains(&x));
            assert!(
                found.len() == 4 && found.iter().all(inside),
                "{variant} {name}"
            );
        }
        let of_heads = values(variant, MeasureName::AlignmentErrorRateMeanOfHeads);
        assert_eq!(of_heads.len(), several, "{variant}");
    }
    for name in [
        MeasureName::AlignmentErrorRateOneHead,
        MeasureName::AlignmentErrorRateHeadForEachPlace,
    ] {
        assert_eq!(values("transformer", name).len(), 1);
        assert!(values("dot", name).is_empty());
    }
}

/// A model that has learnt to copy is measured as right, in text and in alignment.
#[test]
fn a_model_that_has_learnt_is_measured_as_such() {
    let fixture = Fixture::new();
    let set = [
        "seeds=1",
        "train.steps=700",
        "train.batch_size=32",
        "train.lr_max=1e-2",
        "tracks.copy.train_pairs=4000",
        "tracks.copy.lengths=[2, 5]",
        "seq2seq.d_hidden=48",
        "seq2seq.d_embed=24",
        "variants=[{ name = \"last\" }, { name = \"dot\", set = { \"seq2seq.context\" = \"dot\" } }]",
    ];
    let grid = fixture.read(COMPARISON, &set).unwrap();
    let summary = fixture.run(&grid, "out", 2);
    let dot = of(&summary, "dot");
    assert!(dot.headline.mean > 0.9, "{:?}", dot.headline);
    assert!(dot.headline.mean > of(&summary, "last").headline.mean);
    let error = dot.at(MeasureName::AlignmentErrorRate, 5).unwrap();
    assert!(error.spread.mean < 0.2, "{error:?}");
    let sample = dot.sample.clone().unwrap();
    assert!(sample.contains("(right)"), "{sample}");
}

#[test]
fn pairs_from_files_are_measured_by_their_own_alignment() {
    let fixture = Fixture::new();
    fixture.write_pairs(&[]);
    let toml = COMPARISON.replace("[budgets.tiny]", &format!("{FILES}\n[budgets.tiny]"));
    let plain = fixture.read(&toml, &["seeds=1"]).unwrap();
    let summary = fixture.run(&plain, "plain", 2);
    let dot = |summary: &Summary| summary.tracks[1].variant("dot").unwrap().clone();
    assert_eq!(summary.tracks[1].headline.at, [3]);
    assert_eq!(
        dot(&summary)
            .series(MeasureName::AlignmentErrorRate)
            .count(),
        0
    );
    let aligned = ["seeds=1", "tracks.files.alignment=true"];
    let aligned = fixture.read(&toml, &aligned).unwrap();
    let summary = fixture.run(&aligned, "aligned", 2);
    assert_eq!(
        dot(&summary)
            .series(MeasureName::AlignmentErrorRate)
            .count(),
        1
    );
    // All lines but the first lack one, so that a pair that is held out does.
    fixture.write_pairs(&(1..120).collect::<Vec<_>>());
    let error = fixture
        .try_run(&aligned, "other", 1)
        .expect_err("no alignment")
        .to_string();
    for part in [
        "track \"files\"",
        "pairs.jsonl",
        "no alignment",
        "alignment = true",
    ] {
        assert!(error.contains(part), "no {part:?} in {error}");
    }
}

#[test]
fn a_sweep_chooses_by_exact_match() {
    let fixture = Fixture::new();
    let set = ["seeds=1", "sweep={\"train.lr_max\"=[1e-9, 1e-2]}"];
    let grid = fixture.read(COMPARISON, &set).unwrap();
    let summary = fixture.run(&grid, "out", 2);
    assert_eq!(summary.chosen.len(), 3);
    for (_, variant, chosen) in &summary.chosen {
        assert_eq!(chosen, "train.lr_max = 0.01", "{variant}");
    }
}

#[test]
fn wrong_comparisons_of_pairs_are_told() {
    let fixture = Fixture::new();
    let told = |toml: &str, set: &[&str], parts: &[&str]| {
        let message = match fixture.read(toml, set) {
            Err(error) => error.to_string(),
            Ok(grid) => match fixture.try_run(&grid, "out", 1) {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{set:?} is accepted"),
            },
        };
        for part in parts {
            assert!(message.contains(part), "{set:?}: no {part:?} in {message}");
        }
    };
    let model =
        "[model]\nd_model = 8\nn_layers = 1\nn_heads = 2\ncontext_len = 8\nposition = \"none\"\n";
    let both = COMPARISON.replace("[train]", &format!("{model}[train]"));
    told(
        &both,
        &[],
        &["seq2seq", "beside [model]", "remove the other"],
    );
    let start = COMPARISON.find("[seq2seq]").unwrap();
    let end = COMPARISON.find("[train]").unwrap();
    let neither = [&COMPARISON[..start], &COMPARISON[end..]].concat();
    told(&neither, &[], &["seq2seq is missing", "tracks of pairs"]);
    let decoder = neither.replace("[train]", &format!("{model}[train]"));
    told(
        &decoder,
        &[],
        &["tracks.copy.kind = pair_task", "[seq2seq]"],
    );
    let task = "tracks.copy={ kind = \"task\", task = \"copy\", train_lengths = [1, 3], test_lengths = [2] }";
    told(
        COMPARISON,
        &[task],
        &["tracks.copy.kind = task", "need pairs", "[model]"],
    );
    for (set, parts) in [
        (
            "tracks.copy.task=\"kopy\"",
            &["tracks.copy.task", "kopy", "reverse"][..],
        ),
        (
            "tracks.copy.task=\"dates\"",
            &["tracks.copy.lengths", "leave it out"],
        ),
        (
            "tracks.copy.lengths=[5, 2]",
            &["tracks.copy.lengths", "[shortest, longest]"],
        ),
        (
            "tracks.copy.lengths=[1, 1]",
            &["copy", "too few different sources"],
        ),
        (
            "tracks.copy.groups=0",
            &["tracks.copy.groups", "from 1 to 100"],
        ),
        (
            "seq2seq.context=\"lst\"",
            &["seq2seq.context", "lst", "last"],
        ),
        (
            "seq2seq.d_hiden=9",
            &["seq2seq.d_hiden", "seq2seq.d_hidden"],
        ),
        ("seq2seq.d_hidden=9", &["seq2seq.d_hidden = 9", "even"]),
        ("seq2seq.dropout=0.1", &["seq2seq.dropout", "must be 0"]),
        (
            "seq2seq.max_source_len=5",
            &["track \"copy\"", "seq2seq.max_source_len is 5"],
        ),
        (
            "vary={\"model.d_model\"=[8]}",
            &["model.d_model", "only keys of [seq2seq] and [train]"],
        ),
        (
            "variants=[{ name = \"last\", random_positions = 64 }]",
            &["random_positions", "leave it out"],
        ),
        (
            "tracks.copy={ kind = \"pair_task\", task = \"copy\", lengths = [900, 1000], train_pairs = 10000000 }",
            &[
                "10001000 pairs of the track \"copy\"",
                "tracks.copy.train_pairs",
            ],
        ),
        ("baseline=\"lasr\"", &["baseline", "last, dot, transformer"]),
    ] {
        told(COMPARISON, &[set], parts);
    }
    let files = COMPARISON.replace("[budgets.tiny]", &format!("{FILES}\n[budgets.tiny]"));
    fs::write(fixture.path("pairs.jsonl"), "{\"source\": \"a\"}\n").unwrap();
    told(&files, &[], &["track \"files\"", "pairs.jsonl", "target"]);
    for (set, parts) in [
        (
            "tracks.files.pairs.sources=[\"-\"]",
            &["tracks.files.pairs.sources", "name files"][..],
        ),
        (
            "tracks.files.pairs.sources=[\"nowhere.tsv\"]",
            &["track \"files\"", "nowhere.tsv"],
        ),
        (
            "tracks.files.source_tokenizer={ kind = \"char\" }",
            &["track \"files\"", "both sides"],
        ),
    ] {
        told(&files, &[set], parts);
    }
}

/// The settings of a cell with `[model]` are filed as before there were models of pairs, so that
/// earlier comparisons continue.
#[test]
fn settings_stand_under_the_name_of_their_table() {
    let fixture = Fixture::new();
    let grid = fixture.read(COMPARISON, &[]).unwrap();
    let settings = serde_json::to_string(&grid.cells[0].settings).unwrap();
    assert!(
        settings.starts_with("{\"seq2seq\":{\"kind\":\"recurrent\""),
        "{settings}"
    );
    let start = COMPARISON.find("[[variants]]").unwrap();
    let end = COMPARISON.find("[train]").unwrap();
    let model = "[vary]\n\"model.position\" = [\"rope\"]\n[model]\nd_model = 8\nn_layers = 1\nn_heads = 2\n\
                 context_len = 8\nposition = \"none\"\n";
    let track = "[tracks.copy]\nkind = \"task\"\ntask = \"copy\"\ntrain_lengths = [1, 3]\ntest_lengths = [2]\n[budgets.tiny]\n";
    let train = &COMPARISON[end..COMPARISON.find("[tracks").unwrap()];
    let toml = format!("seeds = 1\n{model}{train}{track}");
    assert!(start < end);
    let grid = fixture.read(&toml, &[]).unwrap();
    let settings = serde_json::to_string(&grid.cells[0].settings).unwrap();
    let rest = settings
        .strip_prefix("{\"model\":{\"vocab_size\":")
        .unwrap();
    assert!(rest.contains("},\"train\":{\"seed\":1,"), "{settings}");
}
