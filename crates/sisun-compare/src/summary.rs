//! The statistics of a comparison.

use crate::claims::claim::Verdict;
use crate::results::{CellResult, MeasureName, Timing};
use crate::stats::{Interval, bootstrap, mean};
use crate::track::Track;
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
