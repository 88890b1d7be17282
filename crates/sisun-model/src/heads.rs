//! What self-attention and cross-attention do with single heads: ablation and capture.

use crate::capture::{Activation, Capture};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_kernels::{self as kernels, AttentionOptions, HeadCounts};
use std::collections::BTreeSet;

/// Set `z` of the ablated heads to zero.
///
/// # Shapes
/// - `z` and the result: `[batch, pos, n_heads·d_head]`
pub(crate) fn ablate(
    layer: usize,
    z: Tensor<3>,
    heads: HeadCounts,
    ablated: &[(usize, usize)],
) -> Tensor<3> {
    if !ablated.iter().any(|(of, _)| *of == layer) {
        return z;
    }
    let [_, _, width] = z.dims();
    let d_head = width / heads.n_heads;
    let factor = |at: usize| {
        if ablated.contains(&(layer, at / d_head)) {
            0.0
        } else {
            1.0
        }
    };
    let factors: Vec<f32> = (0..width).map(factor).collect();
    let factors = Tensor::<1>::from_data(TensorData::new(factors, [width]), &z.device());
    z * factors.unsqueeze()
}

/// A capture request for the attention of one layer.
pub(crate) struct Captures<'c> {
    pub(crate) capture: &'c mut Capture,
    pub(crate) layer: usize,
    pub(crate) heads: HeadCounts,
}

impl Captures<'_> {
    /// Capture the requested heads of the queries.
    pub(crate) fn queries(&mut self, q: &Tensor<4>) {
        self.capture.keep_heads(Activation::Q, self.layer, q, 1);
    }

    /// Capture the requested heads of k, v and the two `[query, key]` tensors, which an ordinary
    /// pass need not materialise.
    pub(crate) fn keys(
        &mut self,
        q: &Tensor<4>,
        k: &Tensor<4>,
        v: &Tensor<4>,
        options: &AttentionOptions,
    ) {
        let Self {
            capture,
            layer,
            heads,
        } = self;
        let layer = *layer;
        let group = heads.n_heads / heads.n_kv_heads;
        capture.keep_heads(Activation::K, layer, k, group);
        capture.keep_heads(Activation::V, layer, v, group);
        if capture.wants(Activation::Scores, layer) || capture.wants(Activation::Pattern, layer) {
            let scores = match capture.some_heads(heads.n_heads) {
                None => kernels::attention::scores(q.clone(), k.clone(), options),
                Some(heads) => scores_of(heads, q, k, options),
            };
            capture.keep_scores(layer, &scores);
            capture.keep_pattern(layer, kernels::attention::pattern(scores));
        }
    }
}

/// Return the scores of `heads` only, bit for bit as computed among all heads: the heads of a group
/// are computed together either way.
///
/// # Shapes
/// - `q`: `[batch, n_heads, query, d_head]`
/// - `k`: `[batch, n_kv_heads, key, d_head]`
/// - result: `[batch, heads.len(), query, key]`
fn scores_of(
    heads: &[usize],
    q: &Tensor<4>,
    k: &Tensor<4>,
    options: &AttentionOptions,
) -> Tensor<4> {
    let group = q.dims()[1] / k.dims()[1];
    let device = q.device().inner();
    let at = |rows: &[usize]| {
        let rows: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
        let n = rows.len();
        Tensor::<1, Int>::from_data(TensorData::new(rows, [n]), &device)
    };
    let kv_heads: Vec<usize> = heads
        .iter()
        .map(|head| head / group)
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let together: Vec<usize> = kv_heads
        .iter()
        .flat_map(|kv_head| kv_head * group..(kv_head + 1) * group)
        .collect();
    let options = AttentionOptions {
        bias: options
            .bias
            .clone()
            .map(|bias| bias.select(1, at(&together))),
        ..options.clone()
    };
    let (q, k) = (
        q.clone().select(1, at(&together)),
        k.clone().select(1, at(&kv_heads)),
    );
    let scores = kernels::attention::scores(q, k, &options);
    match together == heads {
        true => scores,
        false => {
            let chosen: Vec<usize> = heads
                .iter()
                .map(|head| together.partition_point(|one| one < head))
                .collect();
            scores.select(1, at(&chosen))
        }
    }
}
