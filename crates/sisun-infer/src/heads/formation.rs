//! How heads form in training: at which step a score first passes its threshold, over runs.

use super::HeadScore;
use serde::Serialize;

/// The scores of one run over its checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FormingRun {
    /// Name of the run.
    pub name: String,
    /// Steps of the checkpoints, ascending.
    pub steps: Vec<u64>,
    /// Heads as layer and number, layer by layer.
    pub heads: Vec<(usize, usize)>,
    /// Scores and thresholds.
    pub curves: Vec<ScoreCurve>,
}

/// One score of all heads of a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScoreCurve {
    /// The score.
    pub score: HeadScore,
    /// The score from which on a head counts as one of its kind.
    pub threshold: f64,
    /// The score of each head, `[step, head]`; `None` where it is no number.
    pub values: Vec<Vec<Option<f64>>>,
}

/// The first checkpoint from which on some head of a run keeps to a threshold until the last one, so
/// that a head that happens to reach it once does not count. Heads of different runs do not
/// correspond, so runs are compared by the head that is first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Passing {
    /// Name of the run.
    pub run: String,
    /// Step of the first checkpoint from which on a head keeps to the threshold; `None` if none does.
    pub step: Option<u64>,
    /// Step of the checkpoint before; `None` for the first checkpoint.
    pub after: Option<u64>,
    /// The head, by layer and number: the one with the largest score at that checkpoint.
    pub head: Option<(usize, usize)>,
    /// The head with the largest score at the last checkpoint, and the score.
    pub last: Option<((usize, usize), f64)>,
    /// Step of the last checkpoint.
    pub last_step: u64,
}

/// A share of runs, with Wilson's score interval for a binomial proportion (Wilson 1927) at 95%:
/// `(p̂ + z²/2n ± z·√(p̂(1−p̂)/n + z²/4n²)) / (1 + z²/n)`, z = 1.96.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Proportion {
    /// Number of runs that passed.
    pub passed: usize,
    /// Number of runs.
    pub of: usize,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// The median of the steps at which runs pass, with an interval between two order statistics: with
/// n runs, the k-th smallest and the k-th largest step enclose the median of the distribution with
/// probability `1 − 2·P(B < k)`, `B` binomial with n and ½ (David and Nagaraja 2003, §7.1). Of the
/// intervals with at least 95% the narrowest is taken, or with fewer than six runs the whole range.
/// Runs that have not passed count as later than all others.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct StepInterval {
    /// The median, of an even number of runs the earlier of the two in the middle; `None` if it
    /// lies beyond the last checkpoint.
    pub median: Option<u64>,
    /// The earlier end; `None` if it lies beyond the last checkpoint.
    pub low: Option<u64>,
    /// The later end; `None` if it lies beyond the last checkpoint.
    pub high: Option<u64>,
    /// Probability with which the interval encloses the median; 0 for a single run.
    pub confidence: f64,
}

/// How one kind of head forms, over runs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Formation {
    /// The score.
    pub score: HeadScore,
    /// The smallest and the largest threshold of the runs; equal if they read the same tokens.
    pub thresholds: [f64; 2],
    /// Runs that pass.
    pub share: Proportion,
    /// The step at which they pass.
    pub step: StepInterval,
    /// Each run.
    pub runs: Vec<Passing>,
}

impl FormingRun {
    /// Find where a score passes its threshold; `None` if it was not measured.
    fn passing(&self, score: HeadScore) -> Option<(f64, Passing)> {
        let curve = self.curves.iter().find(|curve| curve.score == score)?;
        let best = |row: &Vec<Option<f64>>| {
            let scores = row.iter().enumerate();
            let scores = scores.filter_map(|(head, score)| Some((head, (*score)?)));
            scores.max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)))
        };
        let passes = |row: &Vec<Option<f64>>, head: usize| {
            row.get(head)
                .copied()
                .flatten()
                .is_some_and(|score| score >= curve.threshold)
        };
        // For each head the checkpoint after the last one at which it does not pass.
        let kept = (0..self.heads.len()).map(|head| {
            let fails = curve.values.iter().rposition(|row| !passes(row, head));
            (fails.map_or(0, |last| last + 1), head)
        });
        let kept = kept.filter(|(from, _)| *from < curve.values.len());
        let score_at = |(from, head): (usize, usize)| curve.values[from][head].unwrap_or(f64::MIN);
        let first = kept.min_by(|a, b| {
            let by_score = score_at(*b).total_cmp(&score_at(*a));
            a.0.cmp(&b.0).then(by_score).then(a.1.cmp(&b.1))
        });
        let head = |head: usize| self.heads[head];
        Some((
            curve.threshold,
            Passing {
                run: self.name.clone(),
                step: first.map(|(first, _)| self.steps[first]),
                after: first
                    .and_then(|(first, _)| first.checked_sub(1))
                    .map(|before| self.steps[before]),
                head: first.map(|(_, found)| head(found)),
                last: curve
                    .values
                    .last()
                    .and_then(best)
                    .map(|(found, score)| (head(found), score)),
                last_step: self.steps.last().copied().unwrap_or_default(),
            },
        ))
    }
}

impl Formation {
    /// Summarise each score over runs; scores that some run lacks are left out.
    pub fn of(runs: &[FormingRun]) -> Vec<Self> {
        let of_score = |score: HeadScore| {
            let found: Option<Vec<(f64, Passing)>> =
                runs.iter().map(|run| run.passing(score)).collect();
            let found = found.filter(|found| !found.is_empty())?;
            let thresholds = found.iter().map(|(threshold, _)| *threshold);
            let steps: Vec<Option<u64>> = found.iter().map(|(_, passing)| passing.step).collect();
            Some(Self {
                score,
                thresholds: [
                    thresholds.clone().fold(f64::INFINITY, f64::min),
                    thresholds.fold(f64::NEG_INFINITY, f64::max),
                ],
                share: Proportion::of(steps.iter().flatten().count(), steps.len()),
                step: StepInterval::of(&steps),
                runs: found.into_iter().map(|(_, passing)| passing).collect(),
            })
        };
        HeadScore::ALL.into_iter().filter_map(of_score).collect()
    }
}

impl Proportion {
    /// Compute the interval of `passed` of `of` runs.
    pub fn of(passed: usize, of: usize) -> Self {
        const Z: f64 = 1.959_963_984_540_054;
        let n = of.max(1) as f64;
        let share = passed as f64 / n;
        let middle = share + Z * Z / (2.0 * n);
        let half = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        Self {
            passed,
            of,
            low: ((middle - half) / scale).max(0.0),
            high: ((middle + half) / scale).min(1.0),
        }
    }
}

impl StepInterval {
    /// Compute the median and its interval of the steps at which runs pass, `None` for those that
    /// have not.
    pub fn of(steps: &[Option<u64>]) -> Self {
        let mut sorted = steps.to_vec();
        sorted.sort_by_key(|step| (step.is_none(), *step));
        let n = sorted.len();
        let at = |index: usize| sorted.get(index).copied().flatten();
        // The probability that the interval from the k-th smallest to the k-th largest holds.
        let confidence = |k: usize| 1.0 - 2.0 * below(k, n);
        let k = (1..=n.div_ceil(2))
            .rev()
            .find(|&k| confidence(k) >= 0.95)
            .unwrap_or(1);
        Self {
            median: at(n.saturating_sub(1) / 2),
            low: at(k - 1),
            high: at(n.saturating_sub(k)),
            confidence: confidence(k).max(0.0),
        }
    }
}

/// Return P(B < k) for a binomial B with n trials of probability ½.
fn below(k: usize, n: usize) -> f64 {
    let mut term = 0.5f64.powi(i32::try_from(n).unwrap_or(i32::MAX));
    let mut sum = 0.0;
    for i in 0..k {
        sum += term;
        term *= (n - i) as f64 / (i + 1) as f64;
    }
    sum
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Formation, FormingRun, Proportion, ScoreCurve, StepInterval};
    use crate::HeadScore;

    #[test]
    fn wilsons_interval_is_that_of_scipy() {
        // scipy.stats.binomtest(passed, of).proportion_ci(method="wilson")
        for (passed, of, low, high) in [
            (0, 5, 0.0, 0.434_482_464_783),
            (3, 5, 0.230_724_281_276, 0.882_379_225_767),
            (5, 5, 0.565_517_535_217, 1.0),
            (81, 263, 0.255_288_519_9, 0.366_209_577_0),
        ] {
            let found = Proportion::of(passed, of);
            assert!((found.low - low).abs() < 1e-9, "{found:?}, not {low}");
            assert!((found.high - high).abs() < 1e-9, "{found:?}, not {high}");
        }
    }

    #[test]
    fn the_median_lies_between_order_statistics() {
        let steps = |steps: &[u64]| steps.iter().copied().map(Some).collect::<Vec<_>>();
        // 1 − 2·(1 + 10)/1024 for the second smallest and largest of ten.
        let ten = StepInterval::of(&steps(&[30, 10, 20, 40, 60, 50, 70, 90, 80, 100]));
        assert_eq!(
            (ten.low, ten.median, ten.high),
            (Some(20), Some(50), Some(90))
        );
        assert!((ten.confidence - (1.0 - 22.0 / 1024.0)).abs() < 1e-12);
        let three = StepInterval::of(&steps(&[300, 100, 200]));
        assert_eq!(
            (three.low, three.median, three.high),
            (Some(100), Some(200), Some(300))
        );
        assert_eq!(three.confidence, 0.75);
        let late = StepInterval::of(&[Some(5), None, None]);
        assert_eq!((late.low, late.median, late.high), (Some(5), None, None));
        let one = StepInterval::of(&[Some(5)]);
        assert_eq!((one.low, one.high, one.confidence), (Some(5), Some(5), 0.0));
    }

    #[test]
    fn a_run_passes_at_the_first_head_that_keeps_to_it() {
        let run = |name: &str, values: [[f64; 2]; 3]| FormingRun {
            name: name.to_owned(),
            steps: vec![0, 10, 20],
            heads: vec![(0, 0), (0, 1)],
            curves: vec![ScoreCurve {
                score: HeadScore::Induction,
                threshold: 0.3,
                values: values
                    .iter()
                    .map(|row| row.iter().copied().map(Some).collect())
                    .collect(),
            }],
        };
        let runs = [
            run("a", [[0.0, 0.1], [0.2, 0.3], [0.6, 0.5]]),
            // A head that only once reaches the threshold does not count.
            run("b", [[0.4, 0.1], [0.1, 0.1], [0.1, 0.2]]),
        ];
        let found = Formation::of(&runs);
        assert_eq!(found.len(), 1);
        let [a, b] = &found[0].runs[..] else {
            panic!("two runs")
        };
        assert_eq!((a.step, a.after, a.head), (Some(10), Some(0), Some((0, 1))));
        assert_eq!(a.last, Some(((0, 0), 0.6)));
        assert_eq!((b.step, b.head, b.last), (None, None, Some(((0, 1), 0.2))));
        assert_eq!((found[0].share.passed, found[0].share.of), (1, 2));
    }
}
