//! Evaluating on pairs.

use super::open;
use crate::common::DeviceArgs;
use crate::terminal::{say, say_json};
use anyhow::{Result, bail};
use serde_json::{Value, json};
use sisun_data::pairs::{PairFiles, PairSet, read_pairs, tokenize_pairs};
use sisun_infer::{PairEvaluation, PairScores, Translator};
use sisun_model::{Run, thousands};
use sisun_seq2seq::measures::AlignmentScores;
use sisun_train::seq2seq::own_pairs;

/// Evaluate a run on its held-out pairs, or on those of other files.
pub(crate) fn evaluate(
    run: &Run,
    files: PairFiles<'_>,
    limit: Option<usize>,
    as_json: bool,
    device: &DeviceArgs,
) -> Result<()> {
    let loaded = open(run, device)?;
    let config = run.seq2seq_config()?;
    let pairs = match files.sources {
        [] => own_pairs(run, &config)?.validation,
        _ => {
            let corpus = read_pairs(files, &config.pairs, &mut std::io::stdin().lock())?;
            let tokens = tokenize_pairs(&corpus, &loaded.tokenizers)?.into();
            PairSet { corpus, tokens }
        }
    };
    let found = loaded.evaluate(&pairs, limit)?;
    match as_json {
        true => say_json(&whole(&loaded, &found))?,
        false => show(&found)?,
    }
    match found.all.loss().is_finite() {
        true => Ok(()),
        false => bail!(
            "the loss is no finite number: the model's activations overflow, or its weights are damaged"
        ),
    }
}

fn whole(loaded: &Translator, found: &PairEvaluation) -> Value {
    let best = found.all.best_head();
    let mut object = scores(&found.all, best);
    object["step"] = loaded.step.into();
    object["bleu_tokens"] = found.bleu_tokens.name().into();
    object["best_head"] = best.map_or(
        Value::Null,
        |(layer, head)| json!({ "layer": layer, "head": head }),
    );
    object["heads"] = heads(&found.all);
    object["by_length"] = found
        .by_length
        .iter()
        .map(|(lengths, of_group)| {
            let mut group = scores(of_group, best);
            group["from"] = (*lengths.start()).into();
            group["to"] = (*lengths.end()).into();
            group
        })
        .collect();
    object
}

/// Return the scores of some pairs; the alignment is that of the head that is best on all.
fn scores(of: &PairScores, best: Option<(usize, usize)>) -> Value {
    let aligned = best.and_then(|(layer, head)| of.head(layer, head));
    let loss = of.loss();
    json!({
        "pairs": of.texts.texts,
        "tokens": of.tokens,
        "loss": loss,
        "perplexity": loss.exp(),
        "exact_match": of.texts.exact_match(),
        "character_error_rate": of.texts.character_error_rate(),
        "bleu": of.texts.bleu().map(|bleu| bleu.score),
        "alignment_error_rate": aligned.and_then(AlignmentScores::alignment_error_rate),
        "attention_mass": aligned.and_then(AlignmentScores::attention_mass),
        "even_attention_mass": aligned.and_then(AlignmentScores::even_attention_mass),
        "pointing_accuracy": aligned.and_then(AlignmentScores::pointing_accuracy),
    })
}

/// Return the alignment scores of each head, and of the mean of each layer's heads, if an alignment
/// is known.
fn heads(of: &PairScores) -> Value {
    let mut all = Vec::new();
    for (layer, found) in of.layers.iter().enumerate() {
        let numbered = found.heads.iter().enumerate();
        let numbered = numbered.map(|(head, scores)| (json!(head), scores));
        let mean = (found.heads.len() > 1).then(|| (json!("mean"), &found.mean));
        for (head, scores) in numbered.chain(mean) {
            if scores.alignment_error_rate().is_none() {
                continue;
            }
            all.push(json!({
                "layer": layer,
                "head": head,
                "alignment_error_rate": scores.alignment_error_rate(),
                "attention_mass": scores.attention_mass(),
                "pointing_accuracy": scores.pointing_accuracy(),
            }));
        }
    }
    all.into()
}

fn show(found: &PairEvaluation) -> Result<()> {
    let all = &found.all;
    let percent = |share: Option<f64>| {
        share.map_or("–".to_owned(), |share| format!("{:.2} %", 100.0 * share))
    };
    say(&format!(
        "{} pairs: loss {:.4}, perplexity {:.3}, exact match {}, character error rate {}, BLEU {:.2} ({})",
        thousands(all.texts.texts),
        all.loss(),
        all.loss().exp(),
        percent(all.texts.exact_match()),
        percent(all.texts.character_error_rate()),
        all.texts.bleu().map_or(0.0, |bleu| bleu.score),
        found.bleu_tokens.name(),
    ))?;
    let best = all.best_head();
    if let Some((layer, head)) = best
        && let Some(aligned) = all.head(layer, head)
    {
        say(&format!(
            "attention of layer {layer}, head {head}, while the true targets are read: alignment error rate {:.4}, mass on the true span {} (even: {}), points right {}",
            aligned.alignment_error_rate().unwrap_or(f64::NAN),
            percent(aligned.attention_mass()),
            percent(aligned.even_attention_mass()),
            percent(aligned.pointing_accuracy()),
        ))?;
    }
    say("\nsource tokens     pairs       exact   characters wrong   alignment error")?;
    for (lengths, of) in &found.by_length {
        let aligned = best.and_then(|(layer, head)| of.head(layer, head));
        let error = aligned.and_then(AlignmentScores::alignment_error_rate);
        let lengths = match lengths.start() == lengths.end() {
            true => lengths.start().to_string(),
            false => format!("{}–{}", lengths.start(), lengths.end()),
        };
        say(&format!(
            "{lengths:>13}{:>10}{:>12}{:>19}{:>18}",
            thousands(of.texts.texts),
            percent(of.texts.exact_match()),
            percent(of.texts.character_error_rate()),
            error.map_or("–".to_owned(), |error| format!("{error:.4}")),
        ))?;
    }
    Ok(())
}
