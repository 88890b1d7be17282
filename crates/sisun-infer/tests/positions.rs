//! Position encodings in numbers, against NumPy (`tests/peers/reference_positions.py`).

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use serde_json::{Value, json};
use sisun_config::{ModelConfig, Seq2SeqConfig};
use sisun_data::Tokenizer;
use sisun_data::pairs::PairTokenizers;
use sisun_infer::{InferError, LanguageModel, OffsetSimilarity, PositionNumbers, Translator};
use sisun_model::{Init, ModelError, Params, RandomParams, Transformer};
use sisun_seq2seq::{Seq2Seq, Vocabularies};
use std::path::Path;

/// Random parameters, but for a table of positions.
struct WithTable {
    random: RandomParams,
    name: &'static str,
    table: Vec<f32>,
}

impl Params for WithTable {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        match name == self.name {
            true => Ok(self.table.clone()),
            false => self.random.values(name, shape, init),
        }
    }

    fn device(&self) -> &Device {
        self.random.device()
    }
}

fn fixture() -> Value {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures/positions.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn flat(value: &Value) -> Vec<f64> {
    match value {
        Value::Array(values) => values.iter().flat_map(flat).collect(),
        value => vec![value.as_f64().unwrap()],
    }
}

fn loaded(lines: &str, table: Option<(&'static str, &Value)>) -> LanguageModel {
    let tokenizer = Tokenizer::characters("abc".chars(), false).unwrap();
    let text = format!(
        "vocab_size = {}\nd_model = 16\nn_layers = 1\ncontext_len = 12\n{lines}",
        tokenizer.vocab_size()
    );
    let config = ModelConfig::parse(&text).unwrap();
    let (name, table) = table.map_or(("", Vec::new()), |(name, table)| {
        (name, flat(table).into_iter().map(|x| x as f32).collect())
    });
    let mut params = WithTable {
        random: RandomParams::new(1, &Device::flex()),
        name,
        table,
    };
    let model = Transformer::from_params(&config, &mut params).unwrap();
    LanguageModel::new("test".to_owned(), None, model, tokenizer)
}

fn numbers(lines: &str, table: Option<(&'static str, &Value)>) -> PositionNumbers {
    let map = loaded(lines, table).position_map(None).unwrap();
    let [stack] = &map.stacks[..] else {
        panic!("one stack")
    };
    assert_eq!((stack.positions, stack.part), (12, None));
    stack.numbers.clone()
}

#[track_caller]
fn close(found: impl IntoIterator<Item = f64>, expected: &Value, tolerance: f64) {
    let found: Vec<f64> = found.into_iter().collect();
    let expected = flat(expected);
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() < tolerance, "{found}, {expected}");
    }
}

#[track_caller]
fn similar(found: &OffsetSimilarity, expected: &Value, factor: f64) {
    let all = [
        ("mean", &found.mean),
        ("deviation", &found.deviation),
        ("least", &found.least),
        ("most", &found.most),
    ];
    for (name, values) in all {
        close(values.iter().map(|x| x / factor), &expected[name], 1e-5);
    }
}

#[test]
fn added_vectors_are_those_of_numpy() {
    let all = fixture();
    let scale = 0.02;
    let cases = [
        ("sinusoidal", scale, None),
        (
            "learned",
            1.0,
            Some(("position.weight", &all["learned"]["table"])),
        ),
    ];
    for (name, scale, given) in cases {
        let lines = format!("n_heads = 2\nposition = \"{name}\"");
        let PositionNumbers::Added {
            width,
            scale: own,
            table,
            cosine,
            dot,
        } = numbers(&lines, given)
        else {
            panic!("{name} is added")
        };
        assert_eq!((width, own), (16, (name == "sinusoidal").then_some(scale)));
        let expected = &all[name];
        close(
            table.iter().map(|&x| f64::from(x) / scale),
            &expected["table"],
            1e-5,
        );
        similar(&cosine, &expected["cosine"], 1.0);
        similar(&dot, &expected["dot"], scale * scale);
    }
}

#[test]
fn rotations_are_those_of_numpy() {
    let all = fixture();
    let linear = "n_heads = 2\nposition = { kind = \"rope\", base = 500.0, scaling = { kind = \"linear\", factor = 4.0 } }";
    for (name, lines) in [
        ("rope", "n_heads = 2\nposition = \"rope\""),
        ("rope_linear", linear),
    ] {
        let PositionNumbers::Rotated {
            d_head,
            rotary_dims,
            radians,
            scaling,
            unscaled,
            magnitude,
            cosine,
            bound,
        } = numbers(lines, None)
        else {
            panic!("RoPE rotates")
        };
        assert_eq!((d_head, rotary_dims, magnitude), (8, 8, 1.0));
        let expected = &all[name];
        if let Some(unscaled) = unscaled {
            assert_eq!(scaling, Some("linear"));
            close(
                unscaled.iter().map(|x| x / 4.0),
                &expected["radians"],
                1e-12,
            );
        }
        close(radians, &expected["radians"], 1e-12);
        similar(&cosine, &expected["cosine"], 1.0);
        close(bound, &expected["bound"], 1e-12);
    }
}

#[test]
fn biases_are_those_of_numpy() {
    let all = fixture();
    let t5 = "n_heads = 4\nposition = { kind = \"t5_bias\", buckets = 8, max_distance = 10 }";
    let cases = [
        ("alibi_4", "n_heads = 4\nposition = \"alibi\""),
        ("alibi_6", "n_heads = 6\nd_head = 4\nposition = \"alibi\""),
        (
            "alibi_both",
            "n_heads = 4\nposition = \"alibi\"\ncausal = false",
        ),
        ("t5", t5),
    ];
    for (name, lines) in cases {
        let expected = &all[name];
        let table = expected.get("table").map(|table| ("position.bias", table));
        let PositionNumbers::Biased {
            offsets,
            bias,
            slopes,
            buckets,
            ..
        } = numbers(lines, table)
        else {
            panic!("{name} is a bias")
        };
        let first = if name == "alibi_both" { -11 } else { 0 };
        assert_eq!(offsets, (first..12).collect::<Vec<i64>>());
        close(bias.into_iter().map(f64::from), &expected["bias"], 1e-5);
        if let Some(slopes) = slopes {
            close(slopes, &expected["slopes"], 1e-12);
        }
        if let Some(buckets) = buckets {
            close(
                buckets.into_iter().map(|x| x as f64),
                &expected["buckets"],
                1e-12,
            );
        }
    }
}

#[test]
fn an_encoder_has_the_buckets_of_both_sides() {
    let all = fixture();
    let config: Seq2SeqConfig = serde_json::from_value(json!({
        "kind": "transformer", "d_model": 16, "n_layers": 1, "n_heads": 4,
        "max_source_len": 12, "max_target_len": 12,
        "position": { "kind": "t5_bias", "buckets": 8, "max_distance": 10 },
    }))
    .unwrap();
    let expected = &all["t5_both"];
    let table: Vec<f32> = flat(&expected["table"])
        .into_iter()
        .map(|x| x as f32)
        .collect();
    let mut params = WithTable {
        random: RandomParams::new(1, &Device::flex()),
        name: "net.Transformer.encoder.position.bias",
        table,
    };
    let tokenizers = PairTokenizers::shared(Tokenizer::characters("abc".chars(), false).unwrap());
    let vocabularies = Vocabularies::from(&tokenizers);
    let model = Seq2Seq::from_params(&config, vocabularies, &mut params).unwrap();
    let loaded = Translator::new("test".to_owned(), None, model, tokenizers);
    let map = loaded.position_map(None).unwrap();
    let PositionNumbers::Biased {
        offsets,
        bias,
        buckets,
        ..
    } = &map.stacks[0].numbers
    else {
        panic!("T5 is a bias")
    };
    assert_eq!(offsets, &(-11..12).collect::<Vec<i64>>());
    close(bias.iter().map(|&x| f64::from(x)), &expected["bias"], 1e-5);
    let buckets = buckets.as_ref().unwrap();
    close(
        buckets.iter().map(|&x| x as f64),
        &expected["buckets"],
        1e-12,
    );
    let PositionNumbers::Biased { offsets, .. } = &map.stacks[1].numbers else {
        panic!("T5 is a bias")
    };
    assert_eq!(
        offsets,
        &(0..12).collect::<Vec<i64>>(),
        "the decoder has a mask"
    );
}

#[test]
fn what_has_no_numbers_says_why() {
    let map = loaded("n_heads = 2\nposition = \"none\"", None).position_map(None);
    let map = map.unwrap();
    assert!(map.nothing().unwrap().contains("only the causal mask"));
    let both = loaded("n_heads = 2\nposition = \"none\"\ncausal = false", None);
    assert!(
        both.position_map(None)
            .unwrap()
            .nothing()
            .unwrap()
            .contains("a set")
    );
    let learned = loaded("n_heads = 2\nposition = \"learned\"", None);
    assert!(matches!(
        learned.position_map(Some(13)),
        Err(InferError::PastPositions {
            asked: 13,
            rows: 12
        })
    ));
    assert_eq!(
        learned.position_map(Some(1)).unwrap().stacks[0].positions,
        1
    );
}
