//! The cells of one head's matrix.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use svg::node::element::{Group, Image, Rectangle};

use super::colour::{HIDDEN, Paint, Rgb};
use super::encode;

/// Maximum number of cells drawn as rectangles; above it each matrix is embedded as an image, as
/// viewers handle a few thousand elements well, but not a quarter of a million.
pub(super) const MOST_RECTANGLES: usize = 4096;

/// Minimum side of cells separated by a gap of one pixel.
const GAP_FROM: usize = 8;

/// The matrix `[query, key]` of one head, with its colours.
#[derive(Clone)]
pub(super) struct Cells<'a> {
    values: Cow<'a, [f32]>,
    /// Number of queries, the rows.
    pub(super) rows: usize,
    /// Number of keys, the columns.
    pub(super) columns: usize,
    /// True if all cells above the diagonal are hidden.
    causal: bool,
    paint: Arc<Paint>,
}

impl<'a> Cells<'a> {
    /// Create cells; `causal` hides keys after their query.
    ///
    /// # Shapes
    /// - values: `[query, key]`, with `columns` keys
    pub(super) fn new(values: &'a [f32], columns: usize, causal: bool, paint: &Arc<Paint>) -> Self {
        Self {
            values: values.into(),
            rows: values.len() / columns,
            columns,
            causal,
            paint: Arc::clone(paint),
        }
    }

    /// Return a reduced matrix in which each cell stands for `pool` × `pool` cells and shows their
    /// maximum, because an average would wash out the thin lines of attention; of differences, the
    /// largest in magnitude.
    pub(super) fn pooled(&self, pool: usize) -> Cells<'static> {
        let (rows, columns) = (self.rows.div_ceil(pool), self.columns.div_ceil(pool));
        let values = (0..rows * columns).map(|i| {
            self.largest(i / columns * pool, i % columns * pool, pool)
                .unwrap_or(f32::NAN)
        });
        Cells {
            values: values.collect(),
            rows,
            columns,
            causal: false,
            paint: Arc::clone(&self.paint),
        }
    }

    /// Return the largest visible value of `pool` × `pool` cells from a corner.
    fn largest(&self, query: usize, key: usize, pool: usize) -> Option<f32> {
        (query..(query + pool).min(self.rows))
            .flat_map(|query| (key..(key + pool).min(self.columns)).map(move |key| (query, key)))
            .filter_map(|(query, key)| self.visible(query, key))
            .reduce(|a, b| match self.paint.is_signed {
                true if b.abs() > a.abs() => b,
                true => a,
                false => a.max(b),
            })
    }

    /// Return the value of a cell, or `None` if it is hidden.
    fn visible(&self, query: usize, key: usize) -> Option<f32> {
        let value = self.values[query * self.columns + key];
        (value.is_finite() && !(self.causal && key > query)).then_some(value)
    }

    /// Iterate over query, key and value of the visible cells.
    pub(super) fn all_visible(&self) -> impl Iterator<Item = (usize, usize, f32)> {
        (0..self.values.len()).filter_map(|i| {
            let (query, key) = (i / self.columns, i % self.columns);
            self.visible(query, key).map(|value| (query, key, value))
        })
    }

    /// Return true if any cell is hidden.
    pub(super) fn any_hidden(&self) -> bool {
        (self.causal && self.columns > 1) || !self.values.iter().all(|value| value.is_finite())
    }

    /// Return the colour of a cell.
    pub(super) fn colour_at(&self, query: usize, key: usize) -> Rgb {
        self.visible(query, key)
            .map_or(HIDDEN, |value| self.paint.colour(value))
    }

    /// Draw a rectangle for each cell, `side` pixels apart.
    pub(super) fn rectangles(&self, left: usize, top: usize, side: usize) -> Group {
        let drawn = |i, n| {
            if side >= GAP_FROM && i + 1 < n {
                side - 1
            } else {
                side
            }
        };
        let mut group = Group::new().set("shape-rendering", "crispEdges");
        for query in 0..self.rows {
            for key in 0..self.columns {
                let cell = Rectangle::new()
                    .set("x", left + key * side)
                    .set("y", top + query * side)
                    .set("width", drawn(key, self.columns))
                    .set("height", drawn(query, self.rows))
                    .set("fill", self.colour_at(query, key).to_string());
                group = group.add(cell);
            }
        }
        group
    }
}

/// A matrix with too many cells for rectangles, and its position in a picture.
pub(super) struct Patch<'c> {
    pub(super) cells: &'c Cells<'c>,
    pub(super) left: usize,
    pub(super) top: usize,
    /// Side of a cell in pixels of the SVG.
    pub(super) side: usize,
}

impl Patch<'_> {
    /// Create an enlarged image with one pixel per cell.
    pub(super) fn image(&self) -> Image {
        Image::new()
            .set("x", self.left)
            .set("y", self.top)
            .set("width", self.cells.columns * self.side)
            .set("height", self.cells.rows * self.side)
            // The attribute is not part of SVG 1.1, so renderers ignore it; use a style.
            .set("style", "image-rendering:pixelated")
            .set(
                "href",
                format!("data:image/png;base64,{}", STANDARD.encode(self.png())),
            )
    }

    fn png(&self) -> Vec<u8> {
        let Cells { rows, columns, .. } = *self.cells;
        let mut rgb = Vec::with_capacity(rows * columns * 3);
        for i in 0..rows * columns {
            rgb.extend(self.cells.colour_at(i / columns, i % columns).0);
        }
        let side = |n| u32::try_from(n).expect("the plan of a picture limits its sides");
        encode::png(side(columns), side(rows), &rgb, &[])
    }

    /// Paint the cells into the pixels of a page as the image would be drawn, without a second copy
    /// of the pixels.
    ///
    /// # Shapes
    /// - rgba: `[height, width, 4]`, `scale` pixels for each of the SVG
    pub(super) fn paint(&self, rgba: &mut [u8], width: usize, scale: usize) {
        let Self {
            cells,
            left,
            top,
            side,
        } = *self;
        let side = side * scale;
        for query in 0..cells.rows {
            let start = ((top * scale + query * side) * width + left * scale) * 4;
            let row = start..start + cells.columns * side * 4;
            for (key, cell) in rgba[row.clone()].chunks_exact_mut(side * 4).enumerate() {
                let [red, green, blue] = cells.colour_at(query, key).0;
                cell.chunks_exact_mut(4)
                    .for_each(|pixel| pixel.copy_from_slice(&[red, green, blue, 255]));
            }
            (1..side).for_each(|line| rgba.copy_within(row.clone(), start + line * width * 4));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::maps::Colours;
    use crate::maps::colour::Scale;

    fn cells(values: &[f32], n: usize, causal: bool) -> Cells<'_> {
        Cells::new(
            values,
            n,
            causal,
            &Arc::new(Paint::new(Scale::Weights, Colours::Blues)),
        )
    }

    #[test]
    fn causal_patterns_hide_the_upper_triangle() {
        let cells = cells(&[1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.0, 0.0], 3, true);
        assert_eq!(cells.visible(0, 1), None);
        assert_eq!(
            cells.visible(2, 1),
            Some(0.0),
            "a weight of 0 below the diagonal is visible"
        );
        assert!(cells.any_hidden());
        assert_eq!(cells.colour_at(1, 2), HIDDEN);
    }

    #[test]
    fn full_patterns_hide_nothing() {
        let pattern = cells(&[0.5, 0.5, 1.0, 0.0], 2, false);
        assert_eq!(pattern.visible(0, 1), Some(0.5));
        assert!(!pattern.any_hidden());
        assert!(!cells(&[1.0], 1, true).any_hidden());
    }

    #[test]
    fn zeros_do_not_make_a_mask() {
        let pattern = cells(&[1.0, 0.0, 0.5, 0.5], 2, false);
        assert_eq!(pattern.visible(0, 1), Some(0.0));
        assert!(!pattern.any_hidden());
        assert_ne!(pattern.colour_at(0, 1), HIDDEN);
    }

    #[test]
    fn scores_hide_what_is_not_finite() {
        let cells = cells(&[2.0, f32::NEG_INFINITY, -1.0, 0.0], 2, false);
        assert_eq!(cells.visible(0, 1), None);
        assert_eq!(cells.visible(1, 0), Some(-1.0));
        assert!(cells.any_hidden());
    }

    #[test]
    fn queries_and_keys_may_be_of_unequal_number() {
        let cells = cells(&[0.1, 0.2, 0.7, 0.5, 0.0, 0.5], 3, false);
        assert_eq!((cells.rows, cells.columns), (2, 3));
        assert_eq!(cells.visible(1, 2), Some(0.5));
        assert_eq!(
            cells
                .rectangles(0, 0, 10)
                .to_string()
                .matches("<rect")
                .count(),
            6
        );
        let pooled = cells.pooled(2);
        assert_eq!((pooled.rows, pooled.columns), (1, 2));
        assert_eq!(
            pooled.all_visible().collect::<Vec<_>>(),
            [(0, 0, 0.5), (0, 1, 0.7)]
        );
    }

    #[test]
    fn pooling_keeps_the_largest_of_ragged_blocks() {
        // 3 × 3 in blocks of 2: the last row and column of blocks are only one cell wide.
        let pooled = cells(&[0.1, 0.0, 0.0, 0.2, 0.8, 0.0, 0.3, 0.1, 0.6], 3, true).pooled(2);
        assert_eq!((pooled.rows, pooled.columns), (2, 2));
        assert_eq!(
            pooled.all_visible().collect::<Vec<_>>(),
            [(0, 0, 0.8), (1, 0, 0.3), (1, 1, 0.6)]
        );
        assert_eq!(pooled.colour_at(0, 1), HIDDEN);
        assert!(pooled.any_hidden());
    }

    #[test]
    fn a_zero_below_the_diagonal_stays_visible_in_small() {
        let pooled = cells(&[1.0, 0.0, 1.0, 0.0], 2, true).pooled(1);
        assert_eq!(
            pooled.all_visible().collect::<Vec<_>>(),
            [(0, 0, 1.0), (1, 0, 1.0), (1, 1, 0.0)]
        );
    }

    #[test]
    fn patches_are_painted_where_they_are() {
        // Cells of 2 × 2 pixels, doubled, at (1, 1), doubled, on a page of 6 × 6, doubled.
        let cells = cells(&[1.0, 0.0, 0.5, 0.5], 2, true);
        let mut rgba = vec![7; 12 * 12 * 4];
        Patch {
            cells: &cells,
            left: 1,
            top: 1,
            side: 2,
        }
        .paint(&mut rgba, 12, 2);
        for (i, pixel) in rgba.chunks_exact(4).enumerate() {
            let (y, x) = (i / 12, i % 12);
            let inside = (2..10).contains(&x) && (2..10).contains(&y);
            let Rgb([red, green, blue]) = if inside {
                cells.colour_at((y - 2) / 4, (x - 2) / 4)
            } else {
                Rgb([7; 3])
            };
            assert_eq!(
                pixel,
                [red, green, blue, if inside { 255 } else { 7 }],
                "{x}, {y}"
            );
        }
    }
}
