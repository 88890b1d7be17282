//! Cross-entropy from logits.

use super::buffer::Buffer;
use super::elementwise::{map, max, sum};
use super::math::exp;
use super::simd::arch;
use super::threads::for_rows;
use pulp::Simd;

/// Compute `−Σ wᵢ·(logitsᵢ[targetᵢ] − lseᵢ) / Σ wᵢ`, where `lse` is the log of the sum of
/// exponentials. Return the loss and `lse` in two parts, the row's largest logit and the remainder:
/// their sum would lose the second part when the first is large.
///
/// # Shapes
/// - `logits`: `[n, vocab]`
/// - `targets`, `weights`: `[n]`
/// - log-sums: `[n, 2]`
pub(crate) fn forward(logits: &[f32], targets: &[usize], weights: Option<&[f32]>) -> (f32, Buffer) {
    let n = targets.len();
    let vocab = logits.len() / n.max(1);
    let mut log_sum = Buffer::uncleared(2 * n);
    for_rows(&mut log_sum, 2, 12 * vocab, |first, log_sum| {
        let n = log_sum.len() / 2;
        log_sum_rows(log_sum, &logits[first * vocab..][..n * vocab]);
    });
    let (mut total, mut share) = (0.0, 0.0);
    for (i, (&target, log_sum)) in targets.iter().zip(log_sum.chunks_exact(2)).enumerate() {
        let weight = weights.map_or(1.0, |weights| f64::from(weights[i]));
        let logit = logits[i * vocab..][..vocab][target];
        total += weight * (f64::from(log_sum[0]) - f64::from(logit) + f64::from(log_sum[1]));
        share += weight;
    }
    ((total / share) as f32, log_sum)
}

/// Return `log Σ exp(x)` of numbers on the host, in two parts: the largest number, and the
/// remainder.
///
/// # Panics
/// If `x` is empty.
pub fn log_sum_exp(x: &[f32]) -> [f32; 2] {
    assert!(!x.is_empty(), "the logarithm of an empty sum");
    let mut parts = [0.0; 2];
    log_sum_rows(&mut parts, x);
    parts
}

#[pulp::with_simd(log_sum_rows = arch())]
#[inline(always)]
fn log_sum_rows_simd<S: Simd>(simd: S, log_sum: &mut [f32], logits: &[f32]) {
    let vocab = logits.len() / (log_sum.len() / 2);
    for (log_sum, row) in log_sum.chunks_exact_mut(2).zip(logits.chunks_exact(vocab)) {
        let (head, tail) = row.split_at(vocab - vocab % S::F32_LANES);
        let largest = max(simd, row);
        let m = simd.splat_f32s(largest);
        let rest: f32 = tail.iter().map(|x| (x - largest).exp()).sum();
        let exponentials = sum(
            simd,
            head,
            #[inline(always)]
            |x| exp(simd, simd.sub_f32s(x, m)),
        );
        log_sum.copy_from_slice(&[largest, (exponentials + rest).ln()]);
    }
}

/// Compute `dlogits = dloss·wᵢ/Σw·(softmax(logitsᵢ) − onehot(targetᵢ))`.
///
/// # Shapes
/// - `log_sum`: `[n, 2]`, as returned by [`forward`]
/// - result: `[n, vocab]`
pub(crate) fn backward(
    dloss: f32,
    logits: &[f32],
    log_sum: &[f32],
    targets: &[usize],
    weights: Option<&[f32]>,
) -> Buffer {
    let vocab = logits.len() / targets.len().max(1);
    let share = weights.map_or(targets.len() as f64, |weights| {
        weights.iter().map(|&w| f64::from(w)).sum()
    });
    let unit = (f64::from(dloss) / share) as f32;
    let mut dlogits = Buffer::uncleared(logits.len());
    for_rows(&mut dlogits, vocab, 8 * vocab, |first, dlogits| {
        for (i, row) in dlogits.chunks_exact_mut(vocab).enumerate() {
            let i = first + i;
            let scale = unit * weights.map_or(1.0, |weights| weights[i]);
            softmax_row(
                row,
                &logits[i * vocab..][..vocab],
                [log_sum[2 * i], log_sum[2 * i + 1]],
                scale,
            );
            row[targets[i]] -= scale;
        }
    });
    dlogits
}

#[pulp::with_simd(softmax_row = arch())]
#[inline(always)]
fn softmax_row_simd<S: Simd>(
    simd: S,
    out: &mut [f32],
    logits: &[f32],
    log_sum: [f32; 2],
    scale: f32,
) {
    let ([largest, log_sum], scale) = (log_sum.map(|x| simd.splat_f32s(x)), simd.splat_f32s(scale));
    map(
        simd,
        out,
        logits,
        #[inline(always)]
        |x| {
            simd.mul_f32s(
                scale,
                exp(simd, simd.sub_f32s(simd.sub_f32s(x, largest), log_sum)),
            )
        },
    );
}
