//! Choice of the best settings for a variant, based only on the training distribution.

use crate::grid::{Grid, TRIED};
use crate::results::{CellOutcome, CellResult, MeasureName};
use crate::stats::mean;
use crate::track::Track;
use std::cmp::Ordering;
use toml::Table;

/// Return, for each track and variant, the settings of the best of its trials: the highest exact
/// match on training lengths or on pairs, or the fewest bits per byte at the trained context; ties are broken
/// by the lower training loss.
pub(crate) fn choose(
    grid: &Grid,
    sweep: &Grid,
    results: &[CellResult],
) -> Vec<(String, String, Table)> {
    let mut chosen = Vec::new();
    for (name, track) in &grid.tracks {
        for variant in &grid.variants {
            let trials = sweep
                .variants
                .iter()
                .filter(|trial| trial.name.split(TRIED).next() == Some(&variant.name));
            let scored = trials.filter_map(|trial| {
                let result = results
                    .iter()
                    .find(|r| r.track == *name && r.variant == trial.name)?;
                Some((trial, score(track, result)))
            });
            // The first of equal trials wins.
            let best = scored.reduce(|best, next| {
                if compare(next.1, best.1) == Ordering::Greater {
                    next
                } else {
                    best
                }
            });
            if let Some((trial, _)) = best {
                let added = trial
                    .set
                    .iter()
                    .filter(|(key, _)| !variant.set.contains_key(*key));
                let set = added
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect();
                chosen.push((name.clone(), variant.name.clone(), set));
            }
        }
    }
    chosen
}

fn compare(a: [f64; 2], b: [f64; 2]) -> Ordering {
    a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
}

/// Return the score of a trial; higher is better.
fn score(track: &Track, result: &CellResult) -> [f64; 2] {
    if result.outcome != CellOutcome::Trained {
        return [f64::NEG_INFINITY; 2];
    }
    let measured = |name, inside: &dyn Fn(usize) -> bool| -> Vec<f64> {
        let wanted = result
            .measures
            .iter()
            .filter(|m| m.name == name && inside(m.at));
        wanted.filter_map(|measure| measure.value).collect()
    };
    let main = match track {
        Track::Task {
            train_lengths: [_, longest],
            ..
        } => mean(&measured(MeasureName::ExactMatch, &|at| at <= *longest)),
        // Held-out pairs are like those that are learnt, at all lengths.
        Track::PairTask { .. } | Track::Pairs { .. } => {
            mean(&measured(MeasureName::ExactMatch, &|_| true))
        }
        // The first factor is the trained context.
        Track::Language { .. } => -measured(MeasureName::BitsPerByte, &|_| true)
            .first()
            .copied()
            .unwrap_or(f64::NAN),
    };
    let loss = result
        .curve
        .last()
        .map_or(f64::INFINITY, |point| point.loss);
    [
        if main.is_nan() {
            f64::NEG_INFINITY
        } else {
            main
        },
        -loss,
    ]
}

#[cfg(test)]
mod tests {
    use super::score;
    use crate::results::{CellOutcome, CellResult, CurvePoint, Measure, MeasureName};
    use crate::track::Track;

    fn result(
        outcome: CellOutcome,
        loss: f64,
        measures: &[(MeasureName, usize, f64)],
    ) -> CellResult {
        let measure = |&(name, at, value): &(MeasureName, usize, f64)| Measure {
            name,
            at,
            value: Some(value),
            note: None,
        };
        CellResult {
            track: "t".to_owned(),
            variant: "v".to_owned(),
            seed: 1,
            parameters: 1,
            outcome,
            curve: vec![CurvePoint { step: 1, loss }],
            measures: measures.iter().map(measure).collect(),
            heads: Vec::new(),
            sample: None,
        }
    }

    #[test]
    fn only_what_a_model_is_trained_on_counts() {
        let task: Track = toml::from_str(
            "kind = \"task\"\ntask = \"copy\"\ntrain_lengths = [1, 10]\ntest_lengths = [5, 10, 20]",
        )
        .expect("a track");
        let exact = |inside: f64, beyond: f64| {
            let measures = [
                (MeasureName::ExactMatch, 5, 1.0),
                (MeasureName::ExactMatch, 10, inside),
                (MeasureName::ExactMatch, 20, beyond),
            ];
            score(&task, &result(CellOutcome::Trained, 0.5, &measures))
        };
        assert!(exact(0.9, 0.0) > exact(0.8, 1.0));
        assert_eq!(exact(0.9, 0.0), exact(0.9, 1.0));
        let text: Track =
            toml::from_str("kind = \"language\"\nsources = [\"x\"]").expect("a track");
        let bits = |near: f64, far: f64, loss: f64| {
            let measures = [
                (MeasureName::BitsPerByte, 64, near),
                (MeasureName::BitsPerByte, 128, far),
            ];
            score(&text, &result(CellOutcome::Trained, loss, &measures))
        };
        assert!(bits(1.0, 9.0, 0.5) > bits(1.1, 1.0, 0.5));
        assert!(
            bits(1.0, 9.0, 0.4) > bits(1.0, 1.0, 0.5),
            "the loss decides between equals"
        );
        let diverged = score(&text, &result(CellOutcome::Diverged { step: 1 }, 0.1, &[]));
        assert!(
            diverged < bits(99.0, 99.0, 99.0) && bits(f64::NAN, 1.0, 0.1)[0] == f64::NEG_INFINITY
        );
    }
}
