//! Line charts over lengths, positions or steps, with a band for each interval.

use super::axis::Axis;
use super::canvas::{Anchor, Canvas, WIDTH, fitted, picture, width};
use super::colours::{GRID, INK, QUIET, SHADE, colour, marker};
use super::document::Problem;
use super::error::ChartError;
use super::interval::{Interval, drawable};
use plotters::style::{Color, RGBAColor};
use sisun_model::thousands;

/// Font size and line height of labels.
const LABEL: f64 = 14.0;
const LABEL_LINE: f64 = 19.0;
/// Maximum number of points on a line with a marker on each.
const MOST_MARKERS: usize = 16;

/// A line chart.
pub struct Lines {
    /// Title of the chart.
    pub title: String,
    /// Explanation below the title.
    pub below: String,
    /// Label of the horizontal axis.
    pub across: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Vertical axis.
    pub y: Axis,
    /// Longest trained length, if it is marked, and the label of the mark.
    pub trained_on: Option<(f64, String)>,
    /// Lines of the chart.
    pub lines: Vec<Line>,
    /// Notes below the chart about values that it does not show.
    pub notes: Vec<String>,
}

/// A line of the chart.
pub struct Line {
    /// Variant, which determines colour and marker.
    pub variant: usize,
    /// Name of the line; `None` for dashed lines of a second kind.
    pub label: Option<String>,
    /// Points; the line has gaps at values that are not finite.
    pub points: Vec<Point>,
}

/// A point of a line.
#[derive(Clone, Copy)]
pub struct Point {
    /// Horizontal coordinate.
    pub x: f64,
    /// Vertical coordinate.
    pub y: f64,
    /// Interval of `y`, drawn as part of a band.
    pub interval: Option<Interval>,
}

/// The label of a line.
struct Label<'a> {
    line: &'a Line,
    text: String,
    /// End of the line, if it reaches the right edge of the data.
    end: Option<Point>,
}

/// Position of the plot area in the figure.
struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Lines {
    /// Draw the chart as an SVG document.
    ///
    /// # Errors
    /// If the chart cannot be drawn.
    pub fn svg(&self) -> Result<String, ChartError> {
        let labels = self.labels();
        let widest = labels
            .iter()
            .map(|label| width(&label.text, LABEL))
            .fold(0.0, f64::max)
            .min(230.0);
        let tall = (labels.len() as f64 * LABEL_LINE).max(320.0);
        let frame = Frame {
            left: 62.0,
            right: WIDTH - 62.0 - widest,
            top: 76.0,
            bottom: 76.0 + tall,
        };
        // The lines of the tick labels, then the label of the axis.
        let below = 24.0
            + 14.0
                * self
                    .x
                    .ticks
                    .iter()
                    .map(|(_, lines)| lines.len())
                    .max()
                    .unwrap_or(1) as f64;
        let height = frame.bottom + below + 24.0 + 19.0 * self.notes.len() as f64;
        picture(&self.title, height, |canvas| {
            canvas.title(&self.title, &self.below)?;
            self.draw_axes(canvas, &frame, below)?;
            for line in &self.lines {
                self.draw_band(canvas, &frame, line)?;
            }
            for line in &self.lines {
                self.draw_line(canvas, &frame, line)?;
            }
            if self
                .lines
                .iter()
                .flat_map(|line| &line.points)
                .all(|point| self.place(&frame, point).is_none())
            {
                let middle = (
                    (frame.left + frame.right) / 2.0,
                    (frame.top + frame.bottom) / 2.0,
                );
                canvas.text("nothing was measured", middle, 16.0, QUIET, Anchor::Middle)?;
            }
            self.draw_labels(canvas, &frame, labels)?;
            for (note, y) in self.notes.iter().zip(0..) {
                let place = (
                    frame.left,
                    frame.bottom + below + 28.0 + 19.0 * f64::from(y),
                );
                canvas.text(
                    &fitted(note, WIDTH - frame.left - 16.0, 13.0),
                    place,
                    13.0,
                    QUIET,
                    Anchor::Start,
                )?;
            }
            Ok(())
        })
    }

    fn draw_axes(&self, canvas: &Canvas<'_>, frame: &Frame, below: f64) -> Result<(), Problem> {
        if let Some((longest, label)) = &self.trained_on
            && let Some(x) = self.x.share(*longest).map(|share| frame.x(share))
        {
            canvas.rectangle((frame.left, frame.top), (x, frame.bottom), SHADE.to_rgba())?;
            canvas.line(&[(x, frame.top), (x, frame.bottom)], QUIET.to_rgba(), 1.0)?;
            let room = width(label, 12.0);
            let (place, anchor) = if x - frame.left > room + 8.0 {
                (x - 5.0, Anchor::End)
            } else {
                (x + 5.0, Anchor::Start)
            };
            canvas.text(label, (place, frame.top - 10.0), 12.0, QUIET, anchor)?;
        }
        for (at, lines) in &self.y.ticks {
            let Some(y) = self.y.share(*at).map(|share| frame.y(share)) else {
                continue;
            };
            canvas.line(&[(frame.left, y), (frame.right, y)], GRID.to_rgba(), 1.0)?;
            canvas.text(
                &lines.join(" "),
                (frame.left - 8.0, y),
                13.0,
                INK,
                Anchor::End,
            )?;
        }
        let mut last = f64::NEG_INFINITY;
        for (at, lines) in &self.x.ticks {
            let Some(x) = self.x.share(*at).map(|share| frame.x(share)) else {
                continue;
            };
            canvas.line(
                &[(x, frame.bottom), (x, frame.bottom + 4.0)],
                QUIET.to_rgba(),
                1.0,
            )?;
            // A label that would overlap the previous one is omitted; its tick stays.
            let half = lines
                .iter()
                .map(|line| width(line, 13.0))
                .fold(0.0, f64::max)
                / 2.0;
            if x - half < last + 4.0 {
                continue;
            }
            last = x + half;
            for (line, y) in lines.iter().zip(0..) {
                canvas.text(
                    line,
                    (x, frame.bottom + 15.0 + 16.0 * f64::from(y)),
                    13.0,
                    INK,
                    Anchor::Middle,
                )?;
            }
        }
        canvas.line(
            &[(frame.left, frame.bottom), (frame.right, frame.bottom)],
            QUIET.to_rgba(),
            1.0,
        )?;
        let middle = (frame.left + frame.right) / 2.0;
        canvas.text(
            &self.across,
            (middle, frame.bottom + below),
            13.0,
            INK,
            Anchor::Middle,
        )
    }

    fn draw_band(&self, canvas: &Canvas<'_>, frame: &Frame, line: &Line) -> Result<(), Problem> {
        let ends = |point: &Point| {
            let [low, high] = drawable(point.interval)?;
            let x = frame.x(self.x.share(point.x)?);
            Some((
                (x, frame.y(self.y.share(low)?)),
                (x, frame.y(self.y.share(high)?)),
            ))
        };
        let places: Vec<_> = line.points.iter().map(ends).collect();
        for piece in places.split(Option::is_none) {
            let piece: Vec<_> = piece.iter().flatten().collect();
            let below = piece.iter().map(|(low, _)| *low);
            let above = piece.iter().rev().map(|(_, high)| *high);
            if piece.len() > 1 {
                canvas.shape(
                    &below.chain(above).collect::<Vec<_>>(),
                    colour(line.variant).mix(0.14),
                )?;
            } else if let [(low, high)] = piece[..] {
                canvas.line(&[*low, *high], colour(line.variant).mix(0.4), 2.0)?;
            }
        }
        Ok(())
    }

    fn draw_line(&self, canvas: &Canvas<'_>, frame: &Frame, line: &Line) -> Result<(), Problem> {
        let places: Vec<_> = line
            .points
            .iter()
            .map(|point| self.place(frame, point))
            .collect();
        let ink: RGBAColor = colour(line.variant).to_rgba();
        for piece in places.split(Option::is_none) {
            let piece: Vec<_> = piece.iter().flatten().copied().collect();
            match &line.label {
                Some(_) if piece.len() > 1 => canvas.line(&piece, ink, 2.0)?,
                None if piece.len() > 1 => canvas.dashes(&piece, ink, 1.5)?,
                _ => {}
            }
        }
        // The markers of each variant have a different offset, so that those of close lines do not
        // cover each other.
        let every = places.len().div_ceil(MOST_MARKERS);
        let shown = |i: usize| every <= 1 || i % every == line.variant % every;
        for (_, place) in places
            .iter()
            .enumerate()
            .filter(|(i, _)| line.label.is_some() && shown(*i))
        {
            if let Some(place) = place {
                canvas.marker(*place, marker(line.variant), 4.0, ink)?;
            }
        }
        Ok(())
    }

    /// Return the labels of the lines. Those of lines that end early say where they end.
    fn labels(&self) -> Vec<Label<'_>> {
        let shown =
            |point: &&Point| self.x.share(point.x).is_some() && self.y.share(point.y).is_some();
        let end = |line: &Line| line.points.iter().rev().find(shown).copied();
        let farthest = self
            .lines
            .iter()
            .filter_map(end)
            .map(|end| end.x)
            .fold(f64::NEG_INFINITY, f64::max);
        let label = |line, name: &String| match end(line) {
            Some(end) if end.x < farthest => Label {
                line,
                text: format!("{name} (to {})", thousands(end.x as u64)),
                end: None,
            },
            Some(end) => Label {
                line,
                text: name.clone(),
                end: Some(end),
            },
            None => Label {
                line,
                text: format!("{name} (nothing)"),
                end: None,
            },
        };
        self.lines
            .iter()
            .filter_map(|line| Some(label(line, line.label.as_ref()?)))
            .collect()
    }

    /// Draw the labels beside the ends of their lines, moved apart, each with its marker.
    fn draw_labels(
        &self,
        canvas: &Canvas<'_>,
        frame: &Frame,
        labels: Vec<Label<'_>>,
    ) -> Result<(), Problem> {
        let mut placed: Vec<_> = labels
            .iter()
            .map(|label| (label.end.and_then(|end| self.place(frame, &end)), label))
            .collect();
        let height = |end: Option<(f64, f64)>| end.map_or(frame.bottom, |(_, y)| y);
        // Labels without an end are placed below the others.
        placed.sort_by(|(a, _), (b, _)| {
            a.is_none()
                .cmp(&b.is_none())
                .then(height(*a).total_cmp(&height(*b)))
        });
        let heights = apart(
            placed.iter().map(|(end, _)| height(*end)).collect(),
            frame.top,
            frame.bottom,
        );
        for (y, (end, Label { line, text, .. })) in heights.into_iter().zip(placed) {
            let ink = colour(line.variant).to_rgba();
            if let Some((x, height)) = end {
                canvas.line(&[(x, height), (frame.right + 14.0, y)], ink.mix(0.5), 1.0)?;
            }
            canvas.marker((frame.right + 22.0, y), marker(line.variant), 4.0, ink)?;
            let room = WIDTH - frame.right - 40.0;
            canvas.text(
                &fitted(text, room, LABEL),
                (frame.right + 32.0, y),
                LABEL,
                INK,
                Anchor::Start,
            )?;
        }
        Ok(())
    }

    fn place(&self, frame: &Frame, point: &Point) -> Option<(f64, f64)> {
        Some((
            frame.x(self.x.share(point.x)?),
            frame.y(self.y.share(point.y)?),
        ))
    }
}

impl Frame {
    fn x(&self, share: f64) -> f64 {
        self.left + share * (self.right - self.left)
    }

    fn y(&self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }
}

/// Move heights, in ascending order, as little as necessary to make room for a label each.
fn apart(mut heights: Vec<f64>, top: f64, bottom: f64) -> Vec<f64> {
    let mut least = top;
    for height in &mut heights {
        *height = height.max(least);
        least = *height + LABEL_LINE;
    }
    let mut most = bottom;
    for height in heights.iter_mut().rev() {
        *height = height.min(most);
        most = *height - LABEL_LINE;
    }
    heights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_move_apart_and_stay_inside() {
        let moved = apart(vec![100.0, 100.0, 101.0, 300.0, 300.0], 80.0, 300.0);
        assert!(
            moved
                .windows(2)
                .all(|pair| pair[1] - pair[0] >= LABEL_LINE - 1e-9),
            "{moved:?}"
        );
        assert!(moved[0] >= 80.0 && moved[4] <= 300.0);
        assert_eq!(apart(vec![100.0, 200.0], 80.0, 300.0), [100.0, 200.0]);
    }
}
