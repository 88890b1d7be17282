//! Statistics compared with SciPy and statsmodels (`tests/peers/reference_statistics.py`), and
//! properties that hold for any data.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sisun_compare::stats::{
    Interval, bootstrap, holm, mean, mean_reciprocal_rank, paired, probability_of_improvement,
    sign_flip,
};
use std::ops::RangeInclusive;
use std::{fs, path::Path};

#[derive(Deserialize)]
struct Bootstrap {
    values: Vec<f64>,
    interval: [f64; 2],
    mean: Option<f64>,
    tolerance: Option<f64>,
}

#[derive(Deserialize)]
struct SignFlip {
    differences: Vec<f64>,
    p: f64,
}

#[derive(Deserialize)]
struct Holm {
    p_values: Vec<f64>,
    adjusted: Vec<f64>,
}

#[derive(Deserialize)]
struct Improvement {
    a: Vec<f64>,
    b: Vec<f64>,
    probability: f64,
}

#[derive(Deserialize)]
struct ReciprocalRank {
    scores: Vec<Vec<Option<f64>>>,
    mean: Vec<f64>,
}

fn fixture<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures/statistics.json");
    let all: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let cases: Vec<T> = serde_json::from_value(all[name].clone()).unwrap();
    assert!(!cases.is_empty());
    cases
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() <= tolerance,
            "{found} instead of {expected}"
        );
    }
}

fn ends(interval: Interval) -> [f64; 2] {
    [interval.low, interval.high]
}

#[test]
fn bootstrap_of_few_values_is_numpys_over_every_resample() {
    for Bootstrap {
        values,
        interval,
        mean: expected,
        ..
    } in fixture("bootstrap")
    {
        assert_close(&[mean(&values)], &[expected.unwrap()], 1e-12);
        assert_close(&ends(bootstrap(&values, 1).unwrap()), &interval, 1e-12);
        assert_eq!(
            bootstrap(&values, 1),
            bootstrap(&values, 2),
            "nothing is drawn"
        );
    }
}

/// SciPy drew a million resamples; the tolerance is four standard deviations of a quantile of
/// 10,000.
#[test]
fn bootstrap_of_many_values_is_scipys_within_its_chance() {
    for Bootstrap {
        values,
        interval,
        tolerance,
        ..
    } in fixture("bootstrap_drawn")
    {
        for seed in 0..10 {
            assert_close(
                &ends(bootstrap(&values, seed).unwrap()),
                &interval,
                tolerance.unwrap(),
            );
        }
        assert_eq!(bootstrap(&values, 1), bootstrap(&values, 1));
        assert_ne!(bootstrap(&values, 1), bootstrap(&values, 2));
    }
}

#[test]
fn there_is_no_interval_of_one_value_or_of_one_that_is_not_finite() {
    for values in [
        vec![],
        vec![1.0],
        vec![1.0, f64::NAN],
        vec![1.0, f64::INFINITY],
        vec![f64::NAN; 12],
    ] {
        assert_eq!(bootstrap(&values, 1), None, "{values:?}");
    }
    assert!(mean(&[]).is_nan());
    // (0.1 + 0.1 + 0.1) / 3 is not 0.1 in floating point.
    assert_eq!(
        bootstrap(&[0.1; 3], 1),
        Some(Interval {
            low: 0.1,
            high: 0.1
        })
    );
    assert_eq!(
        bootstrap(&[0.1; 12], 1),
        Some(Interval {
            low: 0.1,
            high: 0.1
        })
    );
}

#[test]
fn sign_flip_is_scipys_exact_test() {
    for SignFlip { differences, p } in fixture("sign_flip") {
        assert_close(&[sign_flip(&differences).unwrap()], &[p], 1e-12);
    }
}

/// The tolerance is four standard deviations of a fraction of 100,000 draws.
#[test]
fn sign_flip_of_many_is_the_exact_test_within_its_chance() {
    for SignFlip { differences, p } in fixture("sign_flip_drawn") {
        assert!(differences.len() > 20);
        assert_close(
            &[sign_flip(&differences).unwrap()],
            &[p],
            4.0 * (p * (1.0 - p) / 1e5).sqrt(),
        );
        assert_eq!(sign_flip(&differences), sign_flip(&differences));
    }
}

#[test]
fn few_seeds_cannot_give_a_small_p() {
    let p = |n: usize| sign_flip(&(1..=n).map(|i| i as f64).collect::<Vec<_>>()).unwrap();
    assert_eq!(
        [1, 2, 3, 4, 5, 6].map(p),
        [1.0, 0.5, 0.25, 0.125, 0.0625, 0.03125]
    );
    assert_eq!(p(20), 2.0_f64.powi(-19));
    assert_eq!(
        p(40),
        1.0 / 100_001.0,
        "none of the draws has one sign throughout"
    );
}

#[test]
fn sign_flip_of_the_odd_cases() {
    assert_eq!(sign_flip(&[]), None);
    assert_eq!(sign_flip(&[1.0, f64::NAN]), None);
    assert_eq!(sign_flip(&[f64::NEG_INFINITY]), None);
    assert_eq!(sign_flip(&[0.0; 5]), Some(1.0));
    assert_eq!(sign_flip(&[0.0; 25]), Some(1.0));
    // 0.1 + 0.2 − 0.3 is not 0 in floating point, and depends on the order.
    for differences in [[0.1, 0.2, -0.3], [-0.3, 0.2, 0.1], [0.3, -0.1, -0.2]] {
        assert_eq!(sign_flip(&differences), Some(1.0));
    }
    // |±0.1 ±0.2 ±0.3| is 0.6, 0.4, 0.2 or 0, two patterns each.
    assert_eq!(
        [sign_flip(&[-0.1, 0.2, 0.3]), sign_flip(&[0.3, -0.2, 0.1])],
        [Some(0.5), Some(0.75)]
    );
}

#[test]
fn holm_is_statsmodels() {
    for Holm { p_values, adjusted } in fixture("holm") {
        assert_close(&holm(&p_values), &adjusted, 1e-12);
    }
    assert!(holm(&[]).is_empty());
    assert_eq!(
        holm(&[f64::NAN, 0.125, -f64::NAN]),
        [1.0, 0.375, 1.0],
        "what could not be tested still counts"
    );
}

#[test]
fn probability_of_improvement_is_mann_and_whitneys_statistic() {
    for Improvement { a, b, probability } in fixture("improvement") {
        assert_close(
            &[probability_of_improvement(&a, &b).unwrap()],
            &[probability],
            1e-12,
        );
    }
    assert_eq!(probability_of_improvement(&[], &[1.0]), None);
    assert_eq!(probability_of_improvement(&[1.0], &[]), None);
    assert_eq!(probability_of_improvement(&[1.0, f64::NAN], &[0.0]), None);
    assert_eq!(
        probability_of_improvement(&[1.0], &[f64::NEG_INFINITY]),
        Some(1.0)
    );
}

#[test]
fn mean_reciprocal_rank_is_scipys() {
    for ReciprocalRank { scores, mean } in fixture("reciprocal_rank") {
        let scores: Vec<Vec<f64>> = scores
            .into_iter()
            .map(|task| task.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect())
            .collect();
        assert_close(&mean_reciprocal_rank(&scores), &mean, 1e-12);
    }
    assert!(mean_reciprocal_rank(&[]).is_empty());
    assert!(mean_reciprocal_rank(&[vec![], vec![]]).is_empty());
    let short = mean_reciprocal_rank(&[vec![1.0, 2.0], vec![3.0]]);
    assert_eq!(
        short,
        mean_reciprocal_rank(&[vec![1.0, 2.0], vec![3.0, f64::NAN]])
    );
}

#[test]
fn only_seeds_that_both_have_are_paired() {
    let a = [
        Some(3.0),
        None,
        Some(5.0),
        Some(f64::NAN),
        Some(7.0),
        Some(1.0),
    ];
    let b = [
        Some(1.0),
        Some(2.0),
        None,
        Some(4.0),
        Some(f64::INFINITY),
        Some(4.0),
        Some(9.0),
    ];
    assert_eq!(paired(&a, &b), [2.0, -3.0]);
    assert_eq!(paired(&b, &a), [-2.0, 3.0]);
    assert!(paired(&[], &b).is_empty());
}

fn reals(sizes: RangeInclusive<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(-1e3..1e3, sizes)
}

/// Multiples of a tenth: many ties, which rounding would break.
fn tenths(sizes: RangeInclusive<usize>) -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec((-9..=9_i32).prop_map(|i| f64::from(i) / 10.0), sizes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_interval_lies_within_the_values(values in reals(2..=14), seed: u64) {
        let Interval { low, high } = bootstrap(&values, seed).unwrap();
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        prop_assert!(least - 1e-9 <= low && low <= high && high <= most + 1e-9, "{low} {high}");
    }

    /// Replacing each value of a resample by the next one, n times, gives n resamples whose means
    /// average x̄. So at least one in n is at most x̄ and one in n at least x̄, more than 2.5 %.
    #[test]
    fn an_enumerated_interval_holds_the_mean(values in prop_oneof![reals(2..=6), tenths(2..=6)]) {
        let Interval { low, high } = bootstrap(&values, 1).unwrap();
        let mean = mean(&values);
        prop_assert!(low <= mean + 1e-9 && mean <= high + 1e-9, "{low} {mean} {high}");
    }

    #[test]
    fn an_interval_moves_and_stretches_with_the_values(values in reals(2..=9), by in 0.1..10.0, seed: u64) {
        let mirrored: Vec<f64> = values.iter().map(|x| 5.0 - by * x).collect();
        let Interval { low, high } = bootstrap(&values, seed).unwrap();
        assert_close(&ends(bootstrap(&mirrored, seed).unwrap()), &[5.0 - by * high, 5.0 - by * low], 1e-9);
    }

    #[test]
    fn sign_flip_ignores_sign_scale_and_order(differences in tenths(1..=10), by in 0.01..100.0_f64) {
        let p = sign_flip(&differences).unwrap();
        let scaled: Vec<f64> = differences.iter().map(|d| -by * d).collect();
        prop_assert_eq!(sign_flip(&scaled), Some(p));
        let reversed: Vec<f64> = differences.iter().rev().copied().collect();
        prop_assert_eq!(sign_flip(&reversed), Some(p));
        // Computed in integers.
        let whole: Vec<i64> = differences.iter().map(|d| (d * 10.0).round() as i64).collect();
        let sums = whole.iter().fold(vec![0], |sums, d| sums.iter().flat_map(|sum| [sum + d, sum - d]).collect());
        let observed = whole.iter().sum::<i64>().abs();
        prop_assert_eq!(p, sums.iter().filter(|sum| sum.abs() >= observed).count() as f64 / sums.len() as f64);
    }

    #[test]
    fn holm_only_raises_and_keeps_the_order(p_values in prop::collection::vec(0.0..=1.0, 0..12)) {
        let adjusted = holm(&p_values);
        let mut pairs: Vec<(f64, f64)> = p_values.iter().copied().zip(adjusted).collect();
        pairs.sort_by(|a, b| a.partial_cmp(b).unwrap());
        prop_assert!(pairs.iter().all(|&(p, adjusted)| p <= adjusted && adjusted <= 1.0));
        prop_assert!(pairs.is_sorted_by_key(|&(_, adjusted)| adjusted));
        // The smallest is equal to Bonferroni's.
        prop_assert!(pairs.first().is_none_or(|&(p, adjusted)| adjusted == (pairs.len() as f64 * p).min(1.0)));
    }

    #[test]
    fn improvements_either_way_add_up_to_one(a in tenths(1..=9), b in tenths(1..=9)) {
        let (ab, ba) = (probability_of_improvement(&a, &b).unwrap(), probability_of_improvement(&b, &a).unwrap());
        prop_assert!((0.0..=1.0).contains(&ab) && (ab + ba - 1.0).abs() < 1e-12);
        prop_assert_eq!(probability_of_improvement(&a, &a), Some(0.5));
    }

    #[test]
    fn reciprocal_ranks_depend_on_order_alone(
        scores in prop::collection::vec(
            prop::collection::vec(prop_oneof![-1.0..1.0, Just(0.5), Just(f64::NAN)], 5),
            1..6,
        ),
    ) {
        let ranks = mean_reciprocal_rank(&scores);
        prop_assert!(ranks.iter().all(|rank| (0.2..=1.0).contains(rank)));
        let stretched: Vec<Vec<f64>> = scores.iter().map(|task| task.iter().map(|x| x * 4.0).collect()).collect();
        prop_assert_eq!(mean_reciprocal_rank(&stretched), ranks);
    }
}
