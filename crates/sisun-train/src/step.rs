//! One step of training.

use crate::Optimizer;
use crate::batch::{TensorBatch, loss_tokens, split, tensors};
use crate::gradients::{self, NamedGradients};
use crate::schedule;
use crate::session::Session;
use burn::tensor::{Device, Tensor};
use rand::{Rng, RngExt};
use sisun_config::{TrainConfig, randomness};
use sisun_data::Batch;
use sisun_kernels::{MatmulPrecision, cross_entropy, each_alone};
use sisun_model::{Pass, Transformer};

/// Where in a run a step stands, and how it is taken.
#[derive(Clone, Copy, Debug)]
pub struct StepContext {
    /// Steps before it.
    pub step: u64,
    /// Micro-batches before it.
    pub micro_step: u64,
    /// Share of the highest learning rate.
    pub lr_scale: f64,
    /// The run's seed, for dropout.
    pub seed: u64,
    /// Largest global norm of the gradient; 0: any.
    pub grad_clip: f64,
    /// In what numbers the layers' products are computed.
    pub precision: MatmulPrecision,
    /// If set, the tokens of a micro-batch stand at places drawn below this number, ascending
    /// (Ruoss et al. 2023).
    pub random_positions: Option<usize>,
}

impl StepContext {
    /// The step of this number, each of those before it with as many micro-batches as the
    /// configuration says.
    pub fn new(config: &TrainConfig, step: u64) -> Self {
        Self {
            step,
            micro_step: step * config.gradient_accumulation_steps as u64,
            lr_scale: schedule::lr_scale(config, step),
            seed: config.seed,
            grad_clip: config.grad_clip,
            precision: precision(config),
            random_positions: None,
        }
    }

    /// The next step of a session.
    pub(crate) fn of(session: &Session) -> Self {
        let state = &session.state;
        Self {
            micro_step: state.next_micro_step,
            seed: state.seed,
            ..Self::new(&session.config.train, state.step)
        }
    }
}

/// The kernels' word for the configuration's.
pub(crate) fn precision(config: &TrainConfig) -> MatmulPrecision {
    match config.precision {
        sisun_config::Precision::Float32 => MatmulPrecision::Float32,
        sisun_config::Precision::Bf16 => MatmulPrecision::Bf16,
    }
}

/// What a step leaves.
#[derive(Debug)]
pub struct StepOutput {
    /// The model after it.
    pub model: Transformer,
    /// The mean loss over the loss tokens before it, `[1]`; 0 without any.
    pub loss: Tensor<1>,
    /// The global norm of the gradient before clipping, `[1]`.
    pub grad_norm: Tensor<1>,
    /// Tokens read.
    pub tokens: u64,
    /// Of which the loss was taken on.
    pub loss_tokens: u64,
}

/// One optimizer step on the mean loss over the loss tokens of all micro-batches. Without a
/// loss token the model stays as it is.
pub fn training_step(
    model: &Transformer,
    optimizer: &mut Optimizer,
    batches: &[Batch],
    at: StepContext,
) -> StepOutput {
    let tokens = batches.iter().map(|batch| batch.targets.len() as u64).sum();
    let loss_tokens = batches.iter().map(loss_tokens).sum();
    let (gradients, loss) = gradient(model, batches, at, loss_tokens);
    if gradients.is_empty() {
        let grad_norm = loss.zeros_like();
        return StepOutput {
            model: model.clone(),
            loss,
            grad_norm,
            tokens,
            loss_tokens,
        };
    }
    let (grad_norm, scale) = gradients::clip(&gradients, at.grad_clip);
    let model = optimizer.step(model.clone(), gradients, &scale, at.step, at.lr_scale);
    StepOutput {
        model,
        loss,
        grad_norm,
        tokens,
        loss_tokens,
    }
}

/// The gradient of the mean loss over the loss tokens, and that loss.
fn gradient(
    model: &Transformer,
    batches: &[Batch],
    at: StepContext,
    loss_tokens: u64,
) -> (NamedGradients, Tensor<1>) {
    let (mut sum, mut losses) = (NamedGradients::new(), Vec::new());
    for (micro_step, batch) in (at.micro_step..).zip(batches) {
        let (gradients, of_rows) = micro_batch(model, batch, at, micro_step, loss_tokens);
        // At once, so that memory holds the gradients of one micro-batch, whatever their number.
        sum = gradients.into_iter().fold(sum, gradients::add);
        losses.extend(of_rows);
    }
    let loss = match losses.is_empty() {
        true => Tensor::zeros([1], &model.device().inner()),
        false => Tensor::cat(losses, 0).sum(),
    };
    (sum, loss)
}

/// Forward and backward pass of one micro-batch, whose loss is `1/loss_tokens` of the sum over its
/// loss tokens.
///
/// On the CPU each thread takes some of its rows: passes by themselves share no operation and so
/// never wait for each other. Dropout draws from the device's one generator, so with it there is
/// one pass.
fn micro_batch(
    model: &Transformer,
    batch: &Batch,
    at: StepContext,
    micro_step: u64,
    all_marked: u64,
) -> (Vec<NamedGradients>, Vec<Tensor<1>>) {
    let device = model.device();
    device.seed(randomness::stream(at.seed, "dropout", micro_step).next_u64());
    let n_passes = match model.config().dropout == 0.0 && device.clone().inner() == Device::flex() {
        true => rayon::current_num_threads(),
        false => 1,
    };
    let rows = split(batch, n_passes)
        .into_iter()
        .filter(|rows| loss_tokens(rows) > 0)
        .collect();
    let places = at
        .random_positions
        .map(|below| random_positions(at.seed, micro_step, batch.context_len, below));
    let passes = each_alone(rows, |rows| {
        let model = gradients::own_leaves(model);
        let TensorBatch {
            inputs,
            targets,
            weights,
            loss_tokens,
        } = tensors(&rows, &device);
        let logits = model.forward(
            inputs,
            Pass {
                positions: places.clone(),
                ..Pass::training(at.precision)
            },
        );
        let [rows, pos, vocab] = logits.dims();
        let loss = cross_entropy(logits.reshape([rows * pos, vocab]), targets, weights);
        let loss = loss * (loss_tokens as f64 / all_marked as f64);
        let value = loss.clone().inner();
        (gradients::take(&model, loss.backward()), value)
    });
    passes.into_iter().unzip()
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
