//! Products of a few rows with a bfloat16 matrix that is contiguous along k, as when reading a
//! short prompt. The matrix is read once, at memory bandwidth, by blocks of dot products that stay
//! in registers.

use super::vector::{PARALLEL_BYTES, in_pieces};
use super::{Matrix, Number};
use crate::cpu::scratch::{Scratch, cut, padded};
use crate::cpu::simd::arch;
use burn_std::bf16;
use pulp::Simd;

/// Number of rows of A below which this is faster than expanding the matrix for a product in
/// float32.
pub(super) const FEW: usize = 32;
/// Number of lanes and of rows in a block: 16 sums, half of the registers of AVX-512.
const SIDE: usize = 4;
/// Multiply-adds per task, that is, per group of lanes.
const PIECE: usize = 1 << 18;

/// Compute C = A Lᵀ, or C + A Lᵀ with `accumulate`. A is m x k, L is n x k, both contiguous along
/// k; C is m x n, row-major.
///
/// # Panics
///
/// If k is not contiguous, or there are no rows.
pub(super) fn multiply(c: &mut [f32], a: Matrix<'_>, lanes: Matrix<'_, bf16>, accumulate: bool) {
    assert!(
        a.column_stride() == 1 && lanes.column_stride() == 1,
        "k must be contiguous"
    );
    let (m, n, k) = (a.rows(), lanes.rows(), a.columns());
    let n_pieces = if n * k * size_of::<bf16>() >= PARALLEL_BYTES {
        (m * n * k).div_ceil(PIECE)
    } else {
        1
    };
    let piece = n.div_ceil(n_pieces).next_multiple_of(SIDE);
    // Sums are stored lane-major, so that each thread has a part of its own.
    let mut scratch = Scratch::new(n * m);
    let sums = scratch.floats();
    in_pieces(sums.chunks_mut(piece * m).collect(), |i, sums| {
        let mut wide = Scratch::new(padded(k) * SIDE);
        multiply_lanes(
            a,
            lanes.take_rows(i * piece..i * piece + sums.len() / m),
            wide.floats(),
            sums,
        );
    });
    for (row, c) in c.chunks_exact_mut(n).take(m).enumerate() {
        let sums = sums[row..].iter().step_by(m);
        match accumulate {
            true => c.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
            false => c.iter_mut().zip(sums).for_each(|(c, sum)| *c = *sum),
        }
    }
}

/// Compute `sums`\[lane, row] = L\[lane] · A\[row]; `wide` has room for a block's lanes in float32.
#[pulp::with_simd(multiply_lanes = arch())]
#[inline(always)]
fn multiply_lanes_simd<S: Simd>(
    simd: S,
    a: Matrix<'_>,
    lanes: Matrix<'_, bf16>,
    mut wide: &mut [f32],
    sums: &mut [f32],
) {
    let (m, n, k) = (a.rows(), lanes.rows(), a.columns());
    let mut wide: [&mut [f32]; SIDE] = std::array::from_fn(
        #[inline(always)]
        |_| &mut cut(&mut wide, k)[..k],
    );
    for first in (0..n).step_by(SIDE) {
        let whole = first + SIDE <= n;
        for (lane, wide) in (first..n).zip(wide.iter_mut()) {
            let lane = &lanes.data()[lane * lanes.row_stride()..][..k];
            for (to, from) in wide.iter_mut().zip(lane) {
                *to = from.value();
            }
        }
        let sums = &mut sums[first * m..];
        if whole {
            rows::<S, SIDE>(
                simd,
                a,
                wide.each_ref().map(
                    #[inline(always)]
                    |lane| &**lane,
                ),
                sums,
            );
        } else {
            for (i, lane) in wide.iter().take(n - first).enumerate() {
                rows::<S, 1>(simd, a, [&**lane], &mut sums[i * m..]);
            }
        }
    }
}

/// Multiply all rows of A with `N` lanes.
#[inline(always)]
fn rows<S: Simd, const N: usize>(simd: S, a: Matrix<'_>, lanes: [&[f32]; N], sums: &mut [f32]) {
    let m = a.rows();
    for first in (0..m).step_by(SIDE) {
        match m - first {
            1 => some_rows::<S, N, 1>(simd, a, first, lanes, sums),
            2 => some_rows::<S, N, 2>(simd, a, first, lanes, sums),
            3 => some_rows::<S, N, 3>(simd, a, first, lanes, sums),
            _ => some_rows::<S, N, SIDE>(simd, a, first, lanes, sums),
        }
    }
}

/// Multiply `M` rows of A, starting at `first`.
#[inline(always)]
fn some_rows<S: Simd, const N: usize, const M: usize>(
    simd: S,
    a: Matrix<'_>,
    first: usize,
    lanes: [&[f32]; N],
    sums: &mut [f32],
) {
    let mut rows: [&[f32]; M] = [&[]; M];
    for (i, to) in rows.iter_mut().enumerate() {
        *to = row(a, first + i);
    }
    for (lane, dots) in block::<S, N, M>(simd, lanes, rows).iter().enumerate() {
        sums[lane * a.rows() + first..][..M].copy_from_slice(dots);
    }
}

#[inline(always)]
fn row<'a>(a: Matrix<'a>, i: usize) -> &'a [f32] {
    &a.data()[i * a.row_stride()..][..a.columns()]
}

/// Compute the dot products of `N` lanes with `M` rows, all of the same length.
#[inline(always)]
fn block<S: Simd, const N: usize, const M: usize>(
    simd: S,
    lanes: [&[f32]; N],
    rows: [&[f32]; M],
) -> [[f32; M]; N] {
    let whole = rows[0].len() / S::F32_LANES;
    let mut sums = [[simd.splat_f32s(0.0); M]; N];
    let mut lane_vectors: [&[S::f32s]; N] = [&[]; N];
    let mut row_vectors: [&[S::f32s]; M] = [&[]; M];
    for (vectors, lane) in lane_vectors.iter_mut().zip(lanes) {
        *vectors = &S::as_simd_f32s(lane).0[..whole];
    }
    for (vectors, row) in row_vectors.iter_mut().zip(rows) {
        *vectors = &S::as_simd_f32s(row).0[..whole];
    }
    for i in 0..whole {
        for (sums, lane) in sums.iter_mut().zip(lane_vectors) {
            for (sum, row) in sums.iter_mut().zip(row_vectors) {
                *sum = simd.mul_add_e_f32s(lane[i], row[i], *sum);
            }
        }
    }
    let mut dots = [[0.0; M]; N];
    let rest = whole * S::F32_LANES;
    for ((dots, sums), lane) in dots.iter_mut().zip(sums).zip(lanes) {
        for ((dot, sum), row) in dots.iter_mut().zip(sums).zip(rows) {
            *dot = simd.reduce_sum_f32s(sum);
            for (x, y) in lane[rest..].iter().zip(&row[rest..]) {
                *dot += x * y;
            }
        }
    }
    dots
}
