//! Chance levels of head measurements.

use serde::Serialize;
use std::ops::Range;

/// The weights of a head with uniform attention over the visible keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Chance {
    /// Weight on the previous token; `None` if no query has one.
    pub previous: Option<f64>,
    /// Weight on the first token.
    pub first: Option<f64>,
    /// Weight on the first occurrence of the same token.
    pub same: Option<f64>,
    /// Weight on the token after the first occurrence.
    pub induction: Option<f64>,
    /// Weight on all earlier occurrences of the query's token in the text; `None` if no token
    /// occurs twice or it was not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicate: Option<f64>,
}

impl Chance {
    /// Compute the chance levels for a text of `n` tokens and, with `repeated`, for sequences of
    /// `before` tokens followed by `drawn` tokens twice.
    pub(crate) fn of(causal: bool, n: usize, repeated: Option<(usize, usize)>) -> Self {
        // A query sees itself and all earlier tokens, or without a causal mask all tokens.
        let mean = |queries: Range<usize>, all: usize| {
            let count = queries.len() as f64;
            let seen = |query: usize| if causal { query + 1 } else { all } as f64;
            (count > 0.0).then(|| queries.map(|query| seen(query).recip()).sum::<f64>() / count)
        };
        let text = mean(1..n, n);
        let repeated = repeated.and_then(|(before, drawn)| {
            let length = before + 2 * drawn;
            mean(before + drawn..length, length)
        });
        Self {
            previous: text,
            first: text,
            same: repeated,
            induction: repeated,
            duplicate: None,
        }
    }

    /// Return true if a weight is clearly above chance: at least twice the chance level and at
    /// least 0.1 above it.
    pub fn is_beaten(chance: f64, weight: f64) -> bool {
        weight >= Self::threshold(chance)
    }

    /// Return the smallest weight that is clearly above a chance level.
    pub fn threshold(chance: f64) -> f64 {
        (2.0 * chance).max(chance + 0.1)
    }
}

#[cfg(test)]
mod tests {
    use super::Chance;
    use crate::heads::{AttentionSpread, Repetition};

    #[test]
    fn chance_is_what_an_even_pattern_has() {
        for before in [0, 1] {
            let length = before + 6;
            let even: Vec<f32> = (0..length)
                .flat_map(|query| {
                    (0..length).map(move |key| {
                        if key <= query {
                            1.0 / (query + 1) as f32
                        } else {
                            0.0
                        }
                    })
                })
                .collect();
            let (spread, repetition) = (
                AttentionSpread::of(&even, length),
                Repetition::of([&even[..]].into_iter(), before, 3),
            );
            let chance = Chance::of(true, length, Some((before, 3)));
            for (found, expected) in [
                (chance.previous, spread.previous),
                (chance.first, spread.first),
                (chance.same, repetition.same.unwrap_or(f64::NAN)),
                (chance.induction, repetition.induction.unwrap_or(f64::NAN)),
            ] {
                assert!(
                    (found.unwrap_or(0.0) - expected).abs() < 1e-7,
                    "{found:?}, not {expected}"
                );
            }
        }
        assert_eq!(Chance::of(false, 4, None).first, Some(0.25));
        assert_eq!(
            Chance::of(true, 1, None),
            Chance::default(),
            "nothing is before the only token"
        );
        assert!(
            Chance::is_beaten(0.01, 0.3)
                && !Chance::is_beaten(0.01, 0.1)
                && !Chance::is_beaten(0.4, 0.6)
        );
    }
}
