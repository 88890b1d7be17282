//! Recurrent cells over whole sequences.
//!
//! Sequences are independent of each other, so they are divided among the threads. Each thread
//! walks its sequences step by step together: one product with the state's weights for all of them,
//! then the cell's functions of each. The weights lie in scratch memory with the columns of each
//! gate padded to whole vectors. The weights' gradients are single products over all steps,
//! computed afterwards.

mod attend;
mod backward;
mod cell;
mod forward;
mod weights;

pub(crate) use backward::backward;
pub(crate) use forward::forward;

use super::scratch::padded;
use crate::Cell;

/// Sizes of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// The cell.
    pub cell: Cell,
    /// Number of sequences.
    pub batch: usize,
    /// Number of elements of each sequence.
    pub pos: usize,
    /// Width of h.
    pub d_hidden: usize,
    /// Read each sequence from its end.
    pub reverse: bool,
    /// Sizes of the attention to another sequence, if there is one.
    pub attention: Option<AttentionShape>,
}

/// Sizes of the attention to another sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AttentionShape {
    /// Number of positions of each of the other sequences.
    pub n_source: usize,
    /// Width of keys and queries.
    pub d_score: usize,
    /// Width of values and contexts.
    pub d_value: usize,
}

impl Shape {
    /// Return the number of gates.
    fn n_gates(&self) -> usize {
        self.cell.n_gates()
    }

    /// Return the width of the gates.
    pub(crate) fn width(&self) -> usize {
        self.n_gates() * self.d_hidden
    }

    /// Return the width of the gates in scratch memory.
    fn padded_width(&self) -> usize {
        self.n_gates() * padded(self.d_hidden)
    }

    /// Return the width of the state.
    pub(crate) fn d_state(&self) -> usize {
        self.cell.n_states() * self.d_hidden
    }

    /// Return the width of a result: the state, and the context if there is attention.
    pub(crate) fn d_result(&self) -> usize {
        self.d_state() + self.attention.map_or(0, |attention| attention.d_value)
    }

    /// Return the width of what a step saves of the cell.
    fn d_saved(&self) -> usize {
        4 * padded(self.d_hidden)
    }

    /// Return the element that step `step` reads.
    fn at(&self, step: usize) -> usize {
        if self.reverse {
            self.pos - 1 - step
        } else {
            step
        }
    }

    /// Return the approximate number of operations for one sequence.
    fn cost(&self) -> usize {
        let attention = self.attention.map_or(0, |attention| {
            attention.n_source * (16 * attention.d_score + attention.d_value)
        });
        self.pos * (self.d_hidden * self.width() / 8 + attention)
    }
}

/// The arguments of a call, row-major.
///
/// # Shapes
/// - `gates`: `[batch, pos, width]`
/// - `weight`: `[d_hidden, width]`, `bias`: `[width]`
/// - `initial`: `[batch, d_state]`
/// - `lens`: `[batch]`, of the sequences themselves
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arguments<'a> {
    pub gates: &'a [f32],
    pub weight: &'a [f32],
    pub bias: &'a [f32],
    pub initial: &'a [f32],
    pub lens: Option<&'a [usize]>,
    pub attention: Option<AttentionArguments<'a>>,
}

/// The arguments of the attention, row-major.
///
/// # Shapes
/// - `keys`: `[batch, n_source, d_score]`, `values`: `[batch, n_source, d_value]`
/// - `query`: `[d_hidden, d_score]`, `score`: `[d_score]`, `context`: `[d_value, width]`
/// - `lens`: `[batch]`, of the other sequences, each at least 1
#[derive(Clone, Copy, Debug)]
pub(crate) struct AttentionArguments<'a> {
    pub keys: &'a [f32],
    pub values: &'a [f32],
    pub query: &'a [f32],
    pub score: &'a [f32],
    pub context: &'a [f32],
    pub lens: Option<&'a [usize]>,
}

/// What the backward pass needs of [`Results`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept<'a> {
    pub states: &'a [f32],
    pub saved: &'a [f32],
    pub weights: &'a [f32],
    pub queries: &'a [f32],
}
