//! The bias by offset, as a window that slides over the keys.
//!
//! Row `o` of the bias belongs to `query − key = o − (n_query − 1)`, with the query counted from
//! the first key; so for one query, the biases of consecutive keys are consecutive rows, backwards.
//! A block of queries and keys needs `queries + keys − 1` of them: the window, turned around. Its
//! slice for a query starts one later than the next one's.

use super::Shape;

/// Where the window of a block of queries and keys lies in the bias.
#[derive(Clone, Copy)]
pub(super) struct BiasWindow {
    /// The row of the bias that the last query of the block and its first key have.
    first_row: usize,
    queries: usize,
    keys: usize,
}

impl BiasWindow {
    /// The window of the queries `query..query + queries` and the keys `key..key + keys`.
    pub(super) fn new(
        shape: &Shape,
        query: usize,
        queries: usize,
        key: usize,
        keys: usize,
    ) -> Self {
        // The last query stands at n_key − n_query + query + queries − 1; the sum is in an order
        // that stays positive when there are more queries than keys.
        Self {
            first_row: shape.n_key + query + queries - 2 - key,
            queries,
            keys,
        }
    }

    /// Rows of the bias in the window.
    pub(super) fn len(&self) -> usize {
        self.queries + self.keys - 1
    }

    /// The row of the bias that element `i` of the window belongs to.
    pub(super) fn row(&self, i: usize) -> usize {
        self.first_row - i
    }

    /// Copies the biases of `head`, times `factor`, from `[n_key + n_query − 1, n_heads]`.
    pub(super) fn gather(
        &self,
        bias: &[f32],
        n_heads: usize,
        head: usize,
        factor: f32,
        out: &mut [f32],
    ) {
        for (i, out) in out[..self.len()].iter_mut().enumerate() {
            *out = bias[self.row(i) * n_heads + head] * factor;
        }
    }

    /// The element of the window for query `query` of the block and its first key.
    #[inline(always)]
    pub(super) fn start(&self, query: usize) -> usize {
        self.queries - 1 - query
    }
}
