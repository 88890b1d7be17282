//! A dot plot with one row for each variant: a dot for every seed, their mean and its interval.

use super::axis::Axis;
use super::canvas::{Anchor, WIDTH, fitted, picture, width};
use super::colours::{GRID, INK, Marker, QUIET, colour, marker};
use super::error::ChartError;
use super::interval::{Interval, drawable};
use plotters::style::Color;

const ROW: f64 = 30.0;
const TOP: f64 = 72.0;

/// A dot plot.
pub struct Dots<'a> {
    /// Title of the chart.
    pub title: String,
    /// Explanation below the title.
    pub below: String,
    /// Label of the axis.
    pub across: String,
    /// The axis.
    pub x: Axis,
    /// One row per variant.
    pub rows: Vec<DotsRow<'a>>,
}

/// The values of one variant.
pub struct DotsRow<'a> {
    /// Name of the variant.
    pub name: &'a str,
    /// Values of the seeds that have one.
    pub values: Vec<f64>,
    /// Mean of the values; NaN if there are none.
    pub mean: f64,
    /// Confidence interval of the mean.
    pub interval: Option<Interval>,
    /// Text beside the dots: mean and interval, or the reason for their absence.
    pub told: String,
}

impl Dots<'_> {
    /// Draw the chart as an SVG document.
    ///
    /// # Errors
    /// If the chart cannot be drawn.
    pub fn svg(&self) -> Result<String, ChartError> {
        let widest = self
            .rows
            .iter()
            .map(|row| width(row.name, 14.0))
            .fold(0.0, f64::max)
            .min(230.0);
        let (left, right, bottom) = (
            widest + 50.0,
            WIDTH - 180.0,
            TOP + ROW * self.rows.len() as f64,
        );
        let x = |value: f64| {
            self.x
                .share(value)
                .map(|share| left + share * (right - left))
        };
        picture(&self.title, bottom + 58.0, |canvas| {
            canvas.title(&self.title, &self.below)?;
            for (at, lines) in &self.x.ticks {
                let Some(x) = x(*at) else { continue };
                canvas.line(&[(x, TOP), (x, bottom)], GRID.to_rgba(), 1.0)?;
                canvas.text(
                    &lines.join(" "),
                    (x, bottom + 14.0),
                    13.0,
                    INK,
                    Anchor::Middle,
                )?;
            }
            canvas.text(
                &self.across,
                ((left + right) / 2.0, bottom + 38.0),
                13.0,
                INK,
                Anchor::Middle,
            )?;
            for (variant, row) in self.rows.iter().enumerate() {
                let y = TOP + ROW * (variant as f64 + 0.5);
                let ink = colour(variant);
                canvas.marker((24.0, y), marker(variant), 4.5, ink.to_rgba())?;
                canvas.text(
                    &fitted(row.name, widest + 2.0, 14.0),
                    (36.0, y),
                    14.0,
                    INK,
                    Anchor::Start,
                )?;
                let ends = drawable(row.interval).and_then(|[low, high]| Some((x(low)?, x(high)?)));
                if let Some((low, high)) = ends {
                    canvas.rectangle((low, y - 7.0), (high, y + 7.0), ink.mix(0.25))?;
                }
                for x in row.values.iter().filter_map(|value| x(*value)) {
                    canvas.marker((x, y), Marker::Circle, 3.5, ink.mix(0.6))?;
                }
                if let Some(x) = x(row.mean) {
                    canvas.line(&[(x, y - 10.0), (x, y + 10.0)], ink.to_rgba(), 2.5)?;
                }
                if row.mean.is_nan() {
                    canvas.text(
                        &fitted(&row.told, WIDTH - left - 24.0, 12.5),
                        (left, y),
                        12.5,
                        QUIET,
                        Anchor::Start,
                    )?;
                } else {
                    canvas.text(&row.told, (right + 14.0, y), 12.5, INK, Anchor::Start)?;
                }
            }
            Ok(())
        })
    }
}
