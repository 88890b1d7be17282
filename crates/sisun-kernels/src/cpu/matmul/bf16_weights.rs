//! C = A B (+ C) where B, a weight, is held in bfloat16: half the memory, and half the time where
//! memory bandwidth is the limit.
//!
//! B is used without further rounding: the product equals one with the same numbers in float32.
//! With few rows of A, B is converted as it is read; with more rows, B is expanded to float32 one
//! block at a time.

use super::matrix::{Matrix, MatrixProduct};
use super::number::{Number, round_to_bf16};
use super::skinny::{self, FEW};
use super::{matmul, vector_product};
use crate::MatmulPrecision;
use crate::cpu::buffer::Buffer;
use crate::cpu::threads::for_rows;
use burn_std::bf16;
use rayon::prelude::*;

/// Elements of a block of B in float32 (32 MiB).
const BLOCK: usize = 8 << 20;
/// Minimum number of elements to round per thread.
const SHARE: usize = 1 << 16;

/// Compute C = A B, or C + A B with `accumulate`. A is m x k, B is k x n, C is m x n, row-major.
/// With [`MatmulPrecision::Bf16`] A is rounded to bfloat16.
///
/// # Panics
///
/// If the shapes do not agree or C is too short.
pub(crate) fn multiply(
    c: &mut [f32],
    a: Matrix<'_>,
    b: Matrix<'_, bf16>,
    accumulate: bool,
    precision: MatmulPrecision,
) {
    assert_eq!(a.columns(), b.rows(), "k of A and of B");
    let (m, k, n) = (a.rows(), a.columns(), b.columns());
    assert!(m * n <= c.len(), "C is too short");
    let lanes = b.transpose();
    if m == 1 && k > 0 && vector_product(c, 1, lanes, a, accumulate, precision) {
        return;
    }
    if m < FEW && k > 0 && a.column_stride() == 1 && lanes.column_stride() == 1 {
        return match precision {
            MatmulPrecision::Float32 => skinny::multiply(c, a, lanes, accumulate),
            MatmulPrecision::Bf16 => {
                let rounded = rounded(a);
                skinny::multiply(c, Matrix::row_major(&rounded, m, k), lanes, accumulate);
            }
        };
    }
    let width = (BLOCK / k.max(1)).max(1);
    for start in (0..n).step_by(width) {
        let lanes = lanes.take_rows(start..n.min(start + width));
        let block = in_float32(lanes);
        let block = if lanes.column_stride() == 1 {
            Matrix::row_major(&block, lanes.rows(), k).transpose()
        } else {
            Matrix::row_major(&block, k, lanes.rows())
        };
        let product = MatrixProduct {
            a,
            b: block,
            accumulate,
            precision,
        };
        matmul(product, &mut c[start..], n);
    }
}

/// Return lanes x k in float32, in the same memory order: row-major if k is contiguous, else
/// column-major.
fn in_float32(lanes: Matrix<'_, bf16>) -> Buffer {
    let held = if lanes.column_stride() == 1 {
        lanes
    } else {
        lanes.transpose()
    };
    let width = held.columns();
    let mut out = Buffer::uncleared(held.rows() * width);
    for_rows(&mut out, width, width, |first, rows| {
        for (i, row) in rows.chunks_exact_mut(width).enumerate() {
            let from = held.take_rows(first + i..first + i + 1);
            if from.column_stride() == 1 {
                row.iter_mut()
                    .zip(from.data())
                    .for_each(|(to, from)| *to = from.value());
            } else {
                let from = from.data().iter().step_by(from.column_stride());
                row.iter_mut()
                    .zip(from)
                    .for_each(|(to, from)| *to = from.value());
            }
        }
    });
    out
}

fn rounded(a: Matrix<'_>) -> Buffer {
    let k = a.columns();
    let mut out = Buffer::uncleared(a.rows() * k);
    for (row, to) in out.chunks_exact_mut(k).enumerate() {
        let from = &a.data()[row * a.row_stride()..][..k];
        to.iter_mut()
            .zip(from)
            .for_each(|(to, from)| *to = round_to_bf16(*from));
    }
    out
}

/// Round each number to the nearest bfloat16, ties to even.
pub(crate) fn in_bf16(x: &[f32]) -> Vec<bf16> {
    let round = |x: &f32| bf16::from_bits((round_to_bf16(*x).to_bits() >> 16) as u16);
    x.par_iter().with_min_len(SHARE).map(round).collect()
}
