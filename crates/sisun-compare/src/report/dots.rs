//! A dot plot with one row for each variant: a dot for every seed, their mean and its interval.

use super::axis::Axis;
use super::canvas::{Anchor, WIDTH, fitted, picture, width};
use super::colours::{GRID, INK, QUIET, colour, marker};
use super::text;
use crate::CompareError;
use crate::summary::SeedSpread;
use plotters::style::Color;

const ROW: f64 = 30.0;
const TOP: f64 = 72.0;

/// A dot plot.
pub(super) struct Dots<'a> {
    pub(super) title: String,
    pub(super) below: String,
    /// Label of the axis.
    pub(super) across: String,
    pub(super) x: Axis,
    /// Format of its numbers.
    pub(super) told: fn(f64) -> String,
    /// Rows, one per variant: its name, its numbers, and a note if it has none.
    pub(super) rows: Vec<(&'a str, &'a SeedSpread, String)>,
}

impl Dots<'_> {
    /// Return the plot as an SVG document.
    pub(super) fn svg(&self) -> Result<String, CompareError> {
        let widest = self
            .rows
            .iter()
            .map(|(name, ..)| width(name, 14.0))
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
            for (variant, (name, spread, nothing)) in self.rows.iter().enumerate() {
                let y = TOP + ROW * (variant as f64 + 0.5);
                let ink = colour(variant);
                canvas.marker((24.0, y), marker(variant), 4.5, ink.to_rgba())?;
                canvas.text(
                    &fitted(name, widest + 2.0, 14.0),
                    (36.0, y),
                    14.0,
                    INK,
                    Anchor::Start,
                )?;
                let ends = text::maybe_interval(spread.interval)
                    .and_then(|i| Some((x(i.low)?, x(i.high)?)));
                if let Some((low, high)) = ends {
                    canvas.rectangle((low, y - 7.0), (high, y + 7.0), ink.mix(0.25))?;
                }
                for x in spread.values.iter().flatten().filter_map(|value| x(*value)) {
                    canvas.marker((x, y), super::colours::Marker::Circle, 3.5, ink.mix(0.6))?;
                }
                if let Some(x) = x(spread.mean) {
                    canvas.line(&[(x, y - 10.0), (x, y + 10.0)], ink.to_rgba(), 2.5)?;
                }
                if spread.mean.is_nan() {
                    canvas.text(
                        &fitted(nothing, WIDTH - left - 24.0, 12.5),
                        (left, y),
                        12.5,
                        QUIET,
                        Anchor::Start,
                    )?;
                } else {
                    canvas.text(
                        &text::spread(spread, self.told),
                        (right + 14.0, y),
                        12.5,
                        INK,
                        Anchor::Start,
                    )?;
                }
            }
            Ok(())
        })
    }
}
