//! Computation of a comparison's summary from the results of its cells.

use crate::claims::judge;
use crate::grid::{Grid, Network};
use crate::results::{CellOutcome, CellResult, MeasureName};
use crate::stats::{
    holm, mean, mean_reciprocal_rank, paired, probability_of_improvement, sign_flip,
};
use crate::summary::{
    Comparison, FiledCell, GATE, Headline, SeedSpread, SeriesPoint, Summary, TrackSummary,
    VariantSummary,
};
use crate::track::{Track, length_at};
use std::collections::BTreeSet;

/// Return the keys that the variants set.
fn varied(grid: &Grid) -> Vec<String> {
    let keys = grid.variants.iter().flat_map(|variant| {
        let random = variant.random_positions.map(|_| "random_positions");
        variant.set.keys().map(String::as_str).chain(random)
    });
    let keys: BTreeSet<&str> = keys.collect();
    keys.into_iter().map(str::to_owned).collect()
}

/// Compute the statistics of the results. `found` holds, for each cell of the grid in order, its
/// result if there is one.
pub(crate) fn summarize(grid: &Grid, found: &[Option<FiledCell>]) -> Summary {
    let tracks: Vec<TrackSummary> = grid
        .tracks
        .iter()
        .map(|(name, track)| track_summary(grid, name, track, found))
        .collect();
    let variants: Vec<String> = grid
        .variants
        .iter()
        .map(|variant| variant.name.clone())
        .collect();
    let tasks = tracks
        .iter()
        .filter(|track| track.headline.name == MeasureName::ExactMatch);
    let scores: Vec<Vec<f64>> = tasks
        .filter(|_| !grid.trial)
        .map(|track| {
            track
                .variants
                .iter()
                .map(|variant| variant.headline.mean)
                .collect()
        })
        .collect();
    let missing = grid
        .cells
        .iter()
        .zip(found)
        .filter(|(_, found)| found.is_none());
    Summary {
        name: grid.name.clone(),
        budget: grid.budget.clone(),
        trial: grid.trial,
        seeds: grid.seeds.clone(),
        chosen: grid
            .chosen
            .iter()
            .map(|(t, v, set)| (t.clone(), v.clone(), told(set)))
            .collect(),
        variants,
        varied: varied(grid),
        mean_reciprocal_ranks: mean_reciprocal_rank(&scores),
        verdicts: if grid.trial {
            Vec::new()
        } else {
            judge(&tracks)
        },
        missing: missing.map(|(cell, _)| cell.to_string()).collect(),
        tracks,
    }
}

/// Format settings on one line.
fn told(set: &toml::Table) -> String {
    set.iter()
        .map(|(key, value)| format!("{key} = {value}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn track_summary(
    grid: &Grid,
    name: &str,
    track: &Track,
    found: &[Option<FiledCell>],
) -> TrackSummary {
    let cells = || {
        grid.cells
            .iter()
            .zip(found)
            .filter(move |(cell, _)| cell.track == name)
    };
    let settings = cells().map(|(cell, _)| &cell.settings).next();
    let steps = settings.map_or(0, |s| s.train.steps);
    let context_len = settings.map_or(0, |s| match &s.network {
        Network::Model(model) => model.context_len,
        Network::Seq2seq(config) => config.max_source_len(),
    });
    let (trained_on, headline) = match track {
        Track::Task {
            train_lengths: [_, longest],
            test_lengths,
            ..
        } => {
            let beyond: Vec<usize> = test_lengths
                .iter()
                .copied()
                .filter(|length| length > longest)
                .collect();
            // A task that is not tested beyond its training lengths is compared within them.
            let at = if beyond.is_empty() {
                test_lengths.clone()
            } else {
                beyond
            };
            (
                *longest,
                Headline {
                    name: MeasureName::ExactMatch,
                    at,
                },
            )
        }
        Track::Language { factors, .. } => {
            let factor = factors
                .iter()
                .copied()
                .find(|factor| *factor >= 2.0)
                .unwrap_or(1.0);
            (
                context_len,
                Headline {
                    name: MeasureName::BitsPerByte,
                    at: vec![length_at(context_len, factor)],
                },
            )
        }
        // All lengths are trained on, and all groups of them are compared.
        Track::PairTask { .. } | Track::Pairs { .. } => {
            let measures = cells().filter_map(|(_, found)| found.as_ref());
            let groups: BTreeSet<usize> = measures
                .flat_map(|(result, _)| &result.measures)
                .filter(|measure| measure.name == MeasureName::ExactMatch)
                .map(|measure| measure.at)
                .collect();
            let at: Vec<usize> = groups.into_iter().collect();
            let headline = Headline {
                name: MeasureName::ExactMatch,
                at,
            };
            (headline.at.last().copied().unwrap_or(0), headline)
        }
    };
    let variants: Vec<VariantSummary> = grid
        .variants
        .iter()
        .map(|variant| {
            let seeds: Vec<Option<&FiledCell>> = cells()
                .filter(|(cell, _)| cell.variant == variant.name)
                .map(|(_, found)| found.as_ref())
                .collect();
            let gate = |result: &CellResult| {
                grid.trial || !track.has_gate() || learned(result, trained_on)
            };
            variant_summary(&variant.name, &seeds, &headline, &gate)
        })
        .collect();
    let comparisons = match grid.trial {
        true => Vec::new(),
        false => comparisons(
            &variants,
            grid.baseline.as_deref(),
            headline.name.higher_is_better(),
        ),
    };
    TrackSummary {
        name: name.to_owned(),
        track: track.clone(),
        trained_on,
        steps,
        headline,
        variants,
        comparisons,
    }
}

fn variant_summary(
    name: &str,
    seeds: &[Option<&FiledCell>],
    headline: &Headline,
    passed: &dyn Fn(&CellResult) -> bool,
) -> VariantSummary {
    let results = || seeds.iter().flatten().map(|(result, _)| result);
    let all_seeds = |keep: &dyn Fn(&CellResult) -> bool| {
        results().filter(|r| keep(r)).map(|r| r.seed).collect()
    };
    let by_seed = |value: &dyn Fn(&FiledCell) -> Option<f64>| {
        SeedSpread::of(seeds.iter().map(|found| found.and_then(value)).collect())
    };
    let mut series: Vec<SeriesPoint> = Vec::new();
    for measure in results().flat_map(|result| &result.measures) {
        if series
            .iter()
            .all(|point| (point.name, point.at) != (measure.name, measure.at))
        {
            series.push(SeriesPoint {
                name: measure.name,
                at: measure.at,
                spread: by_seed(&|(result, _)| value_at(result, measure.name, measure.at)),
                note: measure.note.clone(),
            });
        }
    }
    let first = results().next();
    let places = first.map_or(Vec::new(), |result| {
        result.heads.iter().map(|h| (h.layer, h.head)).collect()
    });
    let steps = first.map_or(Vec::new(), |result| {
        result.curve.iter().map(|point| point.step).collect()
    });
    let loss = |result: &CellResult, step| {
        result
            .curve
            .iter()
            .find(|p| p.step == step)
            .map(|point| point.loss)
    };
    let distance = |result: &CellResult, layer, head| {
        result
            .heads
            .iter()
            .find(|h| (h.layer, h.head) == (layer, head))
            .map(|h| h.distance)
    };
    VariantSummary {
        name: name.to_owned(),
        parameters: first.map_or(0, |result| result.parameters),
        diverged: all_seeds(&|result| result.outcome != CellOutcome::Trained),
        failed_gate: all_seeds(&|result| result.outcome == CellOutcome::Trained && !passed(result)),
        headline: by_seed(&|(result, _)| {
            if passed(result) {
                headline_of(result, headline)
            } else {
                None
            }
        }),
        series,
        curve: steps
            .into_iter()
            .map(|step| (step, by_seed(&|(result, _)| loss(result, step))))
            .collect(),
        heads: places
            .into_iter()
            .map(|(l, h)| (l, h, by_seed(&|(result, _)| distance(result, l, h))))
            .collect(),
        step_ms: by_seed(&|(_, timing)| timing.map(|timing| timing.step_ms)),
        sample: first.and_then(|result| result.sample.clone()),
    }
}

fn value_at(result: &CellResult, name: MeasureName, at: usize) -> Option<f64> {
    result
        .measures
        .iter()
        .find(|m| m.name == name && m.at == at)
        .and_then(|measure| measure.value)
}

/// Return the mean over the headline's places, if all have values.
fn headline_of(result: &CellResult, headline: &Headline) -> Option<f64> {
    let values: Option<Vec<f64>> = headline
        .at
        .iter()
        .map(|at| value_at(result, headline.name, *at))
        .collect();
    values
        .filter(|values| !values.is_empty())
        .map(|values| mean(&values))
}

/// Return true if a model of a task solves its training lengths.
fn learned(result: &CellResult, trained_on: usize) -> bool {
    let inside = result
        .measures
        .iter()
        .filter(|m| m.name == MeasureName::ExactMatch && m.at <= trained_on);
    let values: Vec<f64> = inside.filter_map(|measure| measure.value).collect();
    mean(&values) >= GATE
}

/// Compare each variant with the baseline or, without one, every pair of variants.
fn comparisons(
    variants: &[VariantSummary],
    baseline: Option<&str>,
    higher_is_better: bool,
) -> Vec<Comparison> {
    let mut all = Vec::new();
    for (i, a) in variants.iter().enumerate() {
        for (j, b) in variants.iter().enumerate() {
            let wanted =
                baseline.map_or(i < j, |baseline| b.name == baseline && a.name != baseline);
            if !wanted {
                continue;
            }
            let differences = paired(&a.headline.values, &b.headline.values);
            let there = |spread: &SeedSpread| -> Vec<f64> {
                let sign = if higher_is_better { 1.0 } else { -1.0 };
                spread
                    .values
                    .iter()
                    .flatten()
                    .map(|value| sign * value)
                    .collect()
            };
            all.push(Comparison {
                a: a.name.clone(),
                b: b.name.clone(),
                n: differences.len(),
                p: sign_flip(&differences),
                p_holm: None,
                probability_of_improvement: probability_of_improvement(
                    &there(&a.headline),
                    &there(&b.headline),
                ),
                difference: SeedSpread::of(differences.into_iter().map(Some).collect()),
            });
        }
    }
    let tested: Vec<usize> = (0..all.len()).filter(|i| all[*i].p.is_some()).collect();
    let p: Vec<f64> = tested.iter().filter_map(|i| all[*i].p).collect();
    for (i, adjusted) in tested.into_iter().zip(holm(&p)) {
        all[i].p_holm = Some(adjusted);
    }
    all
}
