//! Options of pictures.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use sisun_infer::Language;

use super::{Colours, Font, MapsError};
use crate::units::Unit;

/// Options of pictures.
#[derive(Debug, Clone, Default)]
pub struct PictureOptions {
    /// Side of a cell of a `layer{l}-head{h}` picture in SVG pixels; by default chosen from the
    /// number of tokens.
    pub cell: Option<NonZeroU32>,
    /// Colour map of weights and scores.
    pub colours: Colours,
    /// Font of all text; by default the embedded one.
    pub font: Option<Font>,
    /// Size of the token labels in SVG pixels, from 4 to 200; titles, numbers and margins scale
    /// with it. By default 10 to 13 pixels, depending on the size of the cells.
    pub font_size: Option<f32>,
    /// Numbers in the cells of a `layer{l}-head{h}` picture.
    pub values: Values,
    /// What rows and columns of patterns stand for. Scores, and patterns of encoder–decoders, are
    /// always by token.
    pub unit: Unit,
    /// Language of titles and axes; by default English.
    pub language: Option<Language>,
}

/// Choice of numbers in the cells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Values {
    /// In pictures where all numbers fit.
    #[default]
    Auto,
    /// In every picture, with cells as large as needed.
    Always,
    /// In no picture.
    Never,
}

impl Values {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Always, Self::Never];

    /// Return the name of the choice.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

impl FromStr for Unit {
    type Err = MapsError;

    /// Parse a name, such as `word`; surrounding spaces are ignored.
    fn from_str(given: &str) -> Result<Self, MapsError> {
        let named = |unit: &Self| unit.name() == given.trim();
        Self::ALL
            .into_iter()
            .find(named)
            .ok_or_else(|| MapsError::UnknownChoice {
                what: "unit",
                given: given.into(),
                choices: Self::ALL.map(Self::name).to_vec(),
            })
    }
}

impl fmt::Display for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Values {
    type Err = MapsError;

    /// Parse a name, such as `always`; surrounding spaces are ignored.
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
