//! The tables of a track.

use super::document::{Cell, Table};
use super::headline::apart;
use super::measured::{SCALED, measure_words, places};
use super::text::{
    NOTHING, bound, count, interval, maybe, number, p_value, signed, spread, tenths, thousands,
};
use crate::results::MeasureName;
use crate::stats::Interval;
use crate::summary::{CLAIMS_FROM, Comparison, SeedSpread, TrackSummary, VariantSummary};

/// The corrected p-value below which a difference holds.
const HOLDS_BELOW: f64 = 0.05;
/// Number of pairs that are shown at first.
const FIRST_PAIRS: usize = 10;

/// Return true if a difference is unlikely to be due to seeds alone.
pub(super) fn holds(pair: &Comparison) -> bool {
    pair.n >= CLAIMS_FROM && pair.p_holm.is_some_and(|p| p < HOLDS_BELOW)
}

/// Return the table of the variants of a track.
pub(super) fn variants(track: &TrackSummary) -> Table {
    let (inside, headline) = match track.headline.name {
        _ if track.track.has_pairs() => (
            format!("at the longest sources (up to {})", track.trained_on),
            "mean of the headline",
        ),
        MeasureName::ExactMatch => (
            format!("on trained lengths (up to {})", track.trained_on),
            "mean of the headline",
        ),
        _ => (
            format!("at the trained length ({})", track.trained_on),
            "mean of the headline",
        ),
    };
    let head = [
        "variant",
        &inside,
        headline,
        "95 % interval",
        "seeds",
        "left out",
        "ms a step",
        "parameters",
    ];
    let mut table = Table::new(&head);
    for (i, variant) in track.variants.iter().enumerate() {
        let parameters = Some(variant.parameters).filter(|n| *n > 0);
        let counted = variant.headline.values.iter().flatten().count();
        table.push(
            false,
            vec![
                Cell::Variant(i, variant.name.clone()),
                Cell::Number(number(inside_mean(track, variant))),
                Cell::Number(number(variant.headline.mean)),
                Cell::Number(interval(variant.headline.interval, number)),
                Cell::Number(counted.to_string()),
                Cell::Words(apart(track, variant).join("; ")),
                Cell::Number(tenths(variant.step_ms.mean)),
                Cell::Number(parameters.map_or_else(|| NOTHING.to_owned(), thousands)),
            ],
        );
    }
    table
}

/// Return the table of every seed's headline, or the reason why it has none.
pub(super) fn seeds(seeds: &[u64], track: &TrackSummary) -> Table {
    let mut head = vec!["variant".to_owned()];
    head.extend(seeds.iter().map(|seed| format!("seed {seed}")));
    let mut table = Table {
        head,
        rows: Vec::new(),
    };
    for (i, variant) in track.variants.iter().enumerate() {
        let value = |(seed, value): (&u64, &Option<f64>)| {
            Cell::Number(match value {
                Some(value) => number(*value),
                None if variant.diverged.contains(seed) => "diverged".to_owned(),
                None if variant.failed_gate.contains(seed) => "gate".to_owned(),
                None => NOTHING.to_owned(),
            })
        };
        let mut cells = vec![Cell::Variant(i, variant.name.clone())];
        cells.extend(seeds.iter().zip(&variant.headline.values).map(value));
        table.push(false, cells);
    }
    table
}

/// Return the mean of the headline's measure over the trained lengths, at the trained context, or
/// at the longest sources.
fn inside_mean(track: &TrackSummary, variant: &VariantSummary) -> f64 {
    if track.track.has_pairs() {
        let longest = variant.at(track.headline.name, track.trained_on);
        return longest.map_or(f64::NAN, |point| point.spread.mean);
    }
    let inside = variant
        .series(track.headline.name)
        .filter(|point| point.at <= track.trained_on);
    let means: Vec<f64> = inside
        .map(|point| point.spread.mean)
        .filter(|mean| !mean.is_nan())
        .collect();
    crate::stats::mean(&means)
}

/// Return a table of a measure, with a row for each length and a column for each variant.
pub(super) fn by_place(track: &TrackSummary, name: MeasureName) -> Option<Table> {
    let places = places(track, name);
    let mut head = vec!["length".to_owned()];
    head.extend(track.variants.iter().map(|variant| variant.name.clone()));
    let mut table = Table {
        head,
        rows: Vec::new(),
    };
    for at in places {
        let mut cells = vec![Cell::Number(thousands(at as u64))];
        cells.extend(track.variants.iter().map(|variant| {
            let point = variant.at(name, at);
            let there = point.filter(|point| !point.spread.mean.is_nan());
            let why = point
                .and_then(|point| point.note.clone())
                .unwrap_or_else(|| NOTHING.to_owned());
            there.map_or(Cell::Words(why), |point| {
                Cell::Number(spread(&point.spread, number))
            })
        }));
        table.push(at == track.trained_on, cells);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Return the table of the alignment of each variant with attention; `None` without any.
pub(super) fn alignment(track: &TrackSummary) -> Option<Table> {
    let mut table = Table::new(&[
        "variant",
        "error of the best head",
        "its mass on the truth",
        "error of the mean of the heads",
        "one head everywhere",
        "a head for each place",
    ]);
    for (i, variant) in track.variants.iter().enumerate() {
        let over_seeds = |name| SeedSpread::of(variant.mean_over_places(name));
        let error = over_seeds(MeasureName::AlignmentErrorRate);
        if error.mean.is_nan() {
            continue;
        }
        let others = [
            MeasureName::AttentionMass,
            MeasureName::AlignmentErrorRateMeanOfHeads,
            MeasureName::AlignmentErrorRateOneHead,
            MeasureName::AlignmentErrorRateHeadForEachPlace,
        ];
        let mut cells = vec![Cell::Variant(i, variant.name.clone())];
        cells.push(Cell::Number(spread(&error, number)));
        let means = others.map(|name| Cell::Number(number(over_seeds(name).mean)));
        cells.extend(means);
        table.push(false, cells);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// Return a table of a variant's bits per byte by length, unchanged and with scaled rotary
/// positions, or `None` if they cannot be scaled.
pub(super) fn scaling(variant: &VariantSummary) -> Option<Table> {
    let ways: Vec<MeasureName> = SCALED
        .into_iter()
        .filter(|name| variant.series(*name).next().is_some())
        .collect();
    let first = *ways.first()?;
    let mut head = vec!["length".to_owned(), "as trained".to_owned()];
    head.extend(ways.iter().map(|name| measure_words(*name).to_owned()));
    let mut table = Table {
        head,
        rows: Vec::new(),
    };
    for at in variant.series(first).map(|point| point.at) {
        let told = |name| {
            Cell::Number(
                variant
                    .at(name, at)
                    .map_or_else(|| NOTHING.to_owned(), |p| spread(&p.spread, number)),
            )
        };
        let names = [MeasureName::BitsPerByte]
            .into_iter()
            .chain(ways.iter().copied());
        table.push(
            false,
            std::iter::once(Cell::Number(thousands(at as u64)))
                .chain(names.map(told))
                .collect(),
        );
    }
    Some(table)
}

/// Describe the number of differences that hold and, if none can, the reason.
pub(super) fn what_holds(seeds: usize, track: &TrackSummary) -> String {
    let all = track.comparisons.len();
    let held = track.comparisons.iter().filter(|pair| holds(pair)).count();
    let tested = track
        .comparisons
        .iter()
        .filter(|pair| pair.p.is_some())
        .count();
    let n = track
        .comparisons
        .iter()
        .map(|pair| pair.n)
        .max()
        .unwrap_or(0);
    let against = track.comparisons.first().map(|pair| pair.b.as_str());
    let baseline =
        against.filter(|name| all > 1 && track.comparisons.iter().all(|pair| pair.b == *name));
    let who = match baseline {
        Some(name) => format!("Every other variant is compared with {name}"),
        None => "Every two variants are compared".to_owned(),
    };
    let mut told = format!(
        "{who} on the {}, seed by seed: the one ahead, and by how much.",
        measure_words(track.headline.name)
    );
    told += &match (seeds < CLAIMS_FROM, held) {
        (true, _) => format!(
            " With {} these differences are described, none is claimed.",
            count(seeds, "seed")
        ),
        (false, 1) => format!(" Of {}, 1 difference holds.", count(all, "pair")),
        (false, _) => format!(" Of {}, {held} differences hold.", count(all, "pair")),
    };
    // The smallest p that Holm's correction can give with n seeds.
    let floor = |n: usize| tested as f64 * 2.0 / 2f64.powi(n.min(64) as i32);
    if tested > 0 && floor(n) >= HOLDS_BELOW {
        let needed = (1..=64).find(|n| floor(*n) < HOLDS_BELOW).unwrap_or(64);
        told += &format!(
            " None could: with {} and at most {} in common, p after Holm’s correction is never below {}. Fewer \
             variants, or {} and more, would allow it.",
            count(tested, "pair"),
            count(n, "seed"),
            bound(floor(n).min(1.0)),
            count(needed.max(CLAIMS_FROM), "seed"),
        );
    }
    told
}

/// Return the pairs, most certain first: those shown at first, and the rest.
pub(super) fn pairs(track: &TrackSummary) -> (Table, Table) {
    let head = [
        "ahead",
        "behind",
        "difference",
        "95 % interval",
        "p",
        "p (Holm)",
        "P(better)",
        "seeds",
        "",
    ];
    let number_of = |name: &str| {
        track
            .variants
            .iter()
            .position(|variant| variant.name == name)
            .unwrap_or(0)
    };
    let none_last = |p: Option<f64>| p.filter(|p| !p.is_nan()).unwrap_or(f64::INFINITY);
    let mut sorted: Vec<&Comparison> = track.comparisons.iter().collect();
    sorted.sort_by(|a, b| {
        let by = |of: fn(&Comparison) -> Option<f64>| none_last(of(a)).total_cmp(&none_last(of(b)));
        by(|pair| pair.p_holm)
            .then(by(|pair| pair.p))
            .then(by(|pair| Some(-pair.difference.mean.abs())))
    });
    let (mut first, mut rest) = (Table::new(&head), Table::new(&head));
    for (i, pair) in sorted.into_iter().enumerate() {
        let table = if i < FIRST_PAIRS || holds(pair) {
            &mut first
        } else {
            &mut rest
        };
        // The first variant is ahead if the difference is above 0 and higher is better, or below 0
        // and lower is better.
        let turned = (pair.difference.mean < 0.0) == track.headline.name.higher_is_better();
        let (ahead, behind) = if turned {
            (&pair.b, &pair.a)
        } else {
            (&pair.a, &pair.b)
        };
        let below = pair.difference.mean < 0.0;
        let size = |i: Interval| {
            if below {
                Interval {
                    low: -i.high,
                    high: -i.low,
                }
            } else {
                i
            }
        };
        let better = pair
            .probability_of_improvement
            .map(|p| if turned { 1.0 - p } else { p });
        table.push(
            holds(pair),
            vec![
                Cell::Variant(number_of(ahead), ahead.clone()),
                Cell::Variant(number_of(behind), behind.clone()),
                Cell::Number(number(pair.difference.mean.abs())),
                Cell::Number(interval(pair.difference.interval.map(size), number)),
                Cell::Number(maybe(pair.p, p_value)),
                Cell::Number(maybe(pair.p_holm, p_value)),
                Cell::Number(maybe(better, |p| format!("{p:.2}"))),
                Cell::Number(pair.n.to_string()),
                Cell::Words(if holds(pair) { "holds" } else { "" }.to_owned()),
            ],
        );
    }
    (first, rest)
}

/// Return, by variant, the loss given the whole window, the loss given the past alone, and their
/// difference.
pub(super) fn leaks(track: &TrackSummary) -> Vec<(usize, &VariantSummary, [SeedSpread; 3])> {
    let of = |(i, variant)| {
        let variant: &VariantSummary = variant;
        let whole = variant.series(MeasureName::LossWholeWindow).next()?;
        let past = variant.at(MeasureName::LossPastOnly, whole.at)?;
        let seeds = past.spread.values.iter().zip(&whole.spread.values);
        let leak = seeds
            .map(|(past, whole)| Some((*past)? - (*whole)?).filter(|leak| !leak.is_nan()))
            .collect();
        Some((
            i,
            variant,
            [
                whole.spread.clone(),
                past.spread.clone(),
                SeedSpread::of(leak),
            ],
        ))
    };
    track.variants.iter().enumerate().filter_map(of).collect()
}

/// Return the same as a table.
pub(super) fn leak(leaks: &[(usize, &VariantSummary, [SeedSpread; 3])]) -> Table {
    let mut table = Table::new(&[
        "variant",
        "whole window given",
        "only the past given",
        "leak",
    ]);
    for (i, variant, [whole, past, leak]) in leaks {
        table.push(
            false,
            vec![
                Cell::Variant(*i, variant.name.clone()),
                Cell::Number(number(whole.mean)),
                Cell::Number(number(past.mean)),
                Cell::Number(spread(leak, signed)),
            ],
        );
    }
    table
}
