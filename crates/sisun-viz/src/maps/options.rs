//! How pictures are to be drawn.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use super::{Colours, Font, MapsError};

/// How pictures are drawn.
#[derive(Debug, Clone, Default)]
pub struct PictureOptions {
    /// Side of one cell of a `layer{l}-head{h}` picture in pixels of the SVG; chosen from the
    /// number of tokens when absent.
    pub cell: Option<NonZeroU32>,
    /// The colours of weights and scores.
    pub colours: Colours,
    /// The font of all text; the embedded one when absent.
    pub font: Option<Font>,
    /// Size of the token labels in pixels of the SVG, from 4 to 200; titles, numbers and margins
    /// keep their proportion to it. When absent, labels have 10 to 13 pixels, as the cells have
    /// room.
    pub font_size: Option<f32>,
    /// Whether numbers stand in the cells of a `layer{l}-head{h}` picture.
    pub values: Values,
}

/// Whether the numbers stand in the cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Values {
    /// Where all numbers of a picture fit.
    #[default]
    Auto,
    /// In every picture, with cells as large as that takes.
    Always,
    /// In none.
    Never,
}

impl Values {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Values {
    type Err = MapsError;

    /// Reads a word, such as `always`; spaces around it do not count.
    fn from_str(given: &str) -> Result<Self, MapsError> {
        let named = |values: &Self| values.name() == given.trim();
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| MapsError::UnknownChoice {
                what: "choice of values",
                given: given.into(),
                choices: Self::ALL.map(Self::name).to_vec(),
            })
    }
}
