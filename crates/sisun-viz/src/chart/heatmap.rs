//! A heatmap of mean attention distance: a row for each variant, a column for each head.

use super::canvas::{Anchor, WIDTH, fitted, picture, width};
use super::colours::{INK, QUIET, SHADE, colour, heat, marker};
use super::error::ChartError;
use plotters::style::Color;

const ROW: f64 = 28.0;
const TOP: f64 = 112.0;
/// Gap between layers, in CSS pixels.
const GAP: f64 = 8.0;
/// Minimum width of columns with numbers.
const NUMBERS_FROM: f64 = 19.0;

/// A heatmap of heads.
pub struct Heatmap<'a> {
    /// Title of the heatmap.
    pub title: String,
    /// Explanation below the title.
    pub below: String,
    /// One row per variant.
    pub rows: Vec<HeatmapRow<'a>>,
}

/// The heads of one variant.
pub struct HeatmapRow<'a> {
    /// Name of the variant.
    pub name: &'a str,
    /// Layer, head and mean distance in tokens; NaN if not measured.
    pub heads: Vec<(usize, usize, f64)>,
}

impl HeatmapRow<'_> {
    fn distance(&self, of: (usize, usize)) -> Option<f64> {
        let found = self
            .heads
            .iter()
            .find(|(layer, head, _)| (*layer, *head) == of);
        found
            .map(|(_, _, distance)| *distance)
            .filter(|distance| distance.is_finite())
    }
}

impl Heatmap<'_> {
    /// Draw the heatmap as an SVG document; `None` if there are no heads.
    ///
    /// # Errors
    /// If the heatmap cannot be drawn.
    pub fn svg(&self) -> Result<Option<String>, ChartError> {
        let mut heads: Vec<(usize, usize)> = self
            .rows
            .iter()
            .flat_map(|row| row.heads.iter().map(|(layer, head, _)| (*layer, *head)))
            .collect();
        heads.sort_unstable();
        heads.dedup();
        let Self { title, below, rows } = self;
        let all = rows
            .iter()
            .flat_map(|row| heads.iter().filter_map(|of| row.distance(*of)));
        let Some(farthest) = all.reduce(f64::max) else {
            return Ok(None);
        };

        let widest = rows
            .iter()
            .map(|row| width(row.name, 14.0))
            .fold(0.0, f64::max)
            .min(230.0);
        let left = widest + 50.0;
        let mut layers: Vec<usize> = heads.iter().map(|(layer, _)| *layer).collect();
        layers.dedup();
        let gaps = GAP * (layers.len() - 1) as f64;
        let cell = ((WIDTH - left - 20.0 - gaps) / heads.len() as f64).min(72.0);
        let layer_number =
            |layer: usize| layers.iter().position(|known| *known == layer).unwrap_or(0) as f64;
        let x =
            |column: usize, layer: usize| left + cell * column as f64 + GAP * layer_number(layer);
        let decimals = usize::from(cell >= 36.0 && farthest < 1_000.0);
        let size: f64 = if cell >= 36.0 { 13.0 } else { 10.0 };

        let bottom = TOP + ROW * rows.len() as f64;
        let svg = picture(title, bottom + 58.0, |canvas| {
            canvas.title(title, below)?;
            for (column, (layer, head)) in heads.iter().enumerate() {
                let middle = x(column, *layer) + cell / 2.0;
                if cell >= 10.0 {
                    canvas.text(
                        &head.to_string(),
                        (middle, TOP - 10.0),
                        size.min(12.0),
                        QUIET,
                        Anchor::Middle,
                    )?;
                }
                if column == 0 || heads[column - 1].0 != *layer {
                    let place = (x(column, *layer) + 1.0, TOP - 29.0);
                    let room = cell * heads.iter().filter(|(of, _)| of == layer).count() as f64;
                    let long = format!("layer {layer}, head");
                    let label = if width(&long, 12.0) <= room {
                        long
                    } else {
                        layer.to_string()
                    };
                    canvas.text(&label, place, 12.0, INK, Anchor::Start)?;
                }
            }
            for (number, row) in rows.iter().enumerate() {
                let y = TOP + ROW * number as f64;
                canvas.marker(
                    (24.0, y + ROW / 2.0),
                    marker(number),
                    4.5,
                    colour(number).to_rgba(),
                )?;
                canvas.text(
                    &fitted(row.name, widest + 2.0, 14.0),
                    (36.0, y + ROW / 2.0),
                    14.0,
                    INK,
                    Anchor::Start,
                )?;
                for (column, of) in heads.iter().enumerate() {
                    let (from, to) = (x(column, of.0) + 0.75, x(column, of.0) + cell - 0.75);
                    let found = row.distance(*of);
                    // Square-root scale, because most heads attend to near tokens.
                    let (fill, ink) = found.map_or((SHADE, QUIET), |found| {
                        heat((found.max(0.0) / farthest.max(1e-9)).sqrt())
                    });
                    canvas.rectangle((from, y + 0.75), (to, y + ROW - 0.75), fill.to_rgba())?;
                    let told =
                        found.map_or_else(|| "–".to_owned(), |found| format!("{found:.decimals$}"));
                    if cell >= NUMBERS_FROM {
                        canvas.text(
                            &told,
                            ((from + to) / 2.0, y + ROW / 2.0),
                            size,
                            ink,
                            Anchor::Middle,
                        )?;
                    }
                }
            }
            let steps = 60;
            for step in 0..steps {
                let share = f64::from(step) / f64::from(steps - 1);
                let from = left + 3.0 * f64::from(step);
                canvas.rectangle(
                    (from, bottom + 22.0),
                    (from + 4.0, bottom + 34.0),
                    heat(share.sqrt()).0.to_rgba(),
                )?;
            }
            canvas.text("0", (left - 6.0, bottom + 28.0), 12.0, INK, Anchor::End)?;
            let end = (left + 3.0 * f64::from(steps) + 8.0, bottom + 28.0);
            canvas.text(
                &format!("{farthest:.1} tokens back"),
                end,
                12.0,
                INK,
                Anchor::Start,
            )
        })?;
        Ok(Some(svg))
    }
}
