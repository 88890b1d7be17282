//! RMS norm of query and key heads: a cube for each head of a token, and for the gradients of the
//! two γ one for each block of columns.

use super::norm::{COLUMNS, LANES};
use super::reduce::sum_of_cube;
use super::tensor::{contiguous, cubes, floats, len, per_row, shaped, uncleared, units_of};
use crate::HeadCounts;
use crate::recorded::SavedForBackward;
use burn::backend::{Cube, TensorMetadata};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Apply the norm to the heads before `n_normed`, with `gamma_q` before `n_heads` and `gamma_k`
/// after it, and copy the rest.
#[cube(launch)]
fn head_norm_forward(
    x: &[f32],
    gamma_q: &[f32],
    gamma_k: &[f32],
    y: &mut [f32],
    deviations: &mut [f32],
    d_head: usize,
    n_heads: usize,
    n_normed: usize,
    n_all: usize,
    epsilon: f32,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row < deviations.len() {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let (head, start, unit) = (row % n_all, row * d_head, UNIT_POS as usize);
        let mut squares = 0.0f32;
        let mut i = unit;
        while i < d_head {
            squares += x[start + i] * x[start + i];
            i += units;
        }
        let mean = sum_of_cube(squares, &mut shared) / f32::cast_from(d_head);
        let deviation = (mean + epsilon).sqrt();
        let mut i = unit;
        while i < d_head {
            let mut value = x[start + i];
            if head < n_heads {
                value = value / deviation * gamma_q[i];
            } else if head < n_normed {
                value = value / deviation * gamma_k[i];
            }
            y[start + i] = value;
            i += units;
        }
        if unit == 0 {
            deviations[row] = deviation;
        }
    }
}

#[cube(launch)]
fn head_norm_backward(
    dy: &[f32],
    x: &[f32],
    gamma_q: &[f32],
    gamma_k: &[f32],
    deviations: &[f32],
    dx: &mut [f32],
    d_head: usize,
    n_heads: usize,
    n_normed: usize,
    n_all: usize,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row < deviations.len() {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let (head, start, unit) = (row % n_all, row * d_head, UNIT_POS as usize);
        let deviation = deviations[row];
        let mut along = 0.0f32;
        let mut i = unit;
        while i < d_head {
            let mut gamma = gamma_k[i];
            if head < n_heads {
                gamma = gamma_q[i];
            }
            along += dy[start + i] * gamma * (x[start + i] / deviation);
            i += units;
        }
        let along = sum_of_cube(along, &mut shared) / f32::cast_from(d_head);
        let mut i = unit;
        while i < d_head {
            let mut slope = dy[start + i];
            if head < n_normed {
                let mut gamma = gamma_k[i];
                if head < n_heads {
                    gamma = gamma_q[i];
                }
                slope = (slope * gamma - x[start + i] / deviation * along) / deviation;
            }
            dx[start + i] = slope;
            i += units;
        }
    }
}

/// Write the gradient of one γ: the sum over the `count` heads of each token from `first` on.
#[cube(launch)]
fn head_norm_backward_gamma(
    dy: &[f32],
    x: &[f32],
    deviations: &[f32],
    dgamma: &mut [f32],
    d_head: usize,
    first: usize,
    count: usize,
    n_all: usize,
) {
    let mut shared = Shared::<[f32]>::new_slice(COLUMNS * LANES);
    let unit = UNIT_POS as usize;
    let column = CUBE_POS * COLUMNS + unit % COLUMNS;
    let mut sum = 0.0f32;
    if column < d_head {
        let n = deviations.len() / n_all * count;
        let mut i = unit / COLUMNS;
        while i < n {
            let row = i / count * n_all + first + i % count;
            let at = row * d_head + column;
            sum += dy[at] * (x[at] / deviations[row]);
            i += LANES;
        }
    }
    shared[unit] = sum;
    sync_cube();
    if unit < COLUMNS && column < d_head {
        for lane in 1..LANES {
            sum += shared[lane * COLUMNS + unit];
        }
        dgamma[column] = sum;
    }
}

/// Return the projection with its query and key heads normed.
pub(super) fn forward(
    qkv: CubeTensor,
    gamma_q: CubeTensor,
    gamma_k: CubeTensor,
    heads: HeadCounts,
    epsilon: f64,
) -> (CubeTensor, NormedHeads) {
    let (qkv, gamma_q, gamma_k) = (contiguous(qkv), contiguous(gamma_q), contiguous(gamma_k));
    let [_, _, width] = shaped(&qkv);
    let d_head = heads.d_head(width);
    let y = uncleared(&qkv, qkv.shape());
    let n = len(&qkv) / d_head;
    let deviations = uncleared(&qkv, [n]);
    let units = per_row(&qkv.client, d_head);
    head_norm_forward::launch(
        &qkv.client,
        cubes(&qkv.client, n),
        units_of(units),
        floats(&qkv),
        floats(&gamma_q),
        floats(&gamma_k),
        floats(&y),
        floats(&deviations),
        d_head,
        heads.n_heads,
        heads.n_heads + heads.n_kv_heads,
        heads.n_heads + 2 * heads.n_kv_heads,
        epsilon as f32,
        units,
    );
    let saved = NormedHeads {
        qkv,
        gamma_q,
        gamma_k,
        deviations,
        heads,
    };
    (y, saved)
}

/// Saved values of the norm of query and key heads, with the gradients of an RMS norm; those of the
/// values pass through.
#[derive(Clone, Debug)]
pub(super) struct NormedHeads {
    qkv: CubeTensor,
    gamma_q: CubeTensor,
    gamma_k: CubeTensor,
    deviations: CubeTensor,
    heads: HeadCounts,
}

impl SavedForBackward<Cube, 3> for NormedHeads {
    fn gradients(self, dy: CubeTensor, wanted: [bool; 3]) -> [Option<CubeTensor>; 3] {
        let HeadCounts {
            n_heads,
            n_kv_heads,
        } = self.heads;
        let (dy, client, d_head) = (contiguous(dy), &self.qkv.client, len(&self.gamma_q));
        let n_all = n_heads + 2 * n_kv_heads;
        let dx = wanted[0].then(|| {
            let dx = uncleared(&dy, dy.shape());
            let units = per_row(client, d_head);
            head_norm_backward::launch(
                client,
                cubes(client, len(&self.deviations)),
                units_of(units),
                floats(&dy),
                floats(&self.qkv),
                floats(&self.gamma_q),
                floats(&self.gamma_k),
                floats(&self.deviations),
                floats(&dx),
                d_head,
                n_heads,
                n_heads + n_kv_heads,
                n_all,
                units,
            );
            dx
        });
        let dgamma = |first: usize, count: usize| {
            let dgamma = uncleared(&dy, [d_head]);
            head_norm_backward_gamma::launch(
                client,
                cubes(client, d_head.div_ceil(COLUMNS)),
                units_of(COLUMNS * LANES),
                floats(&dy),
                floats(&self.qkv),
                floats(&self.deviations),
                floats(&dgamma),
                d_head,
                first,
                count,
                n_all,
            );
            dgamma
        };
        [
            dx,
            wanted[1].then(|| dgamma(0, n_heads)),
            wanted[2].then(|| dgamma(n_heads, n_kv_heads)),
        ]
    }
}
