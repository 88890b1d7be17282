//! The statistics of a comparison.

use crate::claims::claim::Verdict;
use crate::results::{CellResult, MeasureName, Timing};
use crate::stats::{Interval, bootstrap, mean};
use crate::track::Track;
use serde::Serialize;

/// Exact match on a task's trained lengths that a model must reach for its results on longer
/// lengths to count.
pub const GATE: f64 = 0.95;
/// Number of seeds from which differences are claimed and not only described: with fewer, the exact
/// test cannot reach 5 %.
pub const CLAIMS_FROM: usize = 6;

/// All data of a report.
#[derive(Clone, Debug, Serialize)]
pub struct Summary {
    /// The comparison's name.
    pub name: String,
    /// Name of its budget.
    pub budget: String,
    /// True for a trial: seeds are not checked for learning, variants are not compared, and claims
    /// are not judged.
    pub trial: bool,
    /// Seeds of each variant.
    pub seeds: Vec<u64>,
    /// Names of the variants, in order.
    pub variants: Vec<String>,
    /// Keys of the settings in which variants differ.
    pub varied: Vec<String>,
    /// Settings chosen by a sweep: track, variant, settings. Empty without one.
    pub chosen: Vec<(String, String, String)>,
    /// The tracks.
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
    /// Longest training length: letters of a task, tokens of a text.
    pub trained_on: usize,
    /// Number of training steps.
    pub steps: u64,
    /// The main measure.
    pub headline: Headline,
    /// The variants, in the grid's order.
    pub variants: Vec<VariantSummary>,
    /// Comparisons on the headline: of each variant with the baseline, or of every pair.
    pub comparisons: Vec<Comparison>,
}

/// The measure by which variants of a track are compared.
#[derive(Clone, Debug, Serialize)]
pub struct Headline {
    /// Name of the measure.
    pub name: MeasureName,
    /// Lengths over which it is averaged.
    pub at: Vec<usize>,
}

/// A value for each seed, with their mean and its interval. `None` for a seed without a value.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeedSpread {
    /// Values by seed, in the order of the grid.
    pub values: Vec<Option<f64>>,
    /// Mean of the present values; NaN without any.
    pub mean: f64,
    /// 95 % bootstrap interval of the mean over seeds; `None` with fewer than two.
    pub interval: Option<Interval>,
}

/// One variant on one track.
#[derive(Clone, Debug, Serialize)]
pub struct VariantSummary {
    /// Its name.
    pub name: String,
    /// Number of trained parameters.
    pub parameters: u64,
    /// Seeds whose training diverged.
    pub diverged: Vec<u64>,
    /// Seeds that did not learn the task on the training lengths (below [`GATE`]); they have no
    /// headline.
    pub failed_gate: Vec<u64>,
    /// The headline.
    pub headline: SeedSpread,
    /// All measurements: name, length or position, spread, and the reason for missing values.
    pub series: Vec<SeriesPoint>,
    /// Training loss by step.
    pub curve: Vec<(u64, SeedSpread)>,
    /// Mean attention distance of each head: layer, head, spread.
    pub heads: Vec<(usize, usize, SeedSpread)>,
    /// Median milliseconds of a step.
    pub step_ms: SeedSpread,
    /// Sample of the first seed's model.
    pub sample: Option<String>,
}

/// One measurement of a variant.
#[derive(Clone, Debug, Serialize)]
pub struct SeriesPoint {
    /// Name of the measure.
    pub name: MeasureName,
    /// Length or position.
    pub at: usize,
    /// Values by seed.
    pub spread: SeedSpread,
    /// The reason for missing values.
    pub note: Option<String>,
}

/// A comparison of two variants on one headline, paired by seed.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Name of the first variant.
    pub a: String,
    /// Name of the second variant.
    pub b: String,
    /// Number of seeds with values for both.
    pub n: usize,
    /// Mean of a − b, with its interval.
    pub difference: SeedSpread,
    /// p-value of the exact paired sign-flip test.
    pub p: Option<f64>,
    /// The same with Holm's correction over the pairs of the track.
    pub p_holm: Option<f64>,
    /// Probability that a model of the first variant does better than one of the second.
    pub probability_of_improvement: Option<f64>,
}

/// A cell's result with its timing, if there is one.
pub(crate) type FiledCell = (CellResult, Option<Timing>);

impl SeedSpread {
    /// Compute the spread of these values.
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
    /// Return true if the models are encoder–decoders on pairs.
    pub fn has_pairs(&self) -> bool {
        self.tracks.iter().any(|track| track.track.has_pairs())
    }

    /// For a trial, describe whether everything works on this track, or which part does not.
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
    /// Return a variant by its name.
    pub fn variant(&self, name: &str) -> Option<&VariantSummary> {
        self.variants.iter().find(|variant| variant.name == name)
    }
}

impl VariantSummary {
    /// Return the measurement at a place.
    pub fn at(&self, name: MeasureName, at: usize) -> Option<&SeriesPoint> {
        self.series
            .iter()
            .find(|point| point.name == name && point.at == at)
    }

    /// Return, by seed, the mean of a measure over all of its places; `None` for a seed that lacks
    /// one of them.
    pub fn mean_over_places(&self, name: MeasureName) -> Vec<Option<f64>> {
        let points: Vec<&SeriesPoint> = self.series(name).collect();
        let of_seed = |seed: usize| -> Option<f64> {
            let values: Option<Vec<f64>> = points
                .iter()
                .map(|point| point.spread.values.get(seed).copied().flatten())
                .collect();
            values
                .filter(|values| !values.is_empty())
                .map(|values| mean(&values))
        };
        (0..self.headline.values.len()).map(of_seed).collect()
    }

    /// Return all measurements with this name.
    pub fn series(&self, name: MeasureName) -> impl Iterator<Item = &SeriesPoint> {
        self.series.iter().filter(move |point| point.name == name)
    }
}
