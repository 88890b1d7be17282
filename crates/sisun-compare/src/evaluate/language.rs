//! Prediction of text at context lengths beyond those of training.

use super::{EvaluatedModel, surprise};
use crate::results::{Measure, MeasureName};
use crate::track::length_at;
use sisun_config::{Position, RopeScaling};
use sisun_data::{Tokenizer, Tokens};
use std::f64::consts::LN_2;

/// Number of bins per trained context in which the loss by position is averaged.
const BINS_A_CONTEXT: usize = 8;
/// Number of windows that are read both with and without their future.
const LEAK_WINDOWS: usize = 64;

/// Everything that is measured on held-out text: `factors` times the trained context `context_len`,
/// on the same first `eval_tokens` tokens each time. `tokenizer` is the one that made the tokens.
pub(crate) fn measure(
    model: &EvaluatedModel,
    text: &Tokens,
    tokenizer: &Tokenizer,
    context_len: usize,
    factors: &[f64],
    eval_tokens: usize,
) -> Vec<Measure> {
    let ids = text.read(0..text.len().min(eval_tokens + 1));
    let held_out = HeldOut {
        ids: &ids,
        text,
        tokenizer,
    };
    let mut measures = Vec::new();
    let mut longest = None;
    for factor in factors {
        let length = length_at(context_len, *factor);
        let mut push = |name, value: Result<f64, String>| {
            let (value, note) =
                value.map_or_else(|note| (None, Some(note)), |value| (Some(value), None));
            measures.push(Measure {
                name,
                at: length,
                value,
                note,
            });
        };
        let possible = check(model, &ids, length);
        push(
            MeasureName::BitsPerByte,
            possible
                .clone()
                .and_then(|()| held_out.bits_per_byte(model, length, length)),
        );
        let stride = (context_len / 2).max(1);
        push(
            MeasureName::BitsPerByteSliding,
            possible
                .clone()
                .and_then(|()| held_out.bits_per_byte(model, length, stride)),
        );
        if possible.is_ok() {
            longest = Some(length);
            measures.extend(scaled(model, &held_out, context_len, length));
        }
    }
    if let Some(length) = longest {
        measures.extend(by_position(
            model,
            &ids,
            length,
            (context_len / BINS_A_CONTEXT).max(1),
        ));
    }
    if ids.len() > context_len {
        measures.extend(leak(model, &ids, context_len));
    }
    measures
}

/// Measure the bits per byte of a rotary model beyond the trained context, with its frequencies
/// scaled for that length in each of the ways.
fn scaled(
    model: &EvaluatedModel,
    held_out: &HeldOut<'_>,
    context_len: usize,
    length: usize,
) -> Vec<Measure> {
    let factor = length as f64 / context_len as f64;
    let rotary = model.random_positions.is_none()
        && matches!(
            model.model.config().position,
            Position::Rope { scaling: None, .. }
        );
    if !rotary || length <= context_len {
        return Vec::new();
    }
    let ways = [
        (
            MeasureName::BitsPerByteLinear,
            RopeScaling::Linear { factor },
        ),
        (MeasureName::BitsPerByteNtk, RopeScaling::Ntk { factor }),
        (
            MeasureName::BitsPerByteYarn,
            RopeScaling::yarn(factor, context_len),
        ),
    ];
    let measure = |(name, scaling)| {
        let changed = EvaluatedModel {
            model: model.model.clone().with_rope_scaling(scaling),
            ..*model
        };
        let value = held_out.bits_per_byte(&changed, length, length);
        let (value, note) =
            value.map_or_else(|note| (None, Some(note)), |value| (Some(value), None));
        Measure {
            name,
            at: length,
            value,
            note,
        }
    };
    ways.map(measure).into()
}

/// Check that a length can be measured, or return the reason why not.
fn check(model: &EvaluatedModel, ids: &[u32], length: usize) -> Result<(), String> {
    model.check_length(length)?;
    if ids.len() > length {
        Ok(())
    } else {
        Err(format!("the held-out text has only {} tokens", ids.len()))
    }
}

/// The held-out text, and its tokens that are judged.
struct HeldOut<'a> {
    ids: &'a [u32],
    text: &'a Tokens,
    tokenizer: &'a Tokenizer,
}

impl HeldOut<'_> {
    /// Bits per byte in windows as [`mean_loss`] has them, over the tokens that they judge.
    fn bits_per_byte(
        &self,
        model: &EvaluatedModel,
        length: usize,
        stride: usize,
    ) -> Result<f64, String> {
        let (loss, count) = mean_loss(model, self.ids, length, stride);
        // They judge every token from the second on, each once.
        self.text
            .tokens_per_byte(std::iter::once(1..1 + count), self.tokenizer)
            .map(|per_byte| loss * (per_byte / LN_2))
            .ok_or_else(|| "the tokens that are judged stand for no text".to_owned())
    }
}

/// Nats per token, and over how many tokens, in windows of `length` that begin `stride` tokens apart. The first is judged on
/// all of its tokens, the others on their last `stride`: with `stride = length` windows do not
/// overlap.
fn mean_loss(model: &EvaluatedModel, ids: &[u32], length: usize, stride: usize) -> (f64, usize) {
    let starts: Vec<usize> = (0..ids.len() - length).step_by(stride).collect();
    let rows: Vec<&[u32]> = starts
        .iter()
        .map(|start| &ids[*start..start + length])
        .collect();
    let (mut sum, mut count) = (0.0, 0);
    model.each_logits(model.places(length).as_deref(), &rows, |i, logits| {
        let vocab = logits.len() / length;
        let from = if i == 0 {
            0
        } else {
            length - stride.min(length)
        };
        for pos in from..length {
            sum += surprise(&logits[pos * vocab..][..vocab], ids[starts[i] + pos + 1]);
            count += 1;
        }
    });
    (sum / count as f64, count)
}

/// Return the mean loss at positions `bin·i..bin·(i+1)` of windows that do not overlap.
fn by_position(model: &EvaluatedModel, ids: &[u32], length: usize, bin: usize) -> Vec<Measure> {
    let starts: Vec<usize> = (0..ids.len() - length).step_by(length).collect();
    let rows: Vec<&[u32]> = starts
        .iter()
        .map(|start| &ids[*start..start + length])
        .collect();
    let mut sums = vec![(0.0, 0u32); length.div_ceil(bin)];
    model.each_logits(model.places(length).as_deref(), &rows, |i, logits| {
        let vocab = logits.len() / length;
        for pos in 0..length {
            let (sum, count) = &mut sums[pos / bin];
            *sum += surprise(&logits[pos * vocab..][..vocab], ids[starts[i] + pos + 1]);
            *count += 1;
        }
    });
    let measure = |(i, (sum, count)): (usize, &(f64, u32))| Measure {
        name: MeasureName::LossAtPosition,
        at: i * bin,
        value: Some(sum / f64::from(*count)),
        note: None,
    };
    sums.iter().enumerate().map(measure).collect()
}

/// Measure the loss at three positions of some windows, given the whole window and given only the
/// tokens before. The two differ if a model looks ahead.
fn leak(model: &EvaluatedModel, ids: &[u32], context_len: usize) -> [Measure; 2] {
    let apart = ((ids.len() - context_len) / LEAK_WINDOWS).max(1);
    let starts: Vec<usize> = (0..ids.len() - context_len)
        .step_by(apart)
        .take(LEAK_WINDOWS)
        .collect();
    let judged_at = [
        context_len / 4,
        context_len / 2,
        context_len.saturating_sub(2),
    ];
    let (mut whole, mut past) = (0.0, 0.0);
    let rows: Vec<&[u32]> = starts
        .iter()
        .map(|start| &ids[*start..start + context_len])
        .collect();
    let places = model.places(context_len);
    model.each_logits(places.as_deref(), &rows, |i, logits| {
        let vocab = logits.len() / context_len;
        whole += judged_at
            .map(|pos| surprise(&logits[pos * vocab..][..vocab], ids[starts[i] + pos + 1]))
            .iter()
            .sum::<f64>();
    });
    for pos in judged_at {
        let rows: Vec<&[u32]> = starts
            .iter()
            .map(|start| &ids[*start..=start + pos])
            .collect();
        let places = places.as_ref().map(|places| &places[..=pos]);
        model.each_logits(places, &rows, |i, logits| {
            let vocab = logits.len() / (pos + 1);
            past += surprise(&logits[pos * vocab..], ids[starts[i] + pos + 1]);
        });
    }
    let n = (starts.len() * judged_at.len()) as f64;
    [
        (MeasureName::LossWholeWindow, whole / n),
        (MeasureName::LossPastOnly, past / n),
    ]
    .map(|(name, value)| Measure {
        name,
        at: context_len,
        value: Some(value),
        note: None,
    })
}
