//! Measurements of attention heads.

use crate::attend::CaptureSelection;
use crate::attention_maps::Token;
use crate::chance::Chance;
use crate::rollout::Rollout;
use crate::{InferError, LanguageModel};
use burn::tensor::{Int, Tensor, TensorData};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;
use sisun_config::randomness;
use sisun_model::{Activation, Capture, Pass};
use std::collections::BTreeMap;

/// Length of the random sequences that are repeated, if context and vocabulary allow.
const DRAWN: usize = 50;
/// Number of random sequences.
const SEQUENCES: usize = 8;

/// Measurements of one head.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeadStats {
    /// Layer, counted from 0.
    pub layer: usize,
    /// Head within the layer, counted from 0.
    pub head: usize,
    /// Spread of its attention over a text.
    #[serde(flatten)]
    pub spread: AttentionSpread,
    /// Attention to earlier occurrences.
    #[serde(flatten)]
    pub repetition: Repetition,
    /// Rise of the loss in nats per token when the head is ablated, if measured.
    #[serde(rename = "silenced")]
    pub ablation: Option<f64>,
}

impl HeadStats {
    /// Join what was measured of heads separately, by layer and head; without ablation.
    pub fn joined(
        layers: &[usize],
        heads: &[usize],
        spreads: &[Vec<AttentionSpread>],
        repetition: &[Vec<Repetition>],
    ) -> Vec<Vec<Self>> {
        let of_layer = |(l, &layer): (usize, &usize)| {
            let of_head = |(h, &head): (usize, &usize)| Self {
                layer,
                head,
                spread: spreads[l][h],
                repetition: repetition[l][h],
                ablation: None,
            };
            heads.iter().enumerate().map(of_head).collect()
        };
        layers.iter().enumerate().map(of_layer).collect()
    }
}

/// Spread of one head's attention over a text, averaged over queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AttentionSpread {
    /// `−Σ p·ln p` in nats: 0 for attention to one token, `ln n` for uniform attention to `n`.
    pub entropy: f64,
    /// `Σ p·|query − key|` in tokens.
    pub distance: f64,
    /// Weight on the previous token; from the second query on.
    pub previous: f64,
    /// Weight on the first token, an attention sink; from the second query on.
    pub first: f64,
}

impl AttentionSpread {
    /// Measure one pattern.
    ///
    /// # Shapes
    /// - `pattern`: `[query, key]`, `n` × `n`
    pub fn of(pattern: &[f32], n: usize) -> Self {
        let mut sum = Self::default();
        for (query, row) in pattern.chunks_exact(n).enumerate() {
            for (key, &p) in row.iter().enumerate().filter(|(_, p)| **p != 0.0) {
                let p = f64::from(p);
                sum.entropy -= p * p.ln();
                sum.distance += p * query.abs_diff(key) as f64;
            }
            if query > 0 {
                sum.previous += f64::from(row[query - 1]);
                sum.first += f64::from(row[0]);
            }
        }
        let (all, later) = (n.max(1) as f64, n.saturating_sub(1).max(1) as f64);
        Self {
            entropy: sum.entropy / all,
            distance: sum.distance / all,
            previous: sum.previous / later,
            first: sum.first / later,
        }
    }
}

/// Attention of one head to earlier occurrences in random sequences that are repeated, averaged
/// over the second occurrence. `None` if context or vocabulary is too small.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Repetition {
    /// Weight on the first occurrence of the same token.
    pub same: Option<f64>,
    /// Weight on the token after the first occurrence: prefix matching, the mark of an induction
    /// head (Olsson et al. 2022, "In-context Learning and Induction Heads").
    pub induction: Option<f64>,
}

impl Repetition {
    /// Measure patterns over sequences of `before` tokens followed by `drawn` tokens twice.
    ///
    /// # Shapes
    /// - each pattern: `[query, key]`, both of the length of the sequence
    pub(crate) fn of<'a>(
        patterns: impl Iterator<Item = &'a [f32]>,
        before: usize,
        drawn: usize,
    ) -> Self {
        let (mut same, mut induction, mut queries) = (0.0, 0.0, 0);
        let length = before + 2 * drawn;
        for pattern in patterns {
            for query in before + drawn..length {
                let row = &pattern[query * length..][..length];
                same += f64::from(row[query - drawn]);
                induction += f64::from(row[query - drawn + 1]);
                queries += 1;
            }
        }
        let mean = |sum: f64| (queries > 0).then(|| sum / f64::from(queries));
        Self {
            same: mean(same),
            induction: mean(induction),
        }
    }
}

/// Rise of the loss on held-out text, in nats per token, when a head is ablated, by
/// `(layer, head)`; measured heads only.
pub type LossRises = BTreeMap<(usize, usize), f64>;

/// Measurements of all heads of a model on a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadReport {
    /// Tokens of the text.
    pub tokens: Vec<Token>,
    /// Measurements of each head, layer by layer.
    pub heads: Vec<HeadStats>,
    /// Chance levels of the weights.
    pub chance: Chance,
    /// Attention rollout (Abnar and Zuidema 2020), `[query, key]`.
    pub rollout: Vec<Vec<f32>>,
}

impl LanguageModel {
    /// Measure each head on a text, without ablation.
    ///
    /// # Errors
    /// As for [`LanguageModel::attend`].
    pub fn heads(&self, text: &str) -> Result<HeadReport, InferError> {
        let looking = CaptureSelection::default();
        let (layers, heads) = looking.of(self.model.config())?;
        let n = self.tokens(text)?.len();
        self.check_length(n)?;
        self.check_room(n, heads.len(), 0, &looking)?;
        let mut spreads = Vec::new();
        let mut rollout = Rollout::new(n);
        let tokens = self.attend_each(text, &looking, |found| {
            let patterns: Vec<&[f32]> = found.by_head().map(|(_, pattern)| pattern).collect();
            rollout.add_layer(&patterns);
            spreads.push(
                patterns
                    .par_iter()
                    .map(|pattern| AttentionSpread::of(pattern, n))
                    .collect(),
            );
        })?;
        let stats = self.head_stats(&layers, &heads, &spreads).concat();
        let rollout = rollout
            .matrix()
            .chunks_exact(n)
            .map(<[f32]>::to_vec)
            .collect();
        Ok(HeadReport {
            tokens,
            heads: stats,
            chance: self.chance(n),
            rollout,
        })
    }

    /// Measure these heads, given their spread, by layer and head; without ablation.
    pub fn head_stats(
        &self,
        layers: &[usize],
        heads: &[usize],
        spreads: &[Vec<AttentionSpread>],
    ) -> Vec<Vec<HeadStats>> {
        HeadStats::joined(layers, heads, spreads, &self.repetition(layers, heads))
    }

    /// Return the chance levels on a text of `n` tokens and on repeated random sequences.
    pub fn chance(&self, n: usize) -> Chance {
        let repeated = self
            .repeatable()
            .map(|(ids, drawn)| (self.tokenizer.prefix().len(), drawn.min(ids.len())));
        Chance::of(self.model.config().causal, n, repeated)
    }

    /// Return the tokens to draw random sequences from, and the length of a sequence. Added tokens
    /// and tokens unknown to the model or the tokenizer are excluded. `None` if context or
    /// vocabulary is too small.
    fn repeatable(&self) -> Option<(Vec<i32>, usize)> {
        let (tokenizer, rows) = (&self.tokenizer, self.rows());
        let prefix = tokenizer.prefix();
        let known = tokenizer.vocab_size().min(rows) as u32;
        let ids: Vec<i32> = (0..known)
            .filter(|&id| tokenizer.has_token(id) && !tokenizer.is_added(id))
            .map(|id| id as i32)
            .collect();
        let drawn = DRAWN
            .min(self.model.config().context_len.saturating_sub(prefix.len()) / 2)
            .min(ids.len());
        (drawn >= 2 && prefix.iter().all(|&id| (id as usize) < rows)).then_some((ids, drawn))
    }

    /// Measure the attention of these heads on repeated random sequences, preceded by the prefix of
    /// the tokenizer, by layer and head. The sequences depend only on the vocabulary and the
    /// context length.
    pub fn repetition(&self, layers: &[usize], heads: &[usize]) -> Vec<Vec<Repetition>> {
        let Some((mut ids, drawn)) = self.repeatable() else {
            return vec![vec![Repetition::default(); heads.len()]; layers.len()];
        };
        let prefix: Vec<i32> = self
            .tokenizer
            .prefix()
            .iter()
            .map(|&id| id as i32)
            .collect();
        let mut tokens = Vec::new();
        for sequence in 0..SEQUENCES as u64 {
            // Sampled without replacement, so that each token has a unique earlier occurrence.
            let (chosen, _) = ids.partial_shuffle(
                &mut randomness::stream(0, "repeated tokens", sequence),
                drawn,
            );
            tokens.extend_from_slice(&prefix);
            tokens.extend_from_slice(chosen);
            tokens.extend_from_slice(chosen);
        }
        let length = prefix.len() + 2 * drawn;
        let tokens = TensorData::new(tokens, [SEQUENCES, length]);
        let mut capture = Capture::new(&[Activation::Pattern], layers, heads);
        let tokens = Tensor::<2, Int>::from_data(tokens, &self.model.device());
        let pass = Pass {
            edits: &self.edits.list,
            ..Pass::capturing(&mut capture)
        };
        self.model.forward_last(tokens, pass);
        let of_layer = |values: &[f32]| {
            let pattern = |sequence: usize, head: usize| {
                &values[(sequence * heads.len() + head) * length * length..]
            };
            let patterns = |head| (0..SEQUENCES).map(move |sequence| pattern(sequence, head));
            (0..heads.len())
                .map(|head| Repetition::of(patterns(head), prefix.len(), drawn))
                .collect()
        };
        capture
            .into_found()
            .iter()
            .map(|found| of_layer(&found.values))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{AttentionSpread, Repetition};

    #[test]
    fn spreads_by_hand() {
        #[rustfmt::skip]
        let pattern = [
            1.0, 0.0, 0.0,
            0.5, 0.5, 0.0,
            0.25, 0.75, 0.0,
        ];
        let spread = AttentionSpread::of(&pattern, 3);
        let entropy = (2f64.ln() + 0.25 * 4f64.ln() + 0.75 * (4f64 / 3.0).ln()) / 3.0;
        assert!((spread.entropy - entropy).abs() < 1e-12);
        assert!((spread.distance - (0.5 + 0.5 + 0.75) / 3.0).abs() < 1e-12);
        assert!((spread.previous - (0.5 + 0.75) / 2.0).abs() < 1e-12);
        assert!((spread.first - (0.5 + 0.25) / 2.0).abs() < 1e-12);
        assert_eq!(
            AttentionSpread::of(&[1.0], 1),
            AttentionSpread::default(),
            "one token looks at itself"
        );
    }

    #[test]
    fn the_token_after_the_same_token_is_induction() {
        // Two tokens, repeated once. The third query attends to the second token, the fourth half
        // to itself, half to the third.
        #[rustfmt::skip]
        let pattern = [
            1.0, 0.0, 0.0, 0.0,
            0.0, 1.0, 0.0, 0.0,
            0.2, 0.8, 0.0, 0.0,
            0.0, 0.0, 0.5, 0.5,
        ];
        let found = Repetition::of([&pattern[..]].into_iter(), 0, 2);
        assert_eq!(found.same, Some(f64::from(0.2f32) / 2.0));
        assert_eq!(found.induction, Some((f64::from(0.8f32) + 0.5) / 2.0));
        assert_eq!(
            Repetition::of(std::iter::empty(), 0, 2),
            Repetition::default()
        );
    }
    #[test]
    fn what_comes_before_the_tokens_that_come_twice_is_passed_over() {
        // One token, then two tokens repeated once. The fourth query attends to the second token,
        // the fifth to the fourth.
        let mut pattern = [0.0; 25];
        (pattern[3 * 5 + 1], pattern[4 * 5 + 3]) = (1.0, 1.0);
        let found = Repetition::of([&pattern[..]].into_iter(), 1, 2);
        assert_eq!((found.same, found.induction), (Some(0.5), Some(0.5)));
    }
}
