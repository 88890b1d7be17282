//! `sisun sample` and `sisun eval`.

use crate::sisun::{Lab, Ran, command, sisun};
use std::io::Write;
use std::process::Stdio;

fn sample(more: &[&str]) -> Ran {
    let run = Lab::trained().at("run");
    sisun(&[&["sample", &run, "--quiet", "--device", "cpu"], more].concat())
}

#[test]
fn the_same_seed_writes_the_same_text() {
    let of = |seed: &str| {
        sample(&["--prompt", "One day", "-n", "40", "--seed", seed])
            .ok()
            .stdout
    };
    assert_eq!(of("3"), of("3"));
    assert_ne!(of("3"), of("4"));
    assert!(of("3").starts_with("One day"));
}

#[test]
fn samples_of_one_call_differ_and_each_can_be_had_again() {
    let json = sample(&[
        "--prompt",
        "One day",
        "-n",
        "30",
        "--samples",
        "3",
        "--json",
    ])
    .ok()
    .json();
    let texts: Vec<&str> = json["samples"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts.len(), 3);
    assert!(texts[0] != texts[1] && texts[1] != texts[2]);
    let first = sample(&["--prompt", "One day", "-n", "30", "--json"])
        .ok()
        .json();
    assert_eq!(first["text"], texts[0]);
}

#[test]
fn json_has_tokens_with_log_probabilities_that_spell_the_text() {
    let json = sample(&[
        "--prompt",
        "One day",
        "-n",
        "25",
        "--json",
        "--temperature",
        "0",
    ])
    .ok()
    .json();
    let tokens = json["tokens"].as_array().unwrap();
    let spelt: String = tokens
        .iter()
        .map(|token| token["text"].as_str().unwrap())
        .collect();
    assert_eq!(json["text"].as_str().unwrap(), spelt);
    assert!(
        tokens
            .iter()
            .all(|token| token["logprob"].as_f64().unwrap() <= 0.0 && token["id"].is_u64())
    );
    assert!(json["tokens_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_stop_text_ends_the_sample() {
    let whole = sample(&["--prompt", "One day", "-n", "60"]).ok().stdout;
    let cut = sample(&["--prompt", "One day", "-n", "60", "--stop", "."])
        .ok()
        .stdout;
    let expected = whole.split('.').next().unwrap();
    assert_eq!(cut.trim_end_matches('\n'), expected.trim_end_matches('\n'));
}

#[test]
fn the_prompt_may_come_from_standard_input() {
    let run = Lab::trained().at("run");
    let mut child = command(&[
        "sample",
        &run,
        "--prompt-file",
        "-",
        "-n",
        "20",
        "--quiet",
        "--device",
        "cpu",
    ])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all("One day\n".as_bytes())
        .unwrap();
    let piped = Ran::from(child.wait_with_output().unwrap()).ok().stdout;
    assert_eq!(
        piped,
        sample(&["--prompt", "One day", "-n", "20"]).ok().stdout
    );
}

/// Files, standard input and arguments are read by the same rule: no byte order mark, line feeds
/// only.
#[test]
fn prompts_and_texts_are_read_as_training_reads_files() {
    let lab = Lab::trained();
    let (run, plain, other) = (lab.at("run"), "One day\nMina", "\u{FEFF}One day\r\nMina");
    let file = tempfile::NamedTempFile::new().unwrap();
    let at = file.path().to_str().unwrap();
    std::fs::write(at, other).unwrap();
    let prompt = |options: &[&str]| {
        sample(&[options, &["-n", "5", "--json"]].concat())
            .ok()
            .json()["prompt"]
            .clone()
    };
    assert_eq!(prompt(&["--prompt", plain]), plain);
    assert_eq!(prompt(&["--prompt", other]), plain);
    assert_eq!(prompt(&["--prompt-file", at]), plain);
    let piped = |args: &[&str]| {
        let mut child = command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(other.as_bytes())
            .unwrap();
        Ran::from(child.wait_with_output().unwrap()).ok().json()
    };
    let sampled = piped(&[
        "sample",
        &run,
        "--prompt-file",
        "-",
        "-n",
        "5",
        "--json",
        "--quiet",
        "--device",
        "cpu",
    ]);
    assert_eq!(sampled["prompt"], plain);
    let encode = ["tokenizer", "encode", &run, "--json"];
    let encoded = |text: &str| {
        sisun(&[&encode[..], &["--text", text]].concat())
            .ok()
            .json()
    };
    assert_eq!(encoded(other), encoded(plain));
    assert_eq!(piped(&encode), encoded(plain));
    let out = lab.at("read-as-files");
    let looked = |args: &[&str]| {
        sisun(&[args, &["--json", "--quiet", "--device", "cpu"]].concat())
            .ok()
            .json()
    };
    let attend = |text: &str| {
        looked(&[
            "attend", &run, "--format", "json", "--out", &out, "--text", text,
        ])
    };
    assert_eq!(attend(other), attend(plain));
    let explain = |text: &str| looked(&["explain", &run, "--text", text]);
    assert_eq!(explain(other), explain(plain));
    let heads = |text: &str| looked(&["heads", &run, "--text", text]);
    assert_eq!(heads(other), heads(plain));
}

#[test]
fn a_prompt_longer_than_the_context_is_read_from_its_end() {
    let long = "The dog ran home. ".repeat(40).trim_end().to_owned();
    let json = sample(&["--prompt", &long, "-n", "40", "--json"])
        .ok()
        .json();
    assert!(json["tokens"].as_array().unwrap().len() > 3, "{json}");
    // Omitted tokens are reported in every form of output.
    let all = json["prompt_tokens"].as_u64().unwrap();
    assert!(all > 200 && json["prompt_tokens_read"] == 23, "{json}");
    let run = Lab::trained().at("run");
    let note = format!("only the last 23 of {all} tokens of the prompt are read");
    let trace = Lab::trained().at("long.json");
    for more in [&[][..], &["--json"], &["--trace", &trace]] {
        let told = sisun(
            &[
                &[
                    "sample", &run, "--prompt", &long, "-n", "3", "--device", "cpu",
                ],
                more,
            ]
            .concat(),
        )
        .ok()
        .stderr;
        assert!(told.contains(&note), "{told}");
    }
    let trace: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&trace).unwrap()).unwrap();
    assert_eq!(
        (
            trace["prompt_tokens"].as_u64(),
            trace["prompt_tokens_read"].as_u64()
        ),
        (Some(all), Some(23))
    );
    let short = sisun(&[
        "sample", &run, "--prompt", "One day", "-n", "30", "--device", "cpu",
    ])
    .ok()
    .stderr;
    assert!(!short.contains("only the last"), "{short}");
    // The same for the prompt of a configuration.
    let lab = Lab::new();
    let set = [
        format!("sample.prompt={long}"),
        format!("attend.text={long}"),
    ];
    let told = lab
        .train(
            "run",
            &["--set", &set[0], "--set", &set[1], "--set", "train.steps=4"],
        )
        .ok()
        .stderr;
    assert!(
        told.contains(&format!(
            "only the last 23 of {all} tokens of sample.prompt are read"
        )),
        "{told}"
    );
    assert!(
        told.contains("tokens of attend.text are more than the 23 of training"),
        "{told}"
    );
}

#[test]
fn without_a_prompt_the_model_begins_a_text() {
    let json = sample(&["-n", "30", "--json"]).ok().json();
    assert_eq!(
        (&json["prompt"], json["prompt_tokens"].as_u64()),
        (&"".into(), Some(1))
    );
    let text = json["text"].as_str().unwrap();
    // Like the beginning of a story, not the middle of a sentence.
    assert!(
        text.starts_with(|c: char| c.is_uppercase() || c == '"'),
        "{text}"
    );
    assert_eq!(
        sample(&["-n", "30"]).ok().stdout.trim_end(),
        text.trim_end()
    );
    let page = Lab::trained().at("begun.html");
    sample(&["-n", "5", "--trace", &page]).ok();
    assert!(std::fs::read_to_string(page).unwrap().contains("<script"));
    // A text of one document has no separator token.
    let lab = Lab::new();
    let one = [
        "--set",
        "data.documents=file",
        "--set",
        "tokenizer={kind=\"char\"}",
        "--set",
        "train.steps=4",
    ];
    lab.train("run", &one).ok();
    sisun(&["sample", &lab.at("run"), "-n", "3", "--device", "cpu"])
        .fails(2, &["begins or ends a text", "--prompt"]);
}

#[test]
fn a_stop_text_may_be_a_line_end() {
    let first = sample(&[
        "--prompt", "One day", "-n", "200", "--stop", "\\n", "--seed", "5",
    ])
    .ok()
    .stdout;
    assert_eq!(first.matches('\n').count(), 1, "{first:?}");
    let run = Lab::trained().at("run");
    for (stop, part) in [
        ("\\d", "before 'd'"),
        ("a\\", "at its end"),
        ("", "at least one character"),
    ] {
        let refused = sisun(&["sample", &run, "--stop", stop]);
        assert!(
            refused.code == Some(2) && refused.stderr.contains(part),
            "{}",
            refused.stderr
        );
    }
}

#[test]
fn few_tokens_are_told_apart_from_few_samples() {
    let run = Lab::trained().at("run");
    let told = |more: &[&str]| {
        sisun(
            &[
                &["sample", &run, "--prompt", "One day", "--device", "cpu"],
                more,
            ]
            .concat(),
        )
        .ok()
        .stderr
    };
    assert!(told(&["-n", "3"]).contains("stopped after 3 tokens (-n 3)"));
    for quiet in [
        &["-n", "3", "--quiet"][..],
        &["-n", "40"],
        &["-n", "3", "--samples", "2"],
        &["-n", "3", "--json"],
    ] {
        assert!(!told(quiet).contains("stopped after"), "{quiet:?}");
    }
}

#[test]
fn evaluation_repeats_what_training_measured() {
    let lab = Lab::trained();
    let run = lab.at("run/checkpoints/last");
    let json = sisun(&[
        "eval",
        &run,
        "--windows",
        "7",
        "--json",
        "--quiet",
        "--device",
        "cpu",
    ])
    .ok()
    .json();
    let metrics = std::fs::read_to_string(lab.path("run/metrics.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(metrics.lines().last().unwrap()).unwrap();
    let (found, logged) = (
        json["loss"].as_f64().unwrap(),
        last["loss"].as_f64().unwrap(),
    );
    assert!((found - logged).abs() < 1e-5, "{found} and {logged}");
    assert!((json["perplexity"].as_f64().unwrap() - found.exp()).abs() < 1e-6);

    // Bits per byte by hand: the total nats of the held-out text over its bytes.
    let whole = sisun(&["eval", &run, "--json", "--quiet", "--device", "cpu"])
        .ok()
        .json();
    let bits = whole["bits_per_byte"].as_f64().unwrap();
    assert!(bits > 0.5 && bits < 8.0, "{bits}");
    let lengths = sisun(&[
        "eval",
        &run,
        "--lengths",
        "11,23,46",
        "--json",
        "--quiet",
        "--device",
        "cpu",
    ])
    .ok()
    .json();
    let listed: Vec<u64> = lengths["lengths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|l| l["length"].as_u64().unwrap())
        .collect();
    assert_eq!(listed, [11, 23, 46]);
    let other = sisun(&[
        "eval",
        &run,
        "--data",
        "data/README.md",
        "--json",
        "--quiet",
        "--device",
        "cpu",
    ])
    .ok()
    .json();
    assert!(
        other["loss"].as_f64().unwrap() > whole["loss"].as_f64().unwrap(),
        "other text is harder"
    );
}

#[test]
fn a_model_with_more_rows_than_tokens_writes_tokens_only() {
    let lab = Lab::new();
    // 900 rows, of which the tokenizer knows 320, barely trained: most of the probability is on
    // rows without a token.
    lab.train(
        "wide",
        &["--set", "model.vocab_size=900", "--set", "train.steps=3"],
    )
    .ok();
    let args = [
        "sample",
        &lab.at("wide"),
        "--prompt",
        "One",
        "-n",
        "80",
        "--temperature",
        "1.5",
        "--json",
        "--device",
        "cpu",
    ];
    let sample = sisun(&args).ok().json();
    let ids: Vec<u64> = sample["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|token| token["id"].as_u64().unwrap())
        .collect();
    assert!(ids.len() == 80 && ids.iter().all(|id| *id < 320), "{ids:?}");
}

/// Bits per byte of part of a text counts exactly the bytes of the predicted tokens.
#[test]
fn bits_per_byte_counts_the_bytes_of_what_was_measured() {
    let lab = Lab::new();
    let (english, korean) = (
        "the cat sat on a mat. ".repeat(20),
        "하나는둘을보았다".repeat(80),
    );
    std::fs::write(lab.path("en-ko.txt"), format!("{english}{korean}")).unwrap();
    std::fs::write(lab.path("ko-en.txt"), format!("{korean}{english}")).unwrap();
    lab.write_config(
        "mixed.toml",
        &format!(
            "name = \"mixed\"\n[data]\nsources = [{:?}]\nvalidation = [{:?}]\n[tokenizer]\nkind = \"char\"\n[model]\nd_model = 6\nn_layers = 1\nn_heads = 1\ncontext_len = 7\nposition = \"rope\"\n[train]\nsteps = 2\nbatch_size = 2\nlr_max = 1e-3\nlr_min = 1e-4\nwarmup_steps = 1\neval_windows = 1\n",
            lab.at("en-ko.txt"),
            lab.at("ko-en.txt")
        ),
    );
    let run = lab.at("mixed");
    sisun(&[
        "train",
        &lab.at("mixed.toml"),
        "--run",
        &run,
        "--device",
        "cpu",
        "--quiet",
    ])
    .ok();
    let bits = |json: &serde_json::Value, tokens: f64, bytes: f64| {
        let found = json["bits_per_byte"].as_f64().unwrap();
        let loss = json["loss"].as_f64().unwrap();
        let right = loss / std::f64::consts::LN_2 * tokens / bytes;
        assert!((found - right).abs() < 1e-12, "{json}: not {right}");
    };
    // The held-out text begins with seven Korean characters of three bytes each, after the first.
    let metrics = std::fs::read_to_string(lab.path("mixed/metrics.jsonl")).unwrap();
    let validation: Vec<serde_json::Value> = metrics
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|metric| metric["split"] == "validation")
        .collect();
    assert!(!validation.is_empty(), "{metrics}");
    validation.iter().for_each(|metric| bits(metric, 7.0, 21.0));
    let eval = |text: &str, more: &[&str]| {
        let text = lab.at(text);
        let args = [
            "eval", &run, "--data", &text, "--json", "--quiet", "--device", "cpu",
        ];
        sisun(&[&args[..], more].concat()).ok().json()
    };
    bits(&eval("en-ko.txt", &["--windows", "1"]), 7.0, 7.0);
    bits(&eval("ko-en.txt", &["--windows", "1"]), 7.0, 21.0);
    // Two windows, evenly spaced: the first and the middle one of the full windows.
    let full = (440 + 640 - 1) / 7;
    let second = full / 2 * 7 + 1;
    assert!(second > 440, "it is Korean");
    bits(&eval("en-ko.txt", &["--windows", "2"]), 14.0, 7.0 + 21.0);
    // The whole text: all bytes over all tokens.
    let whole = eval("en-ko.txt", &[]);
    let tokens = whole["tokens"].as_f64().unwrap() + 1.0;
    bits(&whole, tokens, 440.0 + 3.0 * 640.0);
}

/// Where a line end stood before the answers, the line end of a prompt's file is part of the prompt.
#[test]
fn a_prompt_can_ask_for_an_answer() {
    let lab = Lab::new();
    let records: String = (0..60)
        .map(|i| format!("{{\"q\": \"Double {i}.\", \"a\": \"It is {}.\"}}\n", 2 * i))
        .collect();
    std::fs::write(lab.path("pairs.jsonl"), records).unwrap();
    let source = format!("data.sources={:?}", [lab.at("pairs.jsonl")]);
    let fields = [
        "--set",
        &source,
        "--set",
        "data.jsonl_field=q",
        "--set",
        "data.jsonl_separator=\"\\n\"",
        "--set",
        "train.steps=4",
        "--set",
        "model.context_len=16",
        "--set",
        "data.validation_fraction=0.3",
    ];
    lab.train("alone", &fields)
        .fails(2, &["data.jsonl_separator", "set data.jsonl_answer_field"]);
    let fields = [&fields[..], &["--set", "data.jsonl_answer_field=a"]].concat();
    lab.train("run", &fields).ok();
    let (run, file) = (lab.at("run"), lab.at("prompt.txt"));
    std::fs::write(&file, "Double 7.\n").unwrap();
    let ran = |prompt: &[&str]| {
        let rest = ["-n", "3", "--json", "--device", "cpu"];
        sisun(&[&["sample", &run], prompt, &rest[..]].concat()).ok()
    };
    let (from_file, told) = (
        ran(&["--prompt-file", &file]),
        ran(&["--prompt", "Double 7."]),
    );
    assert_eq!(from_file.json()["prompt"], "Double 7.\n");
    assert!(
        !from_file.stderr.contains("jsonl_separator"),
        "{}",
        from_file.stderr
    );
    assert_eq!(told.json()["prompt"], "Double 7.");
    assert!(
        told.stderr
            .contains("data.jsonl_separator = \"\\n\" stood between")
    );
    assert_eq!(
        ran(&["--prompt", "Double 7.\n"]).json()["text"],
        from_file.json()["text"]
    );
}
