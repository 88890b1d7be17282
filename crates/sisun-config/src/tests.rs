//! The table of keys agrees with serde, and every error is reported in the terms of the file.

use crate::Shape;
use crate::checked::Checked;
use crate::keys::EXPERIMENT;
use crate::read::MODEL;
use crate::{Config, ConfigError, Experiment, ModelConfig, TrainConfig, from_value};
use std::collections::BTreeSet;
use std::path::Path;
use toml::{Table, Value};

/// Every key that a configuration can have, for each kind of tokenizer, position and scaling.
pub(crate) const WHOLE: &str = r#"
name = "whole"
[finetune]
model = "models/gpt2"
lora = { rank = 4, alpha = 8.0 }
[data]
sources = ["a.txt"]
documents = "line"
jsonl_field = "prompt"
jsonl_answer_field = "answer"
jsonl_separator = " "
normalize = "nfc"
validation = ["b.txt"]
validation_fraction = 0.2
cache_dir = "cache"
[tokenizer]
kind = "bpe"
vocab_size = 400
specials = ["<|x|>"]
[model]
vocab_size = 400
d_model = 24
n_layers = 2
n_heads = 2
n_kv_heads = 1
d_head = 12
d_ff = 48
context_len = 16
dropout = 0.1
bias = true
attention_bias = true
ffn_bias = false
tied_head = false
position = "rope"
norm = "rms"
norm_placement = "pre"
norm_eps = 1e-6
ffn = "swiglu"
residual = true
parallel_residual = false
qk_norm = true
causal = true
scaled_scores = true
init_std = 0.02
[train]
seed = 1
steps = 10
batch_size = 2
gradient_accumulation_steps = 2
windows = "epochs"
precision = "bf16"
optimizer = "muon"
lr_max = 1e-3
lr_min = 1e-4
muon_lr_max = 0.02
muon_momentum = 0.9
warmup_steps = 1
schedule = "linear"
weight_decay = 0.1
beta1 = 0.9
beta2 = 0.95
eps = 1e-8
grad_clip = 1.0
eval_every = 5
eval_windows = 3
checkpoint_every = 5
keep_checkpoints = 2
log_every = 1
[sample]
prompt = "One"
tokens = 3
temperature = 0.5
top_k = 3
every = 5
[attend]
text = "One"
"#;

/// Other kinds, each replacing one of the tables above.
const KINDS: [(&str, &str); 10] = [
    ("tokenizer", r#"{ kind = "char" }"#),
    ("tokenizer", r#"{ kind = "file", path = "tokenizer.json" }"#),
    ("model.position", r#"{ kind = "learned" }"#),
    (
        "model.position",
        r#"{ kind = "t5_bias", buckets = 8, max_distance = 64 }"#,
    ),
    (
        "model.position",
        r#"{ kind = "rope", base = 500.0, fraction = 0.5, scaling = { kind = "linear", factor = 2.0 } }"#,
    ),
    (
        "model.position",
        r#"{ kind = "rope", scaling = { kind = "ntk", factor = 2.0 } }"#,
    ),
    (
        "model.position",
        r#"{ kind = "rope", scaling = { kind = "dynamic", factor = 2.0, original_context_len = 8 } }"#,
    ),
    (
        "model.position",
        r#"{ kind = "rope", scaling = { kind = "yarn", factor = 2.0, original_context_len = 8, beta_fast = 32.0, beta_slow = 1.0, attention_factor = 1.1, truncate = false } }"#,
    ),
    (
        "model.position",
        r#"{ kind = "rope", scaling = { kind = "llama3", factor = 2.0, original_context_len = 8, low_freq_factor = 1.0, high_freq_factor = 4.0 } }"#,
    ),
    ("model.position", r#"{ kind = "alibi" }"#),
];

/// One or more values of every TOML type.
pub(crate) const VALUES: [&str; 25] = [
    "\"wrong text\"",
    "\"\"",
    "\"3\"",
    "\"1.5\"",
    "\"true\"",
    "\"[1]\"",
    "0",
    "3",
    "-3",
    "9223372036854775807",
    "1.5",
    "1e3",
    "-0.5",
    "1e300",
    "nan",
    "-inf",
    "true",
    "false",
    "1979-05-27",
    "[]",
    "[1]",
    "[\"a\", 1]",
    "[[]]",
    "{}",
    "{ kind = 3, a = 1 }",
];

/// Words of Rust or serde that users need not know.
const RUST: [&str; 18] = [
    "f64", "usize", "u64", "i64", "struct", "variant", "enum", "tuple", "newtype", "map",
    "sequence", "Option", "None", "invalid", "non-zero", "integer", "string", "boolean",
];

pub(crate) fn tables() -> Vec<Table> {
    let whole: Table = WHOLE.parse().expect("TOML");
    let other = |(key, text): &(&str, &str)| {
        let mut table = whole.clone();
        crate::apply_override(&mut table, &format!("{key}={text}")).expect("an override");
        table
    };
    std::iter::once(whole.clone())
        .chain(KINDS.iter().map(other))
        .collect()
}

pub(crate) fn paths(at: &str, table: &Table, all: &mut Vec<String>) {
    for (key, value) in table {
        let path = crate::shape::joined(at, key);
        if let Value::Table(inner) = value {
            paths(&path, inner, all);
        }
        all.push(path);
    }
}

pub(crate) fn at<'t>(table: &'t mut Table, path: &str) -> &'t mut Value {
    match path.split_once('.') {
        None => table.get_mut(path).expect("the key is there"),
        Some((first, rest)) => at(
            table
                .get_mut(first)
                .and_then(Value::as_table_mut)
                .expect("a table"),
            rest,
        ),
    }
}

#[test]
fn every_key_is_known_and_every_known_key_is_tried() {
    let mut tried = BTreeSet::new();
    for table in tables() {
        let mut here = Vec::new();
        paths("", &table, &mut here);
        tried.extend(here);
        let mut value = Value::Table(table);
        let found = Checked::of("", &mut value, &EXPERIMENT).problems;
        assert!(found.is_empty(), "{found:?}");
        crate::read::read_value::<Config>(value).expect("serde reads what was found right");
    }
    let known: BTreeSet<String> = EXPERIMENT.paths("").into_iter().collect();
    assert_eq!(
        known.difference(&tried).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    assert_eq!(
        tried.difference(&known).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    // Everything that serde writes for a configuration is known too.
    let whole: Config = Config::parse(Path::new("whole.toml"), WHOLE).expect("a configuration");
    let mut written = Vec::new();
    paths("", &whole.to_toml().parse().expect("TOML"), &mut written);
    assert!(
        written.iter().all(|path| known.contains(path)),
        "{written:?}"
    );
}

#[test]
fn a_wrong_value_is_told_with_its_key_and_no_word_of_rust() {
    let mut refused = 0;
    for table in tables() {
        let mut keys = Vec::new();
        paths("", &table, &mut keys);
        for key in keys {
            for text in VALUES {
                let value: Value = format!("v = {text}")
                    .parse::<Table>()
                    .expect("TOML")
                    .remove("v")
                    .expect("v");
                let mut table = table.clone();
                *at(&mut table, &key) = value.clone();
                let serde = Value::Table(table.clone()).try_into::<Config>();
                let error = match Config::parse(Path::new("x.toml"), &table.to_string()) {
                    Ok(_) => continue,
                    Err(error) => error,
                };
                refused += 1;
                let message = error.to_string();
                // A value of the right type can put another key out of its range.
                let of_another = matches!(&error, ConfigError::OutOfRange { .. });
                assert!(
                    message.contains(&key) || of_another,
                    "no {key} in {message}"
                );
                assert_plain(&message, &value);
                for problem in error.problems() {
                    // Serde reads everything that the table of keys accepts, and rejects everything
                    // that it rejects, except for values that serde does not check (and for a list
                    // of values, which serde accepts as a table).
                    assert!(
                        !matches!(&problem, ConfigError::Invalid { key, .. } if key != "model"),
                        "{key} = {text}: {problem}"
                    );
                    if matches!(problem, ConfigError::Wrong { .. }) && serde.is_ok() {
                        let stricter = ["\"\"", "nan", "-inf", "1979-05-27"].contains(&text)
                            || text.starts_with('[');
                        assert!(stricter, "serde reads {key} = {text}, but: {problem}");
                    }
                }
            }
        }
    }
    assert!(refused > 5_000, "only {refused} were refused");
}

#[track_caller]
fn assert_plain(message: &str, value: &Value) {
    // Wrong values and names of keys are repeated in messages and may be any word.
    let own = message.replace(&crate::rules::shown(value), "");
    for word in own.split(|c: char| !c.is_alphanumeric() && c != '-' && c != '_') {
        assert!(!RUST.contains(&word), "{word} in {message}");
    }
}

#[test]
fn every_missing_key_is_told_with_what_it_takes() {
    for table in tables() {
        let mut keys = Vec::new();
        paths("", &table, &mut keys);
        for key in keys {
            let mut table = table.clone();
            match key.rsplit_once('.') {
                None => _ = table.remove(&key),
                Some((parent, leaf)) => {
                    _ = at(&mut table, parent)
                        .as_table_mut()
                        .expect("a table")
                        .remove(leaf)
                }
            }
            let Err(error) = Config::parse(Path::new("x.toml"), &table.to_string()) else {
                continue;
            };
            let message = error.to_string();
            assert!(
                message.contains(&key) || message.contains("is left to the model"),
                "no {key} in {message}"
            );
            assert_plain(&message, &Value::Boolean(true));
        }
    }
}

#[test]
fn a_first_configuration_is_told_everything_at_once() {
    let text = r#"
        learning_rate = 1
        [data]
        sources = "x.txt"
        [training]
        lr = 3e-4
        max_iters = "1,000"
        [model]
        n_embd = 384
        n_layer = 6
        n_heads = 5.0
        block_size = 64
        position = "rop"
        dropout = 1.5
        bias = "no"
        n_kv_heads = "1e0"
        [tokenizer]
        kind = "bpe"
        vocab = 500
        [sample]
        prompt = "One"
        temperature = -1
    "#;
    let error = Config::parse(Path::new("x.toml"), text).expect_err("much is wrong");
    let message = error.to_string();
    for part in [
        "unknown key learning_rate; did you mean train.lr_max?",
        "unknown key training; did you mean train?",
        "unknown key train.lr; did you mean train.lr_max?",
        "unknown key train.max_iters; did you mean train.steps?",
        "train.batch_size is missing: number of windows of text, or of pairs, in one forward pass (a whole number), for example batch_size = 8",
        "unknown key model.n_embd; did you mean model.d_model?",
        "unknown key model.n_layer; did you mean model.n_layers?",
        "unknown key model.block_size; did you mean model.context_len?",
        "model.position = \"rop\": expected one of none, learned, sinusoidal, rope, alibi, t5_bias; did you mean \"rope\"?",
        "model.bias = \"no\": expected true or false; write false, without quotes",
        "model.n_kv_heads = \"1e0\": expected a whole number, not text; write 1e0, without quotes",
        "model.dropout = 1.5 must be at least 0 and below 1",
        "unknown key tokenizer.vocab; did you mean tokenizer.vocab_size?",
        "sample.temperature = -1 must be 0 (greedy) or a positive number",
        "name is missing",
    ] {
        assert!(message.contains(part), "no {part:?} in {message}");
    }
    // The replacement of a missing value causes no further error, and the key that was probably
    // meant is not reported as missing.
    assert!(
        !message.contains("model.d_model is missing") && !message.contains("divisible"),
        "{message}"
    );
}

#[test]
fn nothing_of_an_override_is_dropped() {
    let set = |given: &str| {
        let mut table = Table::new();
        crate::apply_override(&mut table, given).map(|_| table["a"].clone())
    };
    let text = |text: &str| Value::String(text.to_owned());
    for (given, value) in [
        ("a=1", Value::Integer(1)),
        ("a = 1", Value::Integer(1)),
        ("a= \"x # y\" ", text("x # y")),
        ("a=1 # b", text("1 # b")),
        ("a=1\nb=2", text("1\nb=2")),
        ("a=1]\nb=[2", text("1]\nb=[2")),
        ("a=# b", text("# b")),
        ("a=1, 2", text("1, 2")),
        ("a=x=y", text("x=y")),
        ("a=", text("")),
        (
            "a=[1, 2]",
            Value::Array(vec![Value::Integer(1), Value::Integer(2)]),
        ),
    ] {
        assert_eq!(set(given).expect(given), value, "{given}");
    }
    assert!(
        set("a=nan")
            .expect("a number")
            .as_float()
            .is_some_and(f64::is_nan)
    );
    let mut quoted = Table::new();
    crate::apply_override(&mut quoted, "vary.\"model.position\" = [\"rope\"]")
        .expect("a key in quotes");
    assert!(quoted["vary"].get("model.position").is_some(), "{quoted}");
    assert!(crate::apply_override(&mut quoted, "a..b=1").is_err());
    for given in ["a=\"x\" # y", "a=\"x\" y", "a='x", "a=\"x\"\nb=2"] {
        assert!(
            matches!(set(given), Err(ConfigError::BadQuotes { .. })),
            "{given}"
        );
    }
}

#[test]
fn what_toml_cannot_read_is_told_with_what_to_write() {
    for (text, remedy) in [
        ("steps = ten", "text is written in straight quotes"),
        ("name = my model", "text is written in straight quotes"),
        ("sources = [a.txt]", "text is written in straight quotes"),
        ("name = “my”", "text is written in straight quotes"),
        ("a = 1\nb = True", "write b = true"),
        ("steps: 5", "a setting is written with `=`: steps = 5"),
        ("steps = 1,000,000", "without thousands separators"),
        ("steps = 1.000.000", "without thousands separators"),
        ("lr_max = .5", "write lr_max = 0.5"),
        ("path = \"C:\\Users\\x\"", "in single quotes"),
    ] {
        let told = crate::read::parse_table(Path::new("a.toml"), text)
            .expect_err(text)
            .to_string();
        assert!(
            told.lines()
                .last()
                .is_some_and(|line| line.contains(remedy)),
            "{text}: {told}"
        );
    }
    let told = crate::read::parse_table(Path::new("a.toml"), "[a")
        .expect_err("cut off")
        .to_string();
    assert!(!told.contains("quotes"), "{told}");
}

#[test]
fn what_an_option_does_is_told_as_one() {
    for (key, part) in [
        ("train.device", "an option of training, the device"),
        ("device", "an option of training, the device"),
        ("train.output_dir", "the directory to write"),
        ("tokenizer.file", "did you mean tokenizer.path?"),
        (
            "tokenizer.foo",
            "known here: tokenizer.kind, tokenizer.vocab_size",
        ),
    ] {
        let mut table: Table = WHOLE.parse().expect("TOML");
        crate::set(&mut table, key, Value::String("x".to_owned())).expect("a place");
        let mut value = Value::Table(table);
        let told: Vec<String> = Checked::of("", &mut value, &EXPERIMENT)
            .problems
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(told.len() == 1 && told[0].contains(part), "{key}: {told:?}");
    }
    let mut half = Value::Float(40.5);
    let told = Checked::of("train.steps", &mut half, &crate::shape::Shape::Integer).problems[0]
        .to_string();
    assert_eq!(
        told,
        "train.steps = 40.5: expected a whole number, without a fraction"
    );
}

#[test]
fn a_key_of_another_table_is_meant_rather_than_a_similar_one() {
    for (given, meant) in [
        ("model.batch_size=8", "train.batch_size"),
        ("train.block_size=8", "model.context_len"),
        ("train.keep=3", "train.keep_checkpoints"),
        ("data.dataset='x'", "data.sources"),
        ("train.fp16=true", "train.precision"),
        ("train.adam_beta1=0.8", "train.beta1"),
        ("model.pos='rope'", "model.position"),
        ("model.contxt_len=8", "model.context_len"),
    ] {
        let mut table: Table = WHOLE.parse().expect("TOML");
        crate::apply_override(&mut table, given).expect("an override");
        let text = toml::to_string(&table).expect("TOML");
        let told = Config::parse(Path::new("a.toml"), &text)
            .expect_err(given)
            .to_string();
        assert!(
            told.contains(&format!("did you mean {meant}?")),
            "{given}: {told}"
        );
    }
}

#[test]
fn settings_that_nothing_reads_are_found() {
    let base = WHOLE.replace("validation = [\"b.txt\"]\n", "");
    let idle = |text: &str| {
        let keys = Config::parse(Path::new("a.toml"), text)
            .expect(text)
            .settings_without_effect();
        keys.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
    };
    let without = |text: &str| -> String {
        let keys = [
            "muon_lr_max",
            "muon_momentum",
            "lr_min",
            "schedule",
            "optimizer",
        ];
        let is_it = |line: &str| keys.iter().any(|key| line.starts_with(&format!("{key} =")));
        text.lines()
            .filter(|line| !is_it(line))
            .map(|line| format!("{line}\n"))
            .collect()
    };
    let with = |lines: &str| without(&base).replace("[train]\n", &format!("[train]\n{lines}\n"));
    assert_eq!(idle(&with("")), [""; 0]);
    assert_eq!(idle(&with("muon_lr_max = 0.5")), ["train.muon_lr_max"]);
    assert_eq!(
        idle(&with("muon_lr_max = 0.5\noptimizer = \"muon\"")),
        [""; 0]
    );
    assert_eq!(
        idle(&with("lr_min = 1e-5\nschedule = \"constant\"")),
        ["train.lr_min"]
    );
    assert_eq!(idle(&with("lr_min = 1e-5")), [""; 0]);
    assert_eq!(idle(&without(WHOLE)), ["data.validation_fraction"]);
}

#[test]
fn constructors_have_the_defaults_of_a_file() {
    let table = "[model]\nvocab_size = 65\nd_model = 12\nn_layers = 3\nn_heads = 2\ncontext_len = 7\n\
                 position = \"rope\"\n[train]\nsteps = 5\nbatch_size = 11\nlr_max = 1e-3";
    let mut table: Table = table.parse().expect("TOML");
    let mut part = |name: &str| table.remove(name).expect("a table");
    let model: ModelConfig = from_value("model", part("model"), &MODEL).expect("a model");
    assert_eq!(ModelConfig::new(65, 12, 3, 2, 7), model);
    let train: TrainConfig =
        from_value("train", part("train"), &Shape::of::<TrainConfig>()).expect("settings");
    assert_eq!(TrainConfig::new(5, 11, 1e-3), train);
}
