//! Statistics over seeds: intervals, paired tests, their correction for multiple comparisons, and
//! ranks.
//!
//! These statistics assume no distribution. Small cases are enumerated, so the numbers for the few
//! seeds of a comparison involve no random sampling; larger cases are sampled from a fixed random
//! stream.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use sisun_config::randomness::stream;
use statrs::statistics::Statistics;
use std::cmp::Ordering;

/// Number of resamples that [`bootstrap`] draws.
const RESAMPLES: usize = 10_000;
/// Maximum number of values whose nⁿ resamples [`bootstrap`] enumerates: 6⁶ = 46,656.
const MOST_ENUMERATED: usize = 6;
/// Number of sign patterns that [`sign_flip`] draws.
const PATTERNS: u32 = 100_000;
/// Maximum number of differences whose 2ⁿ sign patterns [`sign_flip`] enumerates.
const MOST_FLIPPED: usize = 20;

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// Return the arithmetic mean x̄ = Σᵢ xᵢ / n; NaN for no values.
///
/// It is always within the range of the values, and the mean of equal values is that value exactly.
pub fn mean(values: &[f64]) -> f64 {
    values.mean()
}

/// Return the 95 % percentile-bootstrap interval of the mean (Efron and Tibshirani 1993, ch. 13):
/// the 2.5 % and 97.5 % quantiles of the means of resamples, each n values taken from `values` with
/// replacement.
///
/// Up to 6 values, all nⁿ resamples are enumerated and `seed` has no effect; for more, 10,000 are
/// drawn. `None` with fewer than 2 values, or with any that is not finite. The interval is within
/// the range of the values, so for 2 or 3 seeds it covers the true mean much less often than 95 %.
pub fn bootstrap(values: &[f64], seed: u64) -> Option<Interval> {
    let n = values.len();
    if n < 2 || !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let mut means = if n <= MOST_ENUMERATED {
        every_mean(values)
    } else {
        let mut draws = stream(seed, "bootstrap", 0);
        (0..RESAMPLES)
            .map(|_| (0..n).map(|_| values[draws.random_range(0..n)]).mean())
            .collect()
    };
    means.sort_unstable_by(f64::total_cmp);
    Some(Interval {
        low: quantile(&means, 0.025),
        high: quantile(&means, 0.975),
    })
}

/// Return the means of all nⁿ resamples, each extended value by value: x̄ₖ = x̄ₖ₋₁ + (xₖ − x̄ₖ₋₁) /
/// k.
fn every_mean(values: &[f64]) -> Vec<f64> {
    (1..=values.len()).fold(vec![0.0], |means, k| {
        means
            .iter()
            .flat_map(|mean| {
                values
                    .iter()
                    .map(move |value| mean + (value - mean) / k as f64)
            })
            .collect()
    })
}

/// Return the q-quantile by linear interpolation at (n − 1)·q (definition 7 of Hyndman and Fan
/// 1996, NumPy's default).
///
/// `statrs` has definition 8 only. `sorted` must not be empty.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * q;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + place.fract() * (above - below)
}

/// Return the p-value of the two-sided paired sign-flip permutation test of a mean of zero (Fisher
/// 1935, §21; Pitman 1937): p = #{s ∈ {−1, 1}ⁿ : |Σᵢ sᵢdᵢ| ≥ |Σᵢ dᵢ|} / 2ⁿ.
///
/// Exact up to 20 differences. For more, 100,000 patterns are drawn, always the same ones, and p =
/// (count + 1) / (draws + 1) (Phipson and Smyth 2010). Unless all differences are zero, p is at
/// least 2 / 2ⁿ: 0.25 with 3, 0.0625 with 5, 0.03125 with 6. If all are zero, p is 1. `None` for no
/// differences, or with any that is not finite.
pub fn sign_flip(differences: &[f64]) -> Option<f64> {
    // The first sign is fixed: a pattern and its opposite have the same |Σ|.
    let (first, rest) = differences.split_first()?;
    let total: f64 = differences.iter().map(|difference| difference.abs()).sum();
    if !total.is_finite() {
        return None;
    }
    // Sums that differ only by rounding must count as equal.
    let bound = differences.iter().sum::<f64>().abs() - 1e-12 * total;
    if differences.len() <= MOST_FLIPPED {
        return Some(f64::from(reaching(bound, *first, rest)) / f64::from(1_u32 << rest.len()));
    }
    let mut draws = stream(0, "sign_flip", 0);
    let reached = (0..PATTERNS).filter(|_| {
        let sum = rest.iter().fold(*first, |sum, next| {
            if draws.random() {
                sum + next
            } else {
                sum - next
            }
        });
        sum.abs() >= bound
    });
    Some((reached.count() as f64 + 1.0) / (f64::from(PATTERNS) + 1.0))
}

/// Return the number of sign patterns of `rest` for which the absolute value of the total with
/// `sum` reaches `bound`.
fn reaching(bound: f64, sum: f64, rest: &[f64]) -> u32 {
    match rest.split_first() {
        Some((next, rest)) => reaching(bound, sum + next, rest) + reaching(bound, sum - next, rest),
        None => u32::from(sum.abs() >= bound),
    }
}

/// Return the adjusted p-values of Holm's (1979) step-down procedure, in the given order: p̃₍ᵢ₎ =
/// max over j ≤ i of min(1, (m − j + 1)·p₍ⱼ₎), where p₍₁₎ ≤ … ≤ p₍ₘ₎.
///
/// A NaN counts as 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    // `min` returns the number if the other argument is NaN.
    let mut adjusted: Vec<f64> = p_values.iter().map(|p| p.min(1.0)).collect();
    let mut order: Vec<usize> = (0..adjusted.len()).collect();
    order.sort_by(|&a, &b| adjusted[a].total_cmp(&adjusted[b]));
    let mut largest = 0.0_f64;
    for (j, i) in order.into_iter().enumerate() {
        largest = largest
            .max((p_values.len() - j) as f64 * adjusted[i])
            .min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// Return the probability that a run of `a` scores higher than a run of `b` (Agarwal et al. 2021):
/// P(X > Y) = Σᵢ Σⱼ S(aᵢ, bⱼ) / (n·m), where S is 1 for aᵢ > bⱼ, ½ for aᵢ = bⱼ and 0 otherwise.
///
/// It is Mann and Whitney's (1947) U / (n·m). Infinities count as numbers. `None` if either side
/// has no values, or any is NaN.
pub fn probability_of_improvement(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|value| value.is_nan()) {
        return None;
    }
    let ahead_of_all: f64 = a
        .iter()
        .flat_map(|&x| b.iter().map(move |&y| ahead(x, y)))
        .sum();
    Some(ahead_of_all / (a.len() * b.len()) as f64)
}

/// Return 1 if `x` is ahead of `y`, 0 if behind, and ½ if neither. A NaN is behind every number,
/// and all NaNs are equal.
fn ahead(x: f64, y: f64) -> f64 {
    match y
        .is_nan()
        .cmp(&x.is_nan())
        .then(x.partial_cmp(&y).unwrap_or(Ordering::Equal))
    {
        Ordering::Greater => 1.0,
        Ordering::Equal => 0.5,
        Ordering::Less => 0.0,
    }
}

/// Return the mean reciprocal rank of each variant over tasks, as Kazemnejad et al. (2023) compare
/// positional encodings: MRR = Σₜ 1 / rankₜ / n.
///
/// `scores[task][variant]`, higher is better. Rank = 1 + the number of variants with a higher
/// score + half the number of others with the same score (the average rank). NaNs come last, tied
/// with each other, as do missing scores at the end of a row.
pub fn mean_reciprocal_rank(scores: &[Vec<f64>]) -> Vec<f64> {
    let variants = scores.iter().map(Vec::len).max().unwrap_or(0);
    let score = |task: &[f64], variant: usize| task.get(variant).copied().unwrap_or(f64::NAN);
    let reciprocal_rank = |task: &[f64], variant: usize| {
        let own = score(task, variant);
        // Each variant counts ½ against itself, which supplies the other half of the 1.
        let rank = 0.5
            + (0..variants)
                .map(|other| ahead(score(task, other), own))
                .sum::<f64>();
        rank.recip()
    };
    (0..variants)
        .map(|variant| {
            scores
                .iter()
                .map(|task| reciprocal_rank(task, variant))
                .mean()
        })
        .collect()
}

/// Return the differences aᵢ − bᵢ of the seeds i for which both have a finite value.
pub fn paired(a: &[Option<f64>], b: &[Option<f64>]) -> Vec<f64> {
    let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
    a.iter()
        .zip(b)
        .filter_map(|(a, b)| Some(finite(a)? - finite(b)?))
        .collect()
}
