//! Errors of writing maps.

use sisun_config::ErrorKind;
use sisun_files::WriteError;
use std::path::PathBuf;

use resvg::usvg;
use sisun_model::Activation;

/// An error of writing attention maps.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapsError {
    /// The name of a choice is unknown.
    #[error("unknown {what} `{given}`; choose from {}", choices.join(", "))]
    UnknownChoice {
        /// Kind of choice, for instance a format.
        what: &'static str,
        /// The given name.
        given: String,
        /// The known names.
        choices: Vec<&'static str>,
    },
    /// A font cannot be read.
    #[error("cannot read font `{}`: {source}; give the path of a .ttf, .otf or .ttc file", path.display())]
    ReadFont {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not a font.
    #[error("`{}` is no TrueType or OpenType font; give a .ttf, .otf or .ttc file", path.display())]
    NoFont {
        /// The file.
        path: PathBuf,
    },
    /// The size of token labels is out of range.
    #[error("font size {given}: choose {least} to {greatest} pixels")]
    FontSize {
        /// The given size.
        given: f32,
        /// The smallest allowed size.
        least: f32,
        /// The largest allowed size.
        greatest: f32,
    },
    /// Cells are too small for the values to write in them.
    #[error(
        "cells of {given} pixels have no room for values: choose {least} pixels or more, or write values only where \
         they fit"
    )]
    CellTooSmall {
        /// The given side of a cell.
        given: usize,
        /// The smallest side with enough space.
        least: usize,
    },
    /// Two models divide a text differently, so that their maps have no common cells.
    #[error(
        "the models divide the text into different tokens, so their maps have no difference:\n  {}: {}\n  {}: {}",
        models[0], tokens[0], models[1], tokens[1]
    )]
    OtherTokens {
        /// Descriptions of the models.
        models: [String; 2],
        /// Tokens of each, joined.
        tokens: [String; 2],
    },
    /// Two models do not have the same heads.
    #[error(
        "{} and {} do not have the same layers, heads and mask, so their maps have no difference",
        models[0], models[1]
    )]
    OtherHeads {
        /// Descriptions of the models.
        models: [String; 2],
    },
    /// There are no tokens or no activations.
    #[error(
        "there is nothing to write: the maps hold no tokens or no activations; give a text, a layer and a head"
    )]
    Nothing,
    /// A format cannot hold any of the captured activations.
    #[error(
        "{format} holds {}, and nothing else of a head: keep one of these as well, or write json, npz or safetensors, which hold every activation",
        held.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    )]
    NothingToHold {
        /// Name of the format.
        format: &'static str,
        /// The activations that the format can hold.
        held: &'static [Activation],
    },
    /// A picture would need too much memory.
    #[error(
        "picture `{picture}` would be {width} × {height} pixels, more than {limit} in all; take a shorter text, fewer \
         layers and heads, smaller cells or labels or no values, or write npz or safetensors instead"
    )]
    TooBig {
        /// File name without extension.
        picture: String,
        /// Width in pixels.
        width: u64,
        /// Height in pixels.
        height: u64,
        /// Maximum number of pixels.
        limit: u64,
    },
    /// A picture cannot be rendered as PNG.
    #[error("picture `{picture}` cannot be drawn as PNG: {source}; write it as svg instead")]
    Draw {
        /// File name without extension.
        picture: String,
        /// The cause.
        source: usvg::Error,
    },
    /// A folder or file cannot be written.
    #[error("cannot write `{}`: {source}; choose a folder that is writable and has room", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

impl From<WriteError> for MapsError {
    fn from(WriteError { path, source }: WriteError) -> Self {
        Self::Write { path, source }
    }
}

impl MapsError {
    /// Return the kind of error, so that a caller can decide how to react.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownChoice { .. }
            | Self::FontSize { .. }
            | Self::CellTooSmall { .. }
            | Self::OtherTokens { .. }
            | Self::OtherHeads { .. }
            | Self::Nothing
            | Self::NothingToHold { .. } => ErrorKind::Usage,
            Self::ReadFont { .. } | Self::Write { .. } => ErrorKind::FileSystem,
            Self::NoFont { .. } | Self::Draw { .. } => ErrorKind::Data,
            Self::TooBig { .. } => ErrorKind::Machine,
        }
    }
}
