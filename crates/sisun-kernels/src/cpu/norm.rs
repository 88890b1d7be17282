//! Normalisation of rows, and its gradient.

use super::buffer::Buffer;
use super::elementwise::{map, sum, sum2, update, update2};
use super::simd::arch;
use super::threads::{for_rows2, sum_over_rows};
use pulp::Simd;

/// Settings of one normalisation of rows of `gamma.len()` numbers.
#[derive(Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub gamma: &'a [f32],
    pub epsilon: f32,
    /// True for layer norm, false for RMS norm, which does not subtract the mean.
    pub centred: bool,
}

/// Compute `y = (x − mean)/√(var + ε) ⊙ γ + β` of each row, or `y = x/√(mean(x²) + ε) ⊙ γ`. Return
/// `y` and the two numbers of each row that [`backward`] needs: the mean (0 for the RMS norm) and
/// the factor `1/√(… + ε)`.
///
/// # Shapes
/// - `x`, `y`: `[rows, d]`
/// - `beta`: `[d]`
/// - moments: `[rows, 2]`
pub(crate) fn forward(x: &[f32], norm: Norm<'_>, beta: Option<&[f32]>) -> (Buffer, Buffer) {
    let d = norm.gamma.len();
    let mut y = Buffer::uncleared(x.len());
    let mut moments = Buffer::uncleared(x.len().checked_div(d).unwrap_or(0) * 2);
    for_rows2(
        (&mut y, d),
        (&mut moments, 2),
        8 * d,
        |first, y, moments| {
            forward_rows(y, moments, &x[first * d..][..y.len()], norm, beta);
        },
    );
    (y, moments)
}

/// Compute [`forward`] for a range of rows.
#[pulp::with_simd(forward_rows = arch())]
#[inline(always)]
pub(crate) fn forward_rows_simd<S: Simd>(
    simd: S,
    y: &mut [f32],
    moments: &mut [f32],
    x: &[f32],
    norm: Norm<'_>,
    beta: Option<&[f32]>,
) {
    let d = norm.gamma.len();
    for ((y, moments), x) in y
        .chunks_exact_mut(d)
        .zip(moments.chunks_exact_mut(2))
        .zip(x.chunks_exact(d))
    {
        let mean = if norm.centred {
            sum(
                simd,
                x,
                #[inline(always)]
                |x| x,
            ) / d as f32
        } else {
            0.0
        };
        // Subtract the mean before squaring: the difference of two large squares would lose the
        // variance.
        map(
            simd,
            y,
            x,
            #[inline(always)]
            |x| simd.sub_f32s(x, simd.splat_f32s(mean)),
        );
        let scale = 1.0
            / (sum(
                simd,
                y,
                #[inline(always)]
                |x| simd.mul_f32s(x, x),
            ) / d as f32
                + norm.epsilon)
                .sqrt();
        moments.copy_from_slice(&[mean, scale]);
        let scale = simd.splat_f32s(scale);
        update(
            simd,
            y,
            norm.gamma,
            #[inline(always)]
            |y, gamma| simd.mul_f32s(simd.mul_f32s(y, scale), gamma),
        );
        if let Some(beta) = beta {
            update(
                simd,
                y,
                beta,
                #[inline(always)]
                |y, beta| simd.add_f32s(y, beta),
            );
        }
    }
}

/// Return the gradients `(dx, [dγ, dβ])`. With `x̂ = (x − mean)·scale` and `g = dy ⊙ γ`:
/// `dx = scale·(g − mean(g) − x̂·mean(g ⊙ x̂))`, `dγ = Σ dy ⊙ x̂`, `dβ = Σ dy`; the RMS norm has no
/// `mean(g)`.
///
/// # Shapes
/// - `dx`: `[rows, d]`
/// - sums: `[2, d]`
pub(crate) fn backward(dy: &[f32], x: &[f32], moments: &[f32], norm: Norm<'_>) -> (Buffer, Buffer) {
    let d = norm.gamma.len();
    let mut dx = Buffer::uncleared(x.len());
    let n_rows = moments.len() / 2;
    let sums = sum_over_rows((&mut dx, d), n_rows, 2 * d, 12 * d, |first, dx, sums| {
        let (from, n) = (first * d, dx.len());
        backward_rows(
            dx,
            sums,
            &dy[from..][..n],
            &x[from..][..n],
            &moments[2 * first..],
            norm,
        );
    });
    (dx, sums)
}

/// Compute [`backward`] for a range of rows, adding to `sums`.
#[pulp::with_simd(backward_rows = arch())]
#[inline(always)]
pub(crate) fn backward_rows_simd<S: Simd>(
    simd: S,
    dx: &mut [f32],
    sums: &mut [f32],
    dy: &[f32],
    x: &[f32],
    moments: &[f32],
    norm: Norm<'_>,
) {
    let d = norm.gamma.len();
    let (dgamma, dbeta) = sums.split_at_mut(d);
    let rows = dx
        .chunks_exact_mut(d)
        .zip(dy.chunks_exact(d))
        .zip(x.chunks_exact(d))
        .zip(moments.chunks_exact(2));
    for (((dx, dy), x), moments) in rows {
        let (mean, scale) = (simd.splat_f32s(moments[0]), simd.splat_f32s(moments[1]));
        map(
            simd,
            dx,
            x,
            #[inline(always)]
            |x| simd.mul_f32s(simd.sub_f32s(x, mean), scale),
        ); // x̂ for now
        update2(
            simd,
            dgamma,
            dy,
            dx,
            #[inline(always)]
            |sum, dy, x| simd.mul_add_e_f32s(dy, x, sum),
        );
        update(
            simd,
            dbeta,
            dy,
            #[inline(always)]
            |sum, dy| simd.add_f32s(sum, dy),
        );
        let mean_g = if norm.centred {
            sum2(
                simd,
                dy,
                norm.gamma,
                #[inline(always)]
                |dy, g| simd.mul_f32s(dy, g),
            ) / d as f32
        } else {
            0.0
        };
        let mean_gx = dot3(simd, dy, norm.gamma, dx) / d as f32;
        let (mean_g, mean_gx) = (simd.splat_f32s(mean_g), simd.splat_f32s(-mean_gx));
        update2(
            simd,
            dx,
            dy,
            norm.gamma,
            #[inline(always)]
            |x, dy, gamma| {
                let centred = simd.sub_f32s(simd.mul_f32s(dy, gamma), mean_g);
                simd.mul_f32s(scale, simd.mul_add_e_f32s(x, mean_gx, centred))
            },
        );
    }
}

/// Return `Σ a·b·c`.
#[inline(always)]
fn dot3<S: Simd>(simd: S, a: &[f32], b: &[f32], c: &[f32]) -> f32 {
    let ((a, a_tail), (b, b_tail), (c, c_tail)) =
        (S::as_simd_f32s(a), S::as_simd_f32s(b), S::as_simd_f32s(c));
    let load = |tail| simd.partial_load_f32s(tail);
    let mut total = simd.mul_f32s(simd.mul_f32s(load(a_tail), load(b_tail)), load(c_tail));
    for ((a, b), c) in a.iter().zip(b).zip(c) {
        total = simd.mul_add_e_f32s(simd.mul_f32s(*a, *b), *c, total);
    }
    simd.reduce_sum_f32s(total)
}
