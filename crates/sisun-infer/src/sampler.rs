//! Sampling the next token from logits.

use crate::InferError;
use rand::RngExt;
use serde::Serialize;
use sisun_config::randomness;
use sisun_kernels::log_sum_exp;
use std::cmp::Ordering;

/// Method of choosing the next token. The stages apply in this order: repetition penalty,
/// temperature, top-k, top-p, min-p.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Sampler {
    /// Divisor of the logits; 0 selects the most likely token.
    pub temperature: f64,
    /// Number of most likely tokens to sample from; 0 for all (Fan et al. 2018).
    pub top_k: usize,
    /// Sample from the most likely tokens whose probabilities reach this sum; 1 for all (Holtzman
    /// et al. 2020).
    pub top_p: f64,
    /// Sample from tokens at least this fraction as likely as the most likely one; 0 for all
    /// (Nguyen et al. 2024).
    pub min_p: f64,
    /// Factor that divides positive and multiplies negative logits of tokens that have occurred; 1
    /// for none (Keskar et al. 2019, §4.1).
    pub repetition_penalty: f64,
    /// Random seed; each draw depends on it, the sample number and the token's position only.
    pub seed: u64,
}

impl Default for Sampler {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repetition_penalty: 1.0,
            seed: 0,
        }
    }
}

/// A chosen token.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Token id.
    pub id: u32,
    /// Log-probability under the model, before any stage.
    pub logprob: f64,
}

impl Sampler {
    /// Check every setting against its range.
    ///
    /// # Errors
    /// If a setting is out of range; the error names the first.
    pub fn validate(&self) -> Result<(), InferError> {
        let check = |holds: bool, key, value: f64, rule| {
            if holds {
                Ok(())
            } else {
                Err(InferError::OutOfRange {
                    key,
                    value: value.to_string(),
                    rule,
                })
            }
        };
        let t = self.temperature;
        check(
            t.is_finite() && t >= 0.0,
            "temperature",
            t,
            "must be 0 (greedy) or a positive number",
        )?;
        check(
            self.top_p > 0.0 && self.top_p <= 1.0,
            "top-p",
            self.top_p,
            "must be above 0 and at most 1",
        )?;
        check(
            (0.0..=1.0).contains(&self.min_p),
            "min-p",
            self.min_p,
            "must be from 0 to 1",
        )?;
        let penalty = self.repetition_penalty;
        check(
            penalty.is_finite() && penalty > 0.0,
            "repetition-penalty",
            penalty,
            "must be a positive number",
        )
    }

    /// Choose the token at position `place` of sample number `sample`, given the tokens before it.
    pub fn choose(&self, logits: &[f32], before: &[u32], sample: u64, place: u64) -> Choice {
        let [largest, rest] = log_sum_exp(logits);
        let logprob =
            |id: u32| f64::from(logits[id as usize]) - f64::from(largest) - f64::from(rest);
        if self.temperature == 0.0 && self.repetition_penalty == 1.0 {
            let id = logits
                .iter()
                .position(|logit| *logit == largest)
                .map_or(0, |id| id as u32);
            return Choice {
                id,
                logprob: logprob(id),
            };
        }
        if self.temperature == 0.0 {
            let id = likeliest(&self.penalised(logits, before));
            return Choice {
                id,
                logprob: logprob(id),
            };
        }
        let candidates = self.weights(logits, before);
        let total: f64 = candidates.iter().map(|(_, weight)| weight).sum();
        let mut left = randomness::stream(self.seed, &format!("sample {sample}"), place)
            .random::<f64>()
            * total;
        let drawn = candidates.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        // Rounding can leave a remainder after the last candidate.
        let id = drawn.or(candidates.last()).map_or(0, |(id, _)| *id);
        Choice {
            id,
            logprob: logprob(id),
        }
    }

    /// Return the same sampler without the stages that remove tokens.
    pub(crate) fn unlimited(&self) -> Self {
        Self {
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            ..*self
        }
    }

    /// Return the tokens that can be drawn and their weights, in the order of their ids. The
    /// temperature must not be 0.
    pub(crate) fn weights(&self, logits: &[f32], before: &[u32]) -> Vec<(u32, f64)> {
        self.candidates(&self.penalised(logits, before))
    }

    fn penalised(&self, logits: &[f32], before: &[u32]) -> Vec<f64> {
        let mut logits: Vec<f64> = logits.iter().map(|&logit| f64::from(logit)).collect();
        self.penalise(&mut logits, before);
        logits
    }

    fn penalise(&self, logits: &mut [f64], before: &[u32]) {
        if self.repetition_penalty == 1.0 {
            return;
        }
        let mut seen = before.to_vec();
        seen.sort_unstable();
        seen.dedup();
        for id in seen {
            if let Some(logit) = logits.get_mut(id as usize) {
                let factor = self.repetition_penalty;
                *logit = if *logit > 0.0 {
                    *logit / factor
                } else {
                    *logit * factor
                };
            }
        }
    }

    /// Return the tokens that pass every stage and their weights (1 for the most likely), in the
    /// order of their ids.
    fn candidates(&self, logits: &[f64]) -> Vec<(u32, f64)> {
        let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weight = |logit: &f64| ((logit - largest) / self.temperature).exp();
        let mut all: Vec<(u32, f64)> = (0..).zip(logits.iter().map(weight)).collect();
        let likelier = |a: &(u32, f64), b: &(u32, f64)| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
        if self.top_k > 0 && self.top_k < all.len() {
            all.select_nth_unstable_by(self.top_k - 1, likelier);
            all.truncate(self.top_k);
        }
        if self.top_p < 1.0 {
            let enough = self.top_p * all.iter().map(|(_, weight)| weight).sum::<f64>();
            sort_front(&mut all, likelier, enough);
            let mut reached = 0.0;
            let kept = all.iter().take_while(|(_, weight)| {
                let wanted = reached < enough;
                reached += weight;
                wanted
            });
            let kept = kept.count().max(1);
            all.truncate(kept);
        }
        all.retain(|(_, weight)| *weight >= self.min_p);
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }
}

/// Sort just enough of the most likely tokens to the front for a total weight of `enough`; in a
/// large vocabulary these are few.
fn sort_front(
    all: &mut [(u32, f64)],
    likelier: impl Fn(&(u32, f64), &(u32, f64)) -> Ordering + Copy,
    enough: f64,
) {
    let mut n = 64;
    while n < all.len() {
        all.select_nth_unstable_by(n - 1, likelier);
        if all[..n].iter().map(|(_, weight)| weight).sum::<f64>() > enough * (1.0 + 1e-9) {
            break;
        }
        n *= 4;
    }
    let n = n.min(all.len());
    all[..n].sort_unstable_by(likelier);
}

/// Return the id of the largest logit, the lowest of equal ones.
fn likeliest(logits: &[f64]) -> u32 {
    let best = (0..)
        .zip(logits)
        .reduce(|best, next| if next.1 > best.1 { next } else { best });
    best.map_or(0, |(id, _)| id)
}

#[cfg(test)]
mod tests {
    use super::{Choice, Sampler};

    const LOGITS: [f32; 5] = [0.0, 2.0, 1.0, -1.0, 2.5];

    fn drawn(sampler: Sampler) -> Vec<f64> {
        let mut counts = [0.0; 5];
        for place in 0..20_000 {
            counts[sampler.choose(&LOGITS, &[], 0, place).id as usize] += 1.0 / 20_000.0;
        }
        counts.to_vec()
    }

    fn close(found: &[f64], expected: &[f64]) {
        for (f, e) in found.iter().zip(expected) {
            assert!(
                (f - e).abs() < 0.012,
                "drew {found:?}, expected {expected:?}"
            );
        }
    }

    #[test]
    fn greedy_takes_the_likeliest_with_the_models_own_probability() {
        let Choice { id, logprob } = Sampler {
            temperature: 0.0,
            ..Sampler::default()
        }
        .choose(&LOGITS, &[], 0, 0);
        assert_eq!(id, 4);
        // e^2.5 / (1 + e^2 + e + e^-1 + e^2.5)
        assert!((logprob.exp() - 0.514_95).abs() < 1e-4, "{}", logprob.exp());
    }

    #[test]
    fn draws_follow_the_softmax() {
        close(
            &drawn(Sampler::default()),
            &[0.042_27, 0.312_33, 0.114_90, 0.015_55, 0.514_95],
        );
    }

    #[test]
    fn temperature_sharpens() {
        // Weights e^(2·logit).
        close(
            &drawn(Sampler {
                temperature: 0.5,
                ..Sampler::default()
            }),
            &[0.004_7, 0.256_1, 0.034_7, 0.000_6, 0.696_2],
        );
    }

    #[test]
    fn top_k_keeps_k() {
        close(
            &drawn(Sampler {
                top_k: 2,
                ..Sampler::default()
            }),
            &[0.0, 0.377_54, 0.0, 0.0, 0.622_46],
        );
    }

    #[test]
    fn top_p_keeps_the_token_that_crosses_the_limit() {
        close(
            &drawn(Sampler {
                top_p: 0.6,
                ..Sampler::default()
            }),
            &[0.0, 0.377_54, 0.0, 0.0, 0.622_46],
        );
        close(
            &drawn(Sampler {
                top_p: 0.5,
                ..Sampler::default()
            }),
            &[0.0, 0.0, 0.0, 0.0, 1.0],
        );
    }

    #[test]
    fn min_p_is_a_share_of_the_likeliest() {
        // 0.1149 / 0.51495 = 0.223, 0.0423 / 0.51495 = 0.082.
        close(
            &drawn(Sampler {
                min_p: 0.2,
                ..Sampler::default()
            }),
            &[0.0, 0.331_5, 0.121_9, 0.0, 0.546_5],
        );
    }

    #[test]
    fn repetition_penalty_moves_positive_logits_down_and_negative_ones_further_down() {
        let mut logits = [2.0, -2.0, 1.0];
        Sampler {
            repetition_penalty: 2.0,
            ..Sampler::default()
        }
        .penalise(&mut logits, &[0, 1, 1, 99]);
        assert_eq!(logits, [1.0, -4.0, 1.0]);
    }

    #[test]
    fn the_same_seed_draws_the_same_and_another_does_not() {
        let ids = |seed| -> Vec<u32> {
            let sampler = Sampler {
                seed,
                ..Sampler::default()
            };
            (0..32)
                .map(|place| sampler.choose(&LOGITS, &[], 0, place).id)
                .collect()
        };
        assert_eq!(ids(3), ids(3));
        assert_ne!(ids(3), ids(4));
    }
}
