//! The training core: a model, its optimizer, and the training progress.

use crate::gradients::{self, NamedGradients};
use crate::optimizer::Optimizer;
use crate::pending_losses::StepOutput;
use crate::schedule::lr_scale;
use crate::trainable::{MicroStep, Trainable};
use burn::tensor::{Device, Tensor};
use rand::Rng;
use sisun_config::{TrainConfig, randomness};
use sisun_kernels::each_alone;
use std::ops::Range;

/// A step-by-step trainer. A run, the cells of a comparison and `sisun bench` all train with
/// [`Trainer::step`].
#[derive(Debug)]
pub struct Trainer<M> {
    /// Model after the last step.
    pub model: M,
    optimizer: Optimizer,
    config: TrainConfig,
    steps: u64,
    micro_steps: u64,
    seed: u64,
    random_positions: Option<usize>,
}

impl<M: Trainable> Trainer<M> {
    /// Create a trainer before its first step.
    pub fn new(model: M, config: &TrainConfig) -> Self {
        Self::resume(model, Optimizer::new(config), config, 0, 0)
    }

    /// Create a trainer that has already completed these steps and micro-steps.
    pub fn resume(
        model: M,
        optimizer: Optimizer,
        config: &TrainConfig,
        steps: u64,
        micro_steps: u64,
    ) -> Self {
        Self {
            model,
            optimizer,
            seed: config.seed,
            config: config.clone(),
            steps,
            micro_steps,
            random_positions: None,
        }
    }

    /// Use this seed for dropout and random positions instead of the configuration's.
    pub fn with_seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Place the tokens of each micro-batch at positions drawn below this number, ascending (Ruoss
    /// et al. 2023).
    pub fn with_random_positions(self, below: Option<usize>) -> Self {
        Self {
            random_positions: below,
            ..self
        }
    }

    /// Return the optimizer, whose state a checkpoint stores.
    pub fn optimizer(&self) -> &Optimizer {
        &self.optimizer
    }

    /// Return the number of steps completed.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// Return the number of micro-steps completed.
    pub fn micro_steps(&self) -> u64 {
        self.micro_steps
    }

    /// Return the indices of the micro-batches for the next step.
    pub fn next_micro_steps(&self) -> Range<u64> {
        self.micro_steps..self.micro_steps + self.config.gradient_accumulation_steps as u64
    }

    /// Take one optimizer step on the mean loss over the loss tokens of all micro-batches, one for
    /// each number of [`Trainer::next_micro_steps`]. Without a loss token the model stays as it is.
    ///
    /// # Panics
    /// If there are more or fewer micro-batches than `gradient_accumulation_steps`.
    pub fn step(&mut self, batches: &[M::Batch]) -> StepOutput {
        assert_eq!(
            batches.len(),
            self.config.gradient_accumulation_steps,
            "one micro-batch for each of gradient_accumulation_steps"
        );
        let loss_tokens = batches.iter().map(M::loss_tokens).sum();
        let (gradients, loss) = self.gradient(batches, loss_tokens);
        let lr_scale = lr_scale(&self.config, self.steps);
        let grad_norm = if gradients.is_empty() {
            loss.zeros_like()
        } else {
            let (norm, scale) = gradients::clip(&gradients, self.config.grad_clip);
            let model = self.model.clone();
            self.model = self
                .optimizer
                .step(model, gradients, &scale, self.steps, lr_scale);
            norm
        };
        self.steps += 1;
        self.micro_steps = self.next_micro_steps().end;
        StepOutput {
            loss,
            grad_norm,
            tokens: batches.iter().map(M::tokens).sum(),
            loss_tokens,
            lr: lr_scale * self.config.lr_max,
        }
    }

    /// Compute the gradient of the mean loss over the loss tokens, and that loss.
    fn gradient(&self, batches: &[M::Batch], loss_tokens: u64) -> (NamedGradients, Tensor<1>) {
        let (mut sum, mut losses) = (NamedGradients::new(), Vec::new());
        for (micro_step, batch) in self.next_micro_steps().zip(batches) {
            let (gradients, of_rows) = self.micro_batch(batch, micro_step, loss_tokens);
            // Summed immediately, so that memory holds the gradients of one micro-batch only,
            // regardless of their number.
            sum = gradients.into_iter().fold(sum, gradients::add);
            losses.extend(of_rows);
        }
        let loss = match losses.is_empty() {
            true => Tensor::zeros([1], &self.model.device().inner()),
            false => Tensor::cat(losses, 0).sum(),
        };
        (sum, loss)
    }

    /// Run forward and backward pass of a micro-batch, whose loss is `1/loss_tokens` of the sum
    /// over its loss tokens.
    ///
    /// On the CPU the rows are divided among the threads: separate passes share no operation and so
    /// never wait for each other. With dropout there is a single pass, as it draws from the
    /// device's only random generator.
    fn micro_batch(
        &self,
        batch: &M::Batch,
        micro_step: u64,
        loss_tokens: u64,
    ) -> (Vec<NamedGradients>, Vec<Tensor<1>>) {
        let device = self.model.device();
        device.seed(randomness::stream(self.seed, "dropout", micro_step).next_u64());
        let on_cpu = device.inner() == Device::flex();
        let n_passes = match on_cpu && !self.model.has_dropout() {
            true => rayon::current_num_threads(),
            false => 1,
        };
        let rows = M::split(batch, n_passes)
            .into_iter()
            .filter(|rows| M::loss_tokens(rows) > 0)
            .collect();
        let context = MicroStep {
            number: micro_step,
            seed: self.seed,
            precision: self.config.precision,
            random_positions: self.random_positions,
        };
        let passes = each_alone(rows, |rows| {
            let model = gradients::own_leaves(&self.model);
            let share = M::loss_tokens(&rows) as f64 / loss_tokens as f64;
            let loss = model.loss(&rows, &context) * share;
            let value = loss.clone().inner();
            (gradients::take(&model, loss.backward()), value)
        });
        passes.into_iter().unzip()
    }
}
