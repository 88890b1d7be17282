//! Products of small matrices in the caches: the inner loop of attention.

use pulp::{Simd, WithSimd};

/// A left factor with any strides: element `(row, inner)` is
/// `data[row·row_stride + inner·inner_stride]`, so that transposing it costs nothing.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) row_stride: usize,
    pub(crate) inner_stride: usize,
}

/// A product `out = left·right`, or `out += left·right`.
///
/// # Shapes
/// - `left`: `[rows, inner]`
/// - `right`: `[inner, columns]`, rows `right_stride` apart
/// - `out`: `[rows, columns]`, rows `out_stride` apart; `columns` is a multiple of the vector
///   length
pub(crate) struct Product<'a> {
    pub(crate) rows: usize,
    pub(crate) inner: usize,
    pub(crate) columns: usize,
    pub(crate) left: Left<'a>,
    pub(crate) right: &'a [f32],
    pub(crate) right_stride: usize,
    pub(crate) out: &'a mut [f32],
    pub(crate) out_stride: usize,
    pub(crate) accumulate: bool,
}

impl Product<'_> {
    /// Compute the product. This is a separate call (`vectorize` stops inlining), so that the tiles
    /// below are compiled once, not at every call site.
    #[inline(always)]
    pub(crate) fn run<S: Simd>(self, simd: S) {
        simd.vectorize(self);
    }

    /// Compute all panels of columns. A tile's accumulators, a row of `right` and an element of
    /// `left` must fit in the registers, and at least eight accumulators are needed to fill two
    /// multiply-add units with a latency of four.
    #[inline(always)]
    fn panels<S: Simd>(&mut self, simd: S) {
        let mut column = 0;
        if S::REGISTER_COUNT >= 32 {
            column = self.panels_of::<S, 4, 4>(simd, column);
            column = self.panels_of::<S, 8, 2>(simd, column);
        } else {
            column = self.panels_of::<S, 6, 2>(simd, column);
        }
        self.panels_of::<S, 8, 1>(simd, column);
    }

    /// Compute as many panels of `VECTORS` vectors as fit, starting at `column`; return the first
    /// column left.
    #[inline(always)]
    fn panels_of<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        mut column: usize,
    ) -> usize {
        while column + VECTORS * S::F32_LANES <= self.columns {
            let mut row = 0;
            row = self.tiles::<S, ROWS, VECTORS>(simd, row, column);
            row = self.tiles::<S, 4, VECTORS>(simd, row, column);
            row = self.tiles::<S, 2, VECTORS>(simd, row, column);
            self.tiles::<S, 1, VECTORS>(simd, row, column);
            column += VECTORS * S::F32_LANES;
        }
        column
    }

    /// Compute as many tiles of `ROWS` rows as fit, starting at `row`; return the first row left.
    #[inline(always)]
    fn tiles<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        mut row: usize,
        column: usize,
    ) -> usize {
        while row + ROWS <= self.rows {
            self.tile::<S, ROWS, VECTORS>(simd, row, column);
            row += ROWS;
        }
        row
    }

    /// Compute the tile of `ROWS` rows and `VECTORS` vectors at `(row, column)`, summed in
    /// registers.
    #[allow(unsafe_code)]
    #[inline(always)]
    fn tile<S: Simd, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        simd: S,
        row: usize,
        column: usize,
    ) {
        let Left {
            data,
            row_stride,
            inner_stride,
        } = self.left;
        let width = VECTORS * S::F32_LANES;
        let (left, right) = (&data[row * row_stride..], &self.right[column..]);
        let (last_inner, last_row) = (self.inner - 1, ROWS - 1);
        assert!(
            last_inner * inner_stride + last_row * row_stride < left.len(),
            "the left factor is too short"
        );
        assert!(
            last_inner * self.right_stride + width <= right.len(),
            "the right factor is too short"
        );
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; ROWS];
        if self.accumulate {
            for (r, sums) in sums.iter_mut().enumerate() {
                let out = &self.out[(row + r) * self.out_stride + column..][..width];
                sums.copy_from_slice(S::as_simd_f32s(out).0);
            }
        }
        for inner in 0..self.inner {
            let mut vectors = [simd.splat_f32s(0.0); VECTORS];
            let start = inner * self.right_stride;
            // SAFETY: inner ≤ last_inner, so the second assertion has checked that the whole range
            // is inside `right`. (Bounds checks here, once per step, and below cost a tenth of the
            // speed.)
            let right = unsafe { right.get_unchecked(start..start + width) };
            vectors.copy_from_slice(S::as_simd_f32s(right).0);
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: inner ≤ last_inner and r ≤ last_row, so the first assertion has checked
                // that the index is inside `left`.
                let scalar = unsafe { *left.get_unchecked(inner * inner_stride + r * row_stride) };
                let scalar = simd.splat_f32s(scalar);
                for (sum, vector) in sums.iter_mut().zip(vectors) {
                    *sum = simd.mul_add_e_f32s(scalar, vector, *sum);
                }
            }
        }
        for (r, sums) in sums.iter().enumerate() {
            let out = &mut self.out[(row + r) * self.out_stride + column..][..width];
            S::as_mut_simd_f32s(out).0.copy_from_slice(sums);
        }
    }
}

impl WithSimd for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, simd: S) {
        assert!(
            self.inner > 0 && self.columns.is_multiple_of(S::F32_LANES),
            "not whole vectors"
        );
        self.panels(simd);
    }
}

/// Return `x·y`, for an `x` padded with zeros to a whole vector.
#[inline(always)]
pub(crate) fn dot<S: Simd>(simd: S, x: &[f32], y: &[f32]) -> f32 {
    let (x, (y, rest)) = (S::as_simd_f32s(x).0, S::as_simd_f32s(y));
    let mut sum = simd.splat_f32s(0.0);
    for (x, y) in x.iter().zip(y) {
        sum = simd.mul_add_e_f32s(*x, *y, sum);
    }
    if !rest.is_empty() {
        sum = simd.mul_add_e_f32s(x[y.len()], simd.partial_load_f32s(rest), sum);
    }
    simd.reduce_sum_f32s(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::scratch::{LINE, Scratch, padded};
    use crate::cpu::simd::arch;

    #[test]
    fn agrees_with_the_plain_sum() {
        // Small integers, whose sums are exact in any order.
        let value = |i: usize| (i * 37 % 11) as f32 - 5.0;
        for (rows, inner, columns) in [
            (1, 1, 16),
            (7, 3, 16),
            (13, 5, 48),
            (64, 64, 64),
            (19, 7, 112),
            (6, 2, 80),
        ] {
            for accumulate in [false, true] {
                for transposed in [false, true] {
                    let (row_stride, inner_stride) = if transposed {
                        (1, rows + 2)
                    } else {
                        (inner + 3, 1)
                    };
                    let left: Vec<f32> = (0..rows * row_stride + inner * inner_stride)
                        .map(value)
                        .collect();
                    let (right_stride, out_stride) = (padded(columns) + LINE, padded(columns));
                    let right: Vec<f32> = (0..inner * right_stride).map(|i| value(i + 3)).collect();
                    let mut scratch = Scratch::new(rows * out_stride);
                    let out = scratch.floats();
                    out.iter_mut()
                        .enumerate()
                        .for_each(|(i, x)| *x = value(i + 7));
                    let mut expected = out.to_vec();
                    for (i, x) in expected.iter_mut().enumerate() {
                        let (row, column) = (i / out_stride, i % out_stride);
                        let sum: f32 = (0..inner)
                            .map(|p| {
                                left[row * row_stride + p * inner_stride]
                                    * right[p * right_stride + column]
                            })
                            .sum();
                        *x = if accumulate { *x + sum } else { sum };
                    }
                    let left = Left {
                        data: &left,
                        row_stride,
                        inner_stride,
                    };
                    let right = &right;
                    arch().dispatch(Product {
                        rows,
                        inner,
                        columns,
                        left,
                        right,
                        right_stride,
                        out,
                        out_stride,
                        accumulate,
                    });
                    assert_eq!(out, expected, "{rows}x{inner}x{columns}");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "the left factor is too short")]
    fn left_too_short() {
        let left = Left {
            data: &[0.0; 11],
            row_stride: 4,
            inner_stride: 1,
        };
        let (right, out) = (&[0.0; 64], &mut [0.0; 48]);
        arch().dispatch(Product {
            rows: 3,
            inner: 4,
            columns: 16,
            left,
            right,
            right_stride: 16,
            out,
            out_stride: 16,
            accumulate: false,
        });
    }
}
