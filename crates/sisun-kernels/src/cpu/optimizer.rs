//! Optimizer steps over all parameters at once.

use super::elementwise::{sum, update};
use super::simd::arch;
use crate::options::AdamW;
use pulp::Simd;
use rayon::prelude::*;

/// Number of elements per task. Fixed, so that sums do not depend on the number of threads.
const CHUNK: usize = 32 * 1024;

/// The elements of one parameter and of its optimizer state.
pub(crate) struct Slot<'a> {
    pub param: &'a [f32],
    pub gradient: &'a [f32],
    /// The parameter after the step.
    pub stepped: &'a mut [f32],
    pub first: &'a mut [f32],
    pub second: &'a mut [f32],
    pub config: AdamW,
}

/// Apply [`crate::optimizer::adamw`] with the gradients first multiplied by `scale`.
pub(crate) fn adamw(slots: Vec<Slot<'_>>, scale: f32) {
    let tasks: Vec<Slot<'_>> = slots.into_iter().flat_map(pieces).collect();
    tasks
        .into_par_iter()
        .for_each(|slot| adamw_slice(slot, scale));
}

fn pieces(slot: Slot<'_>) -> impl Iterator<Item = Slot<'_>> {
    let config = slot.config;
    let old = slot.param.chunks(CHUNK).zip(slot.gradient.chunks(CHUNK));
    let new = slot
        .stepped
        .chunks_mut(CHUNK)
        .zip(slot.first.chunks_mut(CHUNK))
        .zip(slot.second.chunks_mut(CHUNK));
    old.zip(new).map(
        move |((param, gradient), ((stepped, first), second))| Slot {
            param,
            gradient,
            stepped,
            first,
            second,
            config,
        },
    )
}

#[pulp::with_simd(adamw_slice = arch())]
#[inline(always)]
fn adamw_slice_simd<S: Simd>(simd: S, slot: Slot<'_>, scale: f32) {
    let step = Step::new(simd, slot.config, scale);
    let (param, param_tail) = S::as_simd_f32s(slot.param);
    let (gradient, gradient_tail) = S::as_simd_f32s(slot.gradient);
    let (stepped, stepped_tail) = S::as_mut_simd_f32s(slot.stepped);
    let (first, first_tail) = S::as_mut_simd_f32s(slot.first);
    let (second, second_tail) = S::as_mut_simd_f32s(slot.second);
    for ((((param, gradient), stepped), first), second) in param
        .iter()
        .zip(gradient)
        .zip(stepped)
        .zip(first)
        .zip(second)
    {
        (*stepped, *first, *second) = step.take(simd, *param, *gradient, *first, *second);
    }
    if !param_tail.is_empty() {
        let [param, gradient] =
            [param_tail, gradient_tail].map(|tail| simd.partial_load_f32s(tail));
        let (one, two) = (
            simd.partial_load_f32s(first_tail),
            simd.partial_load_f32s(second_tail),
        );
        let (param, one, two) = step.take(simd, param, gradient, one, two);
        simd.partial_store_f32s(stepped_tail, param);
        simd.partial_store_f32s(first_tail, one);
        simd.partial_store_f32s(second_tail, two);
    }
}

/// AdamW's constants, each broadcast to every lane.
struct Step<S: Simd> {
    scale: S::f32s,
    beta1: S::f32s,
    rest1: S::f32s,
    beta2: S::f32s,
    rest2: S::f32s,
    per_root: S::f32s,
    epsilon: S::f32s,
    rate: S::f32s,
    keep: S::f32s,
}

impl<S: Simd> Step<S> {
    #[inline(always)]
    fn new(simd: S, config: AdamW, scale: f32) -> Self {
        let splat = |x: f64| simd.splat_f32s(x as f32);
        let correction1 = 1.0 - config.beta1.powf(config.step as f64);
        let correction2 = 1.0 - config.beta2.powf(config.step as f64);
        Self {
            scale: simd.splat_f32s(scale),
            beta1: splat(config.beta1),
            rest1: splat(1.0 - config.beta1),
            beta2: splat(config.beta2),
            rest2: splat(1.0 - config.beta2),
            per_root: splat(1.0 / correction2.sqrt()),
            epsilon: splat(config.epsilon),
            rate: splat(config.lr / correction1),
            keep: splat(1.0 - config.lr * config.weight_decay),
        }
    }

    /// Return the parameter and its first and second moments after the step.
    #[inline(always)]
    fn take(
        &self,
        simd: S,
        param: S::f32s,
        gradient: S::f32s,
        first: S::f32s,
        second: S::f32s,
    ) -> (S::f32s, S::f32s, S::f32s) {
        let gradient = simd.mul_f32s(gradient, self.scale);
        let squared = simd.mul_f32s(gradient, gradient);
        let first = simd.add_f32s(
            simd.mul_f32s(first, self.beta1),
            simd.mul_f32s(gradient, self.rest1),
        );
        let second = simd.add_f32s(
            simd.mul_f32s(second, self.beta2),
            simd.mul_f32s(squared, self.rest2),
        );
        let denominator = simd.add_f32s(
            simd.mul_f32s(simd.sqrt_f32s(second), self.per_root),
            self.epsilon,
        );
        let update = simd.mul_f32s(simd.div_f32s(first, denominator), self.rate);
        (
            simd.sub_f32s(simd.mul_f32s(param, self.keep), update),
            first,
            second,
        )
    }
}

/// Add the second slice of each pair to the first.
pub(crate) fn add(pairs: Vec<(&mut [f32], &[f32])>) {
    let pieces = pairs
        .into_iter()
        .flat_map(|(sum, x)| sum.chunks_mut(CHUNK).zip(x.chunks(CHUNK)));
    pieces
        .collect::<Vec<_>>()
        .into_par_iter()
        .for_each(|(sum, x)| add_slice(sum, x));
}

#[pulp::with_simd(add_slice = arch())]
#[inline(always)]
fn add_slice_simd<S: Simd>(simd: S, sum: &mut [f32], x: &[f32]) {
    update(
        simd,
        sum,
        x,
        #[inline(always)]
        |sum, x| simd.add_f32s(sum, x),
    );
}

/// Return `Σ x²` over all parts, summed in a fixed order.
pub(crate) fn sum_of_squares(parts: &[&[f32]]) -> f64 {
    let chunks: Vec<&[f32]> = parts.iter().flat_map(|part| part.chunks(CHUNK)).collect();
    let sums: Vec<f32> = chunks.into_par_iter().map(squares).collect();
    sums.into_iter().map(f64::from).sum()
}

/// Return `Σ x²` of one slice.
#[pulp::with_simd(squares = arch())]
#[inline(always)]
pub(super) fn squares_simd<S: Simd>(simd: S, x: &[f32]) -> f32 {
    sum(
        simd,
        x,
        #[inline(always)]
        |x| simd.mul_f32s(x, x),
    )
}
