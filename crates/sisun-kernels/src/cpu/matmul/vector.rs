//! Matrix-vector products, the bulk of decoding one token at a time. Every weight is read once, so
//! memory bandwidth is the limit, and neither tiles nor blocking helps.
#![allow(unsafe_code)] // instructions that the compiler does not know; each block has its proof

use crate::cpu::scratch::{Scratch, cut, padded};
use crate::cpu::thread_pool::share;
use crate::cpu::threads::n_threads;
use std::sync::{Mutex, PoisonError};

use super::matrix::Matrix;
use super::number::{Number, round_to_bf16};
use crate::MatmulPrecision;
#[cfg(target_arch = "x86_64")]
use crate::cpu::simd::Level;

/// Bytes of a matrix below which one thread is faster than two.
pub(super) const PARALLEL_BYTES: usize = 256 << 10;
/// Bytes of a group of lanes: small, so that no thread waits long for another's last group.
const LANES_BYTES: usize = 128 << 10;
/// Bytes of a range of k: large, because each has its own sums, which are added up at the end. The
/// number of ranges, and so every bit of the result, depends on the matrix alone.
const DEPTH_BYTES: usize = 1 << 20;
/// Number of values in a partial sum of a dot product: the widest vector.
const DOT_WIDTH: usize = 16;
/// Number of dot products computed together, to hide the latency of an addition.
const DOT_LANES: usize = 4;
/// Number of rows added to the sums at a time, so that the sums are loaded and stored once for all
/// of them.
const AXPY_ROWS: usize = 8;

/// Compute `sums`\[lane] += sum_k of `matrix`\[lane, k] `vector`\[k]. Return false, without any
/// effect, if neither lanes nor k are contiguous in `matrix`.
///
/// Each thread reads memory sequentially: rows along k are divided by lanes, rows along the lanes
/// by k.
///
/// `vector` must already be rounded to `precision`.
pub(super) fn multiply<T: Number>(
    matrix: Matrix<'_, T>,
    vector: &[f32],
    precision: MatmulPrecision,
    sums: &mut [f32],
) -> bool {
    let (lanes, k) = (matrix.rows(), matrix.columns());
    let along_k = matrix.column_stride() == 1 || k == 1;
    if !along_k && matrix.row_stride() != 1 {
        return false;
    }
    let bytes = lanes * k * size_of::<T>();
    let parallel = bytes >= PARALLEL_BYTES;
    if along_k {
        let n_pieces = if parallel {
            bytes.div_ceil(LANES_BYTES)
        } else {
            1
        };
        let piece = lanes.div_ceil(n_pieces).next_multiple_of(DOT_LANES);
        in_pieces(sums.chunks_mut(piece).collect(), |i, sums| {
            dispatch(
                matrix.take_rows(i * piece..i * piece + sums.len()),
                vector,
                precision,
                along_k,
                sums,
            );
        });
    } else {
        let n_pieces = if parallel {
            (bytes / DEPTH_BYTES).clamp(2, 8)
        } else {
            1
        };
        let piece = k.div_ceil(n_pieces).next_multiple_of(AXPY_ROWS);
        let n_pieces = k.div_ceil(piece);
        let mut scratch = Scratch::new(padded(lanes) * (n_pieces - 1));
        let scratch = scratch.floats();
        scratch.fill(0.0);
        let mut rest = &mut *scratch;
        let others: Vec<&mut [f32]> = (1..n_pieces)
            .map(|_| &mut cut(&mut rest, lanes)[..lanes])
            .collect();
        in_pieces(
            std::iter::once(&mut *sums).chain(others).collect(),
            |i, sums| {
                let depth = i * piece..k.min((i + 1) * piece);
                dispatch(
                    matrix.take_columns(depth.clone()),
                    &vector[depth],
                    precision,
                    along_k,
                    sums,
                );
            },
        );
        for part in scratch.chunks_exact(padded(lanes)) {
            sums.iter_mut()
                .zip(part)
                .for_each(|(sum, part)| *sum += part);
        }
    }
    true
}

/// Call `f` with each piece and its number, on all threads.
pub(super) fn in_pieces(pieces: Vec<&mut [f32]>, f: impl Fn(usize, &mut [f32]) + Sync + Send) {
    let pieces: Vec<Mutex<&mut [f32]>> = pieces.into_iter().map(Mutex::new).collect();
    // Each lock is taken once; the locks only prove to the compiler that pieces are not shared.
    let run = |i: usize| {
        f(
            i,
            &mut pieces[i].lock().unwrap_or_else(PoisonError::into_inner),
        )
    };
    if pieces.len() == 1 || n_threads() == 1 {
        (0..pieces.len()).for_each(run)
    } else {
        share(pieces.len(), run)
    }
}

/// Run the same loops for each instruction set, so that they are vectorised for the current one.
fn dispatch<T: Number>(
    m: Matrix<'_, T>,
    v: &[f32],
    precision: MatmulPrecision,
    along_k: bool,
    sums: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,fma")]
        fn avx512<T: Number>(
            m: Matrix<'_, T>,
            v: &[f32],
            p: MatmulPrecision,
            along_k: bool,
            sums: &mut [f32],
        ) {
            loops::<T, true>(m, v, p, along_k, sums);
        }
        #[target_feature(enable = "avx2,fma")]
        fn avx2<T: Number>(
            m: Matrix<'_, T>,
            v: &[f32],
            p: MatmulPrecision,
            along_k: bool,
            sums: &mut [f32],
        ) {
            loops::<T, true>(m, v, p, along_k, sums);
        }
        let level = Level::current();
        if level >= Level::Avx512 {
            // SAFETY: a level never exceeds the processor's, and pulp's V4, on which this level
            // rests, has exactly these features.
            return unsafe { avx512(m, v, precision, along_k, sums) };
        }
        if level >= Level::Avx2 {
            // SAFETY: a level never exceeds the processor's, and pulp's V3, on which this level
            // rests, has exactly these features.
            return unsafe { avx2(m, v, precision, along_k, sums) };
        }
    }
    loops::<T, { cfg!(target_arch = "aarch64") }>(m, v, precision, along_k, sums);
}

#[inline(always)]
fn loops<T: Number, const FMA: bool>(
    m: Matrix<'_, T>,
    v: &[f32],
    precision: MatmulPrecision,
    along_k: bool,
    sums: &mut [f32],
) {
    match (precision == MatmulPrecision::Bf16 && !T::IS_BF16, along_k) {
        (false, true) => dots::<T, FMA, false>(m, v, sums),
        (false, false) => axpys::<T, FMA, false>(m, v, sums),
        (true, true) => dots::<T, FMA, true>(m, v, sums),
        (true, false) => axpys::<T, FMA, true>(m, v, sums),
    }
}

/// Compute a b + c, with one rounding if the CPU can; with `ROUND`, `a` is rounded to bfloat16
/// first.
#[inline(always)]
fn multiply_add<T: Number, const FMA: bool, const ROUND: bool>(a: T, b: f32, c: f32) -> f32 {
    let a = if ROUND {
        round_to_bf16(a.value())
    } else {
        a.value()
    };
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Multiply with rows along k: a dot product for each lane.
#[inline(always)]
fn dots<T: Number, const FMA: bool, const ROUND: bool>(
    m: Matrix<'_, T>,
    v: &[f32],
    sums: &mut [f32],
) {
    let row = |lane: usize| &m.data()[lane * m.row_stride()..][..v.len()];
    let (groups, rest) = sums.as_chunks_mut::<DOT_LANES>();
    let rest_start = groups.len() * DOT_LANES;
    for (i, group) in groups.iter_mut().enumerate() {
        let dots = dot_group::<T, FMA, ROUND, DOT_LANES>(
            [0, 1, 2, 3].map(|lane| row(i * DOT_LANES + lane)),
            v,
        );
        group
            .iter_mut()
            .zip(dots)
            .for_each(|(sum, dot)| *sum += dot);
    }
    for (i, sum) in rest.iter_mut().enumerate() {
        let [dot] = dot_group::<T, FMA, ROUND, 1>([row(rest_start + i)], v);
        *sum += dot;
    }
}

/// Compute the dot products of `N` rows with `v`.
#[inline(always)]
fn dot_group<T: Number, const FMA: bool, const ROUND: bool, const N: usize>(
    rows: [&[T]; N],
    v: &[f32],
) -> [f32; N] {
    let (v_blocks, v_rest) = v.as_chunks::<DOT_WIDTH>();
    let blocks = rows.map(|row| row.as_chunks::<DOT_WIDTH>());
    let mut partial = [[0.0; DOT_WIDTH]; N];
    for (i, v) in v_blocks.iter().enumerate() {
        for (partial, (blocks, _)) in partial.iter_mut().zip(&blocks) {
            for ((sum, &a), &b) in partial.iter_mut().zip(&blocks[i]).zip(v) {
                *sum = multiply_add::<T, FMA, ROUND>(a, b, *sum);
            }
        }
    }
    let mut sums = [0.0; N];
    for ((sum, mut partial), (_, rest)) in sums.iter_mut().zip(partial).zip(blocks) {
        fold_in_half::<8>(&mut partial);
        fold_in_half::<4>(&mut partial);
        fold_in_half::<2>(&mut partial);
        fold_in_half::<1>(&mut partial);
        *sum = rest.iter().zip(v_rest).fold(partial[0], |sum, (&a, &b)| {
            multiply_add::<T, FMA, ROUND>(a, b, sum)
        });
    }
    sums
}

/// Add the second `HALF` sums to the first. (A length known at compile time makes it one vector
/// addition.)
#[inline(always)]
fn fold_in_half<const HALF: usize>(partial: &mut [f32; DOT_WIDTH]) {
    for i in 0..HALF {
        partial[i] += partial[i + HALF];
    }
}

/// Multiply with rows along the lanes: add up each row times its element of the vector.
#[inline(always)]
fn axpys<T: Number, const FMA: bool, const ROUND: bool>(
    m: Matrix<'_, T>,
    v: &[f32],
    sums: &mut [f32],
) {
    let n = sums.len();
    let row = |k: usize| &m.data()[k * m.column_stride()..][..n];
    let (blocks, rest) = v.as_chunks::<AXPY_ROWS>();
    for (i, v) in blocks.iter().enumerate() {
        let rows = [0, 1, 2, 3, 4, 5, 6, 7].map(|j| row(i * AXPY_ROWS + j));
        for lane in 0..n {
            sums[lane] = (0..AXPY_ROWS).fold(sums[lane], |sum, j| {
                multiply_add::<T, FMA, ROUND>(rows[j][lane], v[j], sum)
            });
        }
    }
    for (j, &v) in rest.iter().enumerate() {
        let row = row(blocks.len() * AXPY_ROWS + j);
        for (sum, &a) in sums.iter_mut().zip(row) {
            *sum = multiply_add::<T, FMA, ROUND>(a, v, *sum);
        }
    }
}
