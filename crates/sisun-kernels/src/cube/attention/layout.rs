//! Layout and sizes of q, k and v as the kernels see them.

use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Position of the rows of q, k or v in memory: row `pos` of head `head` of sequence `batch` begins
/// at `offset + batch·batch_stride + head·head_stride + pos·pos_stride`.
#[derive(Clone, Copy, CubeLaunch, CubeType, Debug)]
pub(super) struct Rows {
    pub(super) offset: usize,
    pub(super) batch_stride: usize,
    pub(super) head_stride: usize,
    pub(super) pos_stride: usize,
}

#[cube]
impl Rows {
    pub(super) fn start(&self, batch: usize, head: usize, pos: usize) -> usize {
        self.offset + batch * self.batch_stride + head * self.head_stride + pos * self.pos_stride
    }
}

impl Rows {
    /// Return the rows of heads that lie side by side in `[batch, n_pos, width]`, from column `first`
    /// on.
    pub(super) fn columns(first: usize, n_pos: usize, width: usize, d_head: usize) -> Self {
        Self {
            offset: first,
            batch_stride: n_pos * width,
            head_stride: d_head,
            pos_stride: width,
        }
    }

    /// Return the rows of a tensor `[batch, head, pos, d_head]` whose last axis is contiguous.
    pub(super) fn strided(x: &CubeTensor) -> Self {
        let strides = x.meta.strides();
        Self {
            offset: 0,
            batch_stride: strides[0],
            head_stride: strides[1],
            pos_stride: strides[2],
        }
    }

    pub(super) fn argument(self) -> RowsLaunch {
        RowsLaunch::new(
            self.offset,
            self.batch_stride,
            self.head_stride,
            self.pos_stride,
        )
    }
}

/// Sizes of a call, as the kernels see them.
#[derive(Clone, Copy, CubeLaunch, CubeType, Debug)]
pub(super) struct Sizes {
    pub(super) batch: usize,
    pub(super) n_heads: usize,
    pub(super) n_kv_heads: usize,
    pub(super) n_query: usize,
    pub(super) n_key: usize,
    /// Factor on the scores.
    pub(super) scale: f32,
}

#[cube]
impl Sizes {
    /// Return the number of keys that a query may see, of a sequence of `real` keys.
    pub(super) fn visible(&self, query: usize, real: usize, #[comptime] causal: bool) -> usize {
        let mut visible = real;
        if comptime!(causal) {
            visible = min(visible, self.n_key - self.n_query + query + 1);
        }
        visible
    }

    /// Return the index of a pair's score bias.
    pub(super) fn bias(&self, query: usize, key: usize, head: usize) -> usize {
        (self.n_key - 1 + query - key) * self.n_heads + head
    }
}

/// Return the number of real keys of a sequence.
#[cube]
pub(super) fn real_keys(lens: &Sequence<Box<[u32]>>, batch: usize, n_key: usize) -> usize {
    let mut real = n_key;
    #[unroll]
    for part in 0..lens.len() {
        real = lens[part][batch] as usize;
    }
    real
}
