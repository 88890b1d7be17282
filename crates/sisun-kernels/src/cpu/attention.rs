//! Exact attention in blocks that fit the caches, after FlashAttention (Dao et al. 2022; Dao 2023).
//!
//! Computes `z = softmax(q·kᵀ/√d_head + bias)·v` without materialising the pattern `[query, key]`:
//! a block of queries visits the keys block by block, with a running maximum and sum (online
//! softmax, Milakov and Gimelshein 2018). The backward pass needs only one number per query from
//! the softmax, the log of the sum of exponentials; it recomputes the probabilities from that,
//! block by block. Blocks in which the causal mask hides every key are skipped.
//!
//! All products have the form rows × broadcast elements, see `product`. The keys and values of a
//! head are copied into scratch memory once, so that the rows of the right factors consist of whole
//! vectors.

mod backward;
mod bias;
mod chunk;
mod decode;
mod forward;
mod pack;
mod pass;
mod rows;
mod softmax;
#[cfg(test)]
mod tests;

pub(crate) use backward::{Gradients, backward};
pub(crate) use forward::forward;
pub(crate) use rows::{HeadRows, Rows};

use rayon::prelude::*;

/// Sizes of one attention call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Number of sequences.
    pub batch: usize,
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key and value heads; query head `h` reads key head `h / (n_heads / n_kv_heads)`.
    pub n_kv_heads: usize,
    /// Number of queries per sequence.
    pub n_query: usize,
    /// Number of keys per sequence.
    pub n_key: usize,
    /// Number of keys that are not hidden, at most `n_key`: the rest are padding.
    pub n_real: usize,
    /// Number of elements in a query, key or value.
    pub d_head: usize,
    /// Let query `i` see only the keys up to `i + n_key − n_query` (the last query is at the
    /// position of the last key).
    pub causal: bool,
}

/// Number of queries in a block.
const QUERY_BLOCK: usize = 64;

/// Number of keys in a block: 16 KB with a `d_head` of 64.
const KEY_BLOCK: usize = 64;

/// Rows of a diagonal block that are computed together. Every row is computed for all the keys that
/// the last row sees, so fewer rows waste less work but make the products less efficient.
const STRIP: usize = 16;

/// `log2 e`: exponentials and maxima use base two internally, which saves one multiplication per
/// element.
const LOG2_E: f32 = std::f32::consts::LOG2_E;

/// The reciprocal of [`LOG2_E`].
const LN_2: f32 = std::f32::consts::LN_2;

/// Multiply-adds of one product below which a call stays on its thread, about 25 µs of a forward
/// pass. With a quarter of that, two threads are still no slower if both are awake, but waking one
/// takes several microseconds.
const PARALLEL_WORK: usize = 1 << 18;

impl Shape {
    /// Return the number of query heads that share a key head.
    fn group(&self) -> usize {
        self.n_heads / self.n_kv_heads
    }

    /// Return `1/√d_head`.
    fn scale(&self) -> f32 {
        (1.0 / (self.d_head as f64).sqrt()) as f32
    }

    /// Return the number of keys from `key` on that query `query` sees.
    #[inline(always)]
    fn visible(&self, query: usize, key: usize) -> usize {
        let end = if self.causal {
            self.n_key - self.n_query + query + 1
        } else {
            self.n_key
        };
        end.min(self.n_real).saturating_sub(key)
    }

    /// Return the number of multiply-adds of one product over all visible pairs.
    fn work(&self) -> usize {
        let hidden = if self.causal {
            self.n_query * (self.n_query - 1) / 2
        } else {
            0
        };
        self.batch * self.n_heads * self.d_head * (self.n_query * self.n_key - hidden)
    }

    /// Return true if there is nothing to compute.
    fn is_empty(&self) -> bool {
        self.batch * self.n_heads * self.n_query * self.d_head == 0
    }

    /// Check the sizes.
    ///
    /// # Panics
    /// If the sizes contradict each other or the data.
    fn check(
        &self,
        q: HeadRows<'_>,
        k: HeadRows<'_>,
        v: HeadRows<'_>,
        bias: Option<&[f32]>,
        z: &[f32],
        log_sum_exp: &[f32],
    ) {
        let Self {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            n_real,
            d_head,
            causal,
        } = *self;
        assert!(
            n_heads.is_multiple_of(n_kv_heads),
            "{n_heads} query heads cannot share {n_kv_heads} key heads"
        );
        assert!(0 < n_real && n_real <= n_key, "attention to nothing");
        assert!(
            !causal || n_key >= n_query,
            "{n_query} queries cannot stand at the end of {n_key} keys"
        );
        q.check([batch, n_heads, n_query], d_head);
        k.check([batch, n_kv_heads, n_key], d_head);
        v.check([batch, n_kv_heads, n_key], d_head);
        if let Some(bias) = bias {
            assert_eq!(
                bias.len(),
                (n_key + n_query - 1) * n_heads,
                "bias is not [n_key + n_query − 1, head]"
            );
        }
        assert_eq!(
            z.len(),
            batch * n_query * n_heads * d_head,
            "z is not [batch, query, head, d_head]"
        );
        assert_eq!(
            log_sum_exp.len(),
            batch * n_heads * n_query,
            "log_sum_exp is not [batch, head, query]"
        );
    }

    /// Return the sizes for one sequence, of whose keys `lens` may hide the last.
    ///
    /// # Panics
    /// If no key is left, or more than there are.
    fn of_sequence(&self, lens: Option<&[usize]>, batch: usize) -> Self {
        let n_real = lens.map_or(self.n_real, |lens| lens[batch]);
        assert!(0 < n_real && n_real <= self.n_key, "attention to nothing");
        Self { n_real, ..*self }
    }

    /// Return the layout of `z` and its gradient: `[batch, query, head, d_head]`.
    fn z_rows(&self) -> Rows {
        Rows::columns(0, self.n_query, self.n_heads * self.d_head, self.d_head)
    }
}

/// Call `work` with every number below `count`, on several threads if `parallel` is true.
fn for_each(parallel: bool, count: usize, work: impl Fn(usize) + Sync) {
    if parallel {
        (0..count).into_par_iter().with_max_len(1).for_each(&work);
    } else {
        (0..count).for_each(work);
    }
}
