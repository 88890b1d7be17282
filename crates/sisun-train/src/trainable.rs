//! What training needs of a model.

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
    /// The rows of one micro-batch.
    type Batch: Send;

    /// The device of its parameters, which records gradients.
    fn device(&self) -> Device;

    /// Whether its training passes draw from the device's generator.
    fn has_dropout(&self) -> bool;

    /// The number of tokens that a batch holds.
    fn tokens(batch: &Self::Batch) -> u64;

    /// The number of tokens that the loss is taken on.
    fn loss_tokens(batch: &Self::Batch) -> u64;

    /// Divide a batch into at most `parts` batches, rows in order, as evenly as possible.
    fn split(batch: &Self::Batch, parts: usize) -> Vec<Self::Batch>;

    /// The mean loss over the loss tokens of these rows, in a training pass.
    ///
    /// # Shapes
    /// - result: `[1]`
    fn loss(&self, rows: &Self::Batch, micro_step: &MicroStep) -> Tensor<1>;
}

/// The context of one forward and backward pass.
#[derive(Clone, Copy, Debug)]
pub struct MicroStep {
    /// Micro-batches before it.
    pub number: u64,
    /// The run's seed.
    pub seed: u64,
    /// The numbers in which the layers' products are computed.
    pub precision: Precision,
    /// Place the tokens at positions drawn below this number (Ruoss et al. 2023).
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

    /// The mean cross-entropy of the next tokens.
    fn loss(&self, rows: &Batch, micro_step: &MicroStep) -> Tensor<1> {
        let TensorBatch {
            inputs,
            targets,
            weights,
            ..
        } = tensors(rows, &Transformer::device(self));
        let positions = micro_step.random_positions.map(|below| {
            random_positions(micro_step.seed, micro_step.number, rows.context_len, below)
        });
        let logits = self.forward(
            inputs,
            Pass {
                positions,
                ..Pass::training(matmul_precision(micro_step.precision))
            },
        );
        let [rows, pos, vocab] = logits.dims();
        cross_entropy(logits.reshape([rows * pos, vocab]), targets, weights)
    }
}

/// The kernels' name of a configuration's precision.
pub(crate) fn matmul_precision(precision: Precision) -> MatmulPrecision {
    match precision {
        Precision::Float32 => MatmulPrecision::Float32,
        Precision::Bf16 => MatmulPrecision::Bf16,
    }
}

/// `len` of the numbers below `below`, ascending, all choices equally likely (Knuth, volume 2,
/// algorithm 3.4.2 S).
///
/// # Panics
/// If there are not so many.
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
