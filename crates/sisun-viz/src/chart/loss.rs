//! The loss curves as an SVG that follows the reader's light or dark scheme.

use super::colours::{GRID, INK, PAPER};
use super::document::{Area, Problem, UNITS, document};
use super::error::ChartError;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use sisun_model::thousands;
use std::ops::Range;

/// Size on the page, in CSS pixels.
const WIDTH: u32 = 920;
const HEIGHT: u32 = 440;
/// Maximum number of stretches of a curve; more points are reduced to the extremes of each stretch.
const MAX_STRETCHES: usize = 1000;
/// Minimum number of training points for a running mean.
const MEAN_FROM: usize = 100;

const TRAIN: RGBColor = RGBColor(0x35, 0x6a, 0xa8);
const VALIDATION: RGBColor = RGBColor(0xc2, 0x54, 0x1d);

/// Colours of the shapes in a dark scheme, selected by the attributes that Plotters writes.
const STYLE: &str = r##"<style>
.loss text { font-family: system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
.loss [fill="#FFFFFF"] { fill: #1e2024; } .loss [fill="#3D3B39"] { fill: #c9c6c1; }
.loss [stroke="#3D3B39"] { stroke: #6d6b68; } .loss [stroke="#E9E6E1"] { stroke: #303237; }
.loss [stroke="#356AA8"] { stroke: #7fb2ee; } .loss [fill="#356AA8"] { fill: #7fb2ee; }
.loss [stroke="#C2541D"] { stroke: #f2a065; } .loss [fill="#C2541D"] { fill: #f2a065; }
}
</style>"##;

/// The words of a chart.
#[derive(Debug)]
pub struct LossWords {
    step: &'static str,
    loss: &'static str,
    train: &'static str,
    mean: fn(&str) -> String,
    validation: &'static str,
    nothing: &'static str,
}

impl LossWords {
    /// English words.
    pub const ENGLISH: Self = Self {
        step: "step",
        loss: "loss (nats per token)",
        train: "train",
        mean: |window| format!("train, mean of {window}"),
        validation: "validation",
        nothing: "no finite loss was recorded",
    };

    /// Korean words.
    pub const KOREAN: Self = Self {
        step: "스텝",
        loss: "손실(토큰당 nat)",
        train: "학습",
        mean: |window| format!("학습, {window}개 평균"),
        validation: "검증",
        nothing: "유한한 손실이 기록되지 않았습니다",
    };
}

/// A loss curve, without the points that cannot be drawn.
#[derive(Debug)]
pub struct Curve {
    /// `(step, loss)`, as recorded.
    pub points: Vec<(u64, f64)>,
    /// Steps whose loss is NaN, infinite or beyond float32.
    pub not_finite: Vec<u64>,
}

impl Curve {
    /// Create a curve from recorded losses.
    pub fn new(recorded: &[(u64, f64)]) -> Self {
        let (points, others): (Vec<_>, Vec<_>) = recorded
            .iter()
            .partition(|(_, loss)| (*loss as f32).is_finite());
        Self {
            points,
            not_finite: others.into_iter().map(|(step, _)| step).collect(),
        }
    }

    /// Return the window length of the running mean, an odd number, or `None` without a mean.
    pub fn mean_window(&self) -> Option<usize> {
        (self.points.len() >= MEAN_FROM).then(|| self.points.len() / 40 * 2 + 1)
    }

    /// Return the mean of the `window` points around each point. Near the start, where the loss
    /// falls steeply, the window shrinks symmetrically; near the end it is cut off.
    fn running_mean(&self, window: usize) -> Vec<(u64, f64)> {
        let mut sums = vec![0.0];
        for (_, loss) in &self.points {
            sums.push(sums[sums.len() - 1] + loss);
        }
        let last = self.points.len() - 1;
        let mean = |i: usize| {
            let before = (window / 2).min(i);
            let after = before.min(last - i);
            (sums[i + after + 1] - sums[i - before]) / (before + after + 1) as f64
        };
        self.points
            .iter()
            .enumerate()
            .map(|(i, (step, _))| (*step, mean(i)))
            .collect()
    }
}

/// Keep the smallest and the largest loss of each of `MAX_STRETCHES` stretches, in order, so that
/// no spike is lost.
fn thinned(points: &[(u64, f64)]) -> Vec<(f64, f64)> {
    let size = points.len().div_ceil(MAX_STRETCHES).max(1);
    let mut kept = Vec::new();
    for stretch in points.chunks(size) {
        let by_loss = |&a: &usize, &b: &usize| stretch[a].1.total_cmp(&stretch[b].1);
        let low = (0..stretch.len()).min_by(by_loss).unwrap_or(0);
        let high = (0..stretch.len()).max_by(by_loss).unwrap_or(0);
        let mut ends = vec![low.min(high), low.max(high)];
        ends.dedup();
        kept.extend(
            ends.into_iter()
                .map(|i| (stretch[i].0 as f64, stretch[i].1)),
        );
    }
    kept
}

/// Return the range of `values` with a margin, wide enough for distinct axis labels; 0 to 1 if
/// there are none.
fn axis(values: impl Iterator<Item = f64>, margin: f64) -> Range<f64> {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return 0.0..1.0;
    }
    let pad = if high - low > high.abs().max(low.abs()) * 1e-6 {
        (high - low) * margin
    } else {
        (high.abs() * 0.1).max(1e-3)
    };
    low - pad..high + pad
}

/// Draw the curves and return a complete SVG document. `title` must not contain control characters.
///
/// # Errors
/// If the chart cannot be drawn.
pub fn loss_svg(
    title: &str,
    words: &LossWords,
    train: &Curve,
    validation: &Curve,
) -> Result<String, ChartError> {
    document(
        (WIDTH * UNITS, HEIGHT * UNITS),
        (WIDTH, HEIGHT),
        "class=\"loss\" role=\"img\"",
        STYLE,
        |area| draw(area, title, words, train, validation),
    )
    .map_err(|problem| ChartError {
        picture: "the loss".to_owned(),
        problem: problem.to_string(),
    })
}

fn draw(
    area: &Area<'_>,
    title: &str,
    words: &LossWords,
    train: &Curve,
    validation: &Curve,
) -> Result<(), Problem> {
    let u = UNITS;
    let font = |size: u32| ("sans-serif", size * u).into_font().color(&INK);
    let all = || train.points.iter().chain(&validation.points);
    let (steps, losses) = (
        axis(all().map(|p| p.0 as f64), 0.01),
        axis(all().map(|p| p.1), 0.06),
    );
    let decimals = (-((losses.end - losses.start) / 8.0).log10())
        .ceil()
        .clamp(0.0, 9.0) as usize;
    let large = losses.end.abs().max(losses.start.abs()) >= 1e6;

    let mut chart = ChartBuilder::on(area)
        .margin(12 * u)
        .margin_right(32 * u)
        .caption(title, font(19))
        .x_label_area_size(48 * u)
        .y_label_area_size(68 * u)
        .build_cartesian_2d(steps, losses)?;
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.stroke_width(u))
        .axis_style(INK.stroke_width(u))
        .label_style(font(14))
        .axis_desc_style(font(15))
        .set_all_tick_mark_size(4 * u)
        .x_labels(9)
        .y_labels(8)
        .x_label_formatter(&|step| {
            if is_whole(*step) {
                thousands(step.round() as u64)
            } else {
                String::new()
            }
        })
        .y_label_formatter(&|loss| {
            if large {
                format!("{loss:.1e}")
            } else {
                format!("{loss:.decimals$}")
            }
        })
        .x_desc(words.step)
        .y_desc(words.loss)
        .draw()?;

    if all().next().is_none() {
        let centred = font(17).pos(Pos::new(HPos::Center, VPos::Center));
        chart.draw_series([Text::new(words.nothing, (0.5, 0.5), centred)])?;
        return Ok(());
    }
    let legend = |style: ShapeStyle| {
        move |(x, y): (i32, i32)| PathElement::new([(x, y), (x + 22 * u as i32, y)], style)
    };
    let mean_window = train.mean_window();
    let train_style = match mean_window {
        Some(_) => TRAIN.mix(0.35).stroke_width(u),
        None => TRAIN.stroke_width(2 * u),
    };
    if !train.points.is_empty() {
        chart
            .draw_series(LineSeries::new(thinned(&train.points), train_style))?
            .label(words.train)
            .legend(legend(train_style));
    }
    if let [(step, loss)] = train.points[..] {
        chart.draw_series([Circle::new((step as f64, loss), 4 * u, TRAIN.filled())])?;
    }
    if let Some(window) = mean_window {
        let style = TRAIN.stroke_width(2 * u);
        let mean = thinned(&train.running_mean(window));
        chart
            .draw_series(LineSeries::new(mean, style))?
            .label((words.mean)(&thousands(window as u64)))
            .legend(legend(style));
    }
    if !validation.points.is_empty() {
        let style = VALIDATION.filled().stroke_width(2 * u);
        let radius = if validation.points.len() <= 60 {
            4 * u
        } else {
            2 * u
        };
        chart
            .draw_series(LineSeries::new(thinned(&validation.points), style).point_size(radius))?
            .label(words.validation)
            .legend(move |(x, y)| {
                let line = PathElement::new([(x, y), (x + 22 * u as i32, y)], style);
                EmptyElement::at((0, 0)) + line + Circle::new((x + 11 * u as i32, y), 4 * u, style)
            });
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .legend_area_size(28 * u)
        .margin(14 * u)
        .label_font(font(15))
        .background_style(PAPER.mix(0.85))
        .draw()
}

/// Return true if a tick is at a step: ticks between steps or before the first are omitted.
fn is_whole(step: f64) -> bool {
    step >= 0.0 && (step - step.round()).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn svg_of(train: &[(u64, f64)], validation: &[(u64, f64)]) -> String {
        let svg = loss_svg(
            "제목",
            &LossWords::ENGLISH,
            &Curve::new(train),
            &Curve::new(validation),
        )
        .unwrap();
        assert!(svg.starts_with("<svg class=\"loss\""), "{}", &svg[..80]);
        assert!(svg.trim_end().ends_with("</svg>"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
        svg
    }

    #[test]
    fn says_what_it_shows() {
        let svg = svg_of(&[(0, 4.0), (10, 3.0)], &[(10, 3.5)]);
        for text in [
            "제목",
            "step",
            "loss (nats per token)",
            "train",
            "validation",
        ] {
            assert!(svg.lines().any(|line| line == text), "{text} is missing");
        }
        for colour in ["#356AA8", "#C2541D"] {
            let lines = svg
                .lines()
                .filter(|line| line.starts_with("<polyline") && line.contains(colour));
            assert_eq!(lines.count(), 2, "the curve and its line in the legend");
        }
    }

    #[test]
    fn step_labels_are_steps() {
        let svg = svg_of(&[(1, 4.0), (2, 3.0)], &[]);
        for (label, times) in [("0", 0), ("1", 1), ("2", 1), ("3", 0)] {
            assert_eq!(
                svg.lines().filter(|line| *line == label).count(),
                times,
                "label {label}"
            );
        }
    }

    #[test]
    fn nothing_recorded_is_said() {
        for (train, validation) in [
            (vec![], vec![]),
            (vec![(3, f64::NAN)], vec![(4, f64::NEG_INFINITY)]),
        ] {
            assert!(svg_of(&train, &validation).contains("no finite loss was recorded"));
        }
    }

    #[test]
    fn awkward_ranges_are_drawn() {
        for points in [
            vec![(7, 2.5)],
            vec![(0, 0.0), (1, 0.0)],
            vec![(0, 1.25), (1, 1.25), (2, 1.25)],
            vec![(5, 1.0), (5, 2.0)],
            vec![(u64::MAX, 1.0)],
            vec![(0, 1.0), (u64::MAX, 1.0 + f64::EPSILON)],
            vec![(0, f64::from(f32::MAX)), (1, -f64::from(f32::MAX))],
            vec![(0, 1e-300), (1, 0.0)],
        ] {
            assert!(svg_of(&points, &[]).contains("train"), "{points:?}");
            assert!(svg_of(&[], &points).contains("validation"), "{points:?}");
        }
    }

    #[test]
    fn points_that_cannot_be_drawn_are_kept_apart() {
        let curve = Curve::new(&[
            (1, 2.0),
            (2, f64::NAN),
            (3, f64::INFINITY),
            (4, 1e39),
            (5, 1.0),
        ]);
        assert_eq!(
            (curve.points, curve.not_finite),
            (vec![(1, 2.0), (5, 1.0)], vec![2, 3, 4])
        );
    }

    #[test]
    fn thinning_keeps_every_spike_and_the_order() {
        let mut points: Vec<_> = (0..100_003).map(|step| (step, 2.0)).collect();
        points[61_237].1 = 9.0;
        points[99_999].1 = -1.0;
        let kept = thinned(&points);
        assert!(kept.len() <= 2 * MAX_STRETCHES);
        assert!(kept.contains(&(61_237.0, 9.0)) && kept.contains(&(99_999.0, -1.0)));
        assert!(kept.is_sorted_by(|a, b| a.0 < b.0));
        assert_eq!(thinned(&points[..3]), [(0.0, 2.0), (1.0, 2.0), (2.0, 2.0)]);
    }

    #[test]
    fn the_running_mean_of_a_line_is_the_line() {
        let curve = Curve::new(
            &(0..211)
                .map(|step| (step, 5.0 - step as f64))
                .collect::<Vec<_>>(),
        );
        assert_eq!(curve.mean_window(), Some(11));
        let means = curve.running_mean(11);
        for ((_, mean), (_, loss)) in means.iter().zip(&curve.points).take(206) {
            assert!((mean - loss).abs() < 1e-9, "{mean} {loss}");
        }
        assert!(
            (means[210].1 - (5.0 - 207.5)).abs() < 1e-9,
            "the last six: {}",
            means[210].1
        );
        assert_eq!(Curve::new(&[(0, 1.0)]).mean_window(), None);
    }
}
