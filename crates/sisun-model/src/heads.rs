//! What self-attention and cross-attention do with single heads: edits and capture.

use crate::capture::{Activation, Capture};
use crate::edit::{Edit, Site, edited, edits_any};
use burn::tensor::{Int, Tensor, TensorData};
use sisun_kernels::attention::{HIDDEN_SCORE, mix, pattern, scores};
use sisun_kernels::reference::merge_heads;
use sisun_kernels::{self as kernels, AttentionOptions, HeadCounts};
use std::collections::BTreeSet;

/// The activations that the fused kernel does not give out.
pub(crate) const INSIDE: [Activation; 5] = [
    Activation::Q,
    Activation::K,
    Activation::V,
    Activation::Scores,
    Activation::Pattern,
];

/// Edits and captures of the attention of one layer.
pub(crate) struct HeadAccess<'e, 'c> {
    pub(crate) edits: &'e [Edit],
    pub(crate) capture: Option<&'c mut Capture>,
    pub(crate) layer: usize,
    /// Position of the first query.
    pub(crate) start: usize,
    pub(crate) heads: HeadCounts,
}

impl HeadAccess<'_, '_> {
    fn group(&self) -> usize {
        self.heads.n_heads / self.heads.n_kv_heads
    }

    fn site(&self, activation: Activation) -> Site {
        Site {
            activation,
            layer: self.layer,
            start: self.start,
            heads_each: 1,
        }
    }

    /// Edit and capture the queries.
    pub(crate) fn queries(&mut self, q: Tensor<4>) -> Tensor<4> {
        let q = edited(self.edits, self.site(Activation::Q), q, None);
        if let Some(capture) = &mut self.capture {
            capture.keep_heads(Activation::Q, self.layer, &q, 1);
        }
        q
    }

    /// Edit keys and values, of which the first is at the position `start`.
    pub(crate) fn keys_and_values(
        &self,
        start: usize,
        k: Tensor<4>,
        v: Tensor<4>,
    ) -> (Tensor<4>, Tensor<4>) {
        let site = |activation| Site {
            start,
            heads_each: self.group(),
            ..self.site(activation)
        };
        (
            edited(self.edits, site(Activation::K), k, None),
            edited(self.edits, site(Activation::V), v, None),
        )
    }

    /// Return the merged `z` of all heads; edit and capture the two `[query, key]` tensors on the
    /// way, which an ordinary pass need not materialise, and capture k and v.
    ///
    /// # Shapes
    /// - `q`: `[batch, n_heads, query, d_head]`
    /// - `k`, `v`: `[batch, n_kv_heads, key, d_head]`
    /// - result: `[batch, query, n_heads·d_head]`
    pub(crate) fn attend(
        &mut self,
        q: Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
        options: &AttentionOptions,
    ) -> Tensor<3> {
        let (layer, group) = (self.layer, self.group());
        if let Some(capture) = &mut self.capture {
            capture.keep_heads(Activation::K, layer, &k, group);
            capture.keep_heads(Activation::V, layer, &v, group);
        }
        let inside = [Activation::Scores, Activation::Pattern];
        if edits_any(self.edits, layer, &inside) {
            return self.attend_edited(q, k, v, options);
        }
        if let Some(capture) = &mut self.capture
            && inside.iter().any(|name| capture.wants(*name, layer))
        {
            let scores = match capture.some_heads(self.heads.n_heads) {
                None => scores(q.clone(), k.clone(), options),
                Some(heads) => scores_of(heads, &q, &k, options),
            };
            capture.keep_scores(layer, &scores);
            capture.keep_pattern(layer, pattern(scores));
        }
        merge_heads(kernels::attention(q, k, v, options))
    }

    fn attend_edited(
        &mut self,
        q: Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
        options: &AttentionOptions,
    ) -> Tensor<3> {
        let scores = scores(q, k, options);
        let hidden = scores.clone().inner().lower_equal_elem(HIDDEN_SCORE);
        let edit = |name, x, instead| {
            edited(
                self.edits,
                self.site(name),
                x,
                Some((hidden.clone(), instead)),
            )
        };
        let scores = edit(Activation::Scores, scores, HIDDEN_SCORE);
        let pattern = edit(Activation::Pattern, pattern(scores.clone()), 0.0);
        let (layer, n_heads) = (self.layer, self.heads.n_heads);
        if let Some(capture) = &mut self.capture {
            let chosen = |x: &Tensor<4>| match capture.some_heads(n_heads) {
                None => x.clone(),
                Some(heads) => x.clone().select(1, indices(heads, &x.device().inner())),
            };
            let (scores, pattern) = (chosen(&scores), chosen(&pattern));
            capture.keep_scores(layer, &scores);
            capture.keep_pattern(layer, pattern);
        }
        merge_heads(mix(kernels::dropout(pattern, options.dropout), v))
    }

    /// Edit and capture `z`.
    ///
    /// # Shapes
    /// - `z` and the result: `[batch, query, n_heads·d_head]`
    pub(crate) fn outputs(&mut self, z: Tensor<3>) -> Tensor<3> {
        let n_heads = self.heads.n_heads;
        let z = match edits_any(self.edits, self.layer, &[Activation::Z]) {
            true => {
                let [batch, pos, width] = z.dims();
                let heads = z.reshape([batch, pos, n_heads, width / n_heads]);
                let site = self.site(Activation::Z);
                merge_heads(edited(self.edits, site, heads.swap_dims(1, 2), None))
            }
            false => z,
        };
        if let Some(capture) = &mut self.capture {
            capture.keep_merged_heads(Activation::Z, self.layer, &z, n_heads);
        }
        z
    }
}

fn indices(rows: &[usize], device: &burn::tensor::Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|row| *row as i64).collect();
    let n = rows.len();
    Tensor::from_data(TensorData::new(rows, [n]), device)
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
            .map(|bias| bias.select(1, indices(&together, &device))),
        ..options.clone()
    };
    let (q, k) = (
        q.clone().select(1, indices(&together, &device)),
        k.clone().select(1, indices(&kv_heads, &device)),
    );
    let scores = scores(q, k, &options);
    match together == heads {
        true => scores,
        false => {
            let chosen: Vec<usize> = heads
                .iter()
                .map(|head| together.partition_point(|one| one < head))
                .collect();
            scores.select(1, indices(&chosen, &device))
        }
    }
}
