//! The training of a cell, the same for every kind of model.

use crate::grid::Cell;
use crate::results::{CellOutcome, CellResult, CurvePoint};
use sisun_config::TrainConfig;
use sisun_model::weights::{first_not_finite, flat};
use sisun_train::{PendingLosses, StepOutput, Trainable, Trainer};
use std::ops::ControlFlow;
use std::time::Instant;

/// Number of points of a learning curve.
const CURVE_POINTS: u64 = 50;

/// A function that is called after every step and may ask to stop.
pub(super) type Stepped<'s> = &'s dyn Fn() -> ControlFlow<()>;

/// A model after training, or what was made of it, and how training went.
pub(super) struct Trained<M> {
    pub(super) model: M,
    outcome: CellOutcome,
    curve: Vec<CurvePoint>,
    /// Median milliseconds of a step.
    pub(super) step_ms: f64,
    /// Seconds of training.
    pub(super) train_s: f64,
}

impl<M> Trained<M> {
    /// Return the beginning of the cell's result, the model, and the rest.
    pub(super) fn into_result(self, cell: &Cell, parameters: u64) -> (CellResult, M, Trained<()>) {
        let result = CellResult {
            track: cell.track.clone(),
            variant: cell.variant.clone(),
            seed: cell.seed,
            parameters,
            outcome: self.outcome,
            curve: self.curve,
            measures: Vec::new(),
            heads: Vec::new(),
            sample: None,
        };
        let rest = Trained {
            model: (),
            outcome: self.outcome,
            curve: Vec::new(),
            step_ms: self.step_ms,
            train_s: self.train_s,
        };
        (result, self.model, rest)
    }

    /// Replace the model.
    pub(super) fn with<N>(self, model: N) -> Trained<N> {
        Trained {
            model,
            outcome: self.outcome,
            curve: self.curve,
            step_ms: self.step_ms,
            train_s: self.train_s,
        }
    }
}

/// Take all steps, or as many as are finite; `None` if the cell is abandoned.
pub(super) fn train<M: Trainable>(
    mut trainer: Trainer<M>,
    config: &TrainConfig,
    next_batch: &dyn Fn(u64) -> M::Batch,
    stepped: Stepped<'_>,
) -> Option<Trained<M>> {
    let began = Instant::now();
    let mut curve = Curve::new(config.steps);
    let mut seconds = Vec::new();
    let mut outcome = CellOutcome::Trained;
    for step in 0..config.steps {
        let batches: Vec<M::Batch> = trainer.next_micro_steps().map(next_batch).collect();
        let step_began = Instant::now();
        let output = trainer.step(&batches);
        seconds.push(step_began.elapsed().as_secs_f64());
        if !curve.push(step + 1, output) {
            outcome = CellOutcome::Diverged { step: step + 1 };
            break;
        }
        if stepped().is_break() {
            return None;
        }
    }
    let model = trainer.model;
    // The last update may have damaged the weights, which the losses before it do not show.
    if outcome == CellOutcome::Trained && first_not_finite(&flat(&model)).is_some() {
        outcome = CellOutcome::Diverged { step: config.steps };
    }
    seconds.sort_unstable_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2);
    Some(Trained {
        model,
        outcome,
        curve: curve.points,
        step_ms: median.map_or(0.0, |median| median * 1e3),
        train_s: began.elapsed().as_secs_f64(),
    })
}

/// The training loss, averaged between points. Losses are read from the device at points only.
struct Curve {
    every: u64,
    steps: u64,
    window: PendingLosses,
    points: Vec<CurvePoint>,
}

impl Curve {
    fn new(steps: u64) -> Self {
        Self {
            every: steps.div_ceil(CURVE_POINTS).max(1),
            steps,
            window: PendingLosses::default(),
            points: Vec::new(),
        }
    }

    /// Add a step. Return false if a loss or a gradient is not finite.
    fn push(&mut self, step: u64, output: StepOutput) -> bool {
        self.window.push(output);
        if !step.is_multiple_of(self.every) && step != self.steps {
            return true;
        }
        let Ok(read) = self.window.read() else {
            return false;
        };
        let sum: f64 = read.iter().map(|step| f64::from(step.loss)).sum();
        let loss = sum / read.len() as f64;
        self.points.push(CurvePoint { step, loss });
        true
    }
}
