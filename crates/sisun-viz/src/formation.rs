//! How heads form: a chart of one score over the steps of training.

use crate::chart::{Axis, ChartError, Line, Lines, Point};
use sisun_infer::{Formation, FormingRun};

/// Draw a score of all heads over the steps of all runs and return an SVG document. A run has a
/// colour: a solid line for the head with the largest score at the end, dashed ones for the others.
/// The threshold is a dashed line from edge to edge.
///
/// # Errors
/// If the chart cannot be drawn.
pub fn formation_chart(runs: &[FormingRun], formation: &Formation) -> Result<String, ChartError> {
    let mut lines = Vec::new();
    for (variant, run) in runs.iter().enumerate() {
        let Some(curve) = run
            .curves
            .iter()
            .find(|curve| curve.score == formation.score)
        else {
            continue;
        };
        let best = formation.runs.get(variant).and_then(|passing| passing.last);
        for (number, &(layer, head)) in run.heads.iter().enumerate() {
            let is_best = best.is_some_and(|(best, _)| best == (layer, head));
            let points = run
                .steps
                .iter()
                .zip(&curve.values)
                .map(|(&step, row)| Point {
                    x: step as f64,
                    y: row[number].unwrap_or(f64::NAN),
                    interval: None,
                });
            lines.push(Line {
                variant,
                label: is_best.then(|| format!("{layer}.{head} of {}", last_part(&run.name))),
                points: points.collect(),
            });
        }
    }
    // Solid lines lie on top.
    lines.sort_by_key(|line| line.label.is_some());
    let steps = || runs.iter().flat_map(|run| &run.steps);
    let ends = [steps().min(), steps().max()];
    for threshold in formation.thresholds {
        lines.push(Line {
            variant: runs.len(),
            label: None,
            points: ends
                .into_iter()
                .flatten()
                .map(|&step| Point {
                    x: step as f64,
                    y: threshold,
                    interval: None,
                })
                .collect(),
        });
    }
    let [threshold, _] = formation.thresholds;
    let share = formation.share;
    Lines {
        title: format!("{} of each head over training", formation.score),
        below: format!(
            "Solid: the head with the most at the end. Dashed: other heads, and the threshold {threshold:.3}, passed in {} of {} runs.",
            share.passed, share.of
        ),
        across: "step".to_owned(),
        x: Axis::whole(steps().map(|&step| step as f64)),
        y: Axis::unit(),
        trained_on: None,
        lines,
        notes: Vec::new(),
    }
    .svg()
}

/// Return the last part of a path.
fn last_part(name: &str) -> &str {
    let trimmed = name.trim_end_matches(['/', '\\']);
    trimmed.rsplit(['/', '\\']).next().unwrap_or(trimmed)
}
