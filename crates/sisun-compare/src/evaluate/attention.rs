//! Attention distance of heads.

use super::{EvaluatedModel, tokens};
use crate::results::HeadDistance;
use sisun_model::{Activation, Capture, Pass};

/// Return the mean of `Σ pattern[q, k]·|q − k|` over the queries of these rows, for each layer and
/// head.
pub(crate) fn distances(judged: &EvaluatedModel, rows: &[&[u32]]) -> Vec<HeadDistance> {
    let model = &judged.model;
    let config = model.config();
    let layers: Vec<usize> = (0..config.n_layers).collect();
    let heads: Vec<usize> = (0..config.n_heads).collect();
    let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads);
    let positions = judged.places(rows.first().map_or(0, |row| row.len()));
    model.forward(
        tokens(model, rows),
        Pass {
            positions,
            ..Pass::capturing(&mut capture)
        },
    );
    let mut found = Vec::new();
    for captured in capture.into_found() {
        let [batch, n_heads, n_query, n_key] = captured.shape[..] else {
            continue;
        };
        for head in 0..n_heads {
            let mut sum = 0.0;
            for row in 0..batch {
                let pattern =
                    &captured.values[(row * n_heads + head) * n_query * n_key..][..n_query * n_key];
                for (q, weights) in pattern.chunks_exact(n_key).enumerate() {
                    let far = weights
                        .iter()
                        .enumerate()
                        .map(|(k, w)| f64::from(*w) * q.abs_diff(k) as f64);
                    sum += far.sum::<f64>();
                }
            }
            let distance = sum / (batch * n_query).max(1) as f64;
            found.push(HeadDistance {
                layer: captured.layer,
                head,
                distance,
            });
        }
    }
    found
}
