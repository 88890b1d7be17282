//! Matrix-vector products, which decoding one token at a time is made of: every weight is read once, so they run at the
//! speed of memory, and neither tiles nor blocking helps.
#![allow(unsafe_code)] // instructions that the compiler does not know; each block has its proof

use crate::cpu::team::share;
use crate::cpu::threads::n_threads;
use std::ops::Range;

use super::{Matrix, round_to_bf16};
use crate::Precision;
#[cfg(target_arch = "x86_64")]
use crate::cpu::simd::Level;

/// Bytes of a matrix below which one thread is faster than two.
const PARALLEL_BYTES: usize = 256 << 10;
/// Values in a partial sum of a dot product: the widest vector.
const DOT_WIDTH: usize = 16;
/// Dot products at a time, to hide the latency of an addition.
const DOT_LANES: usize = 4;
/// Rows added to the sums at a time, which are then loaded and stored once for all of them.
const AXPY_ROWS: usize = 4;

/// The vector sum_k of `matrix`\[lane, k] `vector`\[k], for each lane, given to `put` in pieces (first lane, values).
/// Returns false, having done nothing, if neither lanes nor k are contiguous in `matrix`.
///
/// `vector` is already rounded to `precision`.
pub(super) fn multiply(
    matrix: Matrix<'_>,
    vector: &[f32],
    precision: Precision,
    put: impl Fn(usize, &[f32]) + Sync,
) -> bool {
    let (lanes, k) = (matrix.rows(), matrix.columns());
    let along_k = matrix.column_stride() == 1 || k == 1;
    if !along_k && matrix.row_stride() != 1 {
        return false;
    }
    let threads = if lanes * k * size_of::<f32>() < PARALLEL_BYTES { 1 } else { n_threads() };
    let piece = lanes.div_ceil(threads).next_multiple_of(16);
    let run = |start: usize| {
        let lanes = start..lanes.min(start + piece);
        let mut sums = vec![0.0; lanes.len()];
        dispatch(matrix, vector, precision, along_k, lanes, &mut sums);
        put(start, &sums);
    };
    if threads == 1 {
        run(0);
    } else {
        share(lanes.div_ceil(piece), |i| run(i * piece));
    }
    true
}

/// The same loops for each instruction set, so that they are vectorised for the one at hand.
fn dispatch(m: Matrix<'_>, v: &[f32], precision: Precision, along_k: bool, lanes: Range<usize>, sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
        fn avx512(m: Matrix<'_>, v: &[f32], p: Precision, along_k: bool, lanes: Range<usize>, sums: &mut [f32]) {
            loops::<true>(m, v, p, along_k, lanes, sums);
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2(m: Matrix<'_>, v: &[f32], p: Precision, along_k: bool, lanes: Range<usize>, sums: &mut [f32]) {
            loops::<true>(m, v, p, along_k, lanes, sums);
        }
        let level = Level::current();
        if level >= Level::Avx512 {
            // SAFETY: no level is above what the processor has, and pulp's V4, which stands behind this one, is these.
            return unsafe { avx512(m, v, precision, along_k, lanes, sums) };
        }
        if level >= Level::Avx2 {
            // SAFETY: no level is above what the processor has, and pulp's V3, which stands behind this one, is these.
            return unsafe { avx2(m, v, precision, along_k, lanes, sums) };
        }
    }
    loops::<{ cfg!(target_arch = "aarch64") }>(m, v, precision, along_k, lanes, sums);
}

#[inline(always)]
fn loops<const FMA: bool>(
    m: Matrix<'_>,
    v: &[f32],
    precision: Precision,
    along_k: bool,
    lanes: Range<usize>,
    sums: &mut [f32],
) {
    match (precision, along_k) {
        (Precision::Float32, true) => dots::<FMA, false>(m, v, lanes, sums),
        (Precision::Float32, false) => axpys::<FMA, false>(m, v, lanes, sums),
        (Precision::Bf16, true) => dots::<FMA, true>(m, v, lanes, sums),
        (Precision::Bf16, false) => axpys::<FMA, true>(m, v, lanes, sums),
    }
}

/// a b + c, in one rounding where the CPU can.
#[inline(always)]
fn multiply_add<const FMA: bool, const BF16: bool>(a: f32, b: f32, c: f32) -> f32 {
    let a = if BF16 { round_to_bf16(a) } else { a };
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Rows along k: a dot product for each lane.
#[inline(always)]
fn dots<const FMA: bool, const BF16: bool>(m: Matrix<'_>, v: &[f32], lanes: Range<usize>, sums: &mut [f32]) {
    let row = |lane: usize| &m.data()[(lanes.start + lane) * m.row_stride()..][..v.len()];
    let (groups, rest) = sums.as_chunks_mut::<DOT_LANES>();
    let rest_start = groups.len() * DOT_LANES;
    for (i, group) in groups.iter_mut().enumerate() {
        *group = dot_group::<FMA, BF16, DOT_LANES>([0, 1, 2, 3].map(|lane| row(i * DOT_LANES + lane)), v);
    }
    for (i, sum) in rest.iter_mut().enumerate() {
        [*sum] = dot_group::<FMA, BF16, 1>([row(rest_start + i)], v);
    }
}

/// The dot products of `N` rows with `v`.
#[inline(always)]
fn dot_group<const FMA: bool, const BF16: bool, const N: usize>(rows: [&[f32]; N], v: &[f32]) -> [f32; N] {
    let (v_blocks, v_rest) = v.as_chunks::<DOT_WIDTH>();
    let blocks = rows.map(|row| row.as_chunks::<DOT_WIDTH>());
    let mut partial = [[0.0; DOT_WIDTH]; N];
    for (i, v) in v_blocks.iter().enumerate() {
        for (partial, (blocks, _)) in partial.iter_mut().zip(&blocks) {
            for ((sum, &a), &b) in partial.iter_mut().zip(&blocks[i]).zip(v) {
                *sum = multiply_add::<FMA, BF16>(a, b, *sum);
            }
        }
    }
    let mut sums = [0.0; N];
    for ((sum, mut partial), (_, rest)) in sums.iter_mut().zip(partial).zip(blocks) {
        for width in [8, 4, 2, 1] {
            for i in 0..width {
                partial[i] += partial[i + width];
            }
        }
        *sum = rest.iter().zip(v_rest).fold(partial[0], |sum, (&a, &b)| multiply_add::<FMA, BF16>(a, b, sum));
    }
    sums
}

/// Rows along the lanes: each row times its element of the vector, added up.
#[inline(always)]
fn axpys<const FMA: bool, const BF16: bool>(m: Matrix<'_>, v: &[f32], lanes: Range<usize>, sums: &mut [f32]) {
    let row = |k: usize| &m.data()[k * m.column_stride() + lanes.start..][..lanes.len()];
    let (blocks, rest) = v.as_chunks::<AXPY_ROWS>();
    for (i, v) in blocks.iter().enumerate() {
        let [a, b, c, d] = [0, 1, 2, 3].map(|j| row(i * AXPY_ROWS + j));
        for ((((sum, &a), &b), &c), &d) in sums.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            let first = multiply_add::<FMA, BF16>(a, v[0], *sum);
            let second = multiply_add::<FMA, BF16>(b, v[1], first);
            let third = multiply_add::<FMA, BF16>(c, v[2], second);
            *sum = multiply_add::<FMA, BF16>(d, v[3], third);
        }
    }
    for (j, &v) in rest.iter().enumerate() {
        for (sum, &a) in sums.iter_mut().zip(row(blocks.len() * AXPY_ROWS + j)) {
            *sum = multiply_add::<FMA, BF16>(a, v, *sum);
        }
    }
}
