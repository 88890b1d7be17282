//! Settings of training, and of the output during training.

use crate::ConfigError;
use crate::error::Problems;
use crate::given_text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[train]`: settings of the training loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainConfig {
    /// Seed of every random draw of the run.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// Number of optimizer steps.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("example" = 1000, "unit" = "steps"))]
    pub steps: u64,
    /// Number of windows of text, or of pairs, in one forward pass. A window has
    /// `model.context_len` tokens.
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("example" = 8, "unit" = "windows"))]
    pub batch_size: usize,
    /// Number of forward passes whose gradients are averaged into one step.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("unit" = "passes"))]
    pub gradient_accumulation_steps: usize,
    /// Source of the training windows, or order of the pairs.
    #[serde(default)]
    pub windows: WindowOrder,
    /// The number format of matrix products.
    #[serde(default)]
    pub precision: Precision,
    /// AdamW for everything, or Muon for the matrices and AdamW for the rest.
    #[serde(default)]
    pub optimizer: OptimizerKind,
    /// Highest learning rate of AdamW.
    #[schemars(extend("example" = 1e-3, "exclusiveMinimum" = 0.0))]
    pub lr_max: f64,
    /// Learning rate at which the schedule ends, at most `lr_max`; the last step is one step before
    /// it. Default: a tenth of `lr_max`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0), extend("example" = 1e-4))]
    pub lr_min: Option<f64>,
    /// Highest learning rate of Muon's matrices; it follows the same schedule.
    #[serde(default = "default_muon_lr")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub muon_lr_max: f64,
    /// Momentum of Muon.
    #[serde(default = "default_muon_momentum")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub muon_momentum: f64,
    /// Number of steps over which the learning rate rises linearly, at most `steps`.
    #[serde(default)]
    #[schemars(extend("unit" = "steps"))]
    pub warmup_steps: u64,
    /// Shape of the subsequent fall of the learning rate.
    #[serde(default)]
    pub schedule: Schedule,
    /// Decoupled weight decay of the matrices. Norms, biases and embeddings are not decayed.
    #[serde(default = "default_weight_decay")]
    #[schemars(range(min = 0.0))]
    pub weight_decay: f64,
    /// AdamW's β₁, the decay of its running mean of the gradient.
    #[serde(default = "default_beta1")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta1: f64,
    /// AdamW's β₂, the decay of its running mean of the squared gradient.
    #[serde(default = "default_beta2")]
    #[schemars(range(min = 0.0), extend("exclusiveMaximum" = 1.0))]
    pub beta2: f64,
    /// AdamW's ε, added to the square root of that mean (PyTorch's default; Burn's is 1e-5).
    #[serde(default = "default_eps")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub eps: f64,
    /// Largest global norm of the gradient; 0 disables clipping.
    #[serde(default = "default_grad_clip")]
    #[schemars(range(min = 0.0))]
    pub grad_clip: f64,
    /// Number of steps between evaluations on the validation split.
    #[serde(default = "default_eval_every")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("unit" = "steps"))]
    pub eval_every: u64,
    /// Number of windows, or of pairs, of an evaluation, evenly spaced and always the same.
    /// Default: the whole validation split.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("example" = 64, "unit" = "windows"))]
    pub eval_windows: Option<usize>,
    /// Number of steps between checkpoints.
    #[serde(default = "default_checkpoint_every")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("unit" = "steps"))]
    pub checkpoint_every: u64,
    /// Number of newest checkpoints to keep, besides the best.
    #[serde(default = "default_keep")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("unit" = "checkpoints"))]
    pub keep_checkpoints: usize,
    /// Number of steps between lines of `metrics.jsonl`.
    #[serde(default = "default_log_every")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("unit" = "steps"))]
    pub log_every: u64,
}

/// Source of the training windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WindowOrder {
    /// Random positions in the text, or random pairs, drawn anew each step (nanoGPT).
    #[default]
    Random,
    /// Documents in a new order each epoch, packed one after another; every token, or pair, is used
    /// once.
    Epochs,
}

/// The number format of matrix products in training. Everything else, including the weights and the
/// optimizer, is float32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// AdamW (Loshchilov and Hutter 2019).
    #[default]
    Adamw,
    /// Muon (Jordan 2024) for the blocks' matrices, AdamW for the rest.
    Muon,
}

/// The fall of the learning rate after the warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Half a cosine from the highest to the lowest.
    #[default]
    Cosine,
    /// A straight line from the highest to the lowest.
    Linear,
    /// No fall.
    Constant,
}

/// `[sample]`: samples to generate during and after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SampleConfig {
    /// Text that the model continues.
    #[serde(deserialize_with = "given_text::read")]
    #[schemars(extend("example" = "One day"))]
    pub prompt: String,
    /// Number of tokens to generate.
    #[serde(default = "default_sample_tokens")]
    #[schemars(range(min = 1, max = 1_099_511_627_776_u64), extend("unit" = "tokens"))]
    pub tokens: usize,
    /// Softmax temperature; 0 chooses the likeliest token.
    #[serde(default = "default_temperature")]
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// Number of likeliest tokens to sample from; 0 allows all.
    #[serde(default)]
    #[schemars(extend("unit" = "tokens"))]
    pub top_k: usize,
    /// Number of steps between samples during training; 0 writes one at the end only.
    #[serde(default)]
    #[schemars(extend("unit" = "steps"))]
    pub every: u64,
}

/// `[attend]`: the text whose attention maps are written after training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AttendConfig {
    /// The text whose attention maps are written.
    #[serde(deserialize_with = "given_text::read")]
    #[schemars(extend("example" = "The cat sat."))]
    pub text: String,
}

impl TrainConfig {
    /// Return settings with this many optimizer steps, windows per step and highest learning rate,
    /// and the defaults of a configuration file for the rest.
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

    /// Return the learning rate of the last step.
    pub fn lr_min(&self) -> f64 {
        self.lr_min.unwrap_or(self.lr_max / 10.0)
    }

    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
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
            format!(
                "must not pass train.steps = {}: shorten the warmup as well, as in train.warmup_steps = {}",
                self.steps,
                self.steps / 10
            ),
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
    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
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
