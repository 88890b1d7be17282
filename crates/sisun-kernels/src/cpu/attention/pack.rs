//! Copies of the vectors of a head in the layouts that the products need.

use super::{HeadRows, KEY_BLOCK};
use crate::cpu::scratch::padded;
use pulp::{Simd, bytemuck};
use std::ops::Range;

/// The vectors of one head at a range of positions.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) from: HeadRows<'a>,
    pub(super) batch: usize,
    pub(super) head: usize,
    pub(super) d_head: usize,
}

impl<'a> Head<'a> {
    /// Return the vector at `pos`.
    #[inline(always)]
    pub(super) fn at(&self, pos: usize) -> &'a [f32] {
        &self.from.from(self.batch, self.head, pos)[..self.d_head]
    }

    /// Copy the vectors at `positions` times `factor`, each padded with zeros to whole cache lines.
    ///
    /// # Shapes
    /// - `out`: `[positions, padded(d_head)]`
    #[inline(always)]
    pub(super) fn rows(&self, positions: Range<usize>, factor: f32, out: &mut [f32]) {
        for (pos, out) in positions.zip(out.chunks_exact_mut(padded(self.d_head))) {
            let (out, padding) = out.split_at_mut(self.d_head);
            for (out, x) in out.iter_mut().zip(self.at(pos)) {
                *out = x * factor;
            }
            padding.fill(0.0);
        }
    }

    /// Copy the vectors at `positions` transposed, in blocks of [`KEY_BLOCK`].
    ///
    /// # Shapes
    /// - `out`: `[block, d_head, KEY_BLOCK]`, zero beyond the positions
    #[inline(always)]
    pub(super) fn transposed<S: Simd>(&self, simd: S, positions: Range<usize>, out: &mut [f32]) {
        let blocks = out.as_chunks_mut().0.chunks_exact_mut(self.d_head);
        for (first, block) in positions.clone().step_by(KEY_BLOCK).zip(blocks) {
            self.transposed_block(simd, first..positions.end.min(first + KEY_BLOCK), block);
        }
    }

    /// Copy one block transposed.
    #[inline(always)]
    fn transposed_block<S: Simd>(
        &self,
        simd: S,
        positions: Range<usize>,
        out: &mut [[f32; KEY_BLOCK]],
    ) {
        let whole = if S::F32_LANES >= 4 {
            positions.len() / 4 * 4
        } else {
            0
        };
        for column in (0..whole).step_by(4) {
            let row = |i| S::as_simd_f32s(self.at(positions.start + column + i));
            let ((a, a_left), (b, b_left), (c, c_left), (d, d_left)) =
                (row(0), row(1), row(2), row(3));
            for (i, (((a, b), c), d)) in a.iter().zip(b).zip(c).zip(d).enumerate() {
                // Transpose the squares [vector, lane], four lanes at a time.
                let transposed: [S::f32s; 4] = simd.interleave_shfl_f32s([*a, *b, *c, *d]);
                let squares: &[[f32; 4]] = bytemuck::cast_slice(&transposed);
                let out = &mut out[i * S::F32_LANES..(i + 1) * S::F32_LANES];
                for (row, out) in out.iter_mut().enumerate() {
                    let (group, lane) = (row / 4, row % 4);
                    out.as_chunks_mut().0[column / 4] = squares[lane * (S::F32_LANES / 4) + group];
                }
            }
            let out = &mut out[self.d_head - a_left.len()..];
            for (out, (((a, b), c), d)) in out
                .iter_mut()
                .zip(a_left.iter().zip(b_left).zip(c_left).zip(d_left))
            {
                out.as_chunks_mut().0[column / 4] = [*a, *b, *c, *d];
            }
        }
        for column in whole..positions.len() {
            for (out, x) in out.iter_mut().zip(self.at(positions.start + column)) {
                out[column] = *x;
            }
        }
        if positions.len() < KEY_BLOCK {
            out.iter_mut()
                .for_each(|row| row[positions.len()..].fill(0.0));
        }
    }
}
