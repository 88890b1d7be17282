//! Sizes of the elements around the cells.

use std::ops::RangeInclusive;

use super::MapsError;

/// Allowed sizes of token labels.
const ALLOWED: RangeInclusive<f32> = 4.0..=200.0;

/// The label size to which other sizes are proportional.
const USUAL: f32 = 13.0;

/// Sizes of text in SVG pixels, and the margin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// Size of the token labels, if chosen.
    labels: Option<f32>,
    pub(super) title: f32,
    /// Size of the titles of axes and of the colour bar.
    pub(super) axis: f32,
    /// Size of the numbers of the colour bar, heads and layers.
    pub(super) tick: f32,
    /// Size of the numbers in cells.
    pub(super) value: f32,
    /// Margin around a picture.
    pub(super) margin: f32,
    /// Ratio of all sizes to the usual ones.
    pub(super) scale: f32,
}

impl Sizes {
    /// # Errors
    /// [`MapsError::FontSize`] if the size is NaN or out of range.
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

    /// Return the size of labels for cells of `side` pixels.
    pub(super) fn label(&self, side: f32) -> f32 {
        self.labels.unwrap_or((side * 0.75).clamp(10.0, USUAL))
    }
}
