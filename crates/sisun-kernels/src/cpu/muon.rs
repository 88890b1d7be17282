//! The optimizer step of Muon.

use super::buffer::Buffer;
use super::elementwise::{map, update, update2};
use super::matmul::{Matrix, MatrixProduct, matmul};
use super::optimizer::squares;
use super::simd::arch;
use super::threads::each_alone;
use crate::options::MatmulPrecision;
use crate::options::{Muon, NEWTON_SCHULZ};
use pulp::Simd;

/// One matrix `[d_in, d_out]` with its optimizer state.
pub(crate) struct Slot<'a> {
    pub param: &'a [f32],
    pub gradient: &'a [f32],
    /// The parameter after the step.
    pub stepped: &'a mut [f32],
    pub momentum: &'a mut [f32],
    pub shape: [usize; 2],
    pub config: Muon,
}

/// Apply [`crate::optimizer::muon`]: the matrices in parallel, each on one thread.
pub(crate) fn muon(slots: Vec<Slot<'_>>, scale: f32, precision: MatmulPrecision) {
    each_alone(slots, |slot| step(slot, scale, precision));
}

fn step(slot: Slot<'_>, scale: f32, precision: MatmulPrecision) {
    let Slot {
        param,
        gradient,
        stepped,
        momentum,
        shape: [d_in, d_out],
        config,
    } = slot;
    let mut ahead = Buffer::uncleared(param.len());
    look_ahead(
        momentum,
        &mut ahead,
        gradient,
        config.momentum as f32,
        scale,
    );
    // The products are smallest when the shorter side comes first.
    let is_tall = d_in > d_out;
    let (rows, columns) = if is_tall {
        (d_out, d_in)
    } else {
        (d_in, d_out)
    };
    let mut x = if is_tall {
        transposed(&ahead, d_in, d_out)
    } else {
        ahead
    };
    orthogonal(&mut x, rows, columns, precision);
    let x = if is_tall {
        transposed(&x, rows, columns)
    } else {
        x
    };
    let rate = config.lr * (d_out as f64 / d_in as f64).max(1.0).sqrt();
    descend(
        stepped,
        param,
        &x,
        (1.0 - config.lr * config.weight_decay) as f32,
        rate as f32,
    );
}

/// Compute `m ← μm + sg` and `ahead = sg + μm`.
#[pulp::with_simd(look_ahead = arch())]
#[inline(always)]
fn look_ahead_simd<S: Simd>(
    simd: S,
    momentum: &mut [f32],
    ahead: &mut [f32],
    gradient: &[f32],
    mu: f32,
    scale: f32,
) {
    let (mu, scale) = (simd.splat_f32s(mu), simd.splat_f32s(scale));
    map(
        simd,
        ahead,
        gradient,
        #[inline(always)]
        |g| simd.mul_f32s(g, scale),
    );
    update(
        simd,
        momentum,
        ahead,
        #[inline(always)]
        |m, g| simd.add_f32s(simd.mul_f32s(m, mu), g),
    );
    update(
        simd,
        ahead,
        momentum,
        #[inline(always)]
        |g, m| simd.add_f32s(g, simd.mul_f32s(m, mu)),
    );
}

/// Compute `stepped = keep·param − rate·x`.
#[pulp::with_simd(descend = arch())]
#[inline(always)]
fn descend_simd<S: Simd>(
    simd: S,
    stepped: &mut [f32],
    param: &[f32],
    x: &[f32],
    keep: f32,
    rate: f32,
) {
    let (keep, rate) = (simd.splat_f32s(keep), simd.splat_f32s(rate));
    update2(
        simd,
        stepped,
        param,
        x,
        #[inline(always)]
        |_, p, x| simd.sub_f32s(simd.mul_f32s(p, keep), simd.mul_f32s(x, rate)),
    );
}

/// Move every singular value close to 1 by repeated steps of `X ← aX + (bA + cA²)X` with `A = XXᵀ`.
///
/// # Shapes
/// - `x`: `[rows, columns]`, `rows ≤ columns`
fn orthogonal(x: &mut Buffer, rows: usize, columns: usize, precision: MatmulPrecision) {
    let [a, b, c] = NEWTON_SCHULZ.coefficients;
    let norm = squares(x).sqrt() + 1e-7;
    let mut gram = Buffer::uncleared(rows * rows);
    let mut square = Buffer::uncleared(rows * rows);
    let mut next = Buffer::uncleared(x.len());
    scaled(&mut next, x, 1.0 / norm);
    std::mem::swap(x, &mut next);
    for _ in 0..NEWTON_SCHULZ.steps {
        let view = Matrix::row_major(x, rows, columns);
        let product = MatrixProduct::new(view, view.transpose(), precision);
        matmul(product, &mut gram, rows);
        let view = Matrix::row_major(&gram, rows, rows);
        matmul(MatrixProduct::new(view, view, precision), &mut square, rows);
        polynomial(&mut gram, &square, b as f32, c as f32);
        scaled(&mut next, x, a as f32);
        let (gram, view) = (
            Matrix::row_major(&gram, rows, rows),
            Matrix::row_major(x, rows, columns),
        );
        let product = MatrixProduct {
            accumulate: true,
            ..MatrixProduct::new(gram, view, precision)
        };
        matmul(product, &mut next, columns);
        std::mem::swap(x, &mut next);
    }
}

/// Compute `y = factor·x`.
#[pulp::with_simd(scaled = arch())]
#[inline(always)]
fn scaled_simd<S: Simd>(simd: S, y: &mut [f32], x: &[f32], factor: f32) {
    let factor = simd.splat_f32s(factor);
    map(
        simd,
        y,
        x,
        #[inline(always)]
        |x| simd.mul_f32s(x, factor),
    );
}

/// Compute `gram ← b·gram + c·square`.
#[pulp::with_simd(polynomial = arch())]
#[inline(always)]
fn polynomial_simd<S: Simd>(simd: S, gram: &mut [f32], square: &[f32], b: f32, c: f32) {
    let (b, c) = (simd.splat_f32s(b), simd.splat_f32s(c));
    update(
        simd,
        gram,
        square,
        #[inline(always)]
        |a, aa| simd.mul_add_e_f32s(aa, c, simd.mul_f32s(a, b)),
    );
}

/// Transpose a matrix.
///
/// # Shapes
/// - `x`: `[rows, columns]`
/// - result: `[columns, rows]`
fn transposed(x: &[f32], rows: usize, columns: usize) -> Buffer {
    let mut y = Buffer::uncleared(x.len());
    // In blocks, so that both sides stay in the cache.
    const BLOCK: usize = 32;
    for first_row in (0..rows).step_by(BLOCK) {
        for column in 0..columns {
            for row in first_row..rows.min(first_row + BLOCK) {
                y[column * rows + row] = x[row * columns + column];
            }
        }
    }
    y
}
