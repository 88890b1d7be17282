//! Claims about models of pairs.

use super::claim::{PairRule, Standing};
use super::intervals::{MIN_SEEDS, Side, difference, limited, mean_of, stand, too_few};
use crate::results::MeasureName;
use crate::stats::{Interval, bootstrap, mean, paired};
use crate::summary::{SeriesPoint, TrackSummary, VariantSummary};

/// Judge a claim by a track; `None` if the track lacks a variant or a measure.
pub(super) fn judge(track: &TrackSummary, rule: PairRule) -> Option<(Standing, String)> {
    match rule {
        PairRule::FailsOnLongest { variant, limit } => {
            let variant = track.variant(variant)?;
            let [shortest, longest] = ends(variant)?;
            let place = format!(
                "at the longest sources (up to {} tokens; {:.3} at the shortest, up to {})",
                longest.at, shortest.spread.mean, shortest.at
            );
            let values = longest.spread.values.clone();
            Some(limited(variant, &place, values, limit))
        }
        PairRule::Fails { variant, limit } => {
            let variant = track.variant(variant)?;
            let values = variant.headline.values.clone();
            Some(limited(variant, "over all lengths", values, limit))
        }
        PairRule::WritesMore { better, worse } => {
            let (a, b) = (track.variant(better)?, track.variant(worse)?);
            let (of_a, of_b) = (&a.headline.values, &b.headline.values);
            Some(difference(a, b, of_a, of_b, Side::Above))
        }
        PairRule::KeepsUp { variant, margin } => {
            let variant = track.variant(variant)?;
            let [shortest, longest] = ends(variant)?;
            let change = paired(&longest.spread.values, &shortest.spread.values);
            let judged =
                |interval: Interval| match (interval.low >= -margin, interval.high < -margin) {
                    (true, _) => Standing::Agrees,
                    (_, true) => Standing::Disagrees,
                    _ => Standing::CannotTell,
                };
            let what = format!(
                "{:.3} at the shortest sources, {:.3} at the longest (up to {} tokens)",
                shortest.spread.mean, longest.spread.mean, longest.at
            );
            Some(within(&change, &[variant], &what, margin, judged))
        }
        PairRule::Alike { a, b, margin } => {
            let (a, b) = (track.variant(a)?, track.variant(b)?);
            let differences = paired(&a.headline.values, &b.headline.values);
            let judged = |Interval { low, high }: Interval| match (
                low > -margin && high < margin,
                low > margin || high < -margin,
            ) {
                (true, _) => Standing::Agrees,
                (_, true) => Standing::Disagrees,
                _ => Standing::CannotTell,
            };
            let what = format!(
                "{} {:.3}, {} {:.3}",
                a.name, a.headline.mean, b.name, b.headline.mean
            );
            Some(within(&differences, &[a, b], &what, margin, judged))
        }
        PairRule::PointsRight { variant, limit } => {
            let variant = track.variant(variant)?;
            variant.series(MeasureName::AlignmentErrorRate).next()?;
            let values = variant.mean_over_places(MeasureName::AlignmentErrorRate);
            Some(limited(variant, "alignment error rate", values, limit))
        }
        PairRule::DividesWork { variant } => {
            let variant = track.variant(variant)?;
            let values = |name| {
                variant.series(name).next()?;
                Some(variant.mean_over_places(name))
            };
            let one = values(MeasureName::AlignmentErrorRateOneHead)?;
            let each = values(MeasureName::AlignmentErrorRateHeadForEachPlace)?;
            let differences = paired(&each, &one);
            let (standing, interval) = stand(&differences, Side::Below);
            let found = match interval {
                Some(Interval { low, high }) => format!(
                    "alignment error rate {:.3} with one head, {:.3} with a head for each place; difference {:+.3} \
                     [{low:+.3}, {high:+.3}] over {} seeds",
                    mean_of(&one),
                    mean_of(&each),
                    mean(&differences),
                    differences.len(),
                ),
                None => too_few(differences.len(), &[variant]),
            };
            Some((standing, found))
        }
    }
}

/// Return the exact match in the groups of the shortest and of the longest sources.
fn ends(variant: &VariantSummary) -> Option<[&SeriesPoint; 2]> {
    let groups = || variant.series(MeasureName::ExactMatch);
    let shortest = groups().min_by_key(|point| point.at)?;
    let longest = groups().max_by_key(|point| point.at)?;
    (shortest.at < longest.at).then_some([shortest, longest])
}

/// Judge the interval of some differences by a margin.
fn within(
    differences: &[f64],
    variants: &[&VariantSummary],
    what: &str,
    margin: f64,
    judged: impl Fn(Interval) -> Standing,
) -> (Standing, String) {
    let interval = bootstrap(differences, 1).filter(|_| differences.len() >= MIN_SEEDS);
    let Some(interval) = interval else {
        return (Standing::CannotTell, too_few(differences.len(), variants));
    };
    let found = format!(
        "{what}; difference {:+.3} [{:+.3}, {:+.3}] over {} seeds; margin {margin}",
        mean(differences),
        interval.low,
        interval.high,
        differences.len(),
    );
    (judged(interval), found)
}
