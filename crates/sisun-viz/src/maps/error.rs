//! What can go wrong when maps are written.

use sisun_config::ErrorKind;
use std::path::PathBuf;

use resvg::usvg;
use sisun_model::Activation;

/// Why attention maps could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapsError {
    /// A word that names none of what there is to choose from.
    #[error("unknown {what} `{given}`; choose from {}", choices.join(", "))]
    UnknownChoice {
        /// What is chosen: a format, say.
        what: &'static str,
        /// The word that was given.
        given: String,
        /// The words that are known.
        choices: Vec<&'static str>,
    },
    /// A font that could not be read.
    #[error("cannot read font `{}`: {source}; give the path of a .ttf, .otf or .ttc file", path.display())]
    ReadFont {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no font.
    #[error("`{}` is no TrueType or OpenType font; give a .ttf, .otf or .ttc file", path.display())]
    NoFont {
        /// The file.
        path: PathBuf,
    },
    /// Token labels of a size that is not allowed.
    #[error("--font-size {given}: choose {least} to {greatest} pixels")]
    FontSize {
        /// What was given.
        given: f32,
        /// The smallest that is allowed.
        least: f32,
        /// The largest that is allowed.
        greatest: f32,
    },
    /// Cells without room for the values that are to stand in them.
    #[error(
        "--cell {given} has no room for --values always: choose --cell {least} or more, leave it out, or choose \
         --values auto"
    )]
    CellTooSmall {
        /// The side of a cell that was given.
        given: usize,
        /// The smallest that has room.
        least: usize,
    },
    /// There are no tokens or no activations.
    #[error(
        "there is nothing to write: the maps hold no tokens or no activations; give a text, a layer and a head"
    )]
    Nothing,
    /// A format that has no place for anything that was captured.
    #[error(
        "{format} holds {}, and nothing else of a head: keep one of these as well, or write json, npz or safetensors, which hold every activation",
        held.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ")
    )]
    NothingToHold {
        /// The format's name.
        format: &'static str,
        /// The activations that it has a place for.
        held: &'static [Activation],
    },
    /// A picture that would take too much memory.
    #[error(
        "picture `{picture}` would be {width} × {height} pixels, more than {limit} in all; take a shorter text, fewer \
         layers and heads, smaller cells or labels or no values, or write npz or safetensors instead"
    )]
    TooBig {
        /// File name without extension.
        picture: String,
        /// Pixels across.
        width: u64,
        /// Pixels down.
        height: u64,
        /// The most pixels that are drawn.
        limit: u64,
    },
    /// A picture that could not be turned into a PNG.
    #[error("picture `{picture}` cannot be drawn as PNG: {source}; write it as svg instead")]
    Draw {
        /// File name without extension.
        picture: String,
        /// What the renderer said.
        source: usvg::Error,
    },
    /// A folder or file that could not be written.
    #[error("cannot write `{}`: {source}; choose a folder that is writable and has room", path.display())]
    Write {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl MapsError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::UnknownChoice { .. }
            | Self::FontSize { .. }
            | Self::CellTooSmall { .. }
            | Self::Nothing
            | Self::NothingToHold { .. } => ErrorKind::Usage,
            Self::ReadFont { .. } | Self::Write { .. } => ErrorKind::FileSystem,
            Self::NoFont { .. } | Self::Draw { .. } => ErrorKind::Data,
            Self::TooBig { .. } => ErrorKind::Machine,
        }
    }
}
