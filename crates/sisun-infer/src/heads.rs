//! What heads do, by numbers.

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

/// Tokens that are drawn and then repeated, where context and vocabulary allow.
const DRAWN: usize = 50;
/// Sequences of them.
const SEQUENCES: usize = 8;

/// What one head does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HeadStats {
    /// Its layer, counted from 0.
    pub layer: usize,
    /// Its number in the layer, counted from 0.
    pub head: usize,
    /// How its attention is spread over a text.
    #[serde(flatten)]
    pub spread: AttentionSpread,
    /// How it attends to what was there before.
    #[serde(flatten)]
    pub repetition: Repetition,
    /// Nats per token by which the loss rises when the head is silent, where that was measured.
    #[serde(rename = "silenced")]
    pub ablation: Option<f64>,
}

/// How one head's attention is spread over a text; means over its queries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct AttentionSpread {
    /// `−Σ p·ln p` in nats: 0 for a head that looks at one token, `ln n` for an even look at `n`.
    pub entropy: f64,
    /// `Σ p·|query − key|` in tokens.
    pub distance: f64,
    /// Weight on the token just before; from the second query on.
    pub previous: f64,
    /// Weight on the first token, where heads with nothing to say rest; from the second query on.
    pub first: f64,
}

impl AttentionSpread {
    /// Of one pattern.
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

/// How one head attends to what was there before, on random tokens that come twice; means over the
/// second time. `None` where context or vocabulary is too small for a sequence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Repetition {
    /// Weight on the same token, the first time.
    pub same: Option<f64>,
    /// Weight on the token that came next the first time: prefix matching, which makes an induction
    /// head (Olsson et al. 2022, "In-context Learning and Induction Heads").
    pub induction: Option<f64>,
}

impl Repetition {
    /// Of patterns over sequences of `before` tokens and then `drawn` tokens that come twice.
    ///
    /// # Shapes
    /// - each pattern: `[query, key]`, of both as many as the sequence has tokens
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

/// Nats per token by which the loss on other text rises without a layer's head, where that was
/// measured: `(layer, head)` to rise.
pub type LossRises = BTreeMap<(usize, usize), f64>;

/// What the heads of a model do on a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadReport {
    /// The text's tokens.
    pub tokens: Vec<Token>,
    /// One for each head, layer by layer.
    pub heads: Vec<HeadStats>,
    /// What the weights among these are by chance.
    pub chance: Chance,
    /// Attention rollout (Abnar and Zuidema 2020), `[query, key]`.
    pub rollout: Vec<Vec<f32>>,
}

impl LanguageModel {
    /// What each head does on a text; no head is ablated.
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

    /// What is known of these heads: for each layer, for each head, given its spread; nothing is
    /// ablated.
    pub fn head_stats(
        &self,
        layers: &[usize],
        heads: &[usize],
        spreads: &[Vec<AttentionSpread>],
    ) -> Vec<Vec<HeadStats>> {
        let repetition = self.repetition(layers, heads);
        let of_layer = |(l, &layer): (usize, &usize)| {
            let of_head = |(h, &head): (usize, &usize)| HeadStats {
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

    /// The weights that a head has by chance, on a text of `n` tokens and on random sequences that
    /// come twice.
    pub fn chance(&self, n: usize) -> Chance {
        let repeated = self
            .repeatable()
            .map(|(ids, drawn)| (self.tokenizer.prefix().len(), drawn.min(ids.len())));
        Chance::of(self.model.config().causal, n, repeated)
    }

    /// The tokens that sequences are drawn from, and how many are drawn: none that were added to a
    /// vocabulary, none that model or tokenizer lacks. `None` where context or vocabulary is too
    /// small.
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

    /// How each of these heads attends on random sequences that come twice, after what the
    /// tokenizer puts before a text: for each layer, for each head. The sequences follow from the
    /// vocabulary and the context's length alone.
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
            // No token twice among those drawn, so that each has one place to look back to.
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
        self.model
            .forward_last(tokens, Pass::capturing(&mut capture));
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
        // Two tokens twice; the third query looks at the second token, the fourth half at itself,
        // half at the third.
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
        // One token, then two twice; the fourth query looks at the second token, the fifth at the
        // fourth.
        let mut pattern = [0.0; 25];
        (pattern[3 * 5 + 1], pattern[4 * 5 + 3]) = (1.0, 1.0);
        let found = Repetition::of([&pattern[..]].into_iter(), 1, 2);
        assert_eq!((found.same, found.induction), (Some(0.5), Some(0.5)));
    }
}
