//! Statistics over seeds: intervals, paired tests, their correction for many, and ranks.
//!
//! Nothing here assumes a distribution. What can be enumerated is, so for the few seeds that a
//! comparison has there is no chance in its numbers; what has to be drawn is drawn from a fixed
//! stream.

use rand::RngExt;
use serde::{Deserialize, Serialize};
use sisun_config::randomness::stream;
use statrs::statistics::Statistics;
use std::cmp::Ordering;

/// Resamples that [`bootstrap`] draws.
const RESAMPLES: usize = 10_000;
/// Most values whose nⁿ resamples [`bootstrap`] enumerates: 6⁶ = 46,656.
const MOST_ENUMERATED: usize = 6;
/// Sign patterns that [`sign_flip`] draws.
const PATTERNS: u32 = 100_000;
/// Most differences whose 2ⁿ sign patterns [`sign_flip`] enumerates.
const MOST_FLIPPED: usize = 20;

/// A confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// The arithmetic mean x̄ = Σᵢ xᵢ / n; NaN for no values.
///
/// It never leaves the range of the values, and the mean of equal values is that value exactly.
pub fn mean(values: &[f64]) -> f64 {
    values.mean()
}

/// The 95 % percentile-bootstrap interval of the mean (Efron and Tibshirani 1993, ch. 13): the 2.5
/// % and 97.5 % quantiles of the means of resamples, each n values taken from `values` with
/// replacement.
///
/// Up to 6 values, all nⁿ resamples are enumerated and `seed` changes nothing; for more, 10,000 are
/// drawn. `None` with fewer than 2 values, or with any that is not finite. The interval lies within
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

/// The means of all nⁿ resamples, each grown value by value: x̄ₖ = x̄ₖ₋₁ + (xₖ − x̄ₖ₋₁) / k.
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

/// The q-quantile by linear interpolation at (n − 1)·q (definition 7 of Hyndman and Fan 1996,
/// NumPy's default).
///
/// `statrs` has definition 8 only. `sorted` is not empty.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = (sorted.len() - 1) as f64 * q;
    let (below, above) = (
        sorted[place.floor() as usize],
        sorted[place.ceil() as usize],
    );
    below + place.fract() * (above - below)
}

/// The two-sided paired sign-flip permutation test of a mean of zero (Fisher 1935, §21; Pitman
/// 1937): p = #{s ∈ {−1, 1}ⁿ : |Σᵢ sᵢdᵢ| ≥ |Σᵢ dᵢ|} / 2ⁿ.
///
/// Exact up to 20 differences. For more, 100,000 patterns are drawn, always the same ones, and p =
/// (count + 1) / (draws + 1) (Phipson and Smyth 2010). Differences other than zero cannot give less
/// than 2 / 2ⁿ: 0.25 with 3, 0.0625 with 5, 0.03125 with 6. All zero give 1. `None` for no
/// differences, or with any not finite.
pub fn sign_flip(differences: &[f64]) -> Option<f64> {
    // The first sign stays: a pattern and its opposite have the same |Σ|.
    let (first, rest) = differences.split_first()?;
    let total: f64 = differences.iter().map(|difference| difference.abs()).sum();
    if !total.is_finite() {
        return None;
    }
    // Sums that are equal but for rounding must count as equal.
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

/// How many of the sign patterns of `rest` bring `sum` to at least `bound` in size.
fn reaching(bound: f64, sum: f64, rest: &[f64]) -> u32 {
    match rest.split_first() {
        Some((next, rest)) => reaching(bound, sum + next, rest) + reaching(bound, sum - next, rest),
        None => u32::from(sum.abs() >= bound),
    }
}

/// Adjusted p-values of Holm's (1979) step-down procedure, in the order given:
/// p̃₍ᵢ₎ = max over j ≤ i of min(1, (m − j + 1)·p₍ⱼ₎), where p₍₁₎ ≤ … ≤ p₍ₘ₎.
///
/// A NaN counts as 1.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    // `min` takes the number where the other is NaN.
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

/// The probability that a run of `a` scores higher than a run of `b` (Agarwal et al. 2021):
/// P(X > Y) = Σᵢ Σⱼ S(aᵢ, bⱼ) / (n·m), where S is 1 for aᵢ > bⱼ, ½ for aᵢ = bⱼ and 0 otherwise.
///
/// It is Mann and Whitney's (1947) U / (n·m). Infinities count as numbers. `None` where either side
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

/// 1 if `x` is ahead of `y`, 0 if behind, ½ if neither. A NaN is behind every number, and no two
/// NaNs differ.
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

/// The mean reciprocal rank of each variant over tasks, as Kazemnejad et al. (2023) compare
/// positional encodings: MRR = Σₜ 1 / rankₜ / n.
///
/// `scores[task][variant]`, higher is better. Rank = 1 + the variants that score more + half of the
/// others that score the same (the average rank). A NaN comes last, several of them together; so
/// does a score missing at a row's end.
pub fn mean_reciprocal_rank(scores: &[Vec<f64>]) -> Vec<f64> {
    let variants = scores.iter().map(Vec::len).max().unwrap_or(0);
    let score = |task: &[f64], variant: usize| task.get(variant).copied().unwrap_or(f64::NAN);
    let reciprocal_rank = |task: &[f64], variant: usize| {
        let own = score(task, variant);
        // Each variant is half ahead of itself, which makes up the other half of the 1.
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

/// The differences aᵢ − bᵢ of the seeds i that both have a finite value for.
pub fn paired(a: &[Option<f64>], b: &[Option<f64>]) -> Vec<f64> {
    let finite = |value: &Option<f64>| value.filter(|value| value.is_finite());
    a.iter()
        .zip(b)
        .filter_map(|(a, b)| Some(finite(a)? - finite(b)?))
        .collect()
}
