//! Cross-entropy from logits: a cube for each row, then one for the mean.

use super::reduce::{largest_of_cube, sum_of_cube};
use super::tensor::{contiguous, cubes, floats, per_row, shaped, uncleared, units_of};
use crate::recorded::SavedForBackward;
use burn::backend::Cube;
use burn::backend::ops::IntTensorOps;
use burn::tensor::{DType, IntDType};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// The largest score of a thread without one.
const LOWEST: f32 = f32::MIN;

/// Write the loss of each row, and its largest logit and the logarithm of the sum of
/// `exp(logit − largest)`.
#[cube(launch)]
fn cross_entropy_rows(
    logits: &[f32],
    targets: &[i32],
    losses: &mut [f32],
    log_sums: &mut [f32],
    vocab: usize,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row < losses.len() {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let (start, unit) = (row * vocab, UNIT_POS as usize);
        let mut largest = f32::new(LOWEST);
        let mut i = unit;
        while i < vocab {
            largest = max(largest, logits[start + i]);
            i += units;
        }
        let largest = largest_of_cube(largest, &mut shared);
        let mut sum = 0.0f32;
        let mut i = unit;
        while i < vocab {
            sum += (logits[start + i] - largest).exp();
            i += units;
        }
        let log_sum = sum_of_cube(sum, &mut shared).ln();
        if unit == 0 {
            let target = targets[row] as usize;
            // Added last: beside a large logit the logarithm would be rounded away.
            losses[row] = (largest - logits[start + target]) + log_sum;
            log_sums[2 * row] = largest;
            log_sums[2 * row + 1] = log_sum;
        }
    }
}

/// Write the weighted mean of the losses and the sum of the weights.
#[cube(launch)]
fn weighted_mean(
    losses: &[f32],
    weights: Sequence<Box<[f32]>>,
    mean: &mut [f32],
    total: &mut [f32],
    n: usize,
    #[comptime] units: usize,
) {
    if CUBE_POS == 0 {
        let mut shared = Shared::<[f32]>::new_slice(units);
        let mut sum = 0.0f32;
        let mut all = 0.0f32;
        let mut i = UNIT_POS as usize;
        while i < n {
            let mut weight = 1.0f32;
            #[unroll]
            for part in 0..weights.len() {
                weight = weights[part][i];
            }
            sum += losses[i] * weight;
            all += weight;
            i += units;
        }
        let sum = sum_of_cube(sum, &mut shared);
        let all = sum_of_cube(all, &mut shared);
        if UNIT_POS == 0 {
            mean[0] = sum / all;
            total[0] = all;
        }
    }
}

#[cube(launch)]
fn cross_entropy_backward(
    dy: &[f32],
    logits: &[f32],
    targets: &[i32],
    weights: Sequence<Box<[f32]>>,
    log_sums: &[f32],
    total: &[f32],
    dlogits: &mut [f32],
    vocab: usize,
    #[comptime] units: usize,
) {
    let row = CUBE_POS;
    if row < dlogits.len() / vocab {
        let start = row * vocab;
        let mut share = dy[0] / total[0];
        #[unroll]
        for part in 0..weights.len() {
            share *= weights[part][row];
        }
        let (largest, log_sum) = (log_sums[2 * row], log_sums[2 * row + 1]);
        let target = targets[row] as usize;
        let mut i = UNIT_POS as usize;
        while i < vocab {
            let mut error = (logits[start + i] - largest - log_sum).exp();
            if i == target {
                error -= 1.0;
            }
            dlogits[start + i] = error * share;
            i += units;
        }
    }
}

fn indices(x: &CubeTensor) -> BufferArg {
    x.clone().into_buffer_arg()
}

/// Return the mean loss, `[1]`.
pub(super) fn forward(
    logits: CubeTensor,
    targets: CubeTensor,
    weights: Option<CubeTensor>,
) -> (CubeTensor, CrossEntropy) {
    let targets = match targets.dtype {
        DType::I32 => targets,
        _ => <Cube as IntTensorOps<Cube>>::int_cast(targets, IntDType::I32),
    };
    let (logits, targets, weights) = (
        contiguous(logits),
        contiguous(targets),
        weights.map(contiguous),
    );
    let ([n, vocab], client) = (shaped(&logits), logits.client.clone());
    let (losses, log_sums) = (uncleared(&logits, [n]), uncleared(&logits, [n, 2]));
    let units = per_row(&client, vocab);
    cross_entropy_rows::launch(
        &client,
        cubes(&client, n),
        units_of(units),
        floats(&logits),
        indices(&targets),
        floats(&losses),
        floats(&log_sums),
        vocab,
        units,
    );
    let (mean, total) = (uncleared(&logits, [1]), uncleared(&logits, [1]));
    let units = per_row(&client, n);
    weighted_mean::launch(
        &client,
        cubes(&client, 1),
        units_of(units),
        floats(&losses),
        weights.iter().map(floats).collect(),
        floats(&mean),
        floats(&total),
        n,
        units,
    );
    let saved = CrossEntropy {
        logits,
        targets,
        weights,
        log_sums,
        total,
    };
    (mean, saved)
}

/// Saved values of the cross-entropy, `dlogits = wᵢ/Σw · (softmax(logitsᵢ) − onehot(targetᵢ))`. The
/// weights are data and have no gradient.
#[derive(Clone, Debug)]
pub(super) struct CrossEntropy {
    logits: CubeTensor,
    targets: CubeTensor,
    weights: Option<CubeTensor>,
    log_sums: CubeTensor,
    total: CubeTensor,
}

impl SavedForBackward<Cube, 1> for CrossEntropy {
    fn gradients(self, dy: CubeTensor, _: [bool; 1]) -> [Option<CubeTensor>; 1] {
        let ([n, vocab], client) = (shaped(&self.logits), &self.logits.client);
        let dlogits = uncleared(&self.logits, [n, vocab]);
        let units = per_row(client, vocab);
        cross_entropy_backward::launch(
            client,
            cubes(client, n),
            units_of(units),
            floats(&contiguous(dy)),
            floats(&self.logits),
            indices(&self.targets),
            self.weights.iter().map(floats).collect(),
            floats(&self.log_sums),
            floats(&self.total),
            floats(&dlogits),
            vocab,
            units,
        );
        [Some(dlogits)]
    }
}
