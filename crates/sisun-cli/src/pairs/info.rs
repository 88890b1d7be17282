//! Counting the parameters of a sequence-to-sequence model.

use crate::common::DeviceArgs;
use crate::needs::Needs;
use crate::terminal::{say, say_json};
use anyhow::Result;
use serde_json::json;
use sisun_config::Seq2SeqExperiment;
use sisun_data::pairs::{PairTokenizers, Pairs, prepare_pairs};
use sisun_files::RunDir;
use sisun_model::{Run, thousands};
use sisun_seq2seq::{Vocabularies, n_params};
use sisun_train::seq2seq;

/// Describe the model of a run, or of a configuration whose pairs give the vocabularies.
pub(crate) fn info(
    config: &Seq2SeqExperiment,
    run: Option<&Run>,
    as_json: bool,
    device: &DeviceArgs,
) -> Result<()> {
    let read = |tokenizers: Option<PairTokenizers>| {
        prepare_pairs(
            &config.pairs,
            config.tokenizers()?,
            tokenizers,
            &mut std::io::stdin().lock(),
        )
        .map_err(anyhow::Error::from)
    };
    let (vocabularies, pairs) = match run {
        Some(run) => {
            let files = RunDir::new(run.root());
            let own = PairTokenizers::from_files(
                config.tokenizers()?,
                &files.source_tokenizer(),
                &files.target_tokenizer(),
            )?;
            let pairs = read(Some(own.clone()))
                .inspect_err(|error| device.note(&format!("note: the pairs are not read: {error}")))
                .ok();
            (Vocabularies::from(&own), pairs)
        }
        None => match read(None) {
            Ok(pairs) => (Vocabularies::from(&pairs.tokenizers), Some(pairs)),
            Err(error) => {
                device.note(&format!(
                    "note: counted without the rows of the vocabularies: {error}"
                ));
                (
                    Vocabularies {
                        source: 0,
                        target: 0,
                    },
                    None,
                )
            }
        },
    };
    let parameters = u64::try_from(n_params(&config.seq2seq, vocabularies)).unwrap_or(u64::MAX);
    let needs = pairs
        .as_ref()
        .map(|pairs| needs(config, pairs, parameters, 0));
    if as_json {
        return say_json(&json!({
            "name": config.name,
            "seq2seq": config.seq2seq,
            "source_vocab": vocabularies.source,
            "target_vocab": vocabularies.target,
            "count": { "total": parameters },
            "needs": needs.map(|needs| needs.json(None)),
        }));
    }
    say(&format!(
        "{}: {}",
        config.name,
        seq2seq::shape(&config.seq2seq)
    ))?;
    say("")?;
    let bytes = |each: u64| crate::units::bytes(parameters.saturating_mul(each));
    for (what, value) in [
        ("source tokens", thousands(vocabularies.source as u64)),
        (
            "target tokens, with begin and end",
            thousands(vocabularies.target_rows() as u64),
        ),
        ("total parameters", thousands(parameters)),
        ("weights in float32", bytes(4)),
        ("training state (weights, gradients, moments)", bytes(16)),
    ] {
        say(&format!("  {what:<52}{value:>12}"))?;
    }
    match needs {
        Some(needs) => say(&format!("\ntraining needs: {}", needs.in_words(None))),
        None => Ok(()),
    }
}

/// Return the needs of the steps after `step`.
pub(crate) fn needs(
    config: &Seq2SeqExperiment,
    pairs: &Pairs,
    parameters: u64,
    step: u64,
) -> Needs {
    let all = pairs.train.tokens.iter();
    let text: u64 = all
        .map(|pair| (pair.source.len() + pair.target.len() + 1) as u64)
        .sum();
    let train = &config.train;
    let drawn = (train.batch_size as u64)
        .saturating_mul(train.gradient_accumulation_steps as u64)
        .saturating_mul(train.steps.saturating_sub(step));
    // Batches are drawn so that each pair is as likely as any other.
    let mean = text as f64 / pairs.train.tokens.len().max(1) as f64;
    Needs::of_pairs(
        parameters,
        (drawn as f64 * mean) as u64,
        text,
        seq2seq::expected_bytes(&config.seq2seq, train, pairs),
    )
}
