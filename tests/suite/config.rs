//! Configuration: user errors and their messages.

use crate::message;
use proptest::prelude::*;
use sisun_config::{Config, ConfigError, Described, Experiment, ModelConfig, Position};
use sisun_tests::models::POSITIONS;
use std::fs;
use std::path::{Path, PathBuf};

const PLAIN: &str = r#"
[data]
sources = ["텍스트.txt"]
[tokenizer]
kind = "bpe"
vocab_size = 499
[model]
d_model = 24
n_layers = 2
n_heads = 3
context_len = 37
position = "learned"
[train]
steps = 7
batch_size = 3
lr_max = 1e-3
"#;

fn read(overrides: &[&str]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plain.toml");
    fs::write(&path, PLAIN).unwrap();
    let overrides: Vec<String> = overrides.iter().map(|given| (*given).to_owned()).collect();
    Config::read(&path, &overrides)
}

fn refused(overrides: &[&str]) -> String {
    message(&read(overrides).expect_err(&format!("{overrides:?} is accepted")))
}

#[test]
fn defaults_are_written_out() {
    let config = read(&[]).unwrap();
    assert_eq!(config.name, "plain");
    assert_eq!(
        (config.model.n_kv_heads, config.model.d_ff),
        (Some(3), Some(96))
    );
    assert_eq!(
        (config.train.beta1, config.train.eps, config.model.norm_eps),
        (0.9, 1e-8, 1e-5)
    );
    let text = config.to_toml();
    for key in [
        "seed",
        "checkpoint_every",
        "weight_decay",
        "norm_placement",
        "validation_fraction",
        "init_std",
    ] {
        assert!(
            text.contains(&format!("\n{key} = ")),
            "{key} is not in\n{text}"
        );
    }
    // SwiGLU's three matrices have as many weights as two of 4·d_model: ⅔·96 = 64.
    assert_eq!(read(&["model.ffn=swiglu"]).unwrap().model.d_ff, Some(64));
    assert_eq!(read(&["model.ffn=none"]).unwrap().model.d_ff, None);
}

#[test]
fn a_resolved_configuration_reads_back_equal() {
    let further = [
        "train.lr_min=1e-7",
        "sample.prompt=\"옛날 옛적에 🐯\"",
        "attend.text=고양이",
        "tokenizer.specials=[\"<|x|>\"]",
    ];
    for position in POSITIONS {
        for ffn in ["gelu", "swiglu", "none"] {
            let (position, ffn) = (
                format!("model.position={position}"),
                format!("model.ffn={ffn}"),
            );
            let mut overrides = vec![position.as_str(), ffn.as_str()];
            overrides.extend(further);
            let config = read(&overrides).unwrap();
            let text = config.to_toml();
            let again = Config::parse(Path::new("config.toml"), &text).unwrap();
            assert_eq!(again, config);
            assert_eq!(again.to_toml(), text);
        }
    }
}

#[test]
fn positions_are_written_by_name_or_as_a_table() {
    let position = |text: &str| {
        let lines =
            format!("d_model = 24\nn_layers = 1\nn_heads = 3\ncontext_len = 5\nposition = {text}");
        ModelConfig::parse(&lines).map(|config| config.position)
    };
    let rope = |base, fraction| Position::Rope {
        base,
        fraction,
        scaling: None,
    };
    let t5_bias = |buckets, max_distance| Position::T5Bias {
        buckets,
        max_distance,
    };
    for (text, expected) in [
        ("\"none\"", Position::None),
        ("\"learned\"", Position::Learned),
        ("\"sinusoidal\"", Position::Sinusoidal),
        ("\"alibi\"", Position::Alibi),
        ("{ kind = \"alibi\" }", Position::Alibi),
        ("\"rope\"", rope(10_000.0, 1.0)),
        ("{ kind = \"rope\" }", rope(10_000.0, 1.0)),
        ("{ kind = \"rope\", base = 500 }", rope(500.0, 1.0)),
        ("{ fraction = 0.5, kind = \"rope\" }", rope(10_000.0, 0.5)),
        ("\"t5_bias\"", t5_bias(32, 128)),
        ("{ kind = \"t5_bias\", buckets = 8 }", t5_bias(8, 128)),
    ] {
        let found = position(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(found, expected, "{text}");
        #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
        struct Holder {
            position: Position,
        }
        let written = toml::to_string(&Holder { position: found }).unwrap();
        assert_eq!(
            toml::from_str::<Holder>(&written).unwrap().position,
            expected,
            "{written}"
        );
    }
    for text in [
        "\"Rope\"",
        "\"\"",
        "7",
        "[]",
        "{}",
        "{ base = 500.0 }",
        "{ kind = \"rope\", bse = 1.0 }",
        "{ kind = 1 }",
    ] {
        let found = message(&position(text).expect_err(text));
        assert!(found.contains("position"), "{text}: {found}");
    }
}

#[test]
fn overrides_merge_into_the_table() {
    let config = read(&[
        "train.lr_max=3e-4",
        "model.position=rope",
        "model.position.base=500",
        "name=둘째",
    ])
    .unwrap();
    assert_eq!(config.train.lr_max, 3e-4);
    assert_eq!(
        config.model.position,
        Position::Rope {
            base: 500.0,
            fraction: 1.0,
            scaling: None
        }
    );
    assert_eq!(config.name, "둘째");
    // Spaces around the equals sign are ignored; strings need no quotation marks.
    let config = read(&[
        " train.seed = 2",
        "attend.text = the cat",
        "train.schedule=\"linear\"",
    ])
    .unwrap();
    assert_eq!(config.train.seed, 2);
    assert_eq!(config.attend.unwrap().text, "the cat");
    // A value may contain equals signs, or be a list.
    let config = read(&["sample.prompt=a=b", "data.sources=[\"a\", \"b\"]"]).unwrap();
    assert_eq!(config.sample.unwrap().prompt, "a=b");
    assert_eq!(config.data.sources, ["a", "b"]);

    // A key is set once.
    let twice = refused(&["train.seed=1", " train.seed = 2"]);
    assert!(twice.contains("train.seed is set twice"), "{twice}");
    for bad in [
        "train.lr_max",
        "=1",
        ".=1",
        "train.=1",
        ".seed=1",
        "train..seed=1",
        "",
    ] {
        assert!(
            refused(&[bad]).starts_with(&format!("override {bad:?}: expected KEY=VALUE")),
            "{bad}"
        );
    }
    assert_eq!(
        refused(&["train.lr_max.x=1"]),
        "override \"train.lr_max.x=1\": lr_max is a value, not a table"
    );
}

#[test]
fn a_misspelled_key_is_told_its_nearest() {
    for (key, nearest) in [
        ("train.lr_mx", "train.lr_max"),
        ("train.stpes", "train.steps"),
        ("train.checkpoint_evry", "train.checkpoint_every"),
        ("model.d_modle", "model.d_model"),
        ("model.contextlen", "model.context_len"),
        ("data.source", "data.sources"),
        ("sample.promt", "sample.prompt"),
        ("modle", "model"),
    ] {
        let found = refused(&["sample.prompt=x", &format!("{key}=1")]);
        assert_eq!(found, format!("unknown key {key}; did you mean {nearest}?"));
    }
    let found = refused(&["train.zzzzzzzzz=1"]);
    assert!(
        found.starts_with("unknown key train.zzzzzzzzz; known here: train.seed, train.steps"),
        "{found}"
    );
    let found = refused(&["model.position.fraction=0.5"]);
    assert_eq!(found, "model.position.fraction belongs to kind = \"rope\"");
    let found = refused(&["train.`a`=1"]);
    assert!(
        found.starts_with("unknown key train.`a`; known here: train.seed, train.steps"),
        "{found}"
    );
}

#[test]
fn wrong_types_and_missing_keys_name_the_key() {
    for (given, key, expected) in [
        (
            "model.d_model=wide",
            "model.d_model = \"wide\"",
            "expected a whole number, not text",
        ),
        (
            "model.d_model=-1",
            "model.d_model = -1",
            "must not be negative",
        ),
        (
            "model.d_model=1.5",
            "model.d_model = 1.5",
            "expected a whole number",
        ),
        (
            "train.lr_max=fast",
            "train.lr_max = \"fast\"",
            "expected a number",
        ),
        (
            "train.lr_max=nan",
            "train.lr_max = nan",
            "expected a finite number",
        ),
        (
            "model.bias=1",
            "model.bias = 1",
            "expected true or false; write true",
        ),
        (
            "model.norm=batch",
            "model.norm = \"batch\"",
            "expected one of layer, rms",
        ),
        ("train.optimizer=sgd", "train.optimizer = \"sgd\"", "muon"),
        (
            "data.sources=7",
            "data.sources = 7",
            "expected a list of texts",
        ),
        (
            "tokenizer.kind=words",
            "tokenizer.kind = \"words\"",
            "expected one of char, bpe, file",
        ),
        ("model=7", "model = 7", "expected a table"),
    ] {
        let found = refused(&[given]);
        assert!(found.starts_with(&format!("{key}: ")), "{given}: {found}");
        assert!(found.contains(expected), "{given}: {found}");
    }
    assert_eq!(
        read(&["data.sources=a.txt", "train.steps=1e3"])
            .unwrap()
            .train
            .steps,
        1000
    );
    let without = PLAIN.replace("d_model = 24\n", "");
    let found = message(&Config::parse(Path::new("x.toml"), &without).unwrap_err());
    assert!(
        found.contains("\n  model.d_model is missing: width of the model: the size of a token's vector (a whole number), for example d_model = 128"),
        "{found}"
    );
}

#[test]
fn values_out_of_range_name_key_value_and_rule() {
    for (given, expected) in [
        (
            "model.d_model=25",
            "model.d_model = 25 must be divisible by model.n_heads = 3; 24 and 27 are",
        ),
        ("model.n_heads=0", "model.n_heads = 0 must be at least 1"),
        (
            "model.n_layers=99999999",
            "model.n_layers = 99999999 must be at most 16777216",
        ),
        (
            "model.n_kv_heads=2",
            "model.n_kv_heads = 2 must divide model.n_heads = 3",
        ),
        ("model.d_head=0", "model.d_head = 0 must be at least 1"),
        (
            "model.d_head=5592406",
            "model.d_head = 5592406 must be at most 16777216 / model.n_heads = 5592405",
        ),
        (
            "model.dropout=1.0",
            "model.dropout = 1 must be at least 0 and below 1",
        ),
        (
            "model.norm_eps=0.0",
            "model.norm_eps = 0 must be a positive number",
        ),
        (
            "model.init_std=-1",
            "model.init_std = -1 must be a positive number",
        ),
        (
            "model.context_len=0",
            "model.context_len = 0 must be at least 1",
        ),
        ("train.steps=0", "train.steps = 0 must be at least 1"),
        (
            "train.eval_windows=0",
            "train.eval_windows = 0 must be at least 1",
        ),
        (
            "train.lr_max=-1.0",
            "train.lr_max = -1 must be a positive number",
        ),
        (
            "train.lr_min=0.1",
            "train.lr_min = 0.1 must be from 0 to train.lr_max = 0.001",
        ),
        (
            "train.warmup_steps=8",
            "train.warmup_steps = 8 must not pass train.steps = 7",
        ),
        (
            "train.beta2=1.0",
            "train.beta2 = 1 must be at least 0 and below 1",
        ),
        (
            "train.weight_decay=-0.1",
            "train.weight_decay = -0.1 must not be negative",
        ),
        (
            "data.validation_fraction=1.0",
            "data.validation_fraction = 1 must be above 0 and below 1",
        ),
        (
            "data.sources=[]",
            "data.sources = [] must name at least one file, folder, glob or \"-\"",
        ),
        (
            "tokenizer.vocab_size=256",
            "tokenizer.vocab_size = 256 must be from 257",
        ),
        (
            "sample.prompt=",
            "sample.prompt = \"\": must hold at least one character",
        ),
        (
            "attend.text=\"\"",
            "attend.text = \"\": must hold at least one character",
        ),
        ("name=a/b", "name = \"a/b\" must be a plain folder name"),
        ("name=..", "name = \"..\" must be a plain folder name"),
    ] {
        let found = refused(&[given]);
        assert!(found.starts_with(expected), "{given}: {found}");
    }
    let found = refused(&["model.parallel_residual=true", "model.norm_placement=post"]);
    assert_eq!(
        found,
        "model.parallel_residual = true needs model.norm_placement = \"pre\""
    );
    for (position, expected) in [
        (
            "{ kind = \"rope\", base = 1.0 }",
            "model.position.base = 1 must be a number above 1",
        ),
        (
            "{ kind = \"rope\", fraction = 1.5 }",
            "model.position.fraction = 1.5 must be above 0 and at most 1",
        ),
        (
            "{ kind = \"rope\", fraction = 0.01 }",
            "model.position.fraction = 0.01 is less than one pair",
        ),
        (
            "{ kind = \"t5_bias\", buckets = 7 }",
            "model.position.buckets = 7 must be an even number from 2",
        ),
        (
            "{ kind = \"t5_bias\", max_distance = 16 }",
            "model.position.max_distance = 16 must be above half",
        ),
    ] {
        let found = refused(&[&format!("model.position={position}")]);
        assert!(found.starts_with(expected), "{position}: {found}");
    }
    let found = refused(&["model.position=sinusoidal", "model.d_model=27"]);
    assert!(
        found.starts_with("model.d_model = 27 must be even for sinusoidal positions"),
        "{found}"
    );
    let found = refused(&["model.ffn=none", "model.d_ff=7"]);
    assert!(
        found.starts_with("model.d_ff = 7 has no meaning with model.ffn"),
        "{found}"
    );
}

#[test]
fn files_that_are_no_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let refused = |path: &Path| message(&Config::read(path, &[]).unwrap_err());
    for path in [folder.path().join("none.toml"), folder.path().to_owned()] {
        let found = refused(&path);
        assert!(
            found.starts_with(&format!("cannot read configuration {}", path.display())),
            "{found}"
        );
    }
    let binary = write("binary", &[0xff, 0xfe, 0]);
    let found = refused(&binary);
    let expected = format!(
        "{} is not UTF-8 text; it looks like UTF-16",
        binary.display()
    );
    assert!(found.starts_with(&expected), "{found}");
    let found = refused(&write("broken.toml", "[model]\nd_model = \n".as_bytes()));
    assert!(
        found.contains("broken.toml is not valid TOML: ") && found.contains("line 2"),
        "{found}"
    );
    let found = refused(&write("empty.toml", b""));
    assert!(
        found.starts_with("10 things are wrong:\n  data.sources is missing: "),
        "{found}"
    );

    // A file with only a model suffices to report its size.
    let model = &PLAIN[PLAIN.find("[model]").unwrap()..PLAIN.find("[train]").unwrap()];
    let path = write("gpt.toml", model.as_bytes());
    let Described { name, model, .. } =
        Described::read(&path, &["model.n_layers=5".to_owned()]).unwrap();
    assert_eq!(
        (name.as_str(), model.n_layers, model.d_ff),
        ("gpt", 5, Some(96))
    );
}

proptest! {
    #![proptest_config(crate::repeatable(256))]

    /// Any override gives a valid configuration or an error in the house style.
    #[test]
    fn no_override_panics(given in prop_oneof![
        any::<String>(),
        ("[a-z_.]{0,20}", any::<String>()).prop_map(|(key, value)| format!("{key}={value}")),
        (prop::sample::select(&KEYS[..]), prop::sample::select(&VALUES[..])).prop_map(|(k, v)| format!("{k}={v}")),
        (prop::sample::select(&KEYS[..]), any::<i64>()).prop_map(|(k, v)| format!("{k}={v}")),
        (prop::sample::select(&KEYS[..]), any::<f64>()).prop_map(|(k, v)| format!("{k}={v}")),
    ]) {
        match read(&[&given]) {
            Ok(config) => prop_assert!(config.validate().is_ok()),
            Err(error) => { message(&error); }
        }
    }

    /// A file with a part removed or replaced does too.
    #[test]
    fn no_damaged_file_panics(from in 0..PLAIN.len(), len in 0..40_usize, with in any::<String>()) {
        let mut bytes = PLAIN.as_bytes().to_vec();
        let to = (from + len).min(bytes.len());
        bytes.splice(from..to, with.into_bytes());
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Err(error) = Config::parse(Path::new("x.toml"), &text) {
            message(&error);
        }
    }
}

const KEYS: [&str; 14] = [
    "name",
    "model",
    "model.d_model",
    "model.n_heads",
    "model.n_kv_heads",
    "model.context_len",
    "model.position",
    "model.position.kind",
    "model.position.fraction",
    "model.ffn",
    "tokenizer",
    "tokenizer.vocab_size",
    "train.steps",
    "sample",
];
const VALUES: [&str; 12] = [
    "rope",
    "t5_bias",
    "none",
    "swiglu",
    "[]",
    "{}",
    "{ kind = \"rope\" }",
    "\"",
    "nan",
    "`x`",
    "한",
    "",
];
