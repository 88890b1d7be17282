//! One cell: a model trained from scratch and evaluated.

use crate::CompareError;
use crate::evaluate::{EvaluatedModel, attention, language, task};
use crate::grid::Cell;
use crate::results::{CellOutcome, CellResult, CurvePoint, Measure, MeasureName, Timing};
use crate::track::Track;
use crate::track_text::TrackText;
use burn::module::Module;
use burn::tensor::Device;
use rand::RngExt;
use sisun_config::randomness::stream;
use sisun_data::tasks::Task;
use sisun_data::{Batch, random_batch};
use sisun_infer::{GenerationOptions, LanguageModel, Sampler};
use sisun_model::weights::first_not_finite;
use sisun_model::{Count, Transformer};
use sisun_train::{PendingLosses, StepOutput, Trainer};
use std::ops::ControlFlow;
use std::time::Instant;

/// Number of points of a learning curve.
const CURVE_POINTS: u64 = 50;
/// Number of rows whose patterns are used to measure the attention distance of heads.
const DISTANCE_ROWS: usize = 8;
/// Number of tokens of the prompt of a sample.
const PROMPT_TOKENS: usize = 16;
/// Approximate number of tokens in a sample of a language model.
const SAMPLE_TOKENS: usize = 160;

/// Train and evaluate a cell on the calling thread. `stepped` is called after every step; if it
/// asks to stop, the cell is abandoned and there is no result.
pub(crate) fn run(
    cell: &Cell,
    track: &Track,
    text: Option<&TrackText>,
    device: &Device,
    stepped: &dyn Fn() -> ControlFlow<()>,
) -> Result<Option<(CellResult, Timing)>, CompareError> {
    let began = Instant::now();
    let mut config = cell.settings.model.clone();
    if let Some(text) = text {
        config
            .vocab_size
            .get_or_insert(text.corpus.tokenizer.vocab_size());
    }
    let train = &cell.settings.train;
    let model = Transformer::random(&config, cell.seed, &device.clone().autodiff())?;
    let mut trainer = Trainer::new(model, train).with_random_positions(cell.random_positions);
    let mut curve = Curve::new(train.steps);
    let mut seconds = Vec::new();
    let mut outcome = CellOutcome::Trained;
    for step in 0..train.steps {
        let batch = |i| next_batch(cell, track, text, i);
        let batches: Vec<Batch> = trainer.next_micro_steps().map(batch).collect();
        let step_began = Instant::now();
        let output = trainer.step(&batches);
        seconds.push(step_began.elapsed().as_secs_f64());
        if !curve.push(step + 1, output) {
            outcome = CellOutcome::Diverged { step: step + 1 };
            break;
        }
        if stepped().is_break() {
            return Ok(None);
        }
    }
    let (model, train_s) = (trainer.model, began.elapsed().as_secs_f64());
    let mut result = CellResult {
        track: cell.track.clone(),
        variant: cell.variant.clone(),
        seed: cell.seed,
        parameters: Count::of(&config).total,
        outcome,
        curve: curve.points,
        measures: Vec::new(),
        heads: Vec::new(),
        sample: None,
    };
    // The last update may have damaged the weights, which the losses before it do not show.
    if outcome == CellOutcome::Trained && first_not_finite(&model.flat()).is_some() {
        result.outcome = CellOutcome::Diverged { step: train.steps };
    }
    if result.outcome == CellOutcome::Trained {
        let judged = EvaluatedModel {
            model: model.valid(),
            random_positions: cell.random_positions,
        };
        judge(&mut result, &judged, track, text)?;
        only_finite(&mut result);
    }
    seconds.sort_unstable_by(f64::total_cmp);
    let step_ms = seconds
        .get(seconds.len() / 2)
        .map_or(0.0, |median| median * 1e3);
    Ok(Some((
        result,
        Timing {
            step_ms,
            train_s,
            total_s: began.elapsed().as_secs_f64(),
        },
    )))
}

/// Return the rows of one micro-batch: the same for every variant of a track and seed.
fn next_batch(cell: &Cell, track: &Track, text: Option<&TrackText>, micro_step: u64) -> Batch {
    let (batch_size, context_len) = (
        cell.settings.train.batch_size,
        cell.settings.model.context_len,
    );
    match (track, track.task(), text) {
        (Track::Task { train_lengths, .. }, Some(task), _) => {
            task_batch(task, *train_lengths, batch_size, cell.seed, micro_step)
        }
        (_, _, Some(text)) => random_batch(
            &text.corpus.train,
            batch_size,
            context_len,
            cell.seed,
            micro_step,
        ),
        _ => unreachable!("a grid's tracks are tasks that exist, or texts that were read"),
    }
}

/// Return examples that start at position 0, one a row, padded to the longest of the training
/// lengths. The loss is on answers.
fn task_batch(
    task: Task,
    [shortest, longest]: [usize; 2],
    batch_size: usize,
    seed: u64,
    micro_step: u64,
) -> Batch {
    let mut rng = stream(seed, "examples", micro_step);
    let context_len = task.most_tokens(longest) - 1;
    let (mut inputs, mut targets, mut mask) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..batch_size {
        let length = rng.random_range(shortest as u64..=longest as u64) as usize;
        let example = task.example(length, &mut rng);
        let mut row = [&example.prompt[..], &example.answer].concat();
        let answer = example.prompt.len() - 1..row.len() - 1;
        row.resize(context_len + 1, 0);
        inputs.extend_from_slice(&row[..context_len]);
        targets.extend_from_slice(&row[1..]);
        mask.extend((0..context_len).map(|pos| answer.contains(&pos)));
    }
    Batch {
        batch_size,
        context_len,
        inputs,
        targets,
        loss_mask: Some(mask),
    }
}

fn judge(
    result: &mut CellResult,
    model: &EvaluatedModel,
    track: &Track,
    text: Option<&TrackText>,
) -> Result<(), CompareError> {
    let context_len = model.model.config().context_len;
    match (track, track.task(), text) {
        (
            Track::Task {
                train_lengths: [_, longest],
                test_lengths,
                examples,
                ..
            },
            Some(task),
            _,
        ) => {
            for &length in test_lengths {
                let test = || task::exact_match(model, &task::examples(task, length, *examples));
                let tested = model
                    .check_length(task.most_tokens(length) - 1)
                    .map(|()| test());
                let (value, note) =
                    tested.map_or_else(|why| (None, Some(why)), |value| (Some(value), None));
                result.measures.push(Measure {
                    name: MeasureName::ExactMatch,
                    at: length,
                    value,
                    note,
                });
            }
            let rows = task::examples(task, *longest, DISTANCE_ROWS);
            let rows: Vec<Vec<u32>> = rows
                .iter()
                .map(|e| [&e.prompt[..], &e.answer].concat())
                .collect();
            let shortest = rows.iter().map(Vec::len).min().unwrap_or(0);
            let rows: Vec<&[u32]> = rows.iter().map(|row| &row[..shortest]).collect();
            result.heads = attention::distances(model, &rows);
        }
        (
            Track::Language {
                factors,
                eval_tokens,
                ..
            },
            _,
            Some(text),
        ) => {
            let held_out = &text.corpus.validation;
            let tokenizer = &text.corpus.tokenizer;
            result.measures = language::measure(
                model,
                held_out,
                tokenizer,
                context_len,
                factors,
                *eval_tokens,
            );
            let ids = held_out.read(0..held_out.len().min(DISTANCE_ROWS * context_len));
            let rows: Vec<&[u32]> = ids.chunks_exact(context_len).collect();
            result.heads = attention::distances(model, &rows);
            // Generation continues at the next position, unlike training with random positions.
            if model.random_positions.is_none() {
                result.sample = Some(sample(&model.model, text)?);
            }
        }
        _ => unreachable!("a grid's tracks are tasks that exist, or texts that were read"),
    }
    Ok(())
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

/// Generate a continuation of the first words of the held-out text.
fn sample(model: &Transformer, text: &TrackText) -> Result<String, CompareError> {
    let data = |source| CompareError::Data {
        track: text.track.clone(),
        source,
    };
    let tokenizer = &text.corpus.tokenizer;
    let held_out = &text.corpus.validation;
    let first = held_out.read(0..held_out.len().min(PROMPT_TOKENS));
    // Decoding adds the tokenizer's prefix again.
    let first = first.strip_prefix(tokenizer.prefix()).unwrap_or(&first);
    let prompt = tokenizer.decode(first).map_err(data)?;
    let loaded = LanguageModel::new(String::new(), None, model.clone(), tokenizer.clone());
    let options = GenerationOptions {
        tokens: SAMPLE_TOKENS,
        sampler: Sampler {
            temperature: 0.8,
            seed: 1,
            ..Sampler::default()
        },
        stop: Vec::new(),
        number: 0,
    };
    let written = loaded.generate(&prompt, &options, &mut |_| ControlFlow::Continue(()));
    // Some tokenizers cannot encode what they decode; the measurements are kept without a sample.
    Ok(written.map_or_else(
        |why| format!("(no sample: {why})"),
        |written| format!("{prompt}{}", written.text),
    ))
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
