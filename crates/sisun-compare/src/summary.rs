//! From the results of cells to what can be said of them.

use crate::claims::{Verdict, judge};
use crate::grid::Grid;
use crate::results::{CellOutcome, CellResult, MeasureName, Timing};
use crate::stats::{
    Interval, bootstrap, holm, mean, mean_reciprocal_rank, paired, probability_of_improvement,
    sign_flip,
};
use crate::track::{Track, length_at};
use serde::Serialize;

/// Share of a task's trained lengths that a model must solve before what it does beyond them says
/// anything.
pub const GATE: f64 = 0.95;
/// Seeds from which on differences are claimed and not only described: with fewer the exact test
/// cannot reach 5 %.
pub const CLAIMS_FROM: usize = 6;

/// Everything that a report says.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The comparison's name.
    pub name: String,
    /// Its budget.
    pub budget: String,
    /// Whether it is a trial: no seed is asked whether it learned anything, no variants are
    /// compared, nothing is judged.
    pub trial: bool,
    /// Seeds of each variant.
    pub seeds: Vec<u64>,
    /// Names of the variants, in order.
    pub variants: Vec<String>,
    /// What a sweep chose: track, variant, settings. Empty without one.
    pub chosen: Vec<(String, String, String)>,
    /// Track by track.
    pub tracks: Vec<TrackSummary>,
    /// Mean reciprocal rank of each variant over the tasks' headlines, in the order of `variants`;
    /// empty without tasks.
    pub mean_reciprocal_ranks: Vec<f64>,
    /// The agreement card.
    pub verdicts: Vec<Verdict>,
    /// Cells without a result, as `track / variant / seed`.
    pub missing: Vec<String>,
}

/// One track.
#[derive(Clone, Debug, Serialize)]
pub struct TrackSummary {
    /// Its name.
    pub name: String,
    /// The track's settings.
    pub track: Track,
    /// Longest length of training: letters of a task, tokens of a text.
    pub trained_on: usize,
    /// Steps of training.
    pub steps: u64,
    /// What is compared first of all.
    pub headline: Headline,
    /// Variant by variant, in the grid's order.
    pub variants: Vec<VariantSummary>,
    /// The variants on the headline: each against the baseline, or every pair.
    pub comparisons: Vec<Comparison>,
}

/// The number by which variants of a track are compared.
#[derive(Clone, Debug, Serialize)]
pub struct Headline {
    /// What was measured.
    pub name: MeasureName,
    /// Mean over these lengths.
    pub at: Vec<usize>,
}

/// A number for each seed, with its mean and interval. `None` where there is none for the seed.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedSpread {
    /// By seed, in the order of the grid.
    pub values: Vec<Option<f64>>,
    /// Of those that are there; NaN without any.
    pub mean: f64,
    /// 95 % bootstrap interval of the mean over seeds; `None` with fewer than two.
    pub interval: Option<Interval>,
}

/// One variant on one track.
#[derive(Clone, Debug, Serialize)]
pub struct VariantSummary {
    /// Its name.
    pub name: String,
    /// Learned numbers.
    pub parameters: u64,
    /// Seeds whose training diverged.
    pub diverged: Vec<u64>,
    /// Seeds that did not learn the task on the lengths of training (below [`GATE`]); they have no
    /// headline.
    pub failed_gate: Vec<u64>,
    /// The headline.
    pub headline: SeedSpread,
    /// Everything measured: name, length or position, its spread, and why values are missing.
    pub series: Vec<SeriesPoint>,
    /// Training loss by step.
    pub curve: Vec<(u64, SeedSpread)>,
    /// Mean distance of each head: layer, head, its spread.
    pub heads: Vec<(usize, usize, SeedSpread)>,
    /// Median milliseconds of a step.
    pub step_ms: SeedSpread,
    /// What the first seed's model writes.
    pub sample: Option<String>,
}

/// One measured place of a variant.
#[derive(Clone, Debug, Serialize)]
pub struct SeriesPoint {
    /// What.
    pub name: MeasureName,
    /// Where.
    pub at: usize,
    /// How much.
    pub spread: SeedSpread,
    /// Why there is nothing.
    pub note: Option<String>,
}

/// Two variants on one headline, seed against seed.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The first.
    pub a: String,
    /// The second.
    pub b: String,
    /// Seeds that both have.
    pub n: usize,
    /// Mean of a − b, with its interval.
    pub difference: SeedSpread,
    /// Exact paired sign-flip test.
    pub p: Option<f64>,
    /// The same with Holm's correction over the track's pairs.
    pub p_holm: Option<f64>,
    /// Chance that a model of the first does better than one of the second.
    pub probability_of_improvement: Option<f64>,
}

/// A cell's result with its timing, where it is there.
pub(crate) type FiledCell = (CellResult, Option<Timing>);

impl SeedSpread {
    /// The spread of these values.
    pub fn of(values: Vec<Option<f64>>) -> Self {
        let there: Vec<f64> = values.iter().flatten().copied().collect();
        Self {
            mean: mean(&there),
            interval: bootstrap(&there, 1),
            values,
        }
    }
}

impl Summary {
    /// The statistics of the results. `found` holds a result for each cell of the grid, in its
    /// order, or nothing.
    pub(crate) fn of(grid: &Grid, found: &[Option<FiledCell>]) -> Self {
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
        Self {
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
}

impl Summary {
    /// In a trial: that everything works on this track, or what does not.
    pub fn working(&self, track: &TrackSummary) -> String {
        let models = |n: usize| {
            if n == 1 {
                "1 model".to_owned()
            } else {
                format!("{n} models")
            }
        };
        let all = models(track.variants.len() * self.seeds.len());
        let cell = format!("{} / ", track.name);
        let missing = self
            .missing
            .iter()
            .filter(|name| name.starts_with(&cell))
            .count();
        let diverged: usize = track
            .variants
            .iter()
            .map(|variant| variant.diverged.len())
            .sum();
        match (missing, diverged) {
            (0, 0) => format!("works: {all} trained and tested"),
            (0, diverged) => format!("{diverged} of {all} diverged"),
            (missing, _) => format!("{missing} of {all} have no result yet"),
        }
    }
}

impl TrackSummary {
    /// A variant by its name.
    pub fn variant(&self, name: &str) -> Option<&VariantSummary> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl VariantSummary {
    /// What was measured at a place.
    pub fn at(&self, name: MeasureName, at: usize) -> Option<&SeriesPoint> {
        self.series
            .iter()
            .find(|point| point.name == name && point.at == at)
    }

    /// All places where something was measured.
    pub fn series(&self, name: MeasureName) -> impl Iterator<Item = &SeriesPoint> {
        self.series.iter().filter(move |point| point.name == name)
    }
}

/// Settings on one line.
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
    let (steps, context_len) = settings.map_or((0, 0), |s| (s.train.steps, s.model.context_len));
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
            // A task that is not tested beyond its training is compared inside.
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
    };
    let variants: Vec<VariantSummary> = grid
        .variants
        .iter()
        .map(|variant| {
            let seeds: Vec<Option<&FiledCell>> = cells()
                .filter(|(cell, _)| cell.variant == variant.name)
                .map(|(_, found)| found.as_ref())
                .collect();
            let gate = |result: &CellResult| grid.trial || learned(result, &headline, trained_on);
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

/// Mean of the headline's places, if all are there.
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

/// Whether a model solves the lengths it was trained on; text has no such gate.
fn learned(result: &CellResult, headline: &Headline, trained_on: usize) -> bool {
    if headline.name != MeasureName::ExactMatch {
        return true;
    }
    let inside = result
        .measures
        .iter()
        .filter(|m| m.name == MeasureName::ExactMatch && m.at <= trained_on);
    let values: Vec<f64> = inside.filter_map(|measure| measure.value).collect();
    mean(&values) >= GATE
}

/// Each variant against the baseline, or every pair of variants without one.
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
