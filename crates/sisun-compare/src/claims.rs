//! The agreement card: published results next to the results measured here.
//!
//! A claim says that one variant is better than another in some respect, or that a number stays on
//! one side of a limit. The verdict depends on the 95 % interval over seeds of the difference in
//! question: *agrees* if the whole interval is on the claimed side, *disagrees* if all of it is on
//! the other, otherwise *cannot tell*. Seeds that did not learn the task on the training lengths
//! are not used for claims about longer lengths.

pub(crate) mod claim;
mod intervals;
mod pairs;
mod published;
mod published_pairs;

use crate::results::MeasureName;
use crate::stats::{Interval, mean, paired};
use crate::summary::{TrackSummary, VariantSummary};
use crate::track::length_at;

use claim::Rule;
pub use claim::{Claim, Standing, Verdict};
use intervals::{Side, difference, limited, mean_of, stand, too_few};

/// Judge every published claim by these tracks; claims about variants or tasks outside the
/// comparison are omitted.
pub fn judge(tracks: &[TrackSummary]) -> Vec<Verdict> {
    published::CLAIMS
        .iter()
        .chain(published_pairs::CLAIMS)
        .filter_map(|claim| judge_one(claim, tracks))
        .collect()
}

fn judge_one(claim: &Claim, tracks: &[TrackSummary]) -> Option<Verdict> {
    let task = |name: &str| {
        tracks
            .iter()
            .find(|track| track.track.task().is_some_and(|t| t.to_string() == name))
    };
    let text = || {
        tracks
            .iter()
            .find(|track| track.headline.name == MeasureName::BitsPerByte)
    };
    let verdict = |track: &TrackSummary, (standing, found)| Verdict {
        claim: claim.clone(),
        standing,
        track: Some(track.name.clone()),
        found,
    };
    let predicts = |track: &TrackSummary, factor, better, worse| {
        let (a, b) = (track.variant(better)?, track.variant(worse)?);
        let found = difference(
            a,
            b,
            &bits(track, a, factor)?,
            &bits(track, b, factor)?,
            Side::Below,
        );
        Some(verdict(track, found))
    };
    match claim.rule {
        Rule::Generalises {
            task: name,
            better,
            worse,
        } => {
            let track = task(name)
                .filter(|track| track.headline.at.iter().any(|at| *at > track.trained_on))?;
            let (a, b) = (track.variant(better)?, track.variant(worse)?);
            Some(verdict(
                track,
                difference(a, b, &a.headline.values, &b.headline.values, Side::Above),
            ))
        }
        Rule::FallsTo {
            task: name,
            variant,
            beyond,
            limit,
        } => {
            let track = task(name)?;
            let variant = track.variant(variant)?;
            let tested =
                |at: &&usize| (track.trained_on + 1..=track.trained_on + beyond).contains(*at);
            let at = *track.headline.at.iter().filter(tested).max()?;
            let point = variant.at(MeasureName::ExactMatch, at)?;
            let learned = point
                .spread
                .values
                .iter()
                .zip(&variant.headline.values)
                .map(|(value, headline)| {
                    // Only seeds that passed the gate have a value for the headline.
                    value.filter(|_| headline.is_some())
                });
            Some(verdict(
                track,
                limited(
                    variant,
                    &format!("at length {at}"),
                    learned.collect(),
                    limit,
                ),
            ))
        }
        Rule::Fails {
            task: name,
            variant,
            limit,
        } => {
            let track = task(name)?;
            let variant = track.variant(variant)?;
            let inside = variant
                .series(MeasureName::ExactMatch)
                .filter(|point| point.at <= track.trained_on);
            let point = inside.max_by_key(|point| point.at)?;
            Some(verdict(
                track,
                limited(
                    variant,
                    &format!("at length {}", point.at),
                    point.spread.values.clone(),
                    limit,
                ),
            ))
        }
        Rule::Leaks { variant } => {
            let track = text()?;
            let variant = track.variant(variant)?;
            let loss = |name| values(variant, name, track.trained_on);
            let (whole, past) = (
                loss(MeasureName::LossWholeWindow)?,
                loss(MeasureName::LossPastOnly)?,
            );
            Some(verdict(track, leak(variant, &whole, &past)))
        }
        Rule::Predicts {
            factor,
            better,
            worse,
        } => predicts(text()?, factor, better, worse),
        Rule::PredictsTrainedOn {
            context_len,
            better,
            worse,
        } => predicts(
            text().filter(|track| track.trained_on == context_len)?,
            1.0,
            better,
            worse,
        ),
        Rule::Worsens { factor, variant } | Rule::Improves { factor, variant } => {
            let track = text()?;
            let variant = track.variant(variant)?;
            let side = if matches!(claim.rule, Rule::Worsens { .. }) {
                Side::Above
            } else {
                Side::Below
            };
            let (far, near) = (bits(track, variant, factor)?, bits(track, variant, 1.0)?);
            Some(verdict(track, change(variant, &far, &near, factor, side)))
        }
        Rule::OnPairs { task, rule } => {
            let track = tracks.iter().find(|track| {
                track
                    .track
                    .pair_task()
                    .is_some_and(|of_track| of_track.to_string() == task)
            })?;
            Some(verdict(track, pairs::judge(track, rule)?))
        }
    }
}

/// Return the bits per byte by seed at this multiple of the trained context.
fn bits(track: &TrackSummary, variant: &VariantSummary, factor: f64) -> Option<Vec<Option<f64>>> {
    values(
        variant,
        MeasureName::BitsPerByte,
        length_at(track.trained_on, factor),
    )
}

/// Return the values of a measure at a place, by seed.
fn values(variant: &VariantSummary, name: MeasureName, at: usize) -> Option<Vec<Option<f64>>> {
    variant
        .at(name, at)
        .map(|point| point.spread.values.clone())
}

fn leak(
    variant: &VariantSummary,
    whole: &[Option<f64>],
    past: &[Option<f64>],
) -> (Standing, String) {
    let differences = paired(whole, past);
    let (standing, interval) = stand(&differences, Side::Below);
    let found = match interval {
        Some(_) => format!(
            "{:.3} nats per token when it is shown what follows, {:.3} when it is not, over {} seeds",
            mean_of(whole),
            mean_of(past),
            differences.len(),
        ),
        None => too_few(differences.len(), &[variant]),
    };
    (standing, found)
}

fn change(
    variant: &VariantSummary,
    far: &[Option<f64>],
    near: &[Option<f64>],
    factor: f64,
    side: Side,
) -> (Standing, String) {
    let differences = paired(far, near);
    let (standing, interval) = stand(&differences, side);
    let found = match interval {
        Some(Interval { low, high }) => format!(
            "{:+.3} [{low:+.3}, {high:+.3}] bits per byte from 1 to {factor} times the context, over {} seeds",
            mean(&differences),
            differences.len(),
        ),
        None => too_few(differences.len(), &[variant]),
    };
    (standing, found)
}

#[cfg(test)]
mod tests;
