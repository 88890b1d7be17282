//! The canvas of every figure: an SVG in CSS pixels that follows the reader's light or dark scheme.

use super::colours::{INK, Marker, QUIET, picture_style};
use super::document::{self, Area, Problem, document};
use super::error::ChartError;
use crate::text;
use plotters::element::DashedPathElement;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

/// Width of every figure on the page, in CSS pixels.
pub(super) const WIDTH: f64 = 920.0;
const UNITS: f64 = document::UNITS as f64;
/// Plotters divides font sizes by 1.24.
const FONT_UNITS: f64 = UNITS * 1.24;
/// The font of PNGs, followed by system fonts.
const FONTS: &str = "Pretendard, system-ui, sans-serif";
/// Approximate width of a letter as a fraction of the font size.
const LETTER: f64 = 0.55;

/// Horizontal alignment of a text at its position.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A figure being drawn; every number is in CSS pixels.
pub(super) struct Canvas<'a> {
    area: Area<'a>,
}

/// Draw a figure of this height and return it as an SVG document. `name` is its name in errors and
/// for screen readers.
pub(super) fn picture(
    name: &str,
    height: f64,
    draw: impl FnOnce(&Canvas<'_>) -> Result<(), Problem>,
) -> Result<String, ChartError> {
    let units = |pixels: f64| (pixels * UNITS).round() as u32;
    let attributes = format!(
        "class=\"chart\" role=\"img\" aria-label=\"{}\"",
        text::escaped(name).replace(['\n', '\r'], " ")
    );
    document(
        (units(WIDTH), units(height)),
        (WIDTH as u32, height.round() as u32),
        &attributes,
        &picture_style(),
        |area| {
            draw(&Canvas {
                // A second handle to the same drawing.
                area: area.clone(),
            })
        },
    )
    .map_err(|problem| ChartError {
        picture: name.to_owned(),
        problem: problem.to_string(),
    })
}

impl Canvas<'_> {
    /// Draw a line through points.
    pub(super) fn line(
        &self,
        points: &[(f64, f64)],
        colour: RGBAColor,
        width: f64,
    ) -> Result<(), Problem> {
        let style = colour.stroke_width((width * UNITS).round() as u32);
        self.area.draw(&PathElement::new(
            points.iter().copied().map(at).collect::<Vec<_>>(),
            style,
        ))
    }

    /// Draw a dashed line through points.
    pub(super) fn dashes(
        &self,
        points: &[(f64, f64)],
        colour: RGBAColor,
        width: f64,
    ) -> Result<(), Problem> {
        let (style, dash) = (
            colour.stroke_width((width * UNITS).round() as u32),
            (5.0 * UNITS) as i32,
        );
        let points: Vec<_> = points.iter().copied().map(at).collect();
        self.area
            .draw(&DashedPathElement::new(points, dash, dash * 4 / 5, style))
    }

    /// Draw a filled shape.
    pub(super) fn shape(&self, points: &[(f64, f64)], colour: RGBAColor) -> Result<(), Problem> {
        self.area.draw(&Polygon::new(
            points.iter().copied().map(at).collect::<Vec<_>>(),
            colour,
        ))
    }

    /// Draw a filled box from its upper left to its lower right corner.
    pub(super) fn rectangle(
        &self,
        from: (f64, f64),
        to: (f64, f64),
        colour: RGBAColor,
    ) -> Result<(), Problem> {
        self.area
            .draw(&Rectangle::new([at(from), at(to)], colour.filled()))
    }

    /// Draw one line of text whose middle is at the given height.
    pub(super) fn text(
        &self,
        text: &str,
        place: (f64, f64),
        size: f64,
        colour: RGBColor,
        anchor: Anchor,
    ) -> Result<(), Problem> {
        let across = match anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        // SVG does not keep line ends, and renders other white space as one space.
        let text = text::printable(text).replace(['\n', '\r', '\t'], " ");
        let style = (FONTS, size * FONT_UNITS)
            .into_font()
            .color(&colour)
            .pos(Pos::new(across, VPos::Center));
        self.area.draw(&Text::new(text, at(place), style))
    }

    /// Draw the title, and below it an explanation of the figure.
    pub(super) fn title(&self, title: &str, below: &str) -> Result<(), Problem> {
        self.text(
            &fitted(title, WIDTH - 32.0, 17.0),
            (16.0, 24.0),
            17.0,
            INK,
            Anchor::Start,
        )?;
        self.text(
            &fitted(below, WIDTH - 32.0, 13.0),
            (16.0, 46.0),
            13.0,
            QUIET,
            Anchor::Start,
        )
    }

    /// Draw a marker centred at a point.
    pub(super) fn marker(
        &self,
        (x, y): (f64, f64),
        marker: Marker,
        size: f64,
        colour: RGBAColor,
    ) -> Result<(), Problem> {
        let corners = |corners: &[(f64, f64)]| -> Vec<(f64, f64)> {
            corners
                .iter()
                .map(|(dx, dy)| (x + dx * size, y + dy * size))
                .collect()
        };
        match marker {
            Marker::Circle => self.area.draw(&Circle::new(
                at((x, y)),
                (size * UNITS).round() as u32,
                colour.filled(),
            )),
            Marker::Square => self.shape(
                &corners(&[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)]),
                colour,
            ),
            Marker::Triangle => {
                self.shape(&corners(&[(0.0, -1.15), (1.1, 0.85), (-1.1, 0.85)]), colour)
            }
            Marker::Diamond => self.shape(
                &corners(&[(0.0, -1.25), (1.25, 0.0), (0.0, 1.25), (-1.25, 0.0)]),
                colour,
            ),
            Marker::Down => self.shape(
                &corners(&[(0.0, 1.15), (1.1, -0.85), (-1.1, -0.85)]),
                colour,
            ),
            Marker::Plus => {
                self.line(&corners(&[(-1.2, 0.0), (1.2, 0.0)]), colour, size * 0.6)?;
                self.line(&corners(&[(0.0, -1.2), (0.0, 1.2)]), colour, size * 0.6)
            }
            Marker::Cross => {
                self.line(
                    &corners(&[(-0.95, -0.95), (0.95, 0.95)]),
                    colour,
                    size * 0.6,
                )?;
                self.line(
                    &corners(&[(-0.95, 0.95), (0.95, -0.95)]),
                    colour,
                    size * 0.6,
                )
            }
        }
    }
}

fn at((x, y): (f64, f64)) -> (i32, i32) {
    ((x * UNITS).round() as i32, (y * UNITS).round() as i32)
}

/// Return the approximate width of a text in CSS pixels: Latin letters are narrow, those of other
/// scripts may be square.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars()
        .map(|c| if c < '\u{1100}' { LETTER } else { 1.0 })
        .sum::<f64>()
        * size
}

/// Return as much of a text as fits.
pub(super) fn fitted(text: &str, room: f64, size: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let mut left = room - width("…", size);
    let kept = text.chars().take_while(|c| {
        left -= width(c.encode_utf8(&mut [0; 4]), size);
        left >= 0.0
    });
    kept.chain(['…']).collect()
}
