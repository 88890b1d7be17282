//! Verdicts by where the interval of a difference or a value lies.

use super::claim::Standing;
use crate::stats::{Interval, bootstrap, mean, paired};
use crate::summary::VariantSummary;

/// Minimum number of seeds for a verdict.
pub(super) const MIN_SEEDS: usize = 3;

/// Return the mean of the present values.
pub(super) fn mean_of(values: &[Option<f64>]) -> f64 {
    mean(&values.iter().flatten().copied().collect::<Vec<_>>())
}

/// The side of 0 on which the interval must be for a claim to agree.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Side {
    Above,
    Below,
}

pub(super) fn stand(values: &[f64], side: Side) -> (Standing, Option<Interval>) {
    let Some(interval) = bootstrap(values, 1).filter(|_| values.len() >= MIN_SEEDS) else {
        return (Standing::CannotTell, None);
    };
    let standing = match (interval.low > 0.0, interval.high < 0.0, side) {
        (true, _, Side::Above) | (_, true, Side::Below) => Standing::Agrees,
        (true, _, Side::Below) | (_, true, Side::Above) => Standing::Disagrees,
        _ => Standing::CannotTell,
    };
    (standing, Some(interval))
}

pub(super) fn difference(
    a: &VariantSummary,
    b: &VariantSummary,
    a_values: &[Option<f64>],
    b_values: &[Option<f64>],
    side: Side,
) -> (Standing, String) {
    let differences = paired(a_values, b_values);
    let (standing, interval) = stand(&differences, side);
    let found = match interval {
        Some(Interval { low, high }) => format!(
            "{} {:.3}, {} {:.3}; difference {:+.3} [{low:+.3}, {high:+.3}] over {} seeds",
            a.name,
            mean_of(a_values),
            b.name,
            mean_of(b_values),
            mean(&differences),
            differences.len(),
        ),
        None => too_few(differences.len(), &[a, b]),
    };
    (standing, found)
}

pub(super) fn limited(
    variant: &VariantSummary,
    place: &str,
    values: Vec<Option<f64>>,
    limit: f64,
) -> (Standing, String) {
    let there: Vec<f64> = values.into_iter().flatten().collect();
    let Some(Interval { low, high }) = bootstrap(&there, 1).filter(|_| there.len() >= MIN_SEEDS)
    else {
        return (Standing::CannotTell, too_few(there.len(), &[variant]));
    };
    let standing = match (high <= limit, low > limit) {
        (true, _) => Standing::Agrees,
        (_, true) => Standing::Disagrees,
        _ => Standing::CannotTell,
    };
    let mean = mean(&there);
    (
        standing,
        format!(
            "{mean:.3} [{low:.3}, {high:.3}] {place}, over {} seeds; limit {limit}",
            there.len()
        ),
    )
}

pub(super) fn too_few(n: usize, variants: &[&VariantSummary]) -> String {
    let gate: Vec<String> = variants
        .iter()
        .filter(|variant| !variant.failed_gate.is_empty())
        .map(|variant| {
            format!(
                "{} seeds of {} did not learn the task",
                variant.failed_gate.len(),
                variant.name
            )
        })
        .collect();
    let why = if gate.is_empty() {
        String::new()
    } else {
        format!(" ({})", gate.join(", "))
    };
    format!("{n} seeds to judge by{why}, {MIN_SEEDS} are needed")
}
