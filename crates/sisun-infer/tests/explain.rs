//! Step-by-step attention, checked against published examples and against the model's own numbers.

#![allow(clippy::unwrap_used)]

use burn::tensor::Device;
use serde::Deserialize;
use serde_json::Value;
use sisun_config::ModelConfig;
use sisun_data::Tokenizer;
use sisun_infer::explain::Inputs;
use sisun_infer::{CaptureSelection, Explanation, InferError, LanguageModel, Query};
use sisun_model::{Init, ModelError, Params, RandomParams, Transformer};
use std::f64::consts::E;

type Matrix = Vec<Vec<f64>>;

/// A published example in exact fractions; `tests/peers/worked_examples.py` documents errors in the
/// publication.
#[derive(Deserialize)]
#[allow(non_snake_case, reason = "the matrices' names")]
struct Example {
    tokens: Vec<String>,
    query: usize,
    Q: Matrix,
    K: Matrix,
    V: Matrix,
    scores: Matrix,
    scaled: Matrix,
    weights: Matrix,
    context: Matrix,
}

fn published() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/peers/fixtures/worked_examples.json"
    );
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn example(name: &str) -> Example {
    Example::deserialize(&published()[name]).unwrap()
}

#[track_caller]
fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{what}: {found} for {expected}"
        );
    }
}

#[test]
fn published_examples_come_out_as_they_should() {
    for name in ["mat", "baekgopa"] {
        let Example {
            tokens,
            Q,
            K,
            V,
            scores,
            scaled,
            weights,
            context,
            ..
        } = example(name);
        let hidden = vec![false; tokens.len()];
        for (row, q) in Q.iter().enumerate() {
            let steps = Inputs {
                q,
                k: &K,
                v: &V,
                scale: 0.5,
                bias: None,
                hidden: &hidden,
            }
            .work();
            let column = |of: fn(&sisun_infer::explain::KeySteps) -> f64| {
                steps.keys.iter().map(of).collect::<Vec<_>>()
            };
            let what = format!("{name}, row {row}");
            close(&what, &column(|key| key.dot), &scores[row], 1e-12);
            close(&what, &column(|key| key.scaled), &scaled[row], 1e-12);
            close(&what, &column(|key| key.score), &scaled[row], 1e-12);
            close(&what, &column(|key| key.weight), &weights[row], 1e-12);
            close(&what, &steps.z, &context[row], 1e-12);
        }
    }
}

#[test]
fn the_cat_sat_on_the_mat_by_hand() {
    let Example {
        tokens,
        query,
        Q,
        K,
        V,
        ..
    } = example("mat");
    assert_eq!(tokens[query], "sat");
    let steps = Inputs {
        q: &Q[query],
        k: &K,
        v: &V,
        scale: 0.5,
        bias: None,
        hidden: &[false; 6],
    }
    .work();
    assert_eq!(
        steps.keys.iter().map(|key| key.dot).collect::<Vec<_>>(),
        [2.0, 2.0, 4.0, 2.0, 2.0, 2.0]
    );
    // The notes print 20.979, the sum of rounded numbers; the exact value is 5e + e², here divided
    // by the largest term, e².
    let sum = steps.exp_sum * steps.max_score.exp();
    assert!(
        (sum - (5.0 * E + E * E)).abs() < 1e-12 && (sum - 20.980).abs() < 5e-4,
        "{sum}"
    );
    close(
        "weights",
        &[steps.keys[0].weight, steps.keys[2].weight],
        &[0.12956, 0.35219],
        5e-6,
    );
}

#[test]
fn of_the_stomach_not_what_is_printed_but_what_is_right() {
    let Example {
        tokens,
        query,
        Q,
        K,
        V,
        ..
    } = example("baekgopa");
    assert_eq!(tokens[query], "배");
    let steps = Inputs {
        q: &Q[query],
        k: &K,
        v: &V,
        scale: 0.5,
        bias: None,
        hidden: &[false; 8],
    }
    .work();
    close("z", &steps.z, &[0.2017, 0.1793, 0.1894, 0.2094], 5e-5);
    // The publication says that "배" attends most to "고파서"; in fact it attends most to itself, and
    // "고파서" is seventh of eight.
    let weight =
        |token: &str| steps.keys[tokens.iter().position(|other| other == token).unwrap()].weight;
    assert!(steps.keys.iter().all(|key| key.weight <= weight("배")));
    assert_eq!(
        steps
            .keys
            .iter()
            .filter(|key| key.weight > weight("고파서"))
            .count(),
        6
    );
    // The numbers that the fixture marks as wrong must not occur in our results.
    let printed = published();
    let wrong = printed["deviations"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|d| d["location"] == "output of row 3");
    let mut count = 0;
    for deviation in wrong {
        let column = deviation["column"].as_u64().unwrap() as usize;
        let printed: f64 = deviation["printed"].as_str().unwrap().parse().unwrap();
        assert!((steps.z[column] - deviation["right"].as_f64().unwrap()).abs() < 1e-12);
        assert!((steps.z[column] - printed).abs() > 1e-3, "column {column}");
        count += 1;
    }
    assert_eq!(count, 4);
}

#[test]
fn bias_is_added_and_hidden_keys_have_no_part() {
    let k: Matrix = vec![vec![1.0], vec![2.0], vec![1e6]];
    let v: Matrix = vec![vec![10.0], vec![20.0], vec![f64::MAX]];
    let inputs = Inputs {
        q: &[2.0],
        k: &k,
        v: &v,
        scale: 0.5,
        bias: Some(&[1.0, 0.0, 5.0]),
        hidden: &[false, false, true],
    };
    let steps = inputs.work();
    // Both scores are 2: 1 + 1 and 2 + 0.
    assert_eq!(
        steps.keys.iter().map(|key| key.score).collect::<Vec<_>>(),
        [2.0, 2.0, f64::NEG_INFINITY]
    );
    assert_eq!(
        steps.keys.iter().map(|key| key.weight).collect::<Vec<_>>(),
        [0.5, 0.5, 0.0]
    );
    assert_eq!(
        (steps.max_score, steps.exp_sum, steps.z),
        (2.0, 2.0, vec![15.0])
    );
    assert_eq!(
        (steps.keys[2].dot, steps.keys[2].bias, steps.keys[2].exp),
        (2e6, Some(5.0), 0.0)
    );
    // A score for which exp alone would overflow.
    let steps = Inputs {
        q: &[2.0],
        k: &k,
        v: &k,
        scale: 1.0,
        bias: None,
        hidden: &[false; 3],
    }
    .work();
    assert_eq!((steps.keys[2].weight, &steps.z[..]), (1.0, &[1e6][..]));
}

/// Random parameters without zero biases or unit norms.
struct Uneven(RandomParams);

impl Params for Uneven {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        let mean = if init == Init::Ones { 1.0 } else { 0.0 };
        let draws = self.0.values(name, shape, Init::Normal(0.5))?;
        Ok(draws.into_iter().map(|draw| mean + draw).collect())
    }

    fn device(&self) -> &Device {
        self.0.device()
    }
}

fn loaded(lines: &str) -> LanguageModel {
    let tokenizer = Tokenizer::characters("the cat sat on mat. 배가고파서".chars(), false).unwrap();
    let text = format!(
        "vocab_size = {}\nd_model = 24\nn_layers = 2\ncontext_len = 40\n{lines}",
        tokenizer.vocab_size()
    );
    let model = ModelConfig::parse(&text).unwrap();
    let model =
        Transformer::from_params(&model, &mut Uneven(RandomParams::new(4, &Device::flex())))
            .unwrap();
    LanguageModel::new("test".to_owned(), Some(7), model, tokenizer)
}

const TEXT: &str = "the cat sat on the mat. 배가 고파서";

/// Explain every query of every head of both layers, and check each against the model's results.
fn explained(loaded: &LanguageModel) -> Vec<Explanation> {
    let maps = loaded.attend(TEXT, &CaptureSelection::default()).unwrap();
    let (n, heads) = (maps.tokens.len(), loaded.model.config().n_heads);
    let mut all = Vec::new();
    for (layer, pattern) in maps.activations.iter().enumerate() {
        for (head, pattern) in pattern.values.chunks_exact(n * n).enumerate() {
            for query in [0, 1, n / 2, n - 1] {
                let found = loaded
                    .explain(TEXT, Some(layer), head, &Query::Number(query))
                    .unwrap();
                let Explanation { differences, .. } = &found;
                assert!(
                    differences.score < 1e-5 * found.max_score.abs().max(1.0),
                    "{differences:?}"
                );
                assert!(
                    differences.pattern < 1e-5 && differences.z < 1e-5,
                    "{differences:?}"
                );
                // The fields attributed to the model must hold the model's values.
                let row = &pattern[query * n..][..n];
                assert!(
                    found
                        .keys
                        .iter()
                        .zip(row)
                        .all(|(key, &weight)| key.pattern == f64::from(weight))
                );
                assert_eq!(
                    (found.layer, found.head, found.query, found.keys.len()),
                    (layer, head, query, n)
                );
                let causal = loaded.model.config().causal;
                assert!(
                    found
                        .keys
                        .iter()
                        .enumerate()
                        .all(|(key, steps)| steps.steps.hidden == (causal && key > query))
                );
                all.push(found);
            }
        }
        assert_eq!(pattern.values.len(), heads * n * n);
    }
    all
}

#[test]
fn the_working_agrees_with_the_model_for_every_position_variant() {
    for (position, has_bias) in [
        ("\"none\"", false),
        ("\"learned\"", false),
        ("\"sinusoidal\"", false),
        ("\"rope\"", false),
        ("\"alibi\"", true),
        (
            "{ kind = \"t5_bias\", buckets = 8, max_distance = 16 }",
            true,
        ),
    ] {
        for more in [
            "",
            "causal = false",
            "n_kv_heads = 1\nqk_norm = true",
            "scaled_scores = false",
        ] {
            for found in explained(&loaded(&format!(
                "n_heads = 3\nposition = {position}\n{more}"
            ))) {
                assert!(
                    found
                        .keys
                        .iter()
                        .all(|key| key.steps.bias.is_some() == has_bias),
                    "{position}"
                );
                // Distances differ, and with them the bias; T5 has a single bias for all keys after
                // the query.
                let bias: Vec<Option<f64>> = found.keys.iter().map(|key| key.steps.bias).collect();
                assert!(
                    !has_bias || found.query == 0 || bias.iter().any(|other| *other != bias[0]),
                    "{position}: {bias:?}"
                );
            }
        }
    }
}

#[test]
fn grouped_queries_name_the_head_whose_keys_they_read() {
    let all = explained(&loaded("n_heads = 6\nn_kv_heads = 2\nposition = \"rope\""));
    for found in &all {
        assert_eq!(
            (found.kv_head, found.n_kv_heads, found.d_head),
            (found.head / 3, 2, 4)
        );
    }
    let keys = |head: usize| {
        let found = all
            .iter()
            .find(|found| found.head == head && found.layer == 1)
            .unwrap();
        found
            .keys
            .iter()
            .map(|key| key.k.clone())
            .collect::<Vec<_>>()
    };
    assert!(keys(0) == keys(2) && keys(3) == keys(5) && keys(2) != keys(3));
}

#[test]
fn a_model_that_does_not_scale_has_scale_one() {
    for found in explained(&loaded(
        "n_heads = 3\nposition = \"rope\"\nscaled_scores = false",
    )) {
        assert_eq!(found.scale, 1.0);
        assert!(
            found
                .keys
                .iter()
                .all(|key| key.steps.scaled == key.steps.dot)
        );
    }
    let scaled = loaded("n_heads = 3\nposition = \"rope\"")
        .explain(TEXT, None, 0, &Query::Last)
        .unwrap();
    assert_eq!(scaled.scale, 1.0 / 8f64.sqrt());
}

#[test]
fn last_layer_first_head_and_last_token_unless_told() {
    let found = loaded("n_heads = 3\nposition = \"alibi\"")
        .explain(TEXT, None, 0, &Query::default())
        .unwrap();
    assert_eq!(
        (found.layer, found.head, found.query),
        (1, 0, TEXT.chars().count() - 1)
    );
    assert_eq!(
        (
            found.query_label.as_str(),
            found.position,
            found.model.as_str()
        ),
        ("서", sisun_config::Position::Alibi, "test (step 7)")
    );
    // The first slope of three heads equals that of two: 2^(−4).
    assert_eq!(found.keys[0].steps.bias, Some(-0.0625 * found.query as f64));
    let weights: Vec<f64> = found
        .heaviest()
        .iter()
        .map(|&key| found.keys[key].steps.weight)
        .collect();
    assert!(weights.is_sorted_by(|a, b| a >= b) && weights.len() == found.keys.len());
}

#[test]
fn as_json_every_step_is_a_number_and_what_is_hidden_is_null() {
    let loaded = loaded("n_heads = 3\nposition = \"rope\"");
    let found = loaded
        .explain("the cat", None, 1, &Query::Number(2))
        .unwrap();
    let json = serde_json::to_value(&found).unwrap();
    assert_eq!(
        (&json["query_label"], &json["tokens"][4]["text"]),
        (&"e".into(), &"c".into())
    );
    assert_eq!(json["keys"].as_array().unwrap().len(), 7);
    let key = |key: usize, name: &str| json["keys"][key][name].clone();
    assert!(key(3, "score").is_null() && key(3, "bias").is_null() && key(3, "hidden") == true);
    assert!(key(3, "dot").is_f64() && key(3, "weight") == 0.0 && key(3, "pattern") == 0.0);
    // The JSON suffices to recompute the result.
    let vector = |of: &Value| {
        of.as_array()
            .unwrap()
            .iter()
            .map(|x| x.as_f64().unwrap())
            .collect::<Vec<_>>()
    };
    let dot: f64 = vector(&json["q"])
        .iter()
        .zip(vector(&key(1, "k")))
        .map(|(q, k)| q * k)
        .sum();
    assert!((dot - key(1, "dot").as_f64().unwrap()).abs() < 1e-12);
    assert!(
        (dot * json["scale"].as_f64().unwrap() - key(1, "score").as_f64().unwrap()).abs() < 1e-12
    );
}

#[test]
fn what_does_not_exist_is_told() {
    let loaded = loaded("n_heads = 3\nposition = \"rope\"");
    let fails = |layer, head, query: &str| {
        loaded
            .explain("the cat", layer, head, &query.parse().unwrap())
            .unwrap_err()
            .to_string()
    };
    assert!(fails(Some(2), 0, "0").contains("no layer 2: the model has layers 0 to 1"));
    assert!(fails(None, 3, "0").contains("no head 3: the model has heads 0 to 2"));
    assert!(fails(None, 0, "7").contains("no token 7 in the text; it has 0 \"t\", 1 \"h\""));
    assert!(fails(None, 0, "dog").contains("no token \"dog\""));
    assert!(fails(None, 0, "t").contains("several tokens") && fails(None, 0, "t").contains("0, 6"));
    assert!(matches!(
        loaded.explain("", None, 0, &Query::Last),
        Err(InferError::Empty { .. })
    ));
}
