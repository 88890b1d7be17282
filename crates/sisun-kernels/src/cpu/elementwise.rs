//! Functions made of exponentials, and loops that apply a function of vectors to slices.

use super::math::exp;
use pulp::Simd;

/// Return the normal distribution function `Φ(x)` and its density `φ(x)`, with absolute errors
/// below 3e-7 and 1e-7.
///
/// `Φ` by Abramowitz and Stegun 1964, formula 7.1.26, which shares its exponential with `φ`.
#[inline(always)]
pub(crate) fn normal<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
    const SQRT_HALF: f32 = std::f32::consts::FRAC_1_SQRT_2;
    let splat = |value| simd.splat_f32s(value);
    let gauss = exp(simd, simd.mul_f32s(simd.mul_f32s(x, x), splat(-0.5)));
    let t = simd.mul_add_e_f32s(simd.abs_f32s(x), splat(0.327_591_1 * SQRT_HALF), splat(1.0));
    let t = simd.div_f32s(splat(1.0), t);
    let mut p = splat(1.061_405_4);
    for coefficient in [-1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6] {
        p = simd.mul_add_e_f32s(p, t, splat(coefficient));
    }
    let tail = simd.mul_f32s(simd.mul_f32s(simd.mul_f32s(p, t), gauss), splat(0.5)); // Φ(−|x|)
    let upper = simd.sub_f32s(splat(1.0), tail);
    let cdf = simd.select_f32s(simd.less_than_f32s(x, splat(0.0)), tail, upper);
    (cdf, simd.mul_f32s(gauss, splat(0.398_942_3)))
}

/// Compute `σ(x) = 1/(1 + e⁻ˣ)`.
#[inline(always)]
pub(crate) fn sigmoid<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let one = simd.splat_f32s(1.0);
    simd.div_f32s(one, simd.add_f32s(one, exp(simd, simd.neg_f32s(x))))
}

/// Compute `tanh(x) = ±(1 − 2/(e^(2|x|) + 1))` with an absolute error below 2e-7.
#[inline(always)]
pub(crate) fn tanh<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let (one, two) = (simd.splat_f32s(1.0), simd.splat_f32s(2.0));
    let size = simd.abs_f32s(x);
    let large = exp(simd, simd.add_f32s(size, size));
    let found = simd.sub_f32s(one, simd.div_f32s(two, simd.add_f32s(large, one)));
    simd.select_f32s(
        simd.less_than_f32s(x, simd.splat_f32s(0.0)),
        simd.neg_f32s(found),
        found,
    )
}

/// Compute `y[i] = f(x[i])`.
#[inline(always)]
pub(crate) fn map<S: Simd>(simd: S, y: &mut [f32], x: &[f32], f: impl Fn(S::f32s) -> S::f32s) {
    let (y_head, y_tail) = S::as_mut_simd_f32s(y);
    let (x_head, x_tail) = S::as_simd_f32s(x);
    for (y, x) in y_head.iter_mut().zip(x_head) {
        *y = f(*x);
    }
    if !y_tail.is_empty() {
        simd.partial_store_f32s(y_tail, f(simd.partial_load_f32s(x_tail)));
    }
}

/// Compute `y[i] = f(a[i], b[i])`.
#[inline(always)]
pub(crate) fn map2<S: Simd>(
    simd: S,
    y: &mut [f32],
    a: &[f32],
    b: &[f32],
    f: impl Fn(S::f32s, S::f32s) -> S::f32s,
) {
    let (y_head, y_tail) = S::as_mut_simd_f32s(y);
    let ((a_head, a_tail), (b_head, b_tail)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    for ((y, a), b) in y_head.iter_mut().zip(a_head).zip(b_head) {
        *y = f(*a, *b);
    }
    if !y_tail.is_empty() {
        simd.partial_store_f32s(
            y_tail,
            f(
                simd.partial_load_f32s(a_tail),
                simd.partial_load_f32s(b_tail),
            ),
        );
    }
}

/// Compute `y[i] = f(y[i], a[i])`.
#[inline(always)]
pub(crate) fn update<S: Simd>(
    simd: S,
    y: &mut [f32],
    a: &[f32],
    f: impl Fn(S::f32s, S::f32s) -> S::f32s,
) {
    let (y_head, y_tail) = S::as_mut_simd_f32s(y);
    let (a_head, a_tail) = S::as_simd_f32s(a);
    for (y, a) in y_head.iter_mut().zip(a_head) {
        *y = f(*y, *a);
    }
    if !y_tail.is_empty() {
        simd.partial_store_f32s(
            y_tail,
            f(
                simd.partial_load_f32s(y_tail),
                simd.partial_load_f32s(a_tail),
            ),
        );
    }
}

/// Compute `y[i] = f(y[i], a[i], b[i])`.
#[inline(always)]
pub(crate) fn update2<S: Simd>(
    simd: S,
    y: &mut [f32],
    a: &[f32],
    b: &[f32],
    f: impl Fn(S::f32s, S::f32s, S::f32s) -> S::f32s,
) {
    let (y_head, y_tail) = S::as_mut_simd_f32s(y);
    let ((a_head, a_tail), (b_head, b_tail)) = (S::as_simd_f32s(a), S::as_simd_f32s(b));
    for ((y, a), b) in y_head.iter_mut().zip(a_head).zip(b_head) {
        *y = f(*y, *a, *b);
    }
    if !y_tail.is_empty() {
        let load = |tail| simd.partial_load_f32s(tail);
        simd.partial_store_f32s(y_tail, f(load(y_tail), load(a_tail), load(b_tail)));
    }
}

/// Return `Σ f(x[i])`, summed lane by lane. `f(0)` must be 0, because zeros fill the last vector.
#[inline(always)]
pub(crate) fn sum<S: Simd>(simd: S, x: &[f32], f: impl Fn(S::f32s) -> S::f32s) -> f32 {
    let (head, tail) = S::as_simd_f32s(x);
    // Two accumulators, so that additions need not wait for each other.
    let mut sums = [simd.splat_f32s(0.0); 2];
    let (pairs, rest) = head.as_chunks::<2>();
    for [a, b] in pairs {
        sums = [simd.add_f32s(sums[0], f(*a)), simd.add_f32s(sums[1], f(*b))];
    }
    for a in rest {
        sums[0] = simd.add_f32s(sums[0], f(*a));
    }
    if !tail.is_empty() {
        sums[1] = simd.add_f32s(sums[1], f(simd.partial_load_f32s(tail)));
    }
    simd.reduce_sum_f32s(simd.add_f32s(sums[0], sums[1]))
}

/// Return `Σ f(a[i], b[i])`, summed like [`sum`].
#[inline(always)]
pub(crate) fn sum2<S: Simd>(
    simd: S,
    a: &[f32],
    b: &[f32],
    f: impl Fn(S::f32s, S::f32s) -> S::f32s,
) -> f32 {
    let (a_head, a_tail) = S::as_simd_f32s(a);
    let (b_head, b_tail) = S::as_simd_f32s(b);
    let mut total = simd.splat_f32s(0.0);
    if !a_tail.is_empty() {
        total = f(
            simd.partial_load_f32s(a_tail),
            simd.partial_load_f32s(b_tail),
        );
    }
    for (a, b) in a_head.iter().zip(b_head) {
        total = simd.add_f32s(total, f(*a, *b));
    }
    simd.reduce_sum_f32s(total)
}

/// Return the largest element, or −∞ if there are none.
#[inline(always)]
pub(crate) fn max<S: Simd>(simd: S, x: &[f32]) -> f32 {
    let (head, tail) = S::as_simd_f32s(x);
    let mut largest = simd.splat_f32s(f32::NEG_INFINITY);
    for x in head {
        largest = simd.max_f32s(largest, *x);
    }
    tail.iter()
        .fold(simd.reduce_max_f32s(largest), |a, b| a.max(*b))
}

#[cfg(test)]
mod tests;
