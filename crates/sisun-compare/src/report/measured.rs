//! The measures of a track and their places.

use super::text::{listed, thousands};
use crate::results::MeasureName;
use crate::summary::{SeedSpread, TrackSummary};

/// The ways to scale rotary positions.
pub(super) const SCALED: [MeasureName; 3] = [
    MeasureName::BitsPerByteLinear,
    MeasureName::BitsPerByteNtk,
    MeasureName::BitsPerByteYarn,
];

/// Return the name of a measure in words.
pub(super) fn measure_words(name: MeasureName) -> &'static str {
    match name {
        MeasureName::ExactMatch => "exact match",
        MeasureName::AlignmentErrorRate => "alignment error rate",
        MeasureName::AttentionMass => "attention mass",
        MeasureName::AlignmentErrorRateMeanOfHeads => "alignment error rate, mean of the heads",
        MeasureName::AlignmentErrorRateOneHead => "alignment error rate, one head",
        MeasureName::AlignmentErrorRateHeadForEachPlace => {
            "alignment error rate, a head for each place"
        }
        MeasureName::BitsPerByte => "bits per byte",
        MeasureName::BitsPerByteSliding => "bits per byte, sliding windows",
        MeasureName::BitsPerByteLinear => "interpolated",
        MeasureName::BitsPerByteNtk => "NTK-aware",
        MeasureName::BitsPerByteYarn => "YaRN",
        MeasureName::LossAtPosition => "loss by position",
        MeasureName::LossWholeWindow => "loss, the whole window given",
        MeasureName::LossPastOnly => "loss, only the past given",
    }
}

/// Return all places with measurements, in ascending order.
pub(super) fn places(track: &TrackSummary, name: MeasureName) -> Vec<usize> {
    let mut places: Vec<usize> = track
        .variants
        .iter()
        .flat_map(|variant| variant.series(name).map(|point| point.at))
        .collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Describe, one sentence each, which variants have no value at which places, and why.
pub(super) fn notes(track: &TrackSummary, name: MeasureName) -> Vec<String> {
    let mut notes = Vec::new();
    for variant in &track.variants {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for point in variant
            .series(name)
            .filter(|point| numbers(&point.spread).next().is_none())
        {
            let at = thousands(point.at as u64);
            let why = point
                .note
                .as_deref()
                .unwrap_or("no seed was measured there");
            match reasons.iter_mut().find(|(known, _)| *known == why) {
                Some((_, places)) => places.push(at),
                None => reasons.push((why, vec![at])),
            }
        }
        let told = |(why, places): (&str, Vec<String>)| {
            format!(
                "{} has no value at {}: {why}.",
                variant.name,
                listed(&places)
            )
        };
        notes.extend(reasons.into_iter().map(told));
    }
    notes
}

/// Return the finite values of the seeds.
pub(super) fn numbers(spread: &SeedSpread) -> impl Iterator<Item = f64> {
    spread
        .values
        .iter()
        .flatten()
        .copied()
        .filter(|value| !value.is_nan())
}
