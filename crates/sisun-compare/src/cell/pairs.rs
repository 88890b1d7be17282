//! An encoder–decoder on pairs.

use super::training::{Stepped, Trained, train};
use crate::CompareError;
use crate::evaluate::pairs;
use crate::grid::Cell;
use crate::results::{CellOutcome, CellResult};
use crate::track::Track;
use crate::track_data::TrackPairs;
use burn::module::Module;
use burn::tensor::Device;
use sisun_config::Seq2SeqConfig;
use sisun_data::pairs::PairBuckets;
use sisun_infer::Translator;
use sisun_seq2seq::{Seq2Seq, Vocabularies, n_params};
use sisun_train::Trainer;
use sisun_train::seq2seq::training_batch;
use std::fmt::Write;
use std::sync::Arc;

/// Number of pairs in a sample.
const SAMPLE_PAIRS: usize = 4;

/// Train and evaluate the model of a cell; `None` if it is abandoned.
pub(super) fn run(
    cell: &Cell,
    config: &Seq2SeqConfig,
    track: &Track,
    data: &TrackPairs,
    device: &Device,
    stepped: Stepped<'_>,
) -> Result<Option<Trained<CellResult>>, CompareError> {
    let tokenizers = &data.pairs.tokenizers;
    let vocabularies = Vocabularies::from(tokenizers);
    let model = Seq2Seq::random(config, vocabularies, cell.seed, &device.clone().autodiff())?;
    let learnt = PairBuckets::new(
        Arc::clone(&data.pairs.train.tokens),
        cell.settings.train.batch_size,
        tokenizers.begin(),
        tokenizers.end(),
    );
    let trainer = Trainer::new(model, &cell.settings.train);
    let batch = |micro_step| training_batch(&learnt, &cell.settings.train, micro_step);
    let Some(trained) = train(trainer, &cell.settings.train, &batch, stepped) else {
        return Ok(None);
    };
    let parameters = u64::try_from(n_params(config, vocabularies)).unwrap_or(u64::MAX);
    let (mut result, model, trained) = trained.into_result(cell, parameters);
    if result.outcome == CellOutcome::Trained {
        let model = model.valid();
        result.measures = pairs::measure(&model, data, track.groups());
        result.sample = Some(sample(model, data));
    }
    Ok(Some(trained.with(result)))
}

/// Write the targets of some pairs that are held out, from the shortest source to the longest.
fn sample(model: Seq2Seq, data: &TrackPairs) -> String {
    let held_out = &data.pairs.validation;
    let mut order: Vec<usize> = (0..held_out.tokens.len()).collect();
    order.sort_by_key(|at| held_out.tokens[*at].source.len());
    let chosen = order.len().min(SAMPLE_PAIRS);
    let chosen: Vec<usize> = (0..chosen)
        .map(|i| order[i * (order.len() - 1) / (chosen - 1).max(1)])
        .collect();
    let sources: Vec<&[u32]> = chosen
        .iter()
        .map(|at| &*held_out.tokens[*at].source)
        .collect();
    let translator = Translator::new(String::new(), None, model, data.pairs.tokenizers.clone());
    let written = match translator.translate_ids(&sources) {
        Ok(written) => written,
        // The measurements are kept without a sample.
        Err(why) => return format!("(no sample: {why})"),
    };
    let mut text = String::new();
    for (at, written) in chosen.iter().zip(written) {
        let pair = &held_out.corpus.pairs[*at];
        let verdict = match written.text == pair.target {
            true => "right".to_owned(),
            false => format!("should be {}", pair.target),
        };
        // A model that has learnt nothing may not find the end.
        let longest = 2 * pair.target.chars().count() + 10;
        let mut shown: String = written.text.chars().take(longest).collect();
        if written.text.chars().count() > longest {
            shown.push('…');
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} → {shown} ({verdict})", pair.source);
    }
    text
}
