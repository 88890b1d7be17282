//! The logit lens, attribution and circuits, against sums and products worked out here.

#![allow(clippy::unwrap_used)]

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::Value;
use sisun_config::ModelConfig;
use sisun_data::Tokenizer;
use sisun_infer::{
    AttributionOptions, CircuitsOptions, CompositionMode, Contributor, HeadName, LanguageModel,
    LensOptions, NeuronName, Query, StreamPart, VocabularyCircuit, eigenvalues,
};
use sisun_model::{
    Activation, Capture, Init, ModelError, Params, Pass, RandomParams, Transformer, to_host,
};

const TEXT: &str = "the cat sat on the mat";

/// Random parameters without zero biases or unit norms.
struct Uneven(RandomParams);

impl Params for Uneven {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        let mean = if init == Init::Ones { 1.0 } else { 0.0 };
        let draws = self.0.values(name, shape, Init::Normal(0.3))?;
        Ok(draws.into_iter().map(|draw| mean + draw).collect())
    }

    fn device(&self) -> &Device {
        self.0.device()
    }
}

fn loaded(lines: &str) -> LanguageModel {
    let tokenizer = Tokenizer::characters("the cat sat on mat.".chars(), false).unwrap();
    let text = format!(
        "vocab_size = {}\nd_model = 24\nn_layers = 2\nn_heads = 3\ncontext_len = 40\n{lines}",
        tokenizer.vocab_size()
    );
    let config = ModelConfig::parse(&text).unwrap();
    let mut params = Uneven(RandomParams::new(4, &Device::flex()));
    let model = Transformer::from_params(&config, &mut params).unwrap();
    LanguageModel::new("test".to_owned(), Some(7), model, tokenizer)
}

/// Every kind of model whose stream is a sum.
fn models() -> Vec<(String, LanguageModel)> {
    let positions = ["none", "learned", "sinusoidal", "rope", "alibi"];
    let kinds = [
        "",
        "norm = \"rms\"\nbias = false\nffn = \"swiglu\"\ntied_head = false",
        "parallel_residual = true\nn_kv_heads = 1\nqk_norm = true",
        "ffn = \"none\"\nattention_bias = false\ncausal = false",
        "d_head = 6\nn_kv_heads = 3\nscaled_scores = false\ntied_head = false",
    ];
    let lines = positions
        .iter()
        .flat_map(|position| kinds.map(|kind| format!("position = \"{position}\"\n{kind}")));
    lines.map(|lines| (lines.clone(), loaded(&lines))).collect()
}

/// The model's own logits, `[pos][vocab]`.
fn logits(loaded: &LanguageModel) -> Vec<Vec<f32>> {
    let ids = loaded.tokens(TEXT).unwrap();
    let ids: Vec<i32> = ids.iter().map(|token| token.id as i32).collect();
    let shape = [1, ids.len()];
    let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, shape), &Device::flex());
    let (shape, values) = to_host(loaded.model.forward(ids, Pass::default()));
    values.chunks_exact(shape[2]).map(<[f32]>::to_vec).collect()
}

fn lens(loaded: &LanguageModel, part: Option<StreamPart>) -> Vec<f32> {
    let asked = LensOptions {
        part,
        top: 3,
        logits: true,
    };
    loaded.lens(TEXT, &asked).unwrap().logits.unwrap()
}

#[test]
fn the_last_row_of_the_lens_is_the_model() {
    for (lines, loaded) in models() {
        let own = logits(&loaded);
        let asked = LensOptions {
            logits: true,
            ..LensOptions::default()
        };
        let lens = loaded.lens(TEXT, &asked).unwrap();
        let all = lens.logits.unwrap();
        assert_eq!(all.len(), 3 * own.len() * own[0].len());
        let last = &all[2 * own.len() * own[0].len()..];
        for (a, b) in last.iter().zip(own.iter().flatten()) {
            assert!((a - b).abs() < 1e-4, "{lines}: {a}, {b}");
        }
        for (at, (cell, logits)) in lens.layers[2].iter().zip(&own).enumerate() {
            let sum: f64 = logits.iter().map(|&logit| f64::from(logit).exp()).sum();
            let best = cell.top[0].id as usize;
            assert!(logits.iter().all(|&logit| logit <= logits[best] + 1e-4));
            let p = f64::from(logits[best]).exp() / sum;
            assert!((cell.top[0].probability - p).abs() < 1e-4, "{lines}");
            assert!(cell.top.is_sorted_by(|a, b| a.logit >= b.logit));
            let Some(next) = cell.next else {
                assert_eq!(at + 1, own.len());
                continue;
            };
            assert_eq!(next.id, lens.tokens[at + 1].id);
            let logit = logits[next.id as usize];
            assert!((next.probability - f64::from(logit).exp() / sum).abs() < 1e-4);
            let rank = 1 + logits.iter().filter(|other| **other > logit).count();
            assert_eq!(next.rank, rank);
        }
    }
}

#[test]
fn the_first_row_of_the_lens_by_hand() {
    let loaded = loaded("position = \"rope\"\ntied_head = false");
    let model = &loaded.model;
    let ids = loaded.tokens(TEXT).unwrap();
    let embed = to_host(model.embed.weight.val()).1;
    let norm = model.norm_final.as_ref().unwrap();
    let gamma = to_host(norm.weight.val()).1;
    let beta = to_host(norm.bias.as_ref().unwrap().val()).1;
    let head = to_host(model.head.as_ref().unwrap().weight.val()).1;
    let vocab = head.len() / 24;
    let found = lens(&loaded, None);
    for (at, token) in ids.iter().enumerate() {
        let x: Vec<f64> = embed[token.id as usize * 24..][..24]
            .iter()
            .map(|&x| f64::from(x))
            .collect();
        let mean = x.iter().sum::<f64>() / 24.0;
        let variance = x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 24.0;
        for of in 0..vocab {
            let expected: f64 = (0..24)
                .map(|i| {
                    let normed = (x[i] - mean) / (variance + 1e-5).sqrt();
                    (normed * f64::from(gamma[i]) + f64::from(beta[i]))
                        * f64::from(head[i * vocab + of])
                })
                .sum();
            assert!((f64::from(found[at * vocab + of]) - expected).abs() < 1e-4);
        }
    }
}

#[test]
fn the_parts_of_the_lens_add_up() {
    for (lines, loaded) in models() {
        if loaded.model.blocks[0].ffn.is_none() {
            let asked = LensOptions {
                part: Some(StreamPart::Mlp),
                ..LensOptions::default()
            };
            let error = loaded.lens(TEXT, &asked).unwrap_err().to_string();
            assert!(
                error.contains("no mlp") && error.contains("model.ffn"),
                "{error}"
            );
            continue;
        }
        let whole = lens(&loaded, None);
        let parts = StreamPart::ALL.map(|part| lens(&loaded, Some(part)));
        // What remains is the bias of the norm, which is the same at every layer and position.
        let rest: Vec<f32> = (0..whole.len())
            .map(|at| whole[at] - parts[0][at] - parts[1][at] - parts[2][at])
            .collect();
        let vocab = loaded.rows();
        let has_bias = loaded.model.norm_final.as_ref().unwrap().bias.is_some();
        assert_eq!(has_bias, rest[..vocab].iter().any(|x| x.abs() > 1e-2));
        for row in rest.chunks_exact(vocab) {
            for (a, b) in row.iter().zip(&rest) {
                assert!((a - b).abs() < 2e-4, "{lines}: {a}, {b}");
            }
        }
    }
}

#[test]
fn what_the_parts_add_is_the_difference_of_the_logits() {
    for (lines, loaded) in models() {
        let own = logits(&loaded);
        let id = |text: &str| loaded.tokenizer.encode(text).unwrap().ids[0] as usize;
        let (s, n) = (id("s"), id("n"));
        for against in [None, Some("n".to_owned())] {
            let asked = AttributionOptions {
                answer: "s".to_owned(),
                query: Query::Number(3),
                against: against.clone(),
            };
            let found = loaded.attribute(TEXT, &asked).unwrap();
            assert_eq!((found.query, found.answer.id as usize), (3, s));
            for (at, logits) in own.iter().enumerate() {
                let other = against.as_ref().map_or(0.0, |_| logits[n]);
                let expected = f64::from(logits[s]) - f64::from(other);
                assert!((found.of_model[at] - expected).abs() < 1e-4);
                let sum = found.sum(at);
                assert!((sum - expected).abs() < 1e-4, "{lines}: {sum}, {expected}");
            }
            assert!(found.error() < 1e-4);
            let heads = found.parts.iter();
            let heads = heads.filter(|part| matches!(part, Contributor::Head { .. }));
            assert_eq!(heads.count(), 6);
        }
    }
}

#[test]
fn what_is_not_a_sum_is_refused_with_the_reason() {
    let asked = AttributionOptions {
        answer: "s".to_owned(),
        ..AttributionOptions::default()
    };
    for (lines, reason) in [
        ("norm_placement = \"post\"", "model.norm_placement"),
        ("residual = false", "model.residual"),
    ] {
        let loaded = loaded(&format!("position = \"rope\"\n{lines}"));
        let part = LensOptions {
            part: Some(StreamPart::Attn),
            ..LensOptions::default()
        };
        for error in [
            loaded.attribute(TEXT, &asked).unwrap_err(),
            loaded.lens(TEXT, &part).unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(
                error.contains("not defined") && error.contains(reason),
                "{error}"
            );
        }
        // The whole stream has a lens nevertheless.
        let own = logits(&loaded).concat();
        let found = lens(&loaded, None);
        for (a, b) in found[2 * own.len()..].iter().zip(&own) {
            assert!((a - b).abs() < 1e-4, "{lines}: {a}, {b}");
        }
    }
}

#[test]
fn answers_are_tokens_that_follow_the_text() {
    let loaded = loaded("position = \"rope\"");
    let answer = loaded.answer(TEXT, "sat").unwrap();
    assert_eq!((answer.text.as_str(), answer.rest.len()), ("s", 2));
    let error = |answer: &str, against: &str| {
        let asked = AttributionOptions {
            answer: answer.to_owned(),
            against: Some(against.to_owned()),
            ..AttributionOptions::default()
        };
        loaded.attribute(TEXT, &asked).unwrap_err().to_string()
    };
    assert!(error("sat", "so").contains("the same token, \"s\""));
    assert!(error("", "s").contains("answer is empty"));
    assert!(error("s", "Z").contains('Z'));
    assert_eq!(
        loaded.one_token("--token", "t").unwrap(),
        answer_id(&loaded, "t")
    );
    let several = loaded.one_token("--token", "to").unwrap_err().to_string();
    assert!(several.contains("\"t\", \"o\""), "{several}");
}

fn answer_id(loaded: &LanguageModel, text: &str) -> u32 {
    loaded.tokenizer.encode(text).unwrap().ids[0]
}

/// A matrix in float64 for the products that are worked out here.
#[derive(Clone)]
struct Plain {
    rows: usize,
    columns: usize,
    values: Vec<f64>,
}

impl Plain {
    fn of(tensor: Tensor<2>) -> Self {
        let (shape, values) = to_host(tensor);
        Self {
            rows: shape[0],
            columns: shape[1],
            values: values.into_iter().map(f64::from).collect(),
        }
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.values[row * self.columns + column]
    }

    fn part(&self, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> Self {
        let values = rows.clone();
        let values = values.flat_map(|row| columns.clone().map(move |column| (row, column)));
        Self {
            rows: rows.len(),
            columns: columns.len(),
            values: values.map(|(row, column)| self.at(row, column)).collect(),
        }
    }

    fn turned(&self) -> Self {
        let at = |at: usize| self.at(at % self.rows, at / self.rows);
        Self {
            rows: self.columns,
            columns: self.rows,
            values: (0..self.values.len()).map(at).collect(),
        }
    }

    fn times(&self, other: &Self) -> Self {
        let at = |at: usize| {
            let (row, column) = (at / other.columns, at % other.columns);
            (0..self.columns)
                .map(|i| self.at(row, i) * other.at(i, column))
                .sum()
        };
        Self {
            rows: self.rows,
            columns: other.columns,
            values: (0..self.rows * other.columns).map(at).collect(),
        }
    }

    fn norm(&self) -> f64 {
        self.values.iter().map(|x| x * x).sum::<f64>().sqrt()
    }
}

/// The four weight matrices of a head of a model with `heads` heads and `groups` of them.
fn weights(loaded: &LanguageModel, layer: usize, head: usize) -> [Plain; 4] {
    let config = loaded.model.config();
    let (d, d_head, group) = (config.d_model, config.d_head(), config.kv_head(head));
    let attn = &loaded.model.blocks[layer].attn;
    let (qkv, o) = (
        Plain::of(attn.qkv.weight.val()),
        Plain::of(attn.o.weight.val()),
    );
    let columns = |at: usize| qkv.part(0..d, at * d_head..(at + 1) * d_head);
    [
        columns(head),
        columns(config.n_heads + group),
        columns(config.n_heads + config.kv_heads() + group),
        o.part(head * d_head..(head + 1) * d_head, 0..d),
    ]
}

#[test]
fn scores_of_circuits_follow_from_whole_products() {
    for lines in [
        "position = \"learned\"",
        "position = \"none\"\nn_kv_heads = 1\ntied_head = false",
        "position = \"alibi\"\nd_head = 5\nn_kv_heads = 3",
        // More dimensions in a head than in the model.
        "position = \"none\"\nd_head = 30\nn_kv_heads = 3",
    ] {
        let loaded = loaded(lines);
        let found = loaded.circuits(CircuitsOptions::default()).unwrap();
        let embed = Plain::of(loaded.model.embed.weight.val());
        let head = loaded.model.head.as_ref();
        let head = head.map_or_else(|| embed.turned(), |head| Plain::of(head.weight.val()));
        for layer in 0..2 {
            for number in 0..3 {
                let [_, _, v, o] = weights(&loaded, layer, number);
                let whole = embed.times(&v.times(&o)).times(&head);
                let values = eigenvalues(&whole.values, whole.rows).unwrap();
                let sum: f64 = values.iter().map(|value| value.re).sum();
                let moduli: f64 = values.iter().map(|value| value.modulus()).sum();
                let score = found.copying[layer * 3 + number];
                assert!((score - sum / moduli).abs() < 1e-4, "{lines}: {score}");
            }
        }
        for composition in &found.composition {
            let scores = composition.scores.as_ref().unwrap();
            for (at, score) in scores.iter().enumerate() {
                let (from, to) = (at / 6, at % 6);
                if from / 3 >= to / 3 {
                    assert_eq!(*score, 0.0);
                    continue;
                }
                let [_, _, v, o] = weights(&loaded, from / 3, from % 3);
                let writes = v.times(&o);
                let [q, k, v, o] = weights(&loaded, to / 3, to % 3);
                let reads = match composition.mode {
                    CompositionMode::Q => q.times(&k.turned()),
                    CompositionMode::K => k.times(&q.turned()),
                    CompositionMode::V => v.times(&o),
                };
                let expected = writes.times(&reads).norm() / writes.norm() / reads.norm();
                assert!(
                    (score - expected).abs() < 1e-5,
                    "{lines}: {score}, {expected}"
                );
            }
        }
        // Random weights compose as the baseline says.
        let scores = found.composition[2].scores.as_ref().unwrap();
        let mean = scores.iter().sum::<f64>() / 9.0;
        assert!(
            (mean - found.baseline.mean).abs() < 0.05,
            "{lines}: {mean}, {:?}",
            found.baseline
        );
    }
}

#[test]
fn maps_over_the_vocabulary_follow_from_whole_products() {
    for (lines, distance) in [
        ("position = \"learned\"\ntied_head = false", None),
        (
            "position = \"none\"\nn_kv_heads = 1\nscaled_scores = false",
            None,
        ),
        ("position = \"rope\"", Some(5)),
        (
            "position = { kind = \"rope\", base = 500.0, fraction = 0.5 }",
            Some(0),
        ),
    ] {
        let loaded = loaded(lines);
        let name = HeadName { layer: 1, head: 2 };
        let [q, k, v, o] = weights(&loaded, 1, 2);
        let embed = Plain::of(loaded.model.embed.weight.val());
        let head = loaded.model.head.as_ref();
        let head = head.map_or_else(|| embed.turned(), |head| Plain::of(head.weight.val()));
        let config = loaded.model.config();
        let rotary = config.rotary_dims();
        // Positions 7 + distance of the query and 7 of the key.
        let rotated = |x: Plain, place: usize| {
            let base: f64 = if lines.contains("500") {
                500.0
            } else {
                10_000.0
            };
            let value = |at: usize| {
                let (row, i) = (at / x.columns, at % x.columns);
                if i >= rotary {
                    return x.at(row, i);
                }
                let half = rotary / 2;
                let pair = i % half;
                let angle = place as f64 * base.powf(-2.0 * pair as f64 / rotary as f64);
                let (a, b) = (x.at(row, pair), x.at(row, pair + half));
                match i < half {
                    true => a * angle.cos() - b * angle.sin(),
                    false => a * angle.sin() + b * angle.cos(),
                }
            };
            Plain {
                values: (0..x.values.len()).map(value).collect(),
                ..x.clone()
            }
        };
        let (mut queries, mut keys) = (embed.times(&q), embed.times(&k));
        if let Some(distance) = distance {
            (queries, keys) = (rotated(queries, 7 + distance), rotated(keys, 7));
        }
        let mut qk = queries.times(&keys.turned());
        qk.values
            .iter_mut()
            .for_each(|x| *x *= config.score_scale());
        let ov = embed.times(&v.times(&o)).times(&head);
        for (circuit, whole) in [(VocabularyCircuit::Qk, qk), (VocabularyCircuit::Ov, ov)] {
            let asked = CircuitsOptions { distance };
            let n = whole.rows;
            let map = loaded
                .vocabulary_map(circuit, name, Some(4), 7, asked)
                .unwrap();
            let mut all = whole.values.clone();
            all.sort_by(|a, b| b.total_cmp(a));
            assert_eq!(map.largest.len(), 7);
            for (pair, expected) in map.largest.iter().zip(&all) {
                assert!((f64::from(pair.value) - expected).abs() < 1e-4, "{lines}");
                let at = whole.at(pair.from.id as usize, pair.to.id as usize);
                assert!((at - expected).abs() < 1e-4);
            }
            let row = &whole.values[4 * n..][..n];
            let best = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!((f64::from(map.of_token[0].value) - best).abs() < 1e-4);
            assert_eq!((map.of_token.len(), map.of_token[0].from.id), (7, 4));
            let is_own = |row: &usize| {
                let values = &whole.values[row * n..][..n];
                values.iter().all(|value| *value <= values[*row])
            };
            let own = (0..n).filter(is_own).count() as f64 / n as f64;
            assert!((map.own - own).abs() < 1e-9);
        }
    }
}

#[test]
fn circuits_that_are_not_defined_have_no_numbers() {
    let scores = |lines: &str, distance| {
        let found = loaded(lines)
            .circuits(CircuitsOptions { distance })
            .unwrap();
        found.composition.map(|one| one.scores)
    };
    let [q, k, v] = scores("position = \"rope\"", None);
    assert!(v.is_ok() && q.unwrap_err().contains("--distance"));
    assert!(k.unwrap_err().contains("distance"));
    assert!(
        scores("position = \"rope\"", Some(1))
            .iter()
            .all(Result::is_ok)
    );
    for distance in [None, Some(1)] {
        let [q, k, v] = scores("position = \"rope\"\nqk_norm = true", distance);
        assert!(v.is_ok() && q.unwrap_err().contains("model.qk_norm") && k.is_err());
    }
    let model = loaded("position = \"alibi\"");
    let asked = CircuitsOptions { distance: Some(1) };
    let error = model.circuits(asked).unwrap_err().to_string();
    assert!(error.contains("--distance = 1"), "{error}");
    let none = CircuitsOptions::default();
    let map = |model: &LanguageModel, layer, head| {
        let name = HeadName { layer, head };
        let found = model.vocabulary_map(VocabularyCircuit::Qk, name, None, 1, none);
        found.unwrap_err().to_string()
    };
    assert!(map(&model, 2, 0).contains("there is no layer 2"));
    assert!(map(&model, 0, 3).contains("there is no head 3"));
    let rotary = loaded("position = \"rope\"");
    assert!(map(&rotary, 0, 0).contains("--distance"));
    let replacing = loaded("position = \"rope\"\nresidual = false");
    let error = replacing.circuits(none).unwrap_err().to_string();
    assert!(error.contains("model.residual"), "{error}");
}

#[test]
fn eigenvalues_are_numpys() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/peers/fixtures/eigenvalues.json"
    );
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let number = |value: &Value| value.as_f64().unwrap();
    let cases = fixture["cases"].as_array().unwrap();
    assert!(cases.len() > 12);
    for case in cases {
        let matrix: Vec<f64> = case["matrix"]
            .as_array()
            .unwrap()
            .iter()
            .map(number)
            .collect();
        let expected = case["eigenvalues"].as_array().unwrap();
        let mut found = eigenvalues(&matrix, expected.len()).unwrap();
        assert_eq!(found.len(), expected.len());
        let size = matrix.iter().map(|x| x.abs()).fold(1e-9, f64::max);
        for value in expected {
            let (re, im) = (number(&value[0]), number(&value[1]));
            let distance = |at: usize| (found[at].re - re).hypot(found[at].im - im);
            let nearest = (0..found.len())
                .min_by(|&a, &b| distance(a).total_cmp(&distance(b)))
                .unwrap();
            let off = distance(nearest);
            assert!(
                off < 1e-8 * size,
                "{}: {off} from {re} + {im}i",
                case["name"]
            );
            found.swap_remove(nearest);
        }
    }
    // A defective matrix: three equal eigenvalues with one eigenvector.
    let jordan = [2.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 2.0];
    for value in eigenvalues(&jordan, 3).unwrap() {
        assert!((value.re - 2.0).hypot(value.im) < 1e-4);
    }
    assert_eq!(eigenvalues(&[f64::NAN], 1), None);
    assert_eq!(eigenvalues(&[], 0), Some(Vec::new()));
}

#[test]
fn what_all_neurons_write_is_the_output_of_the_network() {
    for (lines, loaded) in models() {
        let config = loaded.model.config();
        let Some(ffn) = &loaded.model.blocks[1].ffn else {
            let name = NeuronName {
                layer: 1,
                neuron: 0,
            };
            let error = loaded.check_neuron(name).unwrap_err().to_string();
            assert!(error.contains("no neurons"), "{error}");
            continue;
        };
        let tokens = loaded.tokens(TEXT).unwrap();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
        let down = Plain::of(ffn.down.weight.val());
        let bias = ffn.down.bias.as_ref();
        let bias = bias.map_or_else(|| vec![0.0; 24], |bias| to_host(bias.val()).1);
        let rows = (0..ids.len()).flat_map(|_| bias.iter().map(|&x| f64::from(x)));
        let mut sum: Vec<f64> = rows.collect();
        for neuron in 0..config.ff_width() {
            let name = NeuronName { layer: 1, neuron };
            let active = loaded.neuron_activations(name, &ids).unwrap();
            for (at, activation) in active.iter().enumerate() {
                for i in 0..24 {
                    sum[at * 24 + i] += f64::from(*activation) * down.at(neuron, i);
                }
            }
        }
        let mut capture = Capture::new(&[Activation::MlpOut], &[1], &[]);
        let batch: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let batch = TensorData::new(batch, [1, ids.len()]);
        let batch = Tensor::<2, Int>::from_data(batch, &Device::flex());
        loaded.model.forward(batch, Pass::capturing(&mut capture));
        let own = &capture.into_found()[0].values;
        for (sum, own) in sum.iter().zip(own) {
            assert!(
                (sum - f64::from(*own)).abs() < 1e-4,
                "{lines}: {sum}, {own}"
            );
        }
    }
}

#[test]
fn neurons_write_through_the_head_and_near_tokens_point_the_same_way() {
    let loaded = loaded("position = \"learned\"\ntied_head = false");
    let name = loaded.neuron("1.7".parse().unwrap()).unwrap();
    let same = loaded.neuron("last.-89".parse().unwrap()).unwrap();
    assert_eq!(
        name, same,
        "1 is the last layer, and 7 the 89th of 96 from the end"
    );
    let found = loaded.neuron_output(name, 3).unwrap();
    let ffn = loaded.model.blocks[1].ffn.as_ref().unwrap();
    let row = Plain::of(ffn.down.weight.val()).part(7..8, 0..24);
    let head = Plain::of(loaded.model.head.as_ref().unwrap().weight.val());
    let logits = row.times(&head).values;
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
    let ids = |written: &[sisun_infer::WrittenLogit]| -> Vec<usize> {
        written.iter().map(|one| one.id as usize).collect()
    };
    assert_eq!(ids(&found.raises), order[..3]);
    order.reverse();
    assert_eq!(ids(&found.lowers), order[..3]);
    assert!((f64::from(found.lowers[0].logit) - logits[order[0]]).abs() < 1e-5);
    for (neuron, reason) in [
        (
            "2.0",
            "no layer 2: the model has layers 0 to 1, or -2 to -1 from the end",
        ),
        ("0.96", "no neuron 96"),
        ("-3.0", "no layer -3"),
    ] {
        let error = loaded.neuron(neuron.parse().unwrap()).unwrap_err();
        let error = error.to_string();
        assert!(error.contains(reason), "{error}");
    }

    let embed = Plain::of(loaded.model.embed.weight.val());
    let cosine = |a: usize, b: usize| {
        let (a, b) = (embed.part(a..a + 1, 0..24), embed.part(b..b + 1, 0..24));
        a.times(&b.turned()).values[0] / a.norm() / b.norm()
    };
    let mut others: Vec<usize> = (0..embed.rows).filter(|&id| id != 2).collect();
    others.sort_by(|&a, &b| cosine(2, b).total_cmp(&cosine(2, a)));
    let near = loaded.nearest_tokens(2, 4).unwrap();
    for (near, expected) in near.iter().zip(&others) {
        assert_eq!(near.id as usize, *expected);
        assert!((near.cosine - cosine(2, *expected)).abs() < 1e-6);
    }
    assert!(loaded.nearest_tokens(99, 4).is_err());

    // Along principal components tokens have no mean and no covariance, and variances fall.
    let map = loaded.embedding_map();
    let found = &map.of_tokens;
    let at = |row: usize, column: usize| f64::from(found.coordinates[2 * row + column]);
    let n = embed.rows as f64;
    let moment = |a: usize, b: usize| {
        (0..embed.rows)
            .map(|row| at(row, a) * at(row, b))
            .sum::<f64>()
            / n
    };
    let total: f64 = (0..24)
        .map(|i| {
            let column = embed.part(0..embed.rows, i..i + 1).values;
            let mean = column.iter().sum::<f64>() / n;
            column.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n
        })
        .sum();
    assert!(moment(0, 1).abs() < 1e-5);
    for component in 0..2 {
        let mean: f64 = (0..embed.rows).map(|row| at(row, component)).sum();
        assert!(mean.abs() < 1e-4);
        let share = moment(component, component) / total;
        assert!((share - found.shares[component]).abs() < 1e-5);
    }
    assert!(found.shares[0] >= found.shares[1]);
    let positions = map.of_positions.unwrap();
    assert_eq!(positions.coordinates.len(), 2 * 40);
}
