//! Matrices in scratch memory, padded to whole vectors.

use crate::cpu::product::{Left, Product};
use crate::cpu::scratch::padded;
use pulp::Simd;

/// Return the length of [`lay_out`]'s result.
pub(super) fn laid_out_len(rows: usize, n_parts: usize, part: usize) -> usize {
    rows * n_parts * padded(part)
}

/// Copy a matrix whose columns are `n_parts` parts of width `part`, each padded with zeros.
///
/// # Shapes
/// - `from`: `[rows, n_parts·part]`
/// - `to`: `[rows, n_parts·padded(part)]`
pub(super) fn lay_out(from: &[f32], n_parts: usize, part: usize, to: &mut [f32]) {
    let rows = from.chunks_exact(n_parts * part);
    for (from, to) in rows.zip(to.chunks_exact_mut(n_parts * padded(part))) {
        spread(from, part, to);
    }
}

/// Copy a row of parts of width `part`, each padded with zeros.
pub(super) fn spread(from: &[f32], part: usize, to: &mut [f32]) {
    for (from, to) in from
        .chunks_exact(part)
        .zip(to.chunks_exact_mut(padded(part)))
    {
        to[..part].copy_from_slice(from);
        to[part..].fill(0.0);
    }
}

/// Copy a row of padded parts without their padding.
pub(super) fn gather(from: &[f32], part: usize, to: &mut [f32]) {
    for (from, to) in from
        .chunks_exact(padded(part))
        .zip(to.chunks_exact_mut(part))
    {
        to.copy_from_slice(&from[..part]);
    }
}

/// Copy the transpose of a matrix whose columns are parts, with zero rows where those are padded.
///
/// # Shapes
/// - `from`: `[rows, n_parts·part]`
/// - `to`: `[n_parts·padded(part), padded(rows)]`
pub(super) fn lay_out_transposed(from: &[f32], n_parts: usize, part: usize, to: &mut [f32]) {
    let columns = n_parts * part;
    let width = padded(from.len() / columns.max(1));
    to.fill(0.0);
    for (row, from) in from.chunks_exact(columns).enumerate() {
        for (i, x) in from.iter().enumerate() {
            let at = i / part * padded(part) + i % part;
            to[at * width + row] = *x;
        }
    }
}

/// Add `left·right` to `out`, all with whole vectors as rows.
///
/// # Shapes
/// - `left`: `[rows, row_stride]`, of which the first `inner` columns count
/// - `right`: `[inner, columns]`
/// - `out`: `[rows, columns]`
#[inline(always)]
pub(super) fn add_product<S: Simd>(
    simd: S,
    [rows, inner, columns]: [usize; 3],
    (left, row_stride): (&[f32], usize),
    right: &[f32],
    out: &mut [f32],
) {
    Product {
        rows,
        inner,
        columns,
        left: Left {
            data: left,
            row_stride,
            inner_stride: 1,
        },
        right,
        right_stride: columns,
        out,
        out_stride: columns,
        accumulate: true,
    }
    .run(simd);
}
