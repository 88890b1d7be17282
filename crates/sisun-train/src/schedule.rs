//! The learning rate of each step.

use sisun_config::{Schedule, TrainConfig};
use std::f64::consts::PI;

/// Return the fraction of the highest learning rate at a step, counted from 0: a linear rise over
/// the warm-up, then a fall towards `lr_min / lr_max`, reached one step after the last
/// (nanoGPT's `get_lr`).
pub fn lr_scale(config: &TrainConfig, step: u64) -> f64 {
    if step < config.warmup_steps {
        return (step + 1) as f64 / (config.warmup_steps + 1) as f64;
    }
    let lowest = config.lr_min() / config.lr_max;
    let falling = (config.steps - config.warmup_steps).max(1) as f64;
    let done = ((step - config.warmup_steps) as f64 / falling).min(1.0);
    match config.schedule {
        Schedule::Constant => 1.0,
        Schedule::Linear => 1.0 + done * (lowest - 1.0),
        Schedule::Cosine => lowest + 0.5 * (1.0 + (PI * done).cos()) * (1.0 - lowest),
    }
}
