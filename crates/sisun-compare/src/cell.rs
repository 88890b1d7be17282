//! One cell: a model trained from scratch and evaluated.

mod decoder;
mod pairs;

use crate::CompareError;
use crate::grid::{Cell, Network};
use crate::results::{CellOutcome, CellResult, CurvePoint, Timing};
use crate::track::Track;
use crate::track_data::TrackData;
use burn::tensor::Device;
use sisun_config::TrainConfig;
use sisun_model::weights::{first_not_finite, flat};
use sisun_train::{PendingLosses, StepOutput, Trainable, Trainer};
use std::ops::ControlFlow;
use std::time::Instant;

/// Number of points of a learning curve.
const CURVE_POINTS: u64 = 50;

/// A function that is called after every step and may ask to stop.
type Stepped<'s> = &'s dyn Fn() -> ControlFlow<()>;

/// Train and evaluate a cell on the calling thread. `stepped` is called after every step; if it
/// asks to stop, the cell is abandoned and there is no result.
pub(crate) fn run(
    cell: &Cell,
    track: &Track,
    data: Option<&TrackData>,
    device: &Device,
    stepped: Stepped<'_>,
) -> Result<Option<(CellResult, Timing)>, CompareError> {
    let began = Instant::now();
    let done = match &cell.settings.network {
        Network::Model(config) => {
            let text = data.and_then(TrackData::text);
            decoder::run(cell, config, track, text, device, stepped)?
        }
        Network::Seq2seq(config) => {
            let data = data
                .and_then(TrackData::pairs)
                .expect("the pairs of every track of pairs were read");
            pairs::run(cell, config, track, data, device, stepped)?
        }
    };
    Ok(done.map(|trained| {
        let mut result = trained.model;
        only_finite(&mut result);
        let timing = Timing {
            step_ms: trained.step_ms,
            train_s: trained.train_s,
            total_s: began.elapsed().as_secs_f64(),
        };
        (result, timing)
    }))
}

/// A model after training, or what was made of it, and how training went.
struct Trained<M> {
    model: M,
    outcome: CellOutcome,
    curve: Vec<CurvePoint>,
    /// Median milliseconds of a step.
    step_ms: f64,
    /// Seconds of training.
    train_s: f64,
}

impl<M> Trained<M> {
    /// Return the beginning of the cell's result, the model, and the rest.
    fn into_result(self, cell: &Cell, parameters: u64) -> (CellResult, M, Trained<()>) {
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
    fn with<N>(self, model: N) -> Trained<N> {
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
fn train<M: Trainable>(
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

/// Remove numbers that are not finite, which JSON cannot represent: a measure keeps only a note,
/// and a distance is dropped. Otherwise the result could not be read back.
fn only_finite(result: &mut CellResult) {
    for measure in &mut result.measures {
        if measure.value.is_some_and(|value| !value.is_finite()) {
            (measure.value, measure.note) =
                (None, Some("the model gives no finite number".to_owned()));
        }
    }
    result.heads.retain(|head| head.distance.is_finite());
}

/// The training loss, averaged between points. Losses are read from the device at points only.
struct Curve {
    every: u64,
    steps: u64,
    pending: PendingLosses,
    points: Vec<CurvePoint>,
}

impl Curve {
    fn new(steps: u64) -> Self {
        Self {
            every: steps.div_ceil(CURVE_POINTS).max(1),
            steps,
            pending: PendingLosses::default(),
            points: Vec::new(),
        }
    }

    /// Add a step. Return false if a loss or a gradient is not finite.
    fn push(&mut self, step: u64, output: StepOutput) -> bool {
        self.pending.push(output);
        if !step.is_multiple_of(self.every) && step != self.steps {
            return true;
        }
        let Ok(read) = self.pending.read() else {
            return false;
        };
        let sum: f64 = read.iter().map(|step| f64::from(step.loss)).sum();
        let loss = sum / read.len() as f64;
        self.points.push(CurvePoint { step, loss });
        true
    }
}
