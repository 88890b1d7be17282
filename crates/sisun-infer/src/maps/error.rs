//! What can go wrong when maps are written.

use std::path::PathBuf;

use resvg::usvg;

use super::Format;

/// Why attention maps could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MapsError {
    /// A format that is not known.
    #[error("unknown format `{given}`; choose from {}", Format::ALL.map(Format::name).join(", "))]
    UnknownFormat {
        /// The word that was given.
        given: String,
    },
    /// There are no tokens or no activations.
    #[error("there is nothing to write: the maps hold no tokens or no activations; give a text, a layer and a head")]
    Nothing,
    /// A picture that would take too much memory.
    #[error(
        "picture `{picture}` would be {width} × {height} pixels, more than {limit} in all; take a shorter text, fewer \
         layers and heads or smaller cells, or write npz or safetensors instead"
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
