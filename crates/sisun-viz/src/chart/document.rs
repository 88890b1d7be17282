//! The SVG document of a chart.

use super::colours::PAPER;
use plotters::coord::Shift;
use plotters::prelude::*;
use std::io;

/// Plotters rounds to whole units; four units per pixel keep thin lines smooth.
pub(super) const UNITS: u32 = 4;

/// A drawing error.
pub(super) type Problem = DrawingAreaErrorKind<io::Error>;

/// A drawing area, in units.
pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draw on a canvas of `units` and return the document, with a size in CSS pixels. `attributes` are
/// added to its root element; `style`, a style element, becomes its first child.
pub(super) fn document(
    units: (u32, u32),
    (width, height): (u32, u32),
    attributes: &str,
    style: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<(), Problem>,
) -> Result<String, Problem> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, units).into_drawing_area();
    area.fill(&PAPER)?;
    draw(&area)?;
    area.present()?;
    drop(area);
    let size = |(width, height): (u32, u32)| format!("width=\"{width}\" height=\"{height}\"");
    let own = format!("{attributes} {}", size((width, height)));
    let svg = svg.replacen(&size(units), &own, 1);
    Ok(match svg.find(">\n") {
        Some(end) => format!("{}\n{style}{}", &svg[..=end], &svg[end + 1..]),
        None => svg,
    })
}
