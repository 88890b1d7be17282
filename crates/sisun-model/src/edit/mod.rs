//! Edits of activations during the forward pass.

mod apply;
mod check;

pub(crate) use apply::{Site, edited, edits_any};

use crate::capture::Activation;
use burn::tensor::{Tensor, TensorData};
use std::ops::Range;

/// A change of one activation of one layer. The edits of a pass are made in their order, where the
/// activation is computed: everything after it, a cache and a capture included, sees the result.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The activation.
    pub activation: Activation,
    /// Layer, counted from 0; of an activation of the whole model the layer under which it is
    /// captured ([`Activation`]).
    pub layer: usize,
    /// Rows of the batch; `None` for all.
    pub rows: Option<Range<usize>>,
    /// Heads; `None` for all. Heads that share their keys and values are edited together, so of `k`
    /// and `v` all heads of a group are named.
    pub heads: Option<Vec<usize>>,
    /// Positions in the sequence, cached tokens included; of `scores` and `pattern` the queries.
    /// `None` for all.
    pub positions: Option<Vec<usize>>,
    /// The change.
    pub change: Change,
}

/// What an edit does to the values that it selects.
///
/// Hidden keys stay hidden: no edit gives them a weight in the pattern.
#[derive(Clone, Debug)]
pub enum Change {
    /// Set every value to 0.
    Zero,
    /// Set every value to a number.
    Set(f64),
    /// Multiply every value by a number.
    Scale(f64),
    /// Replace the values.
    Replace(Tensor<4>),
    /// Add to the values.
    Add(Tensor<4>),
    /// Set the scores or weights of one key. The other weights of a row of the pattern are scaled
    /// so that the row sums to 1 again; if they are all 0, they stay so.
    Key {
        /// Position of the key.
        key: usize,
        /// The score, or the weight, from 0 to 1.
        value: f64,
    },
    /// Replace each row of the pattern by the weight 1 on one key.
    Only(Target),
}

/// The only key that a query attends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The token of the query: the diagonal of the pattern.
    Same,
    /// The first token.
    First,
    /// The token before that of the query; for the first token itself.
    Previous,
}

impl Edit {
    /// Create an edit of all rows, heads and positions.
    ///
    /// The values of [`Change::Replace`] and [`Change::Add`] have the shape `[rows, heads,
    /// positions, width]`, without a head axis `[rows, 1, positions, d_model]`. The first three
    /// axes follow the rows, heads and positions of the edit (all of them where it names none), and
    /// each may have length 1, for the same values everywhere.
    pub fn new(activation: Activation, layer: usize, change: Change) -> Self {
        Self {
            activation,
            layer,
            rows: None,
            heads: None,
            positions: None,
            change,
        }
    }

    /// Create the ablation of a head: its output `z` becomes 0.
    pub fn ablation(layer: usize, head: usize) -> Self {
        Self::new(Activation::Z, layer, Change::Zero).of_heads(vec![head])
    }

    /// Edit only these rows of the batch.
    #[must_use]
    pub fn of_rows(self, rows: Range<usize>) -> Self {
        let rows = Some(rows);
        Self { rows, ..self }
    }

    /// Edit only these heads.
    #[must_use]
    pub fn of_heads(self, heads: Vec<usize>) -> Self {
        let heads = Some(heads);
        Self { heads, ..self }
    }

    /// Edit only these positions.
    #[must_use]
    pub fn at(self, positions: Vec<usize>) -> Self {
        let positions = Some(positions);
        Self { positions, ..self }
    }

    /// Return the edit for a sequence without its first `dropped` tokens; `None` if none of its
    /// positions is left.
    #[must_use]
    pub fn without_first(&self, dropped: usize) -> Option<Self> {
        let mut edit = self.clone();
        if let Change::Key { key, .. } = &mut edit.change {
            *key = key.checked_sub(dropped)?;
        }
        let Some(positions) = &self.positions else {
            return Some(edit);
        };
        let left: Vec<usize> = (0..positions.len())
            .filter(|&i| positions[i] >= dropped)
            .collect();
        if left.is_empty() {
            return None;
        }
        if let Change::Replace(values) | Change::Add(values) = &mut edit.change {
            if values.dims()[2] == positions.len() && left.len() < positions.len() {
                let at: Vec<i64> = left.iter().map(|&i| i as i64).collect();
                let at = TensorData::new(at, [left.len()]);
                let device = values.device().inner();
                *values = values.clone().select(2, Tensor::from_data(at, &device));
            }
            if self.activation.is_query_by_key() {
                let [_, _, _, width] = values.dims();
                let kept = width.saturating_sub(dropped);
                *values = values.clone().narrow(3, width - kept, kept);
            }
        }
        edit.positions = Some(left.iter().map(|&i| positions[i] - dropped).collect());
        Some(edit)
    }
}
