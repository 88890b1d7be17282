//! The bias by offset, as a window that slides over the keys.
//!
//! Row `o` of the bias belongs to `query − key = o − (n_query − 1)`, with the query counted from
//! the first key. For one query, therefore, the biases of consecutive keys are consecutive rows in
//! reverse order. A block of queries and keys needs `queries + keys − 1` rows: the window,
//! reversed. The slice for a query starts one element later than the slice for the next query.

use super::Shape;

/// Position in the bias of the window of a block of queries and keys.
#[derive(Clone, Copy)]
pub(super) struct BiasWindow {
    /// The row of the bias for the last query of the block and the first key.
    first_row: usize,
    queries: usize,
    keys: usize,
}

impl BiasWindow {
    /// Return the window of the queries `query..query + queries` and the keys `key..key + keys`.
    pub(super) fn new(
        shape: &Shape,
        query: usize,
        queries: usize,
        key: usize,
        keys: usize,
    ) -> Self {
        // The last query is at n_key − n_query + query + queries − 1. The order of the sum avoids
        // underflow when there are more queries than keys.
        Self {
            first_row: shape.n_key + query + queries - 2 - key,
            queries,
            keys,
        }
    }

    /// Return the number of rows of the bias in the window.
    pub(super) fn len(&self) -> usize {
        self.queries + self.keys - 1
    }

    /// Return the row of the bias that element `i` of the window belongs to.
    pub(super) fn row(&self, i: usize) -> usize {
        self.first_row - i
    }

    /// Copy the biases of `head`, times `factor`, from `[n_key + n_query − 1, n_heads]`.
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

    /// Return the index in the window for query `query` of the block and the first key.
    #[inline(always)]
    pub(super) fn start(&self, query: usize) -> usize {
        self.queries - 1 - query
    }
}
