//! The interface between the trainer and a model.

use crate::batch::{TensorBatch, loss_tokens, split, tensors};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rand::RngExt;
use sisun_config::{Precision, randomness};
use sisun_data::Batch;
use sisun_kernels::{MatmulPrecision, cross_entropy};
use sisun_model::{Pass, Transformer};

/// A model that [`crate::Trainer`] can train.
pub trait Trainable: Module + Sync {
    /// Rows of a micro-batch.
    type Batch: Send;

    /// Return the device of the parameters, which records gradients.
    fn device(&self) -> Device;

    /// Return true if training passes draw from the device's random generator.
    fn has_dropout(&self) -> bool;

    /// Return the number of tokens in a batch.
    fn tokens(batch: &Self::Batch) -> u64;

    /// Return the number of tokens in the loss.
    fn loss_tokens(batch: &Self::Batch) -> u64;

    /// Divide a batch into at most `parts` batches, rows in order, as evenly as possible.
    fn split(batch: &Self::Batch, parts: usize) -> Vec<Self::Batch>;

    /// Return the mean loss over the loss tokens of these rows, in a training pass.
    ///
    /// # Shapes
    /// - result: `[1]`
    fn loss(&self, rows: &Self::Batch, micro_step: &MicroStep) -> Tensor<1>;
}

/// The context of one forward and backward pass.
#[derive(Clone, Copy, Debug)]
pub struct MicroStep {
    /// Number of micro-batches before this one.
    pub number: u64,
    /// Seed of the run.
    pub seed: u64,
    /// Precision of the layers' matrix products.
    pub precision: Precision,
    /// Upper bound of randomly drawn token positions, if positions are random (Ruoss et al. 2023).
    pub random_positions: Option<usize>,
}

impl Trainable for Transformer {
    type Batch = Batch;

    fn device(&self) -> Device {
        Transformer::device(self)
    }

    fn has_dropout(&self) -> bool {
        self.config().dropout != 0.0
    }

    fn tokens(batch: &Batch) -> u64 {
        batch.targets.len() as u64
    }

    fn loss_tokens(batch: &Batch) -> u64 {
        loss_tokens(batch)
    }

    fn split(batch: &Batch, parts: usize) -> Vec<Batch> {
        split(batch, parts)
    }

    /// Return the mean cross-entropy of the next tokens.
    fn loss(&self, rows: &Batch, micro_step: &MicroStep) -> Tensor<1> {
        let batch = tensors(rows, &Transformer::device(self));
        let positions = micro_step.random_positions.map(|below| {
            random_positions(micro_step.seed, micro_step.number, rows.context_len, below)
        });
        let pass = Pass {
            positions,
            ..Pass::training(matmul_precision(micro_step.precision))
        };
        mean_cross_entropy(self, batch, pass)
    }
}

/// Return the mean cross-entropy over the loss tokens of a batch.
///
/// # Shapes
/// - result: `[1]`
pub(crate) fn mean_cross_entropy(
    model: &Transformer,
    batch: TensorBatch,
    pass: Pass<'_>,
) -> Tensor<1> {
    let logits = model.forward(batch.inputs, pass);
    let [rows, pos, vocab] = logits.dims();
    cross_entropy(
        logits.reshape([rows * pos, vocab]),
        batch.targets,
        batch.weights,
    )
}

/// Convert the precision of a configuration to that of the kernels.
pub(crate) fn matmul_precision(precision: Precision) -> MatmulPrecision {
    match precision {
        Precision::Float32 => MatmulPrecision::Float32,
        Precision::Bf16 => MatmulPrecision::Bf16,
    }
}

/// Draw `len` of the numbers below `below`, ascending, all subsets equally likely (Knuth, volume 2,
/// algorithm 3.4.2 S).
///
/// # Panics
/// If `len` exceeds `below`.
pub fn random_positions(seed: u64, number: u64, len: usize, below: usize) -> Vec<usize> {
    assert!(len <= below, "{len} different positions below {below}");
    let mut rng = randomness::stream(seed, "positions", number);
    let mut places = Vec::with_capacity(len);
    for place in 0..below {
        let wanted = len - places.len();
        if rng.random_range(0..(below - place) as u64) < wanted as u64 {
            places.push(place);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::random_positions;

    #[test]
    fn random_positions_are_ascending_different_and_even() {
        let mut counts = [0; 7];
        for number in 0..7_000 {
            let places = random_positions(1, number, 3, 7);
            assert!(
                places.len() == 3 && places.is_sorted_by(|a, b| a < b),
                "{places:?}"
            );
            places.iter().for_each(|place| counts[*place] += 1);
        }
        assert!(
            counts.iter().all(|count| (2_800..3_200).contains(count)),
            "{counts:?}"
        );
        assert_eq!(random_positions(1, 0, 4, 4), [0, 1, 2, 3]);
        assert_eq!(
            random_positions(2, 5, 3, 900),
            random_positions(2, 5, 3, 900)
        );
    }
}
