//! Sequence-to-sequence runs: training, resuming, and every command that opens one.

use crate::browser::Browser;
use crate::sisun::{Lab, Ran, copy_folder, sisun};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// A recurrent model with attention.
const ADDITIVE: &str = "kind = 'recurrent'\nencoder = 'gru'\ncontext = 'additive'\nd_embed = 8\nd_hidden = 16\nmax_source_len = 12\nmax_target_len = 12";
/// A recurrent model without.
const LAST: &str =
    "kind = 'recurrent'\nencoder = 'gru'\ncontext = 'last'\nd_embed = 8\nd_hidden = 16";
/// A transformer.
const TRANSFORMER: &str =
    "kind = 'transformer'\nd_model = 16\nn_layers = 2\nn_heads = 2\nposition = 'rope'";

/// A folder with pairs and runs of models trained on them.
struct Pairs {
    folder: TempDir,
}

impl Pairs {
    fn new() -> Self {
        let pairs = Self {
            folder: TempDir::new().unwrap(),
        };
        let out = pairs.at("pairs.jsonl");
        sisun(&[
            "data",
            "make",
            "pairs",
            "--task",
            "reverse",
            "--min-length",
            "3",
            "--max-length",
            "6",
            "--count",
            "300",
            "--out",
            &out,
        ])
        .ok();
        pairs
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn at(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Write a configuration with this model.
    fn config(&self, seq2seq: &str) -> String {
        let toml = format!(
            "name = 'pairs'\n[pairs]\nsources = [{:?}]\n[tokenizer]\nkind = 'char'\n[seq2seq]\n{seq2seq}\n\
             [train]\nsteps = 20\nbatch_size = 16\nlr_max = 1e-2\neval_every = 10\ncheckpoint_every = 10\nkeep_checkpoints = 9\n",
            self.at("pairs.jsonl")
        );
        let path = self.at("pairs.toml");
        fs::write(&path, toml).unwrap();
        path
    }

    fn train(&self, run: &str, seq2seq: &str, more: &[&str]) -> Ran {
        let (config, run) = (self.config(seq2seq), self.at(run));
        let args = ["train", &config, "--run", &run, "--device", "cpu"];
        sisun(&[&args[..], more].concat())
    }

    /// The source and target of a pair.
    fn pair(&self, line: usize) -> (String, String) {
        let text = fs::read_to_string(self.path("pairs.jsonl")).unwrap();
        let pair: Value = serde_json::from_str(text.lines().nth(line).unwrap()).unwrap();
        let side = |name: &str| pair[name].as_str().unwrap().to_owned();
        (side("source"), side("target"))
    }
}

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

/// The rows of the first head of a `…attention.json`.
fn rows(maps: &Value) -> Vec<Vec<f64>> {
    let rows = maps["layers"][0]["heads"][0]["pattern"].as_array().unwrap();
    rows.iter()
        .map(|row| row.as_array().unwrap().iter().map(number).collect())
        .collect()
}

#[test]
fn a_recurrent_run_is_trained_and_every_command_serves_it() {
    let pairs = Pairs::new();
    let (source, target) = pairs.pair(0);
    let wanted = [
        "--set",
        &format!("sample.sources=[{source:?}]"),
        "--set",
        &format!("attend.source={source:?}"),
    ];
    let ran = pairs.train("run", ADDITIVE, &wanted).ok();
    assert!(
        ran.stderr.contains("270 pairs to learn from, 30 held out"),
        "{}",
        ran.stderr
    );
    assert!(ran.stdout.contains("% exact)"), "{}", ran.stdout);
    let run = pairs.at("run");
    for file in [
        "config.toml",
        "source_tokenizer.json",
        "target_tokenizer.json",
        "report.html",
        "samples/step-00000020.txt",
    ] {
        assert!(pairs.path("run").join(file).is_file(), "{file}");
    }
    let metrics = fs::read_to_string(pairs.path("run/metrics.jsonl")).unwrap();
    let last: Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    assert!(
        (0.0..=1.0).contains(&number(&last["exact_match"])),
        "{last}"
    );

    // Greedy decoding is a beam of one.
    let prompt = ["sample", &run, "--prompt", &source, "--json"];
    let greedy = sisun(&prompt).ok().json();
    let beam = sisun(&[&prompt[..], &["--beam", "1"]].concat()).ok().json();
    assert_eq!(
        (&greedy["text"], &greedy["tokens"]),
        (&beam["text"], &beam["tokens"])
    );
    let wide = ["--beam", "3", "--length-penalty", "1"];
    let wide = sisun(&[&prompt[..], &wide].concat()).ok().json();
    assert_eq!(wide["others"].as_array().unwrap().len(), 2);
    fs::write(pairs.path("sources.txt"), format!("{source}\n{target}\n")).unwrap();
    let several = sisun(&[
        "sample",
        &run,
        "--prompt-file",
        &pairs.at("sources.txt"),
        "--json",
    ])
    .ok()
    .json();
    assert_eq!(several["samples"][0]["text"], greedy["text"]);
    assert_eq!(several["samples"].as_array().unwrap().len(), 2);

    let found = sisun(&["eval", &run, "--json"]).ok().json();
    assert_eq!(found["pairs"], 30);
    for key in [
        "exact_match",
        "character_error_rate",
        "bleu",
        "alignment_error_rate",
        "attention_mass",
    ] {
        assert!(number(&found[key]) >= 0.0, "{key}");
        assert!(number(&found["by_length"][0][key]) >= 0.0, "{key}");
    }
    let of_groups: f64 = found["by_length"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| number(&group["pairs"]))
        .sum();
    assert_eq!(of_groups, 30.0);
    // The loop's own evaluation, and that of the command, see the same pairs.
    assert!(
        (number(&found["loss"]) - number(&last["loss"])).abs() < 1e-4,
        "{found} {last}"
    );
    assert!(
        sisun(&["eval", &run])
            .ok()
            .stdout
            .contains("alignment error")
    );

    let line = format!("{}:1", pairs.at("pairs.jsonl"));
    let out = pairs.at("maps");
    let formats = "npz,json,csv,png,svg,safetensors,html";
    let ran = sisun(&[
        "attend", &run, "--pair", &line, "--out", &out, "--format", formats, "--json",
    ])
    .ok()
    .json();
    assert_eq!(
        (ran["text"].as_str(), ran["target"].as_str()),
        (Some(&*source), Some(&*target))
    );
    let maps: Value =
        serde_json::from_str(&fs::read_to_string(pairs.path("maps/cross-attention.json")).unwrap())
            .unwrap();
    let found = rows(&maps);
    // A row for each letter that is written and the end, a column for each that is read.
    assert_eq!(
        (found.len(), found[0].len()),
        (target.len() + 1, source.len())
    );
    for row in &found {
        assert!((row.iter().sum::<f64>() - 1.0).abs() < 1e-4, "{row:?}");
    }
    let n = source.len();
    let reversed: Vec<Value> = (0..n)
        .map(|at| serde_json::json!([at, n - 1 - at]))
        .collect();
    assert_eq!(maps["alignment"].as_array().unwrap(), &reversed);
    let csv = fs::read_to_string(pairs.path("maps/cross-attention.csv")).unwrap();
    assert!(
        csv.starts_with("layer,head,query,key,query_token,key_token,weight,aligned\n"),
        "{csv}"
    );
    let svg = fs::read_to_string(pairs.path("maps/cross-layer0-head0.svg")).unwrap();
    assert_eq!(
        svg.matches("#e6550d").count(),
        1,
        "the outlines are one group"
    );
    assert!(
        fs::read_to_string(pairs.path("maps/attention.html"))
            .unwrap()
            .contains("\"part\":\"cross\"")
    );
    // The alignment of a pair of the run's own text is found by its texts.
    let known = sisun(&[
        "attend", &run, "--text", &source, "--target", &target, "--out", &out, "--json",
    ])
    .ok()
    .json();
    assert_eq!(known["alignment"], maps["alignment"]);

    let explained = sisun(&[
        "explain", &run, "--text", &source, "--target", &target, "--query", "1", "--json",
    ])
    .ok()
    .json();
    assert_eq!(explained["scoring"], "additive");
    assert!(number(&explained["difference"]) < 1e-4, "{explained}");
    let weights: Vec<f64> = explained["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| number(&key["weight"]))
        .collect();
    for (weight, own) in weights.iter().zip(&found[1]) {
        assert!((weight - own).abs() < 1e-4, "{weight} {own}");
    }
    let korean = sisun(&[
        "explain",
        &run,
        "--text",
        &source,
        "--target",
        &target,
        "--language",
        "ko",
    ])
    .ok();
    assert!(
        korean.stdout.contains("정리") && korean.stdout.contains("Attention distribution"),
        "{}",
        korean.stdout
    );

    let counted = sisun(&["info", &run, "--json"]).ok().json();
    assert!(number(&counted["count"]["total"]) > 1000.0, "{counted}");
    let listed = sisun(&["runs", pairs.folder.path().to_str().unwrap(), "--json"]).ok();
    assert!(listed.stdout.contains("finished"), "{}", listed.stdout);
}

#[test]
fn a_transformer_has_three_groups_of_maps() {
    let pairs = Pairs::new();
    pairs.train("run", TRANSFORMER, &[]).ok();
    let (source, target) = pairs.pair(1);
    let (run, out) = (pairs.at("run"), pairs.at("maps"));
    sisun(&[
        "attend",
        &run,
        "--text",
        &source,
        "--target",
        &target,
        "--out",
        &out,
        "--format",
        "json,png,html",
    ])
    .ok();
    let read = |part: &str| -> Value {
        let path = pairs.path(&format!("maps/{part}-attention.json"));
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let (s, t) = (source.len(), target.len() + 1);
    for (part, shape) in [("encoder", (s, s)), ("decoder", (t, t)), ("cross", (t, s))] {
        let maps = read(part);
        let found = rows(&maps);
        assert_eq!((found.len(), found[0].len()), shape, "{part}");
        assert_eq!(maps["layers"].as_array().unwrap().len(), 2, "{part}");
        assert!(pairs.path(&format!("maps/{part}-heads.png")).is_file());
    }
    // The encoder looks ahead, the decoder does not.
    let (encoder, decoder) = (rows(&read("encoder")), rows(&read("decoder")));
    assert!(encoder[0][s - 1] > 0.0);
    assert_eq!(decoder[0][1], 0.0);
    let explained = sisun(&[
        "explain", &run, "--text", &source, "--target", &target, "--layer", "0", "--head", "1",
        "--json",
    ])
    .ok()
    .json();
    assert_eq!(explained["scoring"], "scaled");
    assert!(number(&explained["difference"]) < 1e-4, "{explained}");
}

/// Training ends well whatever the model writes for the source of `[attend]`, and settings that have
/// no effect are named.
#[test]
fn maps_never_fail_a_training_run() {
    let pairs = Pairs::new();
    let source = pairs.pair(0).0;
    let attend = format!("attend.source={source}");
    // A model that has learned nothing rarely ends a target.
    let long = ADDITIVE.replace("max_target_len = 12", "max_target_len = 8");
    let set = |more: &[&'static str]| -> Vec<String> {
        let all = [
            "train.steps=1",
            "train.lr_max=1e-9",
            "train.checkpoint_every=1",
        ];
        let all = all.iter().chain(more).map(|set| (*set).to_owned());
        all.chain([attend.clone()])
            .flat_map(|set| ["--set".to_owned(), set])
            .collect()
    };
    let train = |run: &str, model: &str, more: &[&'static str]| {
        let set = set(more);
        let set: Vec<&str> = set.iter().map(String::as_str).collect();
        pairs.train(run, model, &set).ok()
    };
    train("attending", &long, &[]);
    let run = pairs.at("attending");
    let (start, maps) = (format!("{run}/checkpoints/step-00000001"), pairs.at("maps"));
    let text = ["--text", &source, "--device", "cpu"];
    let sampled = sisun(&["sample", &run, "--prompt", &source, "--json"])
        .ok()
        .json();
    assert_ne!(sampled["finish"], "end_of_text", "{sampled}");
    sisun(
        &[
            &["attend", &start, "--out", &maps, "--format", "npz"],
            &text[..],
        ]
        .concat(),
    )
    .ok();
    sisun(&[&["explain", &start], &text[..]].concat()).ok();
    let told = train("fixed", LAST, &["train.optimizer=muon"]).stderr;
    for part in [
        "note: attend has no effect",
        "note: train.optimizer has no effect",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    for (option, value, part) in [
        ("--beam", "100000", "must be from 1 to 256"),
        ("--length-penalty", "nan", "must be from 0 to 10"),
    ] {
        let beam = ["sample", &run, "--prompt", &source, option, value];
        sisun(&beam).fails_by_clap(&[part]);
    }
    sisun(&["sample", &pairs.at("none"), "--prompt", "a", "--beam", "2"])
        .fails(1, &["no such folder"]);
}

#[test]
fn a_resumed_run_ends_in_the_same_bits() {
    let pairs = Pairs::new();
    pairs.train("whole", ADDITIVE, &[]).ok();
    copy_folder(&pairs.path("whole"), &pairs.path("resumed"));
    let last = "checkpoints/step-00000020";
    fs::remove_dir_all(pairs.path("resumed").join(last)).unwrap();
    let run = pairs.at("resumed");
    sisun(&["train", "--resume", &run, "--device", "cpu"]).ok();
    for file in ["model.safetensors", "training.safetensors"] {
        let read = |run: &str| fs::read(pairs.path(run).join(last).join(file)).unwrap();
        assert!(read("whole") == read("resumed"), "{file}");
    }
    sisun(&["train", "--resume", &run, "--set", "seq2seq.d_hidden=32"])
        .fails(2, &["seq2seq.d_hidden (16 → 32) may not change"]);
    sisun(&["train", "--resume", &run, "--set", "train.steps=22"]).ok();
    // Other pairs are noticed.
    let text = fs::read_to_string(pairs.path("pairs.jsonl")).unwrap();
    let shorter: String = text
        .lines()
        .skip(1)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(pairs.path("pairs.jsonl"), shorter).unwrap();
    sisun(&["train", "--resume", &run, "--set", "train.steps=24"])
        .fails(1, &["this is not the text that"]);
    sisun(&["eval", &run]).fails(1, &["this is not the text that"]);
}

#[test]
fn bad_pairs_are_refused_with_their_line() {
    let pairs = Pairs::new();
    for (text, parts) in [
        (
            "{\"source\": \"ab\", \"target\": \"\"}\n",
            &["line 1", "the target is empty"][..],
        ),
        (
            "{\"source\": \"ab\", \"target\": \"ba\"}\n{\"source\": \"ab\"}\n",
            &["line 2", "target"],
        ),
        (
            "{\"source\": \"ab\", \"target\": \"ba\"}\n{\"source\": \"cdcdcdcdcdcdcd\", \"target\": \"b\"}\n",
            &["line 2", "14 tokens", "seq2seq.max_source_len is 12"],
        ),
        (
            "{\"source\": \"ab\", \"target\": \"ba\"}\n{\"source\": \"c\", \"target\": \"cdcdcdcdcdcd\"}\n",
            &[
                "line 2",
                "13 tokens with its end",
                "seq2seq.max_target_len is 12",
            ],
        ),
    ] {
        fs::write(pairs.path("pairs.jsonl"), text).unwrap();
        pairs.train("run", ADDITIVE, &[]).fails(1, parts);
        assert!(!pairs.path("run").exists(), "{text}");
    }
    fs::write(pairs.path("a.txt"), "x\ny\n").unwrap();
    fs::write(pairs.path("b.txt"), "x\n").unwrap();
    let parallel = [
        "--set",
        &format!("pairs.sources=[{:?}]", pairs.at("a.txt")),
        "--set",
        &format!("pairs.targets=[{:?}]", pairs.at("b.txt")),
    ];
    pairs
        .train("run", ADDITIVE, &parallel)
        .fails(1, &["a.txt", "2", "b.txt", "1"]);
}

#[test]
fn settings_of_both_kinds_are_kept_apart() {
    let pairs = Pairs::new();
    for (set, parts) in [
        ("model.d_model=8", &["[model]", "[seq2seq]"][..]),
        (
            "seq2seq.d_hiden=8",
            &[
                "unknown key seq2seq.d_hiden",
                "did you mean seq2seq.d_hidden?",
            ],
        ),
        ("seq2seq.context=mean-pool", &["seq2seq.context", "mean"]),
        ("source_tokenizer.kind=char", &["tokenizer"]),
        ("train.lr_max=0", &["train.lr_max"]),
        ("attend.source=", &["attend.source"]),
    ] {
        pairs
            .train("run", ADDITIVE, &["--set", set])
            .fails(2, parts);
    }
    pairs
        .train("run", ADDITIVE, &["--set", "sample.sources=['ab1']"])
        .fails(1, &["sample.sources", "1"]);
    assert!(!pairs.path("run").exists());
}

#[test]
fn each_kind_of_run_is_refused_where_only_the_other_is_taken() {
    let (pairs, lab) = (Pairs::new(), Lab::new());
    pairs.train("run", LAST, &[]).ok();
    lab.train("run", &["--set", "train.steps=5"]).ok();
    let (run, language) = (pairs.at("run"), lab.at("run"));
    let (source, _) = pairs.pair(0);
    let other = "is a run of a sequence-to-sequence model";
    sisun(&["heads", &run]).fails(2, &[other]);
    let way = "`sisun attend` and `sisun explain`";
    sisun(&["lens", &run, "--text", &source]).fails(2, &[other, way]);
    sisun(&["circuits", &run]).fails(2, &[other, way]);
    sisun(&["embeddings", &run]).fails(2, &[other, way]);
    sisun(&["neuron", &run, "0.0"]).fails(2, &[other, "`sisun explain`"]);
    sisun(&["attribute", &run, "--text", &source, "--answer", "a"])
        .fails(2, &[other, "`sisun explain`"]);
    let to = pairs.at("out");
    sisun(&["export", &run, "--to", &to]).fails(2, &[other, "Marian or BART"]);
    sisun(&["verify", &run]).fails(2, &[other]);
    for (option, value) in [
        ("--temperature", "0"),
        ("--samples", "2"),
        ("-n", "5"),
        ("--seed", "3"),
        ("--top-k", "4"),
    ] {
        sisun(&["sample", &run, "--prompt", &source, option, value])
            .fails(2, &["is for language models"]);
    }
    sisun(&["sample", &run]).fails(2, &["give one with --prompt"]);
    sisun(&["sample", &run, "--prompt", "ab1"]).fails(1, &["1"]);
    sisun(&["eval", &run, "--lengths", "4"]).fails(2, &["--lengths is for language models"]);
    let none = "has no attention: its decoder gets one vector (seq2seq.context = \"last\")";
    sisun(&["attend", &run, "--text", &source]).fails(2, &[none]);
    sisun(&["explain", &run, "--text", &source]).fails(2, &[none]);
    sisun(&["attend", &run, "--pair", "pairs.jsonl"]).fails(2, &["name a file and a line"]);
    let line = format!("{}:9999", pairs.at("pairs.jsonl"));
    sisun(&["attend", &run, "--pair", &line]).fails(
        1,
        &["there is no pair on line 9999", "the last is on line 300"],
    );
    let with = format!("finetune.model={run}");
    lab.train("tuned", &["--set", &with]).fails(2, &[other]);

    sisun(&["sample", &language, "--prompt", "a", "--beam", "2"])
        .fails(2, &["--beam is for sequence-to-sequence models"]);
    sisun(&["attend", &language, "--text", "a", "--target", "b"])
        .fails(2, &["--target is for sequence-to-sequence models"]);
    sisun(&["attend", &language, "--pair", "a:1"])
        .fails(2, &["--pair is for sequence-to-sequence models"]);
    sisun(&["explain", &language, "--text", "a", "--target", "b"])
        .fails(2, &["--target is for sequence-to-sequence models"]);
    let config = pairs.config(ADDITIVE);
    sisun(&["train", &config, "--resume", &language]).fails(2, &["is a run of a language model"]);
    sisun(&["train", &lab.at("lab.toml"), "--resume", &run]).fails(2, &[other]);
}

#[test]
fn the_page_shows_every_weight_and_points_at_cells() {
    let Some(browser) = Browser::start(1100, 800) else {
        return;
    };
    let pairs = Pairs::new();
    pairs.train("run", TRANSFORMER, &[]).ok();
    let (run, out) = (pairs.at("run"), pairs.at("maps"));
    let line = format!("{}:1", pairs.at("pairs.jsonl"));
    sisun(&[
        "attend",
        &run,
        "--pair",
        &line,
        "--out",
        &out,
        "--format",
        "json,html",
    ])
    .ok();
    browser.open(&pairs.path("maps/attention.html"));
    let text = fs::read_to_string(pairs.path("maps/cross-attention.json")).unwrap();
    let own = rows(&serde_json::from_str(&text).unwrap());
    assert_eq!(browser.eval("window.sisun.heads.length"), 12);
    for (query, row) in own.iter().enumerate() {
        for (key, weight) in row.iter().enumerate() {
            let shown = browser.eval(&format!("window.sisun.heads[0].weight({query}, {key})"));
            assert!((number(&shown) - weight).abs() < 1e-6, "{query} {key}");
        }
    }
    assert_eq!(
        browser.eval("document.querySelectorAll('#parts button').length"),
        3
    );
    assert_eq!(
        browser.eval("document.querySelectorAll('#heads button').length"),
        4
    );
    browser.act_until("document.querySelector('#readout strong') !== null", || {
        let at = browser.eval("{ const p = window.sisun.cellCentre(1, 0); [p.x, p.y] }");
        browser.point_at(number(&at[0]), number(&at[1]));
    });
    let told = browser.eval("document.querySelector('#readout').textContent");
    let weight = format!("{:.4}", own[1][0]);
    assert!(told.as_str().unwrap().contains(&weight), "{told} {weight}");
    browser.eval("document.querySelectorAll('#parts button')[2].click()");
    assert_eq!(browser.eval("window.sisun.state.part"), 2);
    assert_eq!(
        browser.eval("document.querySelector('#trouble').hidden"),
        true
    );
}
