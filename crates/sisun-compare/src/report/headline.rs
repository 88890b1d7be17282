//! The headline of a track in words.

use super::measured::measure_words;
use super::text::{count, listed, thousands};
use crate::results::MeasureName;
use crate::summary::{TrackSummary, VariantSummary};

/// Describe the headline.
pub(super) fn headline_words(track: &TrackSummary) -> String {
    let words = measure_words(track.headline.name);
    let places: Vec<String> = track
        .headline
        .at
        .iter()
        .map(|at| thousands(*at as u64))
        .collect();
    match track.headline.name {
        _ if track.track.has_pairs() => match places.last() {
            Some(last) => format!(
                "mean {words} over {} of sources up to {last} tokens",
                count(places.len(), "group")
            ),
            None => words.to_owned(),
        },
        MeasureName::ExactMatch if places.len() > 4 => {
            format!(
                "mean {words} at the {} lengths from {} to {}",
                places.len(),
                places[0],
                places[places.len() - 1]
            )
        }
        MeasureName::ExactMatch if places.len() > 1 => {
            format!("mean {words} at lengths {}", listed(&places))
        }
        MeasureName::ExactMatch => format!("{words} at length {}", listed(&places)),
        _ => format!("{words} at {} tokens", listed(&places)),
    }
}

/// List the seeds of a variant that have no headline, with the reasons.
pub(super) fn apart(track: &TrackSummary, variant: &VariantSummary) -> Vec<String> {
    let named = |what: &str, seeds: &[u64]| {
        let names: Vec<String> = seeds.iter().map(u64::to_string).collect();
        let noun = if seeds.len() == 1 { "seed" } else { "seeds" };
        (!seeds.is_empty()).then(|| format!("{what}: {noun} {}", listed(&names)))
    };
    let mut reasons: Vec<String> = Vec::new();
    reasons.extend(named("diverged", &variant.diverged));
    reasons.extend(named("failed the gate", &variant.failed_gate));
    let points = track
        .headline
        .at
        .iter()
        .filter_map(|at| variant.at(track.headline.name, *at));
    let noted: Vec<(usize, &String)> = points
        .filter_map(|point| Some((point.at, point.note.as_ref()?)))
        .collect();
    match noted[..] {
        [(at, note)] => reasons.push(format!("nothing at {}: {note}", thousands(at as u64))),
        [(first, note), .., (last, _)] => {
            reasons.push(format!(
                "nothing at {} to {}: {note}",
                thousands(first as u64),
                thousands(last as u64)
            ));
        }
        [] => {}
    }
    let absent = variant
        .headline
        .values
        .iter()
        .filter(|value| value.is_none())
        .count();
    if reasons.is_empty() && absent > 0 {
        reasons.push(format!("{} without a value", count(absent, "seed")));
    }
    reasons
}
