//! How a model is trained, and what it writes on the way.

use crate::ConfigError;
use crate::error::Problems;
use crate::given_text;
use serde::{Deserialize, Serialize};

/// `[train]`: the loop's settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Every random draw of the run follows from this number.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Optimizer steps.
    pub steps: u64,
    /// Windows in one forward pass.
    pub batch_size: usize,
    /// Forward passes whose gradients are averaged into one step.
    #[serde(default = "one")]
    pub gradient_accumulation_steps: usize,
    /// Where windows come from.
    #[serde(default)]
    pub windows: WindowOrder,
    /// In what numbers matrix products are computed.
    #[serde(default)]
    pub precision: Precision,
    /// AdamW for everything, or Muon for the matrices and AdamW for the rest.
    #[serde(default)]
    pub optimizer: OptimizerKind,
    /// Highest learning rate of AdamW.
    pub lr_max: f64,
    /// Learning rate of the last step. Default: a tenth of `lr_max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lr_min: Option<f64>,
    /// Highest learning rate of Muon's matrices; it falls with the same schedule.
    #[serde(default = "default_muon_lr")]
    pub muon_lr_max: f64,
    /// Momentum of Muon.
    #[serde(default = "default_muon_momentum")]
    pub muon_momentum: f64,
    /// Steps over which the learning rate rises linearly.
    #[serde(default)]
    pub warmup_steps: u64,
    /// How the learning rate falls afterwards.
    #[serde(default)]
    pub schedule: Schedule,
    /// Decoupled weight decay of the matrices. Norms, biases and embeddings get none.
    #[serde(default = "default_weight_decay")]
    pub weight_decay: f64,
    /// AdamW's β₁.
    #[serde(default = "default_beta1")]
    pub beta1: f64,
    /// AdamW's β₂.
    #[serde(default = "default_beta2")]
    pub beta2: f64,
    /// AdamW's ε (PyTorch's default; Burn's is 1e-5).
    #[serde(default = "default_eps")]
    pub eps: f64,
    /// Largest global norm of the gradient; 0 leaves it alone.
    #[serde(default = "default_grad_clip")]
    pub grad_clip: f64,
    /// Steps between evaluations on the validation split.
    #[serde(default = "default_eval_every")]
    pub eval_every: u64,
    /// Windows of an evaluation, evenly spaced and always the same. Left out: the whole split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eval_windows: Option<usize>,
    /// Steps between checkpoints.
    #[serde(default = "default_checkpoint_every")]
    pub checkpoint_every: u64,
    /// Newest checkpoints that are kept, besides the best.
    #[serde(default = "default_keep")]
    pub keep_checkpoints: usize,
    /// Steps between lines of `metrics.jsonl`.
    #[serde(default = "default_log_every")]
    pub log_every: u64,
}

/// Where training windows come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowOrder {
    /// Anywhere in the text, drawn anew each step (nanoGPT).
    #[default]
    Random,
    /// Documents in a new order each epoch, packed one after another; every token once.
    Epochs,
}

/// In what numbers the matrix products of training are computed. Everything else, the weights and
/// the optimizer included, is float32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// 24 bits of significand.
    #[default]
    Float32,
    /// Factors rounded to bfloat16 (8 bits), sums in float32. Faster on processors with bfloat16
    /// tiles.
    Bf16,
}

/// The optimizer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// AdamW (Loshchilov and Hutter 2019).
    #[default]
    Adamw,
    /// Muon (Jordan 2024) for the blocks' matrices, AdamW for the rest.
    Muon,
}

/// How the learning rate falls after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Half a cosine from the highest to the lowest.
    #[default]
    Cosine,
    /// A straight line from the highest to the lowest.
    Linear,
    /// It does not.
    Constant,
}

/// `[sample]`: what the model is asked to write during and after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// Text that the model continues.
    #[serde(deserialize_with = "given_text::read")]
    pub prompt: String,
    /// Tokens that it writes.
    #[serde(default = "default_sample_tokens")]
    pub tokens: usize,
    /// Softmax temperature; 0 takes the likeliest token.
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// Only the k likeliest tokens are drawn from; 0 takes all.
    #[serde(default)]
    pub top_k: usize,
    /// Steps between samples during training; 0 writes one at the end only.
    #[serde(default)]
    pub every: u64,
}

/// `[attend]`: the sentence whose attention maps are written after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttendConfig {
    /// The sentence.
    #[serde(deserialize_with = "given_text::read")]
    pub text: String,
}

impl TrainConfig {
    /// Training with this many optimizer steps, windows in a step and highest learning rate, and
    /// the defaults of a configuration file for the rest.
    pub fn new(steps: u64, batch_size: usize, lr_max: f64) -> Self {
        Self {
            seed: default_seed(),
            steps,
            batch_size,
            gradient_accumulation_steps: one(),
            windows: WindowOrder::default(),
            precision: Precision::default(),
            optimizer: OptimizerKind::default(),
            lr_max,
            lr_min: None,
            muon_lr_max: default_muon_lr(),
            muon_momentum: default_muon_momentum(),
            warmup_steps: 0,
            schedule: Schedule::default(),
            weight_decay: default_weight_decay(),
            beta1: default_beta1(),
            beta2: default_beta2(),
            eps: default_eps(),
            grad_clip: default_grad_clip(),
            eval_every: default_eval_every(),
            eval_windows: None,
            checkpoint_every: default_checkpoint_every(),
            keep_checkpoints: default_keep(),
            log_every: default_log_every(),
        }
    }

    /// Learning rate of the last step.
    pub fn lr_min(&self) -> f64 {
        self.lr_min.unwrap_or(self.lr_max / 10.0)
    }

    /// Checks every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and what would be accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        for (key, value) in [
            ("train.steps", self.steps),
            ("train.batch_size", self.batch_size as u64),
            (
                "train.gradient_accumulation_steps",
                self.gradient_accumulation_steps as u64,
            ),
            ("train.eval_every", self.eval_every),
            ("train.eval_windows", self.eval_windows.unwrap_or(1) as u64),
            ("train.checkpoint_every", self.checkpoint_every),
            ("train.keep_checkpoints", self.keep_checkpoints as u64),
            ("train.log_every", self.log_every),
        ] {
            problems.check(value >= 1, key, value, "must be at least 1");
            problems.check(value <= 1 << 40, key, value, "must be at most 2^40");
        }
        for (key, value) in [
            ("train.lr_max", self.lr_max),
            ("train.muon_lr_max", self.muon_lr_max),
        ] {
            problems.check(
                value.is_finite() && value > 0.0,
                key,
                value,
                "must be a positive number",
            );
        }
        problems.check(
            self.lr_max <= 0.0 || (0.0..=self.lr_max).contains(&self.lr_min()),
            "train.lr_min",
            self.lr_min(),
            format!("must be from 0 to train.lr_max = {}", self.lr_max),
        );
        problems.check(
            self.warmup_steps <= self.steps,
            "train.warmup_steps",
            self.warmup_steps,
            format!("must not pass train.steps = {}", self.steps),
        );
        for (key, value) in [
            ("train.beta1", self.beta1),
            ("train.beta2", self.beta2),
            ("train.muon_momentum", self.muon_momentum),
        ] {
            problems.check(
                (0.0..1.0).contains(&value),
                key,
                value,
                "must be at least 0 and below 1",
            );
        }
        problems.check(
            self.eps.is_finite() && self.eps > 0.0,
            "train.eps",
            self.eps,
            "must be a positive number",
        );
        for (key, value) in [
            ("train.weight_decay", self.weight_decay),
            ("train.grad_clip", self.grad_clip),
        ] {
            problems.check(
                value.is_finite() && value >= 0.0,
                key,
                value,
                "must not be negative",
            );
        }
        problems.end()
    }
}

impl SampleConfig {
    /// Checks every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and what would be accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        problems.check(
            !self.prompt.is_empty(),
            "sample.prompt",
            "\"\"",
            "must hold at least one character to continue",
        );
        problems.check(
            self.tokens >= 1,
            "sample.tokens",
            self.tokens,
            "must be at least 1",
        );
        problems.check(
            self.tokens <= 1 << 40,
            "sample.tokens",
            self.tokens,
            "must be at most 2^40",
        );
        problems.check(
            self.temperature.is_finite() && self.temperature >= 0.0,
            "sample.temperature",
            self.temperature,
            "must be 0 (greedy) or a positive number",
        );
        problems.end()
    }
}

fn default_seed() -> u64 {
    1337
}
fn one() -> usize {
    1
}
pub(crate) fn default_muon_lr() -> f64 {
    0.02
}
pub(crate) fn default_muon_momentum() -> f64 {
    0.95
}
fn default_weight_decay() -> f64 {
    0.1
}
fn default_beta1() -> f64 {
    0.9
}
fn default_beta2() -> f64 {
    0.99
}
fn default_eps() -> f64 {
    1e-8
}
fn default_grad_clip() -> f64 {
    1.0
}
fn default_eval_every() -> u64 {
    250
}
fn default_checkpoint_every() -> u64 {
    500
}
fn default_keep() -> usize {
    2
}
fn default_log_every() -> u64 {
    10
}
fn default_sample_tokens() -> usize {
    200
}
fn default_temperature() -> f64 {
    0.8
}
