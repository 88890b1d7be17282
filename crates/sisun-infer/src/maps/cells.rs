//! The cells of one head's matrix and how they are put into a picture.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use svg::node::element::{Group, Image, Rectangle};

use super::colour::{HIDDEN, Rgb, Scale};
use super::raster;

/// With more cells than this in a picture, they become one embedded image a matrix instead of rectangles: a viewer
/// handles a few thousand elements well, not a quarter of a million.
pub(super) const MOST_RECTANGLES: usize = 4096;

/// From this side on, cells are set apart by a gap of one pixel.
const GAP_FROM: usize = 8;

/// One head's matrix `[query, key]` and the colours for it.
pub(super) struct Cells<'a> {
    values: &'a [f32],
    /// Number of tokens, which is both sides of the matrix.
    pub(super) n: usize,
    /// Whether everything above the diagonal is hidden.
    causal: bool,
    scale: Scale,
}

impl<'a> Cells<'a> {
    /// # Shapes
    /// - values: `[query, key]`, `n` × `n`
    pub(super) fn new(values: &'a [f32], n: usize, scale: Scale) -> Self {
        // A softmax writes exact zeros where a mask hides, so a causal pattern is known by its upper triangle.
        let causal = (0..n).all(|query| values[query * n + query + 1..(query + 1) * n].iter().all(|&v| v == 0.0));
        Self { values, n, causal, scale }
    }

    /// The value of a cell, or `None` when it is hidden.
    fn visible(&self, query: usize, key: usize) -> Option<f32> {
        let value = self.values[query * self.n + key];
        (value.is_finite() && !(self.causal && key > query)).then_some(value)
    }

    /// Query, key and value of every cell that is not hidden.
    pub(super) fn all_visible(&self) -> impl Iterator<Item = (usize, usize, f32)> {
        (0..self.values.len()).filter_map(|i| {
            let (query, key) = (i / self.n, i % self.n);
            self.visible(query, key).map(|value| (query, key, value))
        })
    }

    /// Whether any cell is hidden.
    pub(super) fn any_hidden(&self) -> bool {
        (self.causal && self.n > 1) || !self.values.iter().all(|value| value.is_finite())
    }

    fn colour(&self, value: Option<f32>) -> Rgb {
        value.map_or(HIDDEN, |value| self.scale.colour(value))
    }

    /// The colour of a cell.
    pub(super) fn colour_at(&self, query: usize, key: usize) -> Rgb {
        self.colour(self.visible(query, key))
    }

    /// One rectangle for each cell, `side` pixels apart.
    pub(super) fn rectangles(&self, left: usize, top: usize, side: usize) -> Group {
        let drawn = |i| if side >= GAP_FROM && i + 1 < self.n { side - 1 } else { side };
        let mut group = Group::new().set("shape-rendering", "crispEdges");
        for query in 0..self.n {
            for key in 0..self.n {
                let cell = Rectangle::new()
                    .set("x", left + key * side)
                    .set("y", top + query * side)
                    .set("width", drawn(key))
                    .set("height", drawn(query))
                    .set("fill", self.colour_at(query, key).to_string());
                group = group.add(cell);
            }
        }
        group
    }

    /// One image of all cells, `side` pixels each. With `pool` > 1, a pixel of the image stands for `pool` × `pool`
    /// cells and shows the largest of them: an average would wash out the thin lines that attention draws.
    pub(super) fn image(&self, left: usize, top: usize, side: usize, pool: usize) -> Image {
        let pixels = self.n.div_ceil(pool);
        let length = (pixels * side) as f32;
        Image::new()
            .set("x", left)
            .set("y", top)
            .set("width", length)
            .set("height", length)
            // As an attribute this value is not in SVG 1.1, so renderers skip it.
            .set("style", "image-rendering:pixelated")
            .set("href", format!("data:image/png;base64,{}", STANDARD.encode(self.png(pixels, pool))))
    }

    fn png(&self, pixels: usize, pool: usize) -> Vec<u8> {
        let side = u32::try_from(pixels).expect("the plan of a picture limits its side");
        let rgb: Vec<u8> = (0..pixels * pixels)
            .flat_map(|i| self.colour(self.largest(i / pixels * pool, i % pixels * pool, pool)).0)
            .collect();
        raster::encode(side, side, &rgb)
    }

    /// The largest visible value of `pool` × `pool` cells from a corner on.
    fn largest(&self, query: usize, key: usize, pool: usize) -> Option<f32> {
        let end = |start: usize| (start + pool).min(self.n);
        (query..end(query))
            .flat_map(|query| (key..end(key)).map(move |key| (query, key)))
            .filter_map(|(query, key)| self.visible(query, key))
            .reduce(f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causal_patterns_hide_the_upper_triangle() {
        let cells = Cells::new(&[1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 1.0, 0.0, 0.0], 3, Scale::Weights);
        assert_eq!(cells.visible(0, 1), None);
        assert_eq!(cells.visible(2, 1), Some(0.0), "a weight of 0 below the diagonal is visible");
        assert!(cells.any_hidden());
        assert_eq!(cells.colour_at(1, 2), HIDDEN);
    }

    #[test]
    fn full_patterns_hide_nothing() {
        let cells = Cells::new(&[0.5, 0.5, 1.0, 0.0], 2, Scale::Weights);
        assert_eq!(cells.visible(0, 1), Some(0.5));
        assert!(!cells.any_hidden());
        assert!(!Cells::new(&[1.0], 1, Scale::Weights).any_hidden());
    }

    #[test]
    fn scores_hide_what_is_not_finite() {
        let cells = Cells::new(&[2.0, f32::NEG_INFINITY, -1.0, 0.0], 2, Scale::Range { low: -1.0, high: 2.0 });
        assert_eq!(cells.visible(0, 1), None);
        assert_eq!(cells.visible(1, 0), Some(-1.0));
        assert!(cells.any_hidden());
    }

    #[test]
    fn pooling_keeps_the_largest_of_ragged_blocks() {
        // 3 × 3 in blocks of 2: the last row and column of blocks are only one cell wide.
        let cells = Cells::new(&[0.1, 0.0, 0.0, 0.2, 0.8, 0.0, 0.3, 0.1, 0.6], 3, Scale::Weights);
        assert_eq!(cells.largest(0, 0, 2), Some(0.8));
        assert_eq!(cells.largest(0, 2, 2), None);
        assert_eq!(cells.largest(2, 0, 2), Some(0.3));
        assert_eq!(cells.largest(2, 2, 2), Some(0.6));
    }
}
