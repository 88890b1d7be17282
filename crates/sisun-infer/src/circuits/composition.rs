//! Composition of heads: how much of what one head writes another reads (Elhage et al. 2021,
//! "Q-, K- and V-Composition").

use super::distance::why_undefined;
use crate::head_weights::HeadWeights;
use crate::matrix::{Matrix, gram_root, squared_norm};
use rand::RngExt;
use rand_distr::StandardNormal;
use rayon::prelude::*;
use serde::Serialize;
use sisun_config::{ModelConfig, randomness};
use std::fmt;

/// Number of pairs of random heads of the baseline.
const DRAWS: u64 = 16;

/// What the later head makes of the earlier one's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CompositionMode {
    /// Queries.
    Q,
    /// Keys.
    K,
    /// Values.
    V,
}

impl CompositionMode {
    /// All modes.
    pub const ALL: [Self; 3] = [Self::Q, Self::K, Self::V];
}

impl fmt::Display for CompositionMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Q => "Q",
            Self::K => "K",
            Self::V => "V",
        })
    }
}

/// Composition scores of all pairs of heads.
///
/// With `OV = W_V·W_O` and `QK = W_Q·W_Kᵀ`, both `[d_model, d_model]`, the score of an earlier head
/// 1 and a later head 2 is `‖OV₁·M₂‖ / (‖OV₁‖·‖M₂‖)` in Frobenius' norm, where `M₂` is `QK₂` for
/// queries, `QK₂ᵀ` for keys and `OV₂` for values.
#[derive(Clone, Debug, PartialEq)]
pub struct Composition {
    /// What is composed.
    pub mode: CompositionMode,
    /// Scores, `[layer, head, layer, head]`: first the head that writes, then the one that reads; 0
    /// where that is not in a later layer. Without a random baseline taken off. An error says why
    /// they are not defined.
    pub scores: Result<Vec<f64>, String>,
}

/// Composition scores of random heads of the model's shape: their W_Q, W_K, W_V and W_O have
/// independent standard normal elements. The baseline is the same for the three modes and all
/// pairs, because it depends on `d_model` and `d_head` only.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Baseline {
    /// Mean of the draws.
    pub mean: f64,
    /// Standard deviation of the draws.
    pub deviation: f64,
    /// Number of draws.
    pub draws: u64,
}

impl Baseline {
    pub(crate) fn of(config: &ModelConfig) -> Self {
        let (d, d_head) = (config.d_model, config.d_head());
        let score = |draw| {
            let mut draws = randomness::stream(0, "composition baseline", draw);
            let mut matrix = |rows: usize, columns: usize| {
                let values = (0..rows * columns).map(|_| draws.sample(StandardNormal));
                Matrix::new(rows, columns, values.collect())
            };
            let [v, o] = [matrix(d, d_head), matrix(d_head, d)];
            let [left, right] = [matrix(d, d_head), matrix(d, d_head)];
            let (writer, reader) = (writer(&v, &o), reader(&left, &right));
            score(
                writer.times(&reader).squared_norm(),
                writer.squared_norm(),
                reader.squared_norm(),
            )
        };
        let scores: Vec<f64> = (0..DRAWS).into_par_iter().map(score).collect();
        let mean = scores.iter().sum::<f64>() / DRAWS as f64;
        let squares: f64 = scores.iter().map(|score| (score - mean).powi(2)).sum();
        Self {
            mean,
            deviation: (squares / (DRAWS - 1) as f64).sqrt(),
            draws: DRAWS,
        }
    }
}

/// Return a matrix of `d_head` rows with the norms of `W_V·W_O` from the right.
fn writer(v: &Matrix, o: &Matrix) -> Matrix {
    gram_root(v).times(o)
}

/// Return a matrix of `d_head` columns with the norms of `left·rightᵀ` from the left.
fn reader(left: &Matrix, right: &Matrix) -> Matrix {
    left.times(&gram_root(right).transposed())
}

/// Return the score of squared norms: of the product, of the first matrix and of the second.
fn score(product: f64, first: f64, second: f64) -> f64 {
    (product / first / second).sqrt()
}

/// Return the scores of all pairs in all modes.
pub(super) fn all(
    layers: &[HeadWeights],
    config: &ModelConfig,
    distance: Option<usize>,
) -> [Composition; 3] {
    let writers: Vec<Vec<Matrix>> = layers
        .iter()
        .map(|weights| {
            let writer = |head| writer(&weights.v(head), &weights.o(head));
            (0..config.n_heads).into_par_iter().map(writer).collect()
        })
        .collect();
    let undefined = why_undefined(config, distance);
    CompositionMode::ALL.map(|mode| Composition {
        mode,
        scores: match (&undefined, mode) {
            (Some(why), CompositionMode::Q | CompositionMode::K) => Err(why.clone()),
            _ => Ok(of_mode(mode, &writers, layers, config, distance)),
        },
    })
}

fn of_mode(
    mode: CompositionMode,
    writers: &[Vec<Matrix>],
    layers: &[HeadWeights],
    config: &ModelConfig,
    distance: Option<usize>,
) -> Vec<f64> {
    let (n_layers, n_heads, d_head) = (config.n_layers, config.n_heads, config.d_head());
    let mut scores = vec![0.0; (n_layers * n_heads).pow(2)];
    for (later, weights) in layers.iter().enumerate() {
        let read = |head| {
            let q = || weights.q_at(head, distance.unwrap_or(0));
            match mode {
                CompositionMode::Q => reader(&q(), &weights.k(head)),
                CompositionMode::K => reader(&weights.k(head), &q()),
                CompositionMode::V => reader(&weights.v(head), &weights.o(head).transposed()),
            }
        };
        let readers: Vec<Matrix> = (0..n_heads).into_par_iter().map(read).collect();
        let read_norms: Vec<f64> = readers.iter().map(Matrix::squared_norm).collect();
        let readers = Matrix::beside(&readers).factor();
        for (earlier, writers) in writers[..later].iter().enumerate() {
            let products = Matrix::stacked(writers).times_factor(&readers);
            for (from, writer) in writers.iter().enumerate() {
                let rows = products.some_rows(from * d_head, d_head);
                let written = writer.squared_norm();
                for (to, read) in read_norms.iter().enumerate() {
                    let block = rows.values.chunks_exact(rows.columns);
                    let product: f64 = block
                        .map(|row| squared_norm(&row[to * d_head..][..d_head]))
                        .sum();
                    let writes = (earlier * n_heads + from) * n_layers * n_heads;
                    scores[writes + later * n_heads + to] = score(product, written, *read);
                }
            }
        }
    }
    scores
}
