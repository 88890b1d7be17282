//! File formats of maps.

use std::fmt;
use std::str::FromStr;

use sisun_model::Activation;

use super::MapsError;

/// A file format of maps; [`super::write()`] lists the files of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Heatmaps as scalable vector graphics, with text as text.
    Svg,
    /// Heatmaps as pixels.
    Png,
    /// All data as one JSON object.
    Json,
    /// Patterns as a table in long form.
    Csv,
    /// NumPy arrays.
    Npz,
    /// Hugging Face tensors.
    Safetensors,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] = [
        Self::Svg,
        Self::Png,
        Self::Json,
        Self::Csv,
        Self::Npz,
        Self::Safetensors,
    ];

    /// Return true if the format is a picture.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Svg | Self::Png)
    }

    /// Return the activations that the format can hold.
    pub fn activations(self) -> &'static [Activation] {
        match self {
            Self::Svg | Self::Png => &[Activation::Pattern, Activation::Scores],
            Self::Csv => &[Activation::Pattern],
            Self::Json | Self::Npz | Self::Safetensors => &Activation::PER_HEAD,
        }
    }

    /// Return the name, which is also the extension of the files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Npz => "npz",
            Self::Safetensors => "safetensors",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = MapsError;

    /// Parse a name, such as `svg`; surrounding spaces are ignored.
    fn from_str(given: &str) -> Result<Self, MapsError> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == given.trim())
            .ok_or_else(|| MapsError::UnknownChoice {
                what: "format",
                given: given.into(),
                choices: Self::ALL.map(Self::name).to_vec(),
            })
    }
}
