//! The loss.

use crate::assert_shape;
use burn::tensor::{Int, Tensor, activation};

/// Cross-entropy of the targets in nats, averaged: `−Σ wᵢ·log softmax(logitsᵢ)[targetᵢ] / Σ wᵢ`.
///
/// # Shapes
/// - `logits`: `[n, vocab]`
/// - `targets`: `[n]`
/// - `weights`: `[n]`, 1 for every position when absent; their sum must not be 0
/// - result: `[1]`
pub fn cross_entropy(logits: Tensor<2>, targets: Tensor<1, Int>, weights: Option<Tensor<1>>) -> Tensor<1> {
    let [n, _] = logits.dims();
    assert_shape!(targets, [n]);
    let log_probabilities = activation::log_softmax(logits, 1).gather(1, targets.reshape([n, 1])).reshape([n]);
    match weights {
        Some(weights) => {
            assert_shape!(weights, [n]);
            (log_probabilities * weights.clone()).sum().neg() / weights.sum()
        }
        None => log_probabilities.mean().neg(),
    }
}
