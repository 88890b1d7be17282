//! BLEU (Papineni et al. 2002), as sacrebleu computes it (Post 2018).

use super::bleu_tokens::BleuTokens;
use std::collections::HashMap;

/// The longest n-grams that count.
const ORDERS: usize = 4;

/// What BLEU counts in some texts. Counts of several groups of texts add up to those of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BleuCounts {
    /// Words of the model's texts.
    pub written: u64,
    /// Words of the true texts.
    pub reference: u64,
    /// For n from 1 to 4, n-grams of the model's texts that are in the true text too, each at most
    /// as often as there.
    pub correct: [u64; ORDERS],
    /// For n from 1 to 4, n-grams of the model's texts.
    pub total: [u64; ORDERS],
}

/// The score of some texts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bleu {
    /// BLEU, from 0 to 100.
    pub score: f64,
    /// For n from 1 to 4, the share of n-grams that are correct, in percent, smoothed.
    pub precisions: [f64; ORDERS],
    /// The factor for texts that are too short, from 0 to 1.
    pub brevity_penalty: f64,
}

impl BleuCounts {
    /// Count one text of the model beside the true one.
    pub fn of(written: &str, reference: &str, tokens: BleuTokens) -> Self {
        let (written, reference) = (tokens.split(written), tokens.split(reference));
        let mut counts = Self {
            written: written.len() as u64,
            reference: reference.len() as u64,
            ..Self::default()
        };
        for order in 1..=ORDERS {
            let mut left: HashMap<&[String], u64> = HashMap::new();
            for ngram in reference.windows(order) {
                *left.entry(ngram).or_default() += 1;
            }
            for ngram in written.windows(order) {
                counts.total[order - 1] += 1;
                if let Some(left) = left.get_mut(ngram).filter(|left| **left > 0) {
                    *left -= 1;
                    counts.correct[order - 1] += 1;
                }
            }
        }
        counts
    }

    /// Add the counts of other texts.
    pub fn add(&mut self, other: &Self) {
        self.written += other.written;
        self.reference += other.reference;
        for order in 0..ORDERS {
            self.correct[order] += other.correct[order];
            self.total[order] += other.total[order];
        }
    }

    /// Return the score: `100 · min(1, exp(1 - r/c)) · exp(¼ Σₙ ln pₙ)` with `c` and `r` the words of
    /// the model's and the true texts, and pₙ the precision of n-grams. The k-th precision that is
    /// zero becomes `1 / (2ᵏ · total)` (`exp` smoothing: Chen and Cherry 2014, method 3). Where no
    /// word is right or no text has four words, the score is 0.
    pub fn score(&self) -> Bleu {
        let (written, reference) = (self.written as f64, self.reference as f64);
        let brevity_penalty = match () {
            () if self.written >= self.reference => 1.0,
            () if self.written == 0 => 0.0,
            () => (1.0 - reference / written).exp(),
        };
        let mut precisions = [0.0; ORDERS];
        if self.correct.iter().all(|&correct| correct == 0) {
            return Bleu {
                score: 0.0,
                precisions,
                brevity_penalty,
            };
        }
        let mut smoothing = 1.0;
        for (order, precision) in precisions.iter_mut().enumerate() {
            let (correct, total) = (self.correct[order], self.total[order] as f64);
            if self.total[order] == 0 {
                break;
            }
            *precision = if correct == 0 {
                smoothing *= 2.0;
                100.0 / (smoothing * total)
            } else {
                100.0 * correct as f64 / total
            };
        }
        // The logarithm of a precision of zero is −∞, and the score 0.
        let logarithms: f64 = precisions.iter().map(|precision| precision.ln()).sum();
        Bleu {
            score: brevity_penalty * (logarithms / ORDERS as f64).exp(),
            precisions,
            brevity_penalty,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BleuCounts, BleuTokens};
    use serde::Deserialize;

    #[derive(Deserialize)]
    struct Fixture {
        cases: Vec<Case>,
    }

    #[derive(Deserialize)]
    struct Case {
        tokenize: String,
        written: Vec<String>,
        references: Vec<String>,
        score: f64,
        precisions: [f64; 4],
        brevity_penalty: f64,
        lengths: [u64; 2],
    }

    /// Made by sacrebleu (`tests/peers/reference_bleu.py`).
    #[test]
    fn scores_are_those_of_sacrebleu() {
        let fixture: Fixture =
            serde_json::from_str(include_str!("../../../../tests/peers/fixtures/bleu.json"))
                .expect("the fixture is JSON");
        assert!(fixture.cases.len() >= 40);
        for case in fixture.cases {
            let tokens = match case.tokenize.as_str() {
                "13a" => BleuTokens::Words,
                _ => BleuTokens::Characters,
            };
            assert_eq!(tokens.name(), case.tokenize);
            let mut counts = BleuCounts::default();
            for (written, reference) in case.written.iter().zip(&case.references) {
                counts.add(&BleuCounts::of(written, reference, tokens));
            }
            let found = counts.score();
            let about = format!("{found:?} of {:?}", case.written);
            assert_eq!([counts.written, counts.reference], case.lengths, "{about}");
            assert!(
                (found.score - case.score).abs() < 1e-9,
                "{about} is {}",
                case.score
            );
            for (found, expected) in found.precisions.iter().zip(case.precisions) {
                assert!((found - expected).abs() < 1e-9, "{about}");
            }
            let penalty = found.brevity_penalty - case.brevity_penalty;
            assert!(penalty.abs() < 1e-12, "{about}");
        }
    }

    #[test]
    fn a_score_known_by_hand() {
        // Precisions 4/5, 3/4, 2/3 and 1/2; five words for six: e^(1 - 6/5).
        let counts = BleuCounts::of("a b c d x", "a b c d e f", BleuTokens::Words);
        assert_eq!(counts.correct, [4, 3, 2, 1]);
        let expected = 100.0 * (-0.2_f64).exp() * (0.8_f64 * 0.75 * 2.0 / 3.0 * 0.5).powf(0.25);
        assert!((counts.score().score - expected).abs() < 1e-12);
    }
}
