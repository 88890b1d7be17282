//! Two published examples of attention, computed with the actual attention code without a causal
//! mask.
//!
//! The printed results do not always agree with the documents' own numbers;
//! `peers/worked_examples.py` lists all differences. "The cat sat on the mat" carries rounding into
//! one sum: it prints 20.979 for 20.980. "배가 고파서" is wrong from its first product on. Three of its
//! errors: Q of "배", second number: printed 0.27, correct 0.25; K of "배", fourth number: printed
//! 0.30, correct 0.36; result of attention for "배": printed [0.275, 0.222, 0.206, 0.183], correct
//! [0.2017, 0.1793, 0.1894, 0.2094]. And "배" attends most to itself, not to "고파서". The tests use
//! the correct values.

use burn::tensor::{Device, Tensor};
use serde::Deserialize;
use serde_json::Value;
use sisun_kernels::attention::{mix, pattern, scores};
use sisun_kernels::{AttentionOptions, MatmulPrecision, attention, linear};
use sisun_tests::compare::{assert_close, tensor, values};
use sisun_tests::devices::everywhere;
use sisun_tests::fixtures;
use std::f64::consts::E;

type Matrix = Vec<Vec<f64>>;

/// The matrices of a document, computed in exact fractions.
#[derive(Deserialize)]
struct Example {
    tokens: Vec<String>,
    #[serde(rename = "X")]
    x: Option<Matrix>,
    #[serde(rename = "W_Q")]
    w_q: Option<Matrix>,
    #[serde(rename = "W_K")]
    w_k: Option<Matrix>,
    #[serde(rename = "W_V")]
    w_v: Option<Matrix>,
    #[serde(rename = "Q")]
    q: Matrix,
    #[serde(rename = "K")]
    k: Matrix,
    #[serde(rename = "V")]
    v: Matrix,
    scores: Matrix,
    scaled: Matrix,
    weights: Matrix,
    context: Matrix,
}

const PLAIN: AttentionOptions = AttentionOptions {
    causal: false,
    bias: None,
    dropout: 0.0,
    lens: None,
};
/// Tolerance for numbers near 1 with few digits.
const TOLERANCE: f32 = 1e-6;

fn example(name: &str) -> Example {
    let all: Value = serde_json::from_str(&fixtures::text("worked_examples.json")).unwrap();
    Example::deserialize(&all[name]).unwrap()
}

fn flat(matrix: &Matrix) -> Vec<f32> {
    matrix.iter().flatten().map(|x| *x as f32).collect()
}

/// Create a tensor `[1, 1, row, column]`: one sequence, one head.
fn head(matrix: &Matrix, device: &Device) -> Tensor<4> {
    tensor(&flat(matrix), [1, 1, matrix.len(), matrix[0].len()], device)
}

/// Check scores, weights and context, and return them by row.
fn check(example: &Example, device: &Device) -> [Vec<Vec<f32>>; 3] {
    let [q, k, v] = [&example.q, &example.k, &example.v].map(|matrix| head(matrix, device));
    let root = (example.q[0].len() as f32).sqrt();
    let scaled = scores(q.clone(), k.clone(), &PLAIN);
    let weights = pattern(scaled.clone());
    let context = attention(q, k, v.clone(), &PLAIN);
    assert_close(
        "q·kᵀ",
        &values(scaled.clone() * root),
        &flat(&example.scores),
        TOLERANCE,
    );
    assert_close(
        "q·kᵀ/√d_head",
        &values(scaled.clone()),
        &flat(&example.scaled),
        TOLERANCE,
    );
    assert_close(
        "weights",
        &values(weights.clone()),
        &flat(&example.weights),
        TOLERANCE,
    );
    assert_close(
        "context",
        &values(context.clone()),
        &flat(&example.context),
        TOLERANCE,
    );
    assert_close(
        "weights times values",
        &values(mix(weights.clone(), v)),
        &flat(&example.context),
        TOLERANCE,
    );
    [scaled, weights, context].map(|x| {
        let columns = x.dims()[3];
        values(x).chunks(columns).map(<[f32]>::to_vec).collect()
    })
}

#[test]
fn the_cat_sat_on_the_mat() {
    let example = example("mat");
    let sat = example
        .tokens
        .iter()
        .position(|token| token == "sat")
        .unwrap();
    for (_, device) in everywhere() {
        let [scaled, weights, context] = check(&example, &device);
        // By hand: q = [1, 1, 1, 1] matches two ones in every key and four in its own.
        assert_eq!(
            scaled[sat],
            [2.0, 2.0, 4.0, 2.0, 2.0, 2.0].map(|score: f32| score / 2.0)
        );
        let sum: f64 = scaled[sat]
            .iter()
            .map(|score| f64::from(*score).exp())
            .sum();
        assert!(
            (sum - 20.980).abs() < 5e-4 && (sum - (5.0 * E + E * E)).abs() < 1e-12,
            "{sum}"
        );
        let (other, own) = (1.0 / (5.0 + E), E / (5.0 + E));
        assert!((other - 0.12956).abs() < 5e-6 && (own - 0.35219).abs() < 5e-6);
        let expected = [other, other, own, other, other, other].map(|weight| weight as f32);
        assert_close("weights of sat", &weights[sat], &expected, TOLERANCE);
        // The columns of V without the row of sat sum to 0.4, 0.4, 0.2 and 0.4; its own row is 0.3
        // throughout.
        let expected = [0.4, 0.4, 0.2, 0.4].map(|column| (column * other + 0.3 * own) as f32);
        assert_close("context of sat", &context[sat], &expected, TOLERANCE);
    }
}

#[test]
fn baega_gopaseo() {
    let example = example("baekgopa");
    let stomach = example
        .tokens
        .iter()
        .position(|token| token == "배")
        .unwrap();
    for (_, device) in everywhere() {
        let x = example.x.as_ref().unwrap();
        let [q, k, v] = [
            (&example.w_q, &example.q),
            (&example.w_k, &example.k),
            (&example.w_v, &example.v),
        ]
        .map(|(weight, expected)| {
            let [x, weight] = [x, weight.as_ref().unwrap()].map(|m| head(m, &device));
            let y = values(linear(
                x.reshape([1, 8, 4]),
                weight.reshape([4, 4]),
                None,
                MatmulPrecision::Float32,
            ));
            assert_close("X·W", &y, &flat(expected), TOLERANCE);
            y[4 * stomach..][..4].to_vec()
        });
        // By hand: q[1] = 0.5·0.1 + 0.3·0.3 + 0.2·0.5 + 0.1·0.1.
        assert_close("q of 배", &q, &[0.36, 0.25, 0.23, 0.26], TOLERANCE);
        assert_close("k of 배", &k, &[0.30, 0.29, 0.22, 0.36], TOLERANCE);
        assert_close("v of 배", &v, &[0.28, 0.24, 0.25, 0.33], TOLERANCE);

        let [scaled, weights, context] = check(&example, &device);
        // By hand: (0.36·0.30 + 0.25·0.29 + 0.23·0.22 + 0.26·0.36) / 2.
        assert!((scaled[stomach][stomach] - 0.16235).abs() < TOLERANCE);
        let most = weights[stomach].iter().copied().fold(0.0, f32::max);
        assert_eq!(weights[stomach][stomach], most, "배 attends most to itself");
        assert_close(
            "context of 배",
            &context[stomach],
            &[0.2017, 0.1793, 0.1894, 0.2094],
            5e-5,
        );
    }
}
