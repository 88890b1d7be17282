//! A few timed steps on random tokens, to estimate the duration of training. Nothing is written.

use crate::evaluate::forward_seconds;
use crate::trainer::Trainer;
use burn::tensor::Device;
use rand::RngExt;
use sisun_config::{LoraConfig, ModelConfig, TrainConfig, randomness};
use sisun_data::Batch;
use sisun_model::{ModelError, RandomParams, Transformer};
use std::time::{Duration, Instant};

/// Minimum number of timed steps.
const STEPS: usize = 2;

/// Seconds that parts of training take on a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trial {
    /// An optimizer step.
    pub step_s: f64,
    /// The loss of as many windows as `train.batch_size`, without gradients.
    pub evaluation_s: f64,
}

impl Trial {
    /// Time steps for at least this long, after one that is not timed: it is slower, because memory
    /// is touched for the first time. Weights and tokens are random.
    ///
    /// # Errors
    /// If the model does not fit into memory.
    ///
    /// # Panics
    /// If the vocabulary size is not set.
    pub fn run(
        model: &ModelConfig,
        train: &TrainConfig,
        lora: Option<LoraConfig>,
        device: &Device,
        at_least: Duration,
    ) -> Result<Self, ModelError> {
        let device = device.clone().autodiff();
        let mut network = Transformer::random(model, train.seed, &device)?;
        if let Some(lora) = lora {
            network = network.with_lora(lora, &mut RandomParams::new(train.seed, &device))?;
        }
        let mut trainer = Trainer::new(network, train);
        let mut step = || {
            let micro_steps = trainer.next_micro_steps();
            let batches: Vec<Batch> = micro_steps.map(|i| random_batch(model, train, i)).collect();
            // Reading the loss waits for the computation.
            trainer.step(&batches).loss.into_scalar::<f32>();
        };
        step();
        let (began, mut steps) = (Instant::now(), 0);
        while steps < STEPS || began.elapsed() < at_least {
            step();
            steps += 1;
        }
        let step_s = began.elapsed().as_secs_f64() / steps as f64;
        Ok(Self {
            step_s,
            evaluation_s: forward_seconds(&trainer.model, &random_batch(model, train, 0)),
        })
    }

    /// Return the seconds of all steps and evaluations of a run, of which each evaluation has
    /// `windows` windows. Samples and checkpoints are not counted.
    pub fn seconds(&self, train: &TrainConfig, windows: usize) -> f64 {
        let evaluations = train.steps.div_ceil(train.eval_every.max(1)) as f64;
        let batches = windows as f64 / train.batch_size.max(1) as f64;
        train.steps as f64 * self.step_s + evaluations * batches * self.evaluation_s
    }
}

/// Return a batch of random tokens.
///
/// # Panics
/// If the vocabulary size is not set.
pub fn random_batch(model: &ModelConfig, train: &TrainConfig, number: u64) -> Batch {
    let mut draws = randomness::stream(train.seed, "bench", number);
    let (batch_size, context_len) = (train.batch_size, model.context_len);
    let vocab = model.vocab_size.expect("the vocabulary size is set") as u32;
    let mut tokens = || {
        (0..batch_size * context_len)
            .map(|_| draws.random_range(0..vocab))
            .collect()
    };
    Batch {
        batch_size,
        context_len,
        inputs: tokens(),
        targets: tokens(),
        loss_mask: None,
    }
}

#[cfg(test)]
mod tests {
    use super::Trial;
    use sisun_config::TrainConfig;

    #[test]
    fn seconds_by_hand() {
        let trial = Trial {
            step_s: 0.5,
            evaluation_s: 0.25,
        };
        let mut train = TrainConfig::new(100, 8, 1e-3);
        train.eval_every = 30;
        // 100 steps, and evaluations after 30, 60, 90 and 100 steps, each of 8 batches.
        assert_eq!(trial.seconds(&train, 64), 50.0 + 4.0 * 8.0 * 0.25);
    }
}
