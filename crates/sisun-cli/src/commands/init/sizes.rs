//! Sizes of models, and what a machine can do with them.

use sisun_config::Config;
use sisun_model::Count;
use sisun_train::Trial;

/// The size of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) d_model: usize,
    pub(super) n_layers: usize,
    pub(super) n_heads: usize,
}

impl Shape {
    pub(super) const fn new(d_model: usize, n_layers: usize, n_heads: usize) -> Self {
        Self {
            d_model,
            n_layers,
            n_heads,
        }
    }

    /// Return the weights of its blocks, whose feed-forward networks are four times as wide.
    pub(super) fn weights(self) -> f64 {
        12.0 * (self.d_model * self.d_model * self.n_layers) as f64
    }
}

/// Shapes to choose from, smallest first. Heads have 32 to 64 dimensions.
pub(super) const SHAPES: [Shape; 8] = [
    Shape::new(64, 2, 2),
    Shape::new(96, 3, 3),
    Shape::new(128, 4, 4),
    Shape::new(192, 4, 6),
    Shape::new(256, 6, 8),
    Shape::new(384, 6, 6),
    Shape::new(512, 8, 8),
    Shape::new(768, 12, 12),
];
/// The shape of the first trial.
pub(super) const REFERENCE: usize = 2;

/// Return the floating-point operations per second that a trial reached.
pub(super) fn rate(config: &Config, trial: Trial) -> f64 {
    let tokens = config.train.batch_size * config.model.context_len;
    let per_token = Count::of(&config.model).training_flops_per_token;
    per_token as f64 * tokens as f64 / trial.step_s
}
