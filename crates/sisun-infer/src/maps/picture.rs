//! Which pictures there are, and what they have in common.

use std::sync::Arc;

use super::cells::Cells;
use super::colour::Scale;
use super::font::Ruler;
use super::grid::Grid;
use super::heatmap::Heatmap;
use super::{AttentionMaps, MapsError, PictureOptions, label};

/// The most pixels of a picture: 256 MiB while it is drawn.
pub(super) const MOST_PIXELS: u64 = 1 << 26;

/// The longest side at which a picture is still drawn at double resolution.
const DOUBLED_UP_TO: u64 = 1600;

/// Pixels of the PNG for each pixel of the SVG along one side: 2 for sharp text in print and on dense screens, 1 where
/// the picture is large as it is.
pub(super) fn magnification(width: u64, height: u64) -> u32 {
    if width.max(height) <= DOUBLED_UP_TO { 2 } else { 1 }
}

/// What is common to the pictures of one kind of activation.
pub(super) struct Subject {
    /// What the values are, in the singular.
    pub(super) quantity: &'static str,
    /// Prepended to file names.
    prefix: &'static str,
    /// Shared by all heads, so that they compare.
    pub(super) scale: Scale,
    /// Where the maps come from, for the description of the picture.
    pub(super) source: String,
    /// The labels of the tokens, fit to be drawn.
    pub(super) labels: Vec<String>,
    pub(super) ruler: Ruler,
}

impl Subject {
    /// File name without extension of a picture of one head, or of all of them.
    pub(super) fn file_name(&self, what: &str) -> String {
        format!("{}{what}", self.prefix)
    }
}

/// One head of one layer.
pub(super) struct Panel<'a> {
    pub(super) layer: usize,
    pub(super) head: usize,
    pub(super) cells: Cells<'a>,
}

/// One picture, laid out but not drawn.
pub(super) enum Picture<'a> {
    /// One head.
    Heatmap(Heatmap<'a>),
    /// All heads.
    Grid(Grid<'a>),
}

impl Picture<'_> {
    /// File name without extension.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Heatmap(heatmap) => &heatmap.name,
            Self::Grid(grid) => &grid.name,
        }
    }

    /// Width and height in pixels of the SVG.
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Heatmap(heatmap) => heatmap.size(),
            Self::Grid(grid) => grid.size(),
        }
    }

    /// The picture as an SVG document.
    pub(super) fn svg(&self) -> String {
        match self {
            Self::Heatmap(heatmap) => heatmap.draw(),
            Self::Grid(grid) => grid.draw(),
        }
        .to_string()
    }
}

/// Lays out a heatmap for each head and a grid of all heads, for the patterns and for the scores if there are any.
///
/// # Errors
/// [`MapsError::TooBig`] for a picture of more than [`MOST_PIXELS`].
pub(super) fn plan<'a>(maps: &'a AttentionMaps, options: &PictureOptions) -> Result<Vec<Picture<'a>>, MapsError> {
    let n = maps.tokens.len();
    let mut pictures = Vec::new();
    for (name, quantity, prefix) in [("pattern", "Attention weight", ""), ("scores", "Attention score", "scores-")] {
        let activations: Vec<_> = maps.named(name).collect();
        let values = || activations.iter().flat_map(|activation| activation.values.iter().copied());
        let scale = if name == "pattern" { Scale::weights(n) } else { Scale::spanning(values()) };
        let subject = Arc::new(Subject {
            quantity,
            prefix,
            scale,
            source: label::drawable(&format!("{}: {}", maps.model, maps.text)).into_owned(),
            labels: maps.tokens.iter().map(|token| label::drawable(&token.text).into_owned()).collect(),
            ruler: Ruler::new(),
        });
        let mut panels = Vec::new();
        for activation in &activations {
            for (head, values) in activation.by_head() {
                let panel = || Panel { layer: activation.layer, head, cells: Cells::new(values, n, scale) };
                pictures.push(Picture::Heatmap(Heatmap::new(Arc::clone(&subject), panel(), options)));
                panels.push(panel());
            }
        }
        if !panels.is_empty() {
            pictures.push(Picture::Grid(Grid::new(subject, panels, n)));
        }
    }
    pictures.iter().try_for_each(fits_into_memory)?;
    Ok(pictures)
}

fn fits_into_memory(picture: &Picture<'_>) -> Result<(), MapsError> {
    let (width, height) = picture.size();
    let (width, height) = (width as u64, height as u64);
    let scale = u64::from(magnification(width, height));
    if (width * scale).saturating_mul(height * scale) > MOST_PIXELS {
        return Err(MapsError::TooBig { picture: picture.name().into(), width, height, limit: MOST_PIXELS });
    }
    Ok(())
}
