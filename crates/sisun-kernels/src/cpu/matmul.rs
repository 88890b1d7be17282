//! Float32 matrix product C = A B (+ C), on AMX tiles where the CPU has them and by the `gemm`
//! crate elsewhere. [`bf16_weights`] has the product whose B is held in bfloat16.
#![allow(unsafe_code)] // the call of `gemm`, with its proof

use crate::cpu::threads::n_threads;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod amx;
pub(crate) mod bf16_weights;
mod matrix;
mod number;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod pack;
mod skinny;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod sums;
#[cfg(test)]
mod tests;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod tiled;
mod vector;

use super::simd::Level;
use crate::MatmulPrecision;
use matrix::last;
pub(crate) use matrix::{Matrix, MatrixProduct};
pub(crate) use number::Number;
use number::round_to_bf16;

/// Number of rows and columns of C from which float32 tiles are faster than multiply-adds.
const TILES_FROM: usize = 32;

/// The implementation of the product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// Bfloat16 tiles of Intel's Advanced Matrix Extensions.
    Amx,
    /// Fused multiply-adds of the widest vectors of the CPU (the `gemm` crate).
    Fma,
}

/// Return the engine of this process.
fn engine() -> Engine {
    if Level::current() == Level::Amx {
        Engine::Amx
    } else {
        Engine::Fma
    }
}

/// Compute the product. C has m rows of n elements, `c_row_stride` apart.
///
/// # Panics
///
/// If the shapes do not agree, C is too short, or its rows overlap.
pub(crate) fn matmul(product: MatrixProduct<'_>, c: &mut [f32], c_row_stride: usize) {
    matmul_on(engine(), product, c, c_row_stride);
}

/// Compute [`matmul`] on a given engine.
///
/// # Panics
///
/// As [`matmul`], and if the CPU does not have the engine.
pub(crate) fn matmul_on(
    engine: Engine,
    product: MatrixProduct<'_>,
    c: &mut [f32],
    c_row_stride: usize,
) {
    let MatrixProduct {
        a,
        b,
        accumulate,
        precision,
    } = product;
    assert_eq!(a.columns, b.rows, "k of A and of B");
    let (m, n) = (a.rows, b.columns);
    if m == 0 || n == 0 {
        return;
    }
    assert!(m == 1 || c_row_stride >= n, "rows of C overlap");
    assert!(last(m, c_row_stride) + n <= c.len(), "C is too short");
    if a.columns == 0 {
        if !accumulate {
            c.chunks_mut(c_row_stride.max(n))
                .take(m)
                .for_each(|row| row[..n].fill(0.0));
        }
        return;
    }
    let done = match (m, n) {
        (1, _) => vector_product(c, 1, b.transpose(), a, accumulate, precision),
        (_, 1) => vector_product(c, c_row_stride, a, b.transpose(), accumulate, precision),
        _ => false,
    };
    if done {
        return;
    }
    // For few rows or columns, packing takes longer than the product.
    let few = precision == MatmulPrecision::Float32 && m.min(n) < TILES_FROM;
    match engine {
        Engine::Amx if few => gemm_multiply(product, c, c_row_stride),
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        Engine::Amx => tiled::multiply(product, c, c_row_stride),
        #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
        Engine::Amx => panic!("no AMX on this platform"),
        Engine::Fma if precision == MatmulPrecision::Float32 => {
            gemm_multiply(product, c, c_row_stride)
        }
        Engine::Fma => {
            let (a_values, b_values) = (rounded(a), rounded(b));
            let rounded = MatrixProduct {
                a: Matrix::row_major(&a_values, a.rows, a.columns),
                b: Matrix::row_major(&b_values, b.rows, b.columns),
                ..product
            };
            gemm_multiply(rounded, c, c_row_stride);
        }
    }
}

/// Compute the product if one factor is a single row, `vector`, unless the strides of the other,
/// `matrix` (lanes x k), prevent it. Elements of C are `stride` apart.
fn vector_product<T: Number>(
    c: &mut [f32],
    stride: usize,
    matrix: Matrix<'_, T>,
    vector: Matrix<'_>,
    accumulate: bool,
    precision: MatmulPrecision,
) -> bool {
    let elements = (0..vector.columns).map(|k| vector.data[k * vector.column_stride]);
    let values: Vec<f32> = match precision {
        MatmulPrecision::Float32 => elements.collect(),
        MatmulPrecision::Bf16 => elements.map(round_to_bf16).collect(),
    };
    if stride == 1 {
        let c = &mut c[..matrix.rows];
        if !accumulate {
            c.fill(0.0);
        }
        return vector::multiply(matrix, &values, precision, c);
    }
    let mut sums = vec![0.0; matrix.rows];
    let done = vector::multiply(matrix, &values, precision, &mut sums);
    if done {
        for (c, sum) in c.iter_mut().step_by(stride).zip(&sums) {
            *c = if accumulate { *c + sum } else { *sum };
        }
    }
    done
}

/// Compute the product with the `gemm` crate.
fn gemm_multiply(product: MatrixProduct<'_>, c: &mut [f32], c_row_stride: usize) {
    let MatrixProduct { a, b, .. } = product;
    let threads = match n_threads() {
        1 => gemm::Parallelism::None,
        threads => gemm::Parallelism::Rayon(threads),
    };
    // SAFETY: `matmul_on` has checked C, and `Matrix` its own bounds; C is borrowed mutably, so it
    // overlaps neither.
    unsafe {
        gemm::gemm(
            a.rows,
            b.columns,
            a.columns,
            c.as_mut_ptr(),
            1,
            c_row_stride as isize,
            product.accumulate,
            a.data.as_ptr(),
            a.column_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.column_stride as isize,
            b.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            threads,
        );
    }
}

/// Return a dense copy with every element rounded to bfloat16.
fn rounded(matrix: Matrix<'_>) -> Vec<f32> {
    let mut values = Vec::with_capacity(matrix.rows * matrix.columns);
    for i in 0..matrix.rows {
        let row = (0..matrix.columns)
            .map(|j| matrix.data[i * matrix.row_stride + j * matrix.column_stride]);
        values.extend(row.map(round_to_bf16));
    }
    values
}
