//! The online softmax (Milakov and Gimelshein 2018), step by step, on the scores of one query.

use crate::cpu::math::exp2;
use pulp::Simd;

/// Add `y` to `x`, up to the length of the shorter.
#[inline(always)]
pub(super) fn add(x: &mut [f32], y: &[f32]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}

/// Set the scores from `visible` on to −∞. (In whole vectors, because the scores are read as
/// vectors right after: a vector load stalls on elements that were just written one by one.)
///
/// # Shapes
/// - `scores`: whole cache lines
#[inline(always)]
pub(super) fn hide<S: Simd>(simd: S, scores: &mut [f32], visible: usize) {
    let hidden = simd.splat_f32s(f32::NEG_INFINITY);
    let scores = &mut S::as_mut_simd_f32s(scores).0[visible / S::F32_LANES..];
    if let Some((border, scores)) = scores.split_first_mut() {
        let seen = simd
            .mask_between_m32s(0, (visible % S::F32_LANES) as u32)
            .mask();
        *border = simd.select_f32s(seen, *border, hidden);
        scores.fill(hidden);
    }
}

/// Raise `maximum` to at least the highest of these scores (to base two). Rescale the earlier
/// results, which are relative to `2^maximum`, to the new maximum.
///
/// # Shapes
/// - `scores`: whole cache lines
/// - `earlier`: a sum of exponentials in one cache line, and the values weighted by them
#[inline(always)]
pub(super) fn raise_maximum<S: Simd>(
    simd: S,
    scores: &[f32],
    maximum: &mut f32,
    earlier: (&mut [f32], &mut [f32]),
) {
    let mut highest = simd.splat_f32s(*maximum);
    for score in S::as_simd_f32s(scores).0 {
        highest = simd.max_f32s(highest, *score);
    }
    let highest = simd.reduce_max_f32s(highest);
    if highest > *maximum {
        // Before the first scores there is nothing to rescale.
        if *maximum > f32::MIN {
            let shrink = (*maximum - highest).exp2();
            earlier
                .0
                .iter_mut()
                .chain(earlier.1)
                .for_each(|x| *x *= shrink);
        }
        *maximum = highest;
    }
}

/// Replace the scores (to base two) by `2^(score − maximum)` and add them to `sums`.
///
/// # Shapes
/// - `scores`: whole cache lines
/// - `sums`: one cache line, of which the first vector is used
#[inline(always)]
pub(super) fn exp_and_accumulate<S: Simd>(
    simd: S,
    scores: &mut [f32],
    maximum: f32,
    sums: &mut [f32],
) {
    let sums = &mut S::as_mut_simd_f32s(sums).0[0];
    let maximum = simd.splat_f32s(maximum);
    let mut sum = *sums;
    for score in S::as_mut_simd_f32s(scores).0 {
        *score = exp2(simd, simd.sub_f32s(*score, maximum));
        sum = simd.add_f32s(sum, *score);
    }
    *sums = sum;
}
