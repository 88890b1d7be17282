//! Cross-entropy from logits.

use super::buffer::Buffer;
use super::elementwise::{map, max, sum};
use super::math::exp;
use super::simd::arch;
use super::threads::for_rows;
use pulp::Simd;

/// `(loss, log-sum-exp of each row)`: `−Σ wᵢ·(logitsᵢ[targetᵢ] − lseᵢ) / Σ wᵢ`.
///
/// # Shapes
/// - `logits`: `[n, vocab]`
/// - `targets`, `weights`: `[n]`
pub(crate) fn forward(logits: &[f32], targets: &[usize], weights: Option<&[f32]>) -> (f32, Buffer) {
    let n = targets.len();
    let vocab = logits.len() / n.max(1);
    let mut log_sum = Buffer::uncleared(n);
    for_rows(&mut log_sum, 1, 12 * vocab, |first, log_sum| {
        let n = log_sum.len();
        log_sum_rows(log_sum, &logits[first * vocab..][..n * vocab]);
    });
    let (mut total, mut share) = (0.0, 0.0);
    for (i, &target) in targets.iter().enumerate() {
        let weight = weights.map_or(1.0, |weights| f64::from(weights[i]));
        total += weight * f64::from(log_sum[i] - logits[i * vocab + target]);
        share += weight;
    }
    ((total / share) as f32, log_sum)
}

#[pulp::with_simd(log_sum_rows = arch())]
#[inline(always)]
fn log_sum_rows_simd<S: Simd>(simd: S, log_sum: &mut [f32], logits: &[f32]) {
    let vocab = logits.len() / log_sum.len();
    for (log_sum, row) in log_sum.iter_mut().zip(logits.chunks_exact(vocab)) {
        let (head, tail) = row.split_at(vocab - vocab % S::F32_LANES);
        let largest = max(simd, row);
        let m = simd.splat_f32s(largest);
        let rest: f32 = tail.iter().map(|x| (x - largest).exp()).sum();
        *log_sum = largest
            + (sum(
                simd,
                head,
                #[inline(always)]
                |x| exp(simd, simd.sub_f32s(x, m)),
            ) + rest)
                .ln();
    }
}

/// `dlogits = dloss·wᵢ/Σw·(softmax(logitsᵢ) − onehot(targetᵢ))`.
///
/// # Shapes
/// - result: `[n, vocab]`
pub(crate) fn backward(
    dloss: f32,
    logits: &[f32],
    log_sum: &[f32],
    targets: &[usize],
    weights: Option<&[f32]>,
) -> Buffer {
    let vocab = logits.len() / targets.len().max(1);
    let share = weights.map_or(targets.len() as f64, |weights| weights.iter().map(|&w| f64::from(w)).sum());
    let unit = (f64::from(dloss) / share) as f32;
    let mut dlogits = Buffer::uncleared(logits.len());
    for_rows(&mut dlogits, vocab, 8 * vocab, |first, dlogits| {
        for (i, row) in dlogits.chunks_exact_mut(vocab).enumerate() {
            let i = first + i;
            let scale = unit * weights.map_or(1.0, |weights| weights[i]);
            softmax_row(row, &logits[i * vocab..][..vocab], log_sum[i], scale);
            row[targets[i]] -= scale;
        }
    });
    dlogits
}

#[pulp::with_simd(softmax_row = arch())]
#[inline(always)]
fn softmax_row_simd<S: Simd>(simd: S, out: &mut [f32], logits: &[f32], log_sum: f32, scale: f32) {
    let (log_sum, scale) = (simd.splat_f32s(log_sum), simd.splat_f32s(scale));
    map(
        simd,
        out,
        logits,
        #[inline(always)]
        |x| simd.mul_f32s(scale, exp(simd, simd.sub_f32s(x, log_sum))),
    );
}
