//! The loss.

use crate::assert_shape;
use burn::tensor::{Int, Tensor, activation};

/// Compute [`crate::cross_entropy`].
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    weights: Option<Tensor<1>>,
) -> Tensor<1> {
    let [n, _] = logits.dims();
    assert_shape!(targets, [n]);
    let log_probabilities = activation::log_softmax(logits, 1)
        .gather(1, targets.reshape([n, 1]))
        .reshape([n]);
    match weights {
        Some(weights) => {
            assert_shape!(weights, [n]);
            (log_probabilities * weights.clone()).sum().neg() / weights.sum()
        }
        None => log_probabilities.mean().neg(),
    }
}
