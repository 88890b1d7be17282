//! The sizes of everything around the cells.

use std::ops::RangeInclusive;

use super::MapsError;

/// Sizes of token labels that are legible and still leave room for a picture.
const ALLOWED: RangeInclusive<f32> = 4.0..=200.0;

/// The size of labels that the others are in proportion to.
const USUAL: f32 = 13.0;

/// Sizes of text, in pixels of the SVG, and the margin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Of the token labels, if chosen.
    labels: Option<f32>,
    pub(super) title: f32,
    /// Of the titles of axes and of the colour bar.
    pub(super) axis: f32,
    /// Of the numbers beside the colour bar and of the numbers of heads and layers.
    pub(super) tick: f32,
    /// Of the numbers in the cells.
    pub(super) value: f32,
    /// White space around a picture.
    pub(super) margin: f32,
    /// How many times larger than usual all of this is.
    pub(super) scale: f32,
}

impl Sizes {
    /// # Errors
    /// [`MapsError::FontSize`] for a size that is no number or not allowed.
    pub(super) fn new(labels: Option<f32>) -> Result<Self, MapsError> {
        if let Some(given) = labels.filter(|size| !ALLOWED.contains(size)) {
            return Err(MapsError::FontSize {
                given,
                least: *ALLOWED.start(),
                greatest: *ALLOWED.end(),
            });
        }
        let scale = labels.map_or(1.0, |size| size / USUAL);
        let [title, axis, tick, value, margin] =
            [16.0, 14.0, 12.0, 12.0, 16.0].map(|usual| usual * scale);
        Ok(Self {
            labels,
            title,
            axis,
            tick,
            value,
            margin,
            scale,
        })
    }

    /// Size of the labels of cells of `side` pixels.
    pub(super) fn label(&self, side: f32) -> f32 {
        self.labels.unwrap_or((side * 0.75).clamp(10.0, USUAL))
    }
}
