//! The operations on slices of `f32`, with threads and vector instructions, but without tensors or
//! autodiff.

pub(crate) mod activation;
mod amx_detection;
pub(crate) mod attention;
pub(crate) mod buffer;
mod elementwise;
pub(crate) mod embedding;
pub(crate) mod heads;
pub(crate) mod loss;
mod math;
mod matmul;
pub(crate) mod muon;
pub(crate) mod norm;
pub(crate) mod optimizer;
mod product;
pub(crate) mod recurrent;
mod scratch;
pub(crate) mod simd;
pub(crate) mod thread_pool;
pub(crate) mod threads;

pub(crate) use buffer::Buffer;
pub(crate) use matmul::bf16_weights::{in_bf16, multiply as matmul_held};
pub(crate) use matmul::{Matrix, MatrixProduct, Number, matmul};

use elementwise::update;
use pulp::Simd;
use simd::arch;
use threads::sum_over_rows;

/// Return the sum of all rows.
///
/// # Shapes
/// - `x`: `[rows, width]`
/// - result: `[width]`
pub(crate) fn sum_rows(x: &[f32], width: usize) -> Buffer {
    sum_over_rows(
        (&mut [], 0),
        x.len() / width.max(1),
        width,
        width,
        |first, _, sums| {
            let rows = &x[first * width..];
            add_rows(sums, &rows[..rows.len().min(threads::BLOCK * width)]);
        },
    )
}

#[pulp::with_simd(add_rows = arch())]
#[inline(always)]
fn add_rows_simd<S: Simd>(simd: S, sums: &mut [f32], rows: &[f32]) {
    for row in rows.chunks_exact(sums.len()) {
        update(
            simd,
            sums,
            row,
            #[inline(always)]
            |sum, x| simd.add_f32s(sum, x),
        );
    }
}

/// Set every row of `y` to `row`.
pub(crate) fn spread_row(y: &mut [f32], row: &[f32]) {
    threads::for_rows(y, row.len(), row.len(), |_, y| {
        y.chunks_exact_mut(row.len())
            .for_each(|y| y.copy_from_slice(row));
    });
}
