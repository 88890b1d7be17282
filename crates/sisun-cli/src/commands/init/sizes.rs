//! Sizes of models, and what a machine can do with them.

use super::choose::Shape;
use sisun_config::Config;
use sisun_model::Count;
use sisun_train::Trial;

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
