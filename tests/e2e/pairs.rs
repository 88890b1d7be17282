//! Sequence-to-sequence runs: training, resuming, and every command that opens one.

use crate::browser::Browser;
use crate::sisun::{Lab, Ran, command, copy_folder, sisun};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
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
    // The page opens with the head that agrees best with the true alignment.
    let best = browser.eval("window.sisun.page.parts[0].best");
    let shown = browser.eval("window.sisun.heads[window.sisun.state.head]");
    assert_eq!(
        (&best["layer"], &best["head"]),
        (&shown["layer"], &shown["head"])
    );
    assert_eq!(
        browser.eval(
            "document.querySelector('#heads [aria-pressed=true] span').textContent.endsWith('★')"
        ),
        true
    );
    let weight = browser.eval("window.sisun.heads[window.sisun.state.head].weight(1, 0)");
    let weight = format!("{:.4}", number(&weight));
    assert!(told.as_str().unwrap().contains(&weight), "{told} {weight}");
    browser.eval("document.querySelectorAll('#parts button')[2].click()");
    assert_eq!(browser.eval("window.sisun.state.part"), 2);
    assert_eq!(
        browser.eval("document.querySelector('#trouble').hidden"),
        true
    );
}

/// Pairs in two files, named by `--pair` and `--data` as by the configuration.
#[test]
fn parallel_files_are_named_on_the_command_line() {
    let pairs = Pairs::new();
    let text = fs::read_to_string(pairs.path("pairs.jsonl")).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (name, side) in [("a.src", "source"), ("a.tgt", "target")] {
        let lines = lines.iter().map(|pair| pair[side].as_str().unwrap());
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        fs::write(pairs.path(name), text).unwrap();
    }
    let [source, target] = ["a.src", "a.tgt"].map(|name| pairs.at(name));
    let parallel = [
        "--set",
        &format!("pairs.sources=[{source:?}]"),
        "--set",
        &format!("pairs.targets=[{target:?}]"),
    ];
    pairs.train("run", ADDITIVE, &parallel).ok();
    let (run, out) = (pairs.at("run"), pairs.at("maps"));
    let attend = |run: &str, more: &[&str]| {
        let line = format!("{source}:2");
        let args = ["attend", run, "--pair", &line, "--out", &out, "--json"];
        sisun(&[&args[..], more].concat())
    };
    // The run knows the file of the targets; another has to be told.
    let known = attend(&run, &[]).ok().json();
    assert_eq!(known["target"], lines[1]["target"]);
    pairs.train("other", ADDITIVE, &[]).ok();
    let other = pairs.at("other");
    attend(&other, &[]).fails(1, &["line 1", "there is no tab", "name it with --targets"]);
    let named = attend(&other, &["--targets", &target]).ok().json();
    assert_eq!(named["target"], lines[1]["target"]);
    let eval = |more: &[&str]| {
        let args = ["eval", &other, "--data", &source, "--json"];
        sisun(&[&args[..], more].concat())
    };
    eval(&[]).fails(1, &["name it with --targets"]);
    assert_eq!(eval(&["--targets", &target]).ok().json()["pairs"], 300);
    eval(&["--targets", &target, "--targets", &source])
        .fails(2, &["--data names 1 file and --targets 2"]);
    let jsonl = pairs.at("pairs.jsonl");
    sisun(&["eval", &other, "--data", &jsonl, "--targets", &target]).fails(
        2,
        &["pairs.jsonl", "holds JSON records", "leave --targets out"],
    );
    let mixed = ["--set", &format!("pairs.targets=[{target:?}]")];
    pairs
        .train("mixed", ADDITIVE, &mixed)
        .fails(2, &["holds JSON records", "leave pairs.targets out"]);
    let twice = [
        "--set",
        "pairs.sources=['-']",
        "--set",
        "pairs.validation=['-']",
    ];
    pairs
        .train("twice", ADDITIVE, &twice)
        .fails(2, &["pairs.validation", "standard input", "only once"]);
}

/// Remedies name the settings that a run of pairs has, and lines of a file of prompts.
#[test]
fn messages_fit_a_run_of_pairs() {
    let pairs = Pairs::new();
    let (source, _) = pairs.pair(0);
    let separate = [
        "--set",
        "source_tokenizer.kind=char",
        "--set",
        "target_tokenizer.kind=char",
    ];
    let config = fs::read_to_string(pairs.config(ADDITIVE)).unwrap();
    let own = config.replace("[tokenizer]\nkind = 'char'\n", "");
    fs::write(pairs.path("own.toml"), own).unwrap();
    let (file, run) = (pairs.at("own.toml"), pairs.at("run"));
    let args = ["train", &file, "--run", &run, "--device", "cpu"];
    let ran = sisun(&[&args[..], &separate].concat()).ok();
    // The suggested commands work even if the model has hardly learned.
    let suggested = ran
        .stdout
        .lines()
        .find(|line| line.contains("sisun attend"))
        .unwrap();
    assert!(suggested.contains("--target="), "{suggested}");
    sisun(&["sample", &run, "--prompt", "1"]).fails(1, &["source_tokenizer.kind = \"bpe\""]);
    sisun(&["attend", &run, "--text", &source, "--target", "1"])
        .fails(1, &["target_tokenizer.kind = \"bpe\""]);
    let shared = pairs.at("shared");
    pairs.train("shared", ADDITIVE, &[]).ok();
    sisun(&["sample", &shared, "--prompt", "1"]).fails(1, &["(tokenizer.kind = \"bpe\")"]);

    let prompts = |text: &str| {
        fs::write(pairs.path("prompts.txt"), text).unwrap();
        sisun(&[
            "sample",
            &run,
            "--prompt-file",
            &pairs.at("prompts.txt"),
            "--json",
        ])
    };
    prompts(&format!("{source}\n1\n")).fails(
        1,
        &["prompts.txt` line 2: the tokenizer has no token for '1'"],
    );
    prompts(&format!("{source}\n\n{source}\n"))
        .fails(2, &["prompts.txt` line 2: the source is empty"]);
    prompts("\n\n").fails(2, &["holds no source"]);
    let two = prompts(&format!("{source}\n{source}\n\n")).ok().json();
    assert_eq!(two["samples"].as_array().unwrap().len(), 2);

    for (args, parts) in [
        (
            &["heads", &run][..],
            &["sisun eval", "sisun attend", "--ablate"][..],
        ),
        (
            &[
                "attend",
                &run,
                "--text",
                &source,
                "--activations",
                "q",
                "--format",
                "json",
            ],
            &["--activations", "sisun explain"],
        ),
        (
            &[
                "attend",
                &run,
                "--text",
                &source,
                "--checkpoints",
                "--format",
                "html",
            ],
            &["--checkpoints", "name one"],
        ),
        (
            &[
                "attend", &run, "--text", &source, "--target", &source, "--layers", "3",
            ],
            &["there is no layer 3"],
        ),
        (&["eval", &run, "--lengths", "3"], &["counted by length"]),
        (
            &["sample", &run, "--prompt", &source, "--samples", "3"],
            &["--samples", "likeliest target", "--beam 4"],
        ),
        (
            &["tokenizer", "encode", &run, "--text", &source],
            &["--side source or --side target"],
        ),
    ] {
        sisun(args).fails(2, parts);
    }
    sisun(&["sample", &run, "--prompt", &source, "--length-penalty", "1"]).fails_by_clap(&[
        "--beam",
        "for example: sisun sample runs/dates-gru",
        "--length-penalty 1",
    ]);
    let encode = |side: &str| {
        sisun(&[
            "tokenizer",
            "encode",
            &run,
            "--side",
            side,
            "--text",
            &source,
            "--json",
        ])
        .ok()
        .json()
    };
    assert_eq!(
        encode("source")["ids"].as_array().unwrap().len(),
        source.len()
    );
    assert_eq!(encode("target")["labels"], encode("source")["labels"]);

    // What may not change, or may not be there, is not suggested.
    let again = [
        "--set",
        "pairs.sources=['nowhere.jsonl']",
        "--set",
        "train.eval_every=5",
    ];
    let told = sisun(&[&args[..], &separate, &again].concat()).fails(1, &["to train it longer"]);
    assert!(
        told.stderr.contains("train.eval_every=5") && !told.stderr.contains("nowhere"),
        "{}",
        told.stderr
    );
    // Pairs from standard input are asked for again.
    let from_stdin = ["--set", "pairs.sources=['-']"];
    let jsonl = fs::read(pairs.path("pairs.jsonl")).unwrap();
    let (config, piped) = (pairs.config(ADDITIVE), pairs.at("piped"));
    let args = ["train", &config, "--run", &piped, "--device", "cpu"];
    sisun_with_input(&[&args[..], &from_stdin].concat(), &jsonl).ok();
    sisun(&["eval", &piped]).fails(1, &["came from standard input", "< FILE"]);
    sisun_with_input(&["eval", &piped], &jsonl).ok();
}

/// Layers and heads are chosen, and what is written without a head is told.
#[test]
fn heads_are_chosen_and_ablated() {
    let pairs = Pairs::new();
    pairs
        .train("run", TRANSFORMER, &["--set", "train.steps=60"])
        .ok();
    let (run, out) = (pairs.at("run"), pairs.at("maps"));
    let line = format!("{}:1", pairs.at("pairs.jsonl"));
    let attend = |more: &[&str]| {
        let args = ["attend", &run, "--pair", &line, "--out", &out, "--json"];
        sisun(&[&args[..], more].concat()).ok().json()
    };
    let all = attend(&["--format", "json", "--ablate"]);
    let whole: Value = read_json(&pairs, "maps/cross-attention.json");
    attend(&["--format", "json,png", "--layers", "1", "--heads", "1"]);
    let chosen: Value = read_json(&pairs, "maps/cross-attention.json");
    assert_eq!(chosen["layers"].as_array().unwrap().len(), 1);
    assert_eq!(chosen["layers"][0]["heads"].as_array().unwrap().len(), 1);
    assert_eq!(
        chosen["layers"][0]["heads"][0],
        whole["layers"][1]["heads"][1]
    );
    assert!(pairs.path("maps/cross-layer1-head1.png").is_file());

    let ablations = &all["ablations"];
    let heads = ablations["heads"].as_array().unwrap();
    assert_eq!(heads.len(), 3 * 2 * 2);
    let whole = number(&ablations["log_prob"]);
    let moved = heads
        .iter()
        .filter(|head| number(&head["log_prob"]) != whole);
    assert_eq!(moved.count(), heads.len(), "{ablations}");
    for head in heads {
        let changed = head["text"] != ablations["text"];
        assert_eq!(head["changed"], changed, "{head}");
    }
    // With all heads the target is that of `sample`.
    let (source, _) = pairs.pair(0);
    let sampled = sisun(&["sample", &run, "--prompt", &source, "--json"])
        .ok()
        .json();
    assert_eq!(ablations["text"], sampled["text"]);
    let told = sisun(&["attend", &run, "--pair", &line, "--out", &out, "--ablate"])
        .ok()
        .stdout;
    assert!(
        told.contains("with all heads:") && told.contains("cross 1.1"),
        "{told}"
    );
    // The head that agrees best with the truth is among them.
    assert!(number(&all["best_head"]["layer"]) < 2.0, "{all}");

    pairs.train("gru", ADDITIVE, &[]).ok();
    let gru = pairs.at("gru");
    let found = sisun(&[
        "attend", &gru, "--pair", &line, "--out", &out, "--ablate", "--json",
    ])
    .ok();
    let heads = found.json()["ablations"]["heads"].clone();
    assert_eq!(heads.as_array().unwrap().len(), 1, "the context");
}

/// Run the binary with this standard input.
fn sisun_with_input(args: &[&str], input: &[u8]) -> Ran {
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that refuses its arguments reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

fn read_json(pairs: &Pairs, file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(pairs.path(file)).unwrap()).unwrap()
}

/// A run of pairs keeps what is promised, and damage is found.
#[test]
fn verify_checks_runs_of_pairs() {
    let pairs = Pairs::new();
    for (name, model) in [
        ("gru", ADDITIVE),
        ("last", LAST),
        ("transformer", TRANSFORMER),
    ] {
        pairs.train(name, model, &[]).ok();
        let run = pairs.at(name);
        let found = sisun(&["verify", &run, "--json", "--quiet"]).ok().json();
        assert_eq!(found["holds"], true);
        let checks = found["checks"].as_array().unwrap();
        assert_eq!(checks.len(), 11, "{found}");
        for check in checks {
            let without_attention = name == "last" && check["name"] == "captured attention";
            let expected = if without_attention {
                "not_checked"
            } else {
                "holds"
            };
            assert_eq!(check["verdict"], expected, "{name}: {check}");
        }
        let resumed = checks
            .iter()
            .find(|check| check["name"] == "resuming")
            .unwrap();
        let told = resumed["found"].as_str().unwrap();
        assert!(
            told.contains("the run's own checkpoint again, the same bits"),
            "{told}"
        );
    }
    let weights = pairs.path("gru/checkpoints/step-00000020/model.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let run = pairs.at("gru");
    sisun(&["verify", &run, "--quiet"]).fails(1, &["checksums"]);
}

/// What a model that has no counterpart lacks is told, and one that has is written.
#[test]
fn pairs_are_exported_or_refused() {
    let pairs = Pairs::new();
    let post = format!(
        "{}\nnorm_placement = 'post'",
        TRANSFORMER.replace("rope", "sinusoidal")
    );
    for (name, model) in [("gru", ADDITIVE), ("rope", TRANSFORMER), ("post", &post)] {
        pairs.train(name, model, &[]).ok();
    }
    let export = |name: &str| {
        let (run, to) = (pairs.at(name), pairs.at(&format!("{name}-hf")));
        sisun(&["export", &run, "--to", &to])
    };
    export("gru").fails(1, &["seq2seq.kind = \"recurrent\"", "Marian"]);
    export("rope").fails(1, &["seq2seq.position = \"rope\"", "sinusoidal"]);
    for name in ["gru-hf", "rope-hf"] {
        assert!(!pairs.path(name).exists(), "{name}");
    }
    let told = export("post").ok().stdout;
    assert!(
        told.contains("MarianMTModel") && told.contains("AutoModelForSeq2SeqLM"),
        "{told}"
    );
    for file in [
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "target/tokenizer.json",
    ] {
        assert!(pairs.path("post-hf").join(file).is_file(), "{file}");
    }
    export("post").fails(1, &["is there already"]);
}
