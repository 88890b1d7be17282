//! A decoder-only transformer on a task or on text.

use super::training::{Stepped, Trained, train};
use crate::CompareError;
use crate::evaluate::{EvaluatedModel, attention, language, task};
use crate::grid::Cell;
use crate::results::{CellOutcome, CellResult, Measure, MeasureName};
use crate::track::Track;
use crate::track_data::TrackText;
use burn::module::Module;
use burn::tensor::Device;
use rand::RngExt;
use sisun_config::ModelConfig;
use sisun_config::randomness::stream;
use sisun_data::tasks::Task;
use sisun_data::{Batch, random_batch};
use sisun_infer::{GenerationOptions, LanguageModel, Sampler};
use sisun_model::{Count, Transformer};
use sisun_train::Trainer;
use std::ops::ControlFlow;

/// Number of rows whose patterns are used to measure the attention distance of heads.
const DISTANCE_ROWS: usize = 8;
/// Number of tokens of the prompt of a sample.
const PROMPT_TOKENS: usize = 16;
/// Approximate number of tokens in a sample of a language model.
const SAMPLE_TOKENS: usize = 160;

/// Train and evaluate the model of a cell; `None` if it is abandoned.
pub(super) fn run(
    cell: &Cell,
    config: &ModelConfig,
    track: &Track,
    text: Option<&TrackText>,
    device: &Device,
    stepped: Stepped<'_>,
) -> Result<Option<Trained<CellResult>>, CompareError> {
    let mut config = config.clone();
    if let Some(text) = text {
        config
            .vocab_size
            .get_or_insert(text.corpus.tokenizer.vocab_size());
    }
    let model = Transformer::random(&config, cell.seed, &device.clone().autodiff())?;
    let trainer =
        Trainer::new(model, &cell.settings.train).with_random_positions(cell.random_positions);
    let batch = |i| next_batch(cell, config.context_len, track, text, i);
    let Some(trained) = train(trainer, &cell.settings.train, &batch, stepped) else {
        return Ok(None);
    };
    let (mut result, model, trained) = trained.into_result(cell, Count::of(&config).total);
    if result.outcome == CellOutcome::Trained {
        let judged = EvaluatedModel {
            model: model.valid(),
            random_positions: cell.random_positions,
        };
        judge(&mut result, &judged, track, text)?;
    }
    Ok(Some(trained.with(result)))
}

/// Return the rows of one micro-batch: the same for every variant of a track and seed.
fn next_batch(
    cell: &Cell,
    context_len: usize,
    track: &Track,
    text: Option<&TrackText>,
    micro_step: u64,
) -> Batch {
    let batch_size = cell.settings.train.batch_size;
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
