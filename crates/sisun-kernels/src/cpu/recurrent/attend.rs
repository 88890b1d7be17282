//! Additive attention of one query, and its gradient.

use crate::cpu::elementwise::{max, sum2, tanh, update};
use crate::cpu::math::exp;
use pulp::Simd;

/// Compute `weightsⱼ = softmaxⱼ(score·tanh(query + keysⱼ))` of the keys that `weights` has room for,
/// and add `Σⱼ weightsⱼ·valuesⱼ` to `context`.
///
/// # Shapes
/// - `query`, `score`: `[d_score]`; `keys`: `[n, d_score]`
/// - `values`: `[n, d_value]`; `context`: `[d_value]`
/// - `weights`: `[n]`
#[inline(always)]
pub(super) fn attend<S: Simd>(
    simd: S,
    query: &[f32],
    score: &[f32],
    keys: &[f32],
    values: &[f32],
    weights: &mut [f32],
    context: &mut [f32],
) {
    for (weight, key) in weights.iter_mut().zip(keys.chunks_exact(query.len())) {
        *weight = scored(simd, query, key, score);
    }
    let largest = max(simd, weights);
    let mut sum = 0.0;
    for weight in weights.iter_mut() {
        *weight = one(simd, *weight - largest);
        sum += *weight;
    }
    for (weight, value) in weights.iter_mut().zip(values.chunks_exact(context.len())) {
        *weight /= sum;
        add_scaled(simd, context, *weight, value);
    }
}

/// The gradients that every query of a sequence adds to.
pub(super) struct Sums<'a> {
    /// `[n, d_score]`.
    pub(super) keys: &'a mut [f32],
    /// `[n, d_value]`.
    pub(super) values: &'a mut [f32],
    /// `[d_score]`.
    pub(super) score: &'a mut [f32],
}

/// Compute the gradients of [`attend`]: add to `sums` and to `dquery`.
///
/// # Shapes
/// - as in [`attend`]; `dcontext`: `[d_value]`, `dquery`: `[d_score]`, `dweights`: `[n]`, overwritten
#[inline(always)]
#[allow(clippy::too_many_arguments)]
pub(super) fn gradient<S: Simd>(
    simd: S,
    query: &[f32],
    score: &[f32],
    keys: &[f32],
    values: &[f32],
    weights: &[f32],
    dcontext: &[f32],
    dweights: &mut [f32],
    dquery: &mut [f32],
    sums: Sums<'_>,
) {
    let (d_score, d_value) = (query.len(), dcontext.len());
    let mut mean = 0.0;
    for (i, dweight) in dweights.iter_mut().enumerate() {
        let value = &values[i * d_value..][..d_value];
        *dweight = sum2(
            simd,
            dcontext,
            value,
            #[inline(always)]
            |a, b| simd.mul_f32s(a, b),
        );
        mean += weights[i] * *dweight;
        add_scaled(
            simd,
            &mut sums.values[i * d_value..][..d_value],
            weights[i],
            dcontext,
        );
    }
    for (i, dweight) in dweights.iter().enumerate() {
        let dscore = weights[i] * (*dweight - mean);
        let rows = (
            &keys[i * d_score..][..d_score],
            &mut sums.keys[i * d_score..][..d_score],
        );
        key_gradient(simd, dscore, query, score, rows, dquery, sums.score);
    }
}

/// Return `score·tanh(query + key)`.
#[inline(always)]
fn scored<S: Simd>(simd: S, query: &[f32], key: &[f32], score: &[f32]) -> f32 {
    let (q, q_tail) = S::as_simd_f32s(query);
    let (k, k_tail) = S::as_simd_f32s(key);
    let (v, v_tail) = S::as_simd_f32s(score);
    let mut sum = simd.splat_f32s(0.0);
    for ((q, k), v) in q.iter().zip(k).zip(v) {
        sum = simd.mul_add_e_f32s(*v, tanh(simd, simd.add_f32s(*q, *k)), sum);
    }
    if !q_tail.is_empty() {
        let [q, k, v] = [q_tail, k_tail, v_tail].map(
            #[inline(always)]
            |tail| simd.partial_load_f32s(tail),
        );
        sum = simd.mul_add_e_f32s(v, tanh(simd, simd.add_f32s(q, k)), sum);
    }
    simd.reduce_sum_f32s(sum)
}

/// Add the gradients of [`scored`], whose own is `dscore`.
#[inline(always)]
fn key_gradient<S: Simd>(
    simd: S,
    dscore: f32,
    query: &[f32],
    score: &[f32],
    (key, dkey): (&[f32], &mut [f32]),
    dquery: &mut [f32],
    dv: &mut [f32],
) {
    let (one, d) = (simd.splat_f32s(1.0), simd.splat_f32s(dscore));
    let (q, q_tail) = S::as_simd_f32s(query);
    let (k, k_tail) = S::as_simd_f32s(key);
    let (v, v_tail) = S::as_simd_f32s(score);
    let (dk, dk_tail) = S::as_mut_simd_f32s(dkey);
    let (dq, dq_tail) = S::as_mut_simd_f32s(dquery);
    let (dv, dv_tail) = S::as_mut_simd_f32s(dv);
    for i in 0..q.len() {
        let t = tanh(simd, simd.add_f32s(q[i], k[i]));
        let inner = simd.sub_f32s(one, simd.mul_f32s(t, t));
        let inner = simd.mul_f32s(simd.mul_f32s(d, v[i]), inner);
        dk[i] = simd.add_f32s(dk[i], inner);
        dq[i] = simd.add_f32s(dq[i], inner);
        dv[i] = simd.mul_add_e_f32s(d, t, dv[i]);
    }
    if !q_tail.is_empty() {
        let t = tanh(
            simd,
            simd.add_f32s(
                simd.partial_load_f32s(q_tail),
                simd.partial_load_f32s(k_tail),
            ),
        );
        let inner = simd.sub_f32s(one, simd.mul_f32s(t, t));
        let inner = simd.mul_f32s(simd.mul_f32s(d, simd.partial_load_f32s(v_tail)), inner);
        simd.partial_store_f32s(
            dk_tail,
            simd.add_f32s(simd.partial_load_f32s(dk_tail), inner),
        );
        simd.partial_store_f32s(
            dq_tail,
            simd.add_f32s(simd.partial_load_f32s(dq_tail), inner),
        );
        simd.partial_store_f32s(
            dv_tail,
            simd.mul_add_e_f32s(d, t, simd.partial_load_f32s(dv_tail)),
        );
    }
}

#[inline(always)]
fn add_scaled<S: Simd>(simd: S, to: &mut [f32], factor: f32, x: &[f32]) {
    let factor = simd.splat_f32s(factor);
    update(
        simd,
        to,
        x,
        #[inline(always)]
        |to, x| simd.mul_add_e_f32s(factor, x, to),
    );
}

/// Return `e^x` of a single number, as of a vector.
#[inline(always)]
fn one<S: Simd>(simd: S, x: f32) -> f32 {
    let y = exp(simd, simd.splat_f32s(x));
    pulp::bytemuck::cast_slice::<S::f32s, f32>(&[y])[0]
}
