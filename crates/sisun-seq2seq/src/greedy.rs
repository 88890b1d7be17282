//! Writing the most likely token at each step.

use crate::batch::{Rows, pad, source_tensor};
use crate::edits::Seq2SeqEdits;
use crate::model::Seq2Seq;
use crate::state::DecoderState;
use sisun_model::to_host;

/// A target that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Hypothesis {
    /// Its tokens, without begin and end.
    pub tokens: Vec<u32>,
    /// True if the end was written; false if the limit was reached first.
    pub ended: bool,
    /// Log-probability of its tokens and of the end, if it was written, in nats.
    pub log_prob: f64,
    /// Log-probability divided by the length penalty.
    pub score: f64,
}

/// Write a target for each source: at each step the most likely token, the lowest among equals.
///
/// A target has at most `max_len` tokens, its end included, and at most `max_target_len`.
///
/// # Panics
/// If a source is empty.
pub fn greedy(model: &Seq2Seq, sources: &[&[u32]], max_len: usize) -> Vec<Hypothesis> {
    greedy_edited(model, sources, max_len, &Seq2SeqEdits::default())
}

/// Like [`greedy`], with edits of activations.
///
/// # Panics
/// If a source is empty.
pub fn greedy_edited(
    model: &Seq2Seq,
    sources: &[&[u32]],
    max_len: usize,
    edits: &Seq2SeqEdits,
) -> Vec<Hypothesis> {
    let vocabularies = model.vocabularies();
    let mut written = vec![
        Hypothesis {
            tokens: Vec::new(),
            ended: false,
            log_prob: 0.0,
            score: 0.0,
        };
        sources.len()
    ];
    if sources.is_empty() {
        return written;
    }
    let mut state = encode_edited(model, sources, edits);
    // Rows that go on, and the last token of each.
    let mut open: Vec<usize> = (0..sources.len()).collect();
    let mut last = vec![vocabularies.begin(); sources.len()];
    for _ in 0..max_len.min(model.config().max_target_len()) {
        let log_probs = log_probs(model, &last, &mut state, edits);
        let mut kept = Vec::new();
        last.clear();
        for (row, log_probs) in log_probs.iter().enumerate() {
            let hypothesis = &mut written[open[row]];
            let token = most_likely(log_probs);
            hypothesis.log_prob += log_probs[token as usize];
            if token == vocabularies.end() {
                hypothesis.ended = true;
            } else {
                hypothesis.tokens.push(token);
                kept.push(row);
                last.push(token);
            }
        }
        if kept.is_empty() {
            break;
        }
        if kept.len() < open.len() {
            state = state.select(&kept);
            open = kept.iter().map(|row| open[*row]).collect();
        }
    }
    for hypothesis in &mut written {
        hypothesis.score = hypothesis.log_prob;
    }
    written
}

impl Seq2Seq {
    /// Read sources given as ids, and return the decoder's state before the first token.
    ///
    /// # Panics
    /// If a source is empty.
    pub fn encode_ids(&self, sources: &[&[u32]]) -> DecoderState {
        encode_edited(self, sources, &Seq2SeqEdits::default())
    }
}

/// Read sources.
///
/// # Panics
/// If a source is empty.
pub(crate) fn encode_edited(
    model: &Seq2Seq,
    sources: &[&[u32]],
    edits: &Seq2SeqEdits,
) -> DecoderState {
    let (tokens, lens) = pad(sources);
    assert!(lens.iter().all(|len| *len > 0), "an empty source");
    let rows = Rows {
        tokens: &tokens,
        lens: &lens,
    };
    let (source, lens) = source_tensor(rows, &model.device());
    model.encode(source, lens, &mut edits.pass())
}

/// Let the decoder read a token of each row, and return the log-probabilities of the next. The begin
/// of a target is never next.
pub(crate) fn log_probs(
    model: &Seq2Seq,
    last: &[u32],
    state: &mut DecoderState,
    edits: &Seq2SeqEdits,
) -> Vec<Vec<f64>> {
    let (shape, logits) = to_host(model.step(last, state, &mut edits.pass()));
    let begin = model.vocabularies().begin() as usize;
    logits
        .chunks_exact(shape[1])
        .map(|row| {
            let possible = |at: usize| at != begin;
            let logit = |at: usize| f64::from(row[at]);
            let all = || (0..row.len()).filter(|at| possible(*at)).map(logit);
            let largest = all().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = all().map(|x| (x - largest).exp()).sum();
            let log_sum = largest + sum.ln();
            (0..row.len())
                .map(|at| match possible(at) {
                    true => logit(at) - log_sum,
                    false => f64::NEG_INFINITY,
                })
                .collect()
        })
        .collect()
}

/// Return the most likely token, the lowest among equals.
fn most_likely(log_probs: &[f64]) -> u32 {
    let mut best = 0;
    for (token, log_prob) in log_probs.iter().enumerate() {
        if *log_prob > log_probs[best] {
            best = token;
        }
    }
    best as u32
}
