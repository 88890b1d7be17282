//! Changing a tensor as the edits of a pass say.

use super::{Change, Edit, Target};
use crate::capture::Activation;
use burn::tensor::{Bool, Tensor, TensorData, s};
use std::ops::Range;

/// The activation that is being computed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) activation: Activation,
    pub(crate) layer: usize,
    /// Position of the first token in its sequence.
    pub(crate) start: usize,
    /// Number of query heads that share a head of the tensor; 1 except in `k` and `v`.
    pub(crate) heads_each: usize,
}

/// Return true if an edit changes one of these activations of a layer.
pub(crate) fn edits_any(edits: &[Edit], layer: usize, activations: &[Activation]) -> bool {
    edits
        .iter()
        .any(|edit| edit.layer == layer && activations.contains(&edit.activation))
}

/// Return an activation after its edits. Of scores and patterns `hidden` names the hidden keys,
/// which get the value beside it back.
///
/// # Shapes
/// - `x` and the result: `[batch, head, pos, width]`, a head axis of 1 where the activation has none
/// - `hidden`: as `x`
pub(crate) fn edited(
    edits: &[Edit],
    site: Site,
    mut x: Tensor<4>,
    hidden: Option<(Tensor<4, Bool>, f32)>,
) -> Tensor<4> {
    if !edits_any(edits, site.layer, &[site.activation]) {
        return x;
    }
    for edit in edits
        .iter()
        .filter(|edit| (edit.layer, edit.activation) == (site.layer, site.activation))
    {
        x = one_edit(edit, site, x);
    }
    match hidden {
        Some((hidden, value)) => x.mask_fill(hidden, value),
        None => x,
    }
}

fn one_edit(edit: &Edit, site: Site, mut x: Tensor<4>) -> Tensor<4> {
    let [batch, n_heads, n_pos, width] = x.dims();
    let rows = edit.rows.clone().unwrap_or(0..batch);
    let rows = rows.start.min(batch)..rows.end.min(batch);
    let spans = spans(edit.positions.as_deref(), site.start, n_pos);
    if rows.is_empty() || spans.is_empty() {
        return x;
    }
    for heads in head_spans(edit.heads.as_deref(), n_heads, site.heads_each) {
        for span in &spans {
            let whole = rows.len() == batch && heads.len == n_heads && span.len == n_pos;
            let place = s![rows.clone(), heads.range(), span.range(), 0..width];
            let part = match whole {
                true => x.clone(),
                false => x.clone().slice(place),
            };
            let first_query = site.start + span.at;
            let new = changed(edit, part, first_query, [&heads, span]);
            x = match whole {
                true => new,
                false => x.slice_assign(place, new),
            };
        }
    }
    x
}

/// Consecutive indices of a tensor's axis, and where they stand in the list of an edit.
#[derive(Debug)]
struct Span {
    at: usize,
    len: usize,
    listed: usize,
}

impl Span {
    fn range(&self) -> Range<usize> {
        self.at..self.at + self.len
    }
}

/// Return the positions of an edit that a tensor of `n` positions from `start` on holds.
fn spans(positions: Option<&[usize]>, start: usize, n: usize) -> Vec<Span> {
    let Some(positions) = positions else {
        return vec![Span {
            at: 0,
            len: n,
            listed: start,
        }];
    };
    let held = positions
        .iter()
        .enumerate()
        .filter(|(_, position)| (start..start + n).contains(position))
        .map(|(listed, position)| (position - start, listed));
    joined(held)
}

/// Return the heads of a tensor that an edit of query heads changes.
fn head_spans(heads: Option<&[usize]>, n: usize, each: usize) -> Vec<Span> {
    let held = |listed: usize, head: usize| (head / each, listed);
    match heads {
        None => joined((0..n).map(|head| (head, head * each))),
        Some(heads) => {
            let mut pairs: Vec<(usize, usize)> = heads
                .iter()
                .enumerate()
                .map(|(listed, head)| held(listed, *head))
                .filter(|(head, _)| *head < n)
                .collect();
            pairs.dedup_by_key(|(head, _)| *head);
            joined(pairs.into_iter())
        }
    }
}

/// Join pairs whose indices and places in the list are both consecutive.
fn joined(pairs: impl Iterator<Item = (usize, usize)>) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    for (at, listed) in pairs {
        match spans.last_mut() {
            Some(last) if last.at + last.len == at && last.listed + last.len == listed => {
                last.len += 1;
            }
            _ => spans.push(Span { at, len: 1, listed }),
        }
    }
    spans
}

/// Return a part of an activation after an edit.
///
/// # Shapes
/// - `part` and the result: `[rows, heads, positions, width]`
fn changed(edit: &Edit, part: Tensor<4>, first_query: usize, listed: [&Span; 2]) -> Tensor<4> {
    match &edit.change {
        Change::Zero => part.zeros_like(),
        Change::Set(value) => part.full_like(*value),
        Change::Scale(factor) => part * *factor,
        Change::Replace(values) => fitted(values, &part, listed),
        Change::Add(values) => {
            let values = fitted(values, &part, listed);
            part + values
        }
        Change::Key { key, value } => match edit.activation {
            Activation::Pattern => with_weight(part, *key, *value),
            _ => with_score(part, *key, *value),
        },
        Change::Only(target) => only(&part, *target, first_query),
    }
}

/// Return the values of an edit in the shape of the part that they replace. Keys that the values
/// lack get 0: by causality the pattern has no weight there.
fn fitted(values: &Tensor<4>, like: &Tensor<4>, [heads, span]: [&Span; 2]) -> Tensor<4> {
    let [rows, n_heads, n_pos, width] = like.dims();
    let mut values = values.clone();
    for (axis, listed, needed) in [(1, heads.listed, n_heads), (2, span.listed, n_pos)] {
        if values.dims()[axis] > 1 {
            values = values.narrow(axis, listed, needed);
        }
    }
    let held = values.dims()[3];
    if held > width {
        values = values.narrow(3, 0, width);
    }
    let values = values.expand([rows as i64, n_heads as i64, n_pos as i64, -1]);
    if held >= width {
        return values;
    }
    let rest = Tensor::zeros([rows, n_heads, n_pos, width - held], &values.device());
    Tensor::cat(vec![values, rest], 3)
}

fn with_score(part: Tensor<4>, key: usize, score: f64) -> Tensor<4> {
    let [rows, heads, queries, width] = part.dims();
    if key >= width {
        return part;
    }
    let new = Tensor::full([rows, heads, queries, 1], score, &part.device());
    part.slice_assign(s![0..rows, 0..heads, 0..queries, key..=key], new)
}

fn with_weight(part: Tensor<4>, key: usize, weight: f64) -> Tensor<4> {
    let [_, _, _, width] = part.dims();
    if key >= width {
        return part;
    }
    let others = with_score(part, key, 0.0);
    let sum = others.clone().sum_dim(3).clamp_min(f32::MIN_POSITIVE);
    with_score(others / sum * (1.0 - weight), key, weight)
}

fn only(part: &Tensor<4>, target: Target, first_query: usize) -> Tensor<4> {
    let [rows, heads, queries, width] = part.dims();
    let mut weights = vec![0.0_f32; queries * width];
    for i in 0..queries {
        let query = first_query + i;
        let key = match target {
            Target::Same => query,
            Target::First => 0,
            Target::Previous => query.saturating_sub(1),
        };
        weights[i * width + key] = 1.0;
    }
    let weights = TensorData::new(weights, [1, 1, queries, width]);
    Tensor::<4>::from_data(weights, &part.device()).expand([rows, heads, queries, width])
}
