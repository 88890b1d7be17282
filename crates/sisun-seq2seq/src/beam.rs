//! Beam search.

use crate::edits::Seq2SeqEdits;
use crate::greedy::{Hypothesis, encode_edited, log_probs};
use crate::model::Seq2Seq;

/// Settings of a beam search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Beam {
    /// Number of hypotheses.
    pub width: usize,
    /// α of [`length_penalty`]: 0 compares log-probabilities, 1 nearly their means.
    pub length_penalty: f64,
}

/// Return `((5 + len) / 6)^α` (Wu et al. 2016, equation 14), by which the log-probability of a
/// target of `len` tokens is divided, its end included.
pub fn length_penalty(len: usize, alpha: f64) -> f64 {
    ((5.0 + len as f64) / 6.0).powf(alpha)
}

/// A hypothesis that goes on, with its row of the decoder's state.
struct Open {
    tokens: Vec<u32>,
    log_prob: f64,
}

/// Write the best targets of one source, best first.
///
/// At each step the most likely continuations of all hypotheses are kept, `width` less those that
/// have ended: a hypothesis keeps its place when it ends (as in Bahdanau et al. 2015), so that a
/// beam of one is [`crate::greedy`]. The search is over when all have ended or reached `max_len`
/// tokens.
///
/// # Panics
/// If the source is empty or the width 0.
pub fn beam(model: &Seq2Seq, source: &[u32], max_len: usize, settings: Beam) -> Vec<Hypothesis> {
    assert!(settings.width > 0, "a beam of no hypotheses");
    let vocabularies = model.vocabularies();
    let no_edits = Seq2SeqEdits::default();
    let mut state = encode_edited(model, &[source], &no_edits);
    let mut ended: Vec<Hypothesis> = Vec::new();
    let mut open = vec![Open {
        tokens: Vec::new(),
        log_prob: 0.0,
    }];
    let score = |log_prob: f64, len: usize| log_prob / length_penalty(len, settings.length_penalty);
    for _ in 0..max_len.min(model.config().max_target_len()) {
        let last: Vec<u32> = open
            .iter()
            .map(|one| one.tokens.last().copied().unwrap_or(vocabularies.begin()))
            .collect();
        let mut candidates: Vec<(f64, usize, u32)> = Vec::new();
        for (row, log_probs) in log_probs(model, &last, &mut state, &no_edits)
            .iter()
            .enumerate()
        {
            for (token, log_prob) in log_probs.iter().enumerate() {
                if *log_prob > f64::NEG_INFINITY {
                    candidates.push((open[row].log_prob + log_prob, row, token as u32));
                }
            }
        }
        // The sort is stable: among equals the lowest row and token.
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        candidates.truncate(settings.width - ended.len());
        let (mut rows, mut next) = (Vec::new(), Vec::new());
        for (log_prob, row, token) in candidates {
            let mut tokens = open[row].tokens.clone();
            if token == vocabularies.end() {
                ended.push(Hypothesis {
                    score: score(log_prob, tokens.len() + 1),
                    tokens,
                    ended: true,
                    log_prob,
                });
            } else {
                tokens.push(token);
                rows.push(row);
                next.push(Open { tokens, log_prob });
            }
        }
        open = next;
        if open.is_empty() {
            break;
        }
        state = state.select(&rows);
    }
    ended.extend(open.into_iter().map(|one| Hypothesis {
        score: score(one.log_prob, one.tokens.len()),
        tokens: one.tokens,
        ended: false,
        log_prob: one.log_prob,
    }));
    ended.sort_by(|a, b| b.score.total_cmp(&a.score));
    ended
}

#[cfg(test)]
mod tests {
    use super::length_penalty;

    #[test]
    fn the_penalty_is_that_of_wu_and_others() {
        assert_eq!(length_penalty(1, 0.6), 1.0);
        assert_eq!(length_penalty(30, 0.0), 1.0);
        assert!((length_penalty(7, 1.0) - 2.0).abs() < 1e-12);
        assert!((length_penalty(19, 0.5) - 2.0).abs() < 1e-12);
    }
}
