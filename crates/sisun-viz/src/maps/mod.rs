//! Attention maps as plain data, written as files and pictures.
//!
//! What the model computed arrives as [`AttentionMaps`]: the tokens of one text and the activations
//! that were captured while it went through. [`write()`] turns it into tensors (NPZ, safetensors),
//! tables (JSON, CSV) and pictures (SVG, PNG). Nothing here runs a model.

mod cells;
mod colour;
mod csv;
mod disk;
mod draw;
mod error;
mod font;
mod format;
mod grid;
mod heatmap;
mod json;
mod label;
mod npz;
mod options;
mod palette;
mod picture;
mod raster;
mod ruler;
mod safetensors;
mod sizes;

use sisun_files::make_folder;
use std::path::{Path, PathBuf};

pub use error::MapsError;
pub use font::Font;
use font::Fonts;
pub use format::Format;
pub(crate) use format::PER_HEAD;
pub use options::{PictureOptions, Values};
pub use palette::Colours;
use serde::Serialize;

/// One token of the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Token {
    /// Its number in the vocabulary.
    pub id: u32,
    /// The label to show. It may differ from the text, for example `⏎` for a line break or `한 1/3`
    /// for a part of a character.
    pub text: String,
    /// First character of the text that the token covers, counted in characters.
    pub start: usize,
    /// One past the last character that the token covers.
    pub end: usize,
}

/// One captured activation of one layer.
///
/// # Shapes
/// - `pattern`, `scores`: `[head, query, key]`; hidden cells of `scores` are `-inf`
/// - `q`, `k`, `v`, `z`: `[head, position, d_head]`
#[derive(Debug, Clone, PartialEq)]
pub struct Activation {
    /// Which activation: `pattern`, `scores`, `q`, `k`, `v` or `z`.
    pub name: String,
    /// The layer that it was captured in, counted from 0.
    pub layer: usize,
    /// The numbers of the captured heads, in the order of the first axis. For `k` and `v` of
    /// grouped queries they count key/value heads.
    pub heads: Vec<usize>,
    /// Lengths of the three axes.
    pub shape: [usize; 3],
    /// The values in row-major order.
    pub values: Vec<f32>,
}

impl Activation {
    /// Name of the array or tensor that holds it in a file: `layer3` for the pattern of layer 3,
    /// otherwise the activation and its layer, as in `scores3`.
    fn array_name(&self) -> String {
        let stem = if self.name == "pattern" {
            "layer"
        } else {
            &self.name
        };
        format!("{stem}{}", self.layer)
    }

    /// The heads one by one: number and values.
    pub(crate) fn by_head(&self) -> impl Iterator<Item = (usize, &[f32])> {
        let size = self.shape[1] * self.shape[2];
        self.heads
            .iter()
            .copied()
            .zip(self.values.chunks_exact(size))
    }
}

/// The activations that one text caused in one model.
#[derive(Debug, Clone, PartialEq)]
pub struct AttentionMaps {
    /// Where the model came from, for people to read.
    pub model: String,
    /// The text as it was given.
    pub text: String,
    /// The tokens of the text, in order.
    pub tokens: Vec<Token>,
    /// What was captured: each pair of name and layer once, in the order in which files list them.
    pub activations: Vec<Activation>,
}

impl AttentionMaps {
    /// The captured activations of one name, in order.
    fn named(&self, name: &str) -> impl Iterator<Item = &Activation> {
        self.activations.iter().filter(move |a| a.name == name)
    }

    /// Holds the shapes against the tokens, so that no writer has to.
    fn check(&self) -> Result<(), MapsError> {
        if self.tokens.is_empty() || self.activations.is_empty() {
            return Err(MapsError::Nothing);
        }
        for activation in &self.activations {
            let Activation {
                name,
                layer,
                heads,
                shape,
                values,
            } = activation;
            let [n_heads, positions, width] = *shape;
            assert!(
                n_heads == heads.len() && n_heads > 0,
                "{name} of layer {layer}: heads {heads:?}, shape {shape:?}"
            );
            assert_eq!(
                positions,
                self.tokens.len(),
                "{name} of layer {layer}: second axis is one row a token"
            );
            assert!(width > 0, "{name} of layer {layer}: the last axis is empty");
            assert!(
                !is_matrix(name) || width == positions,
                "{name} of layer {layer}: as many keys as queries, shape {shape:?}"
            );
            assert_eq!(
                values.len(),
                n_heads * positions * width,
                "{name} of layer {layer}: values, shape {shape:?}"
            );
        }
        Ok(())
    }
}

/// Whether an activation has one value for each query and key, so that it can be drawn.
fn is_matrix(name: &str) -> bool {
    matches!(name, "pattern" | "scores")
}

/// Writes the maps into the folder `out`, which is created when it is missing, and returns the
/// files written.
///
/// | format | files |
/// | --- | --- |
/// | `npz` | `attention.npz`: `layer{l}` `[head, query, key]` (patterns), `scores{l}`, `q{l}` …, `tokens`, `ids`, `offsets`, `heads` |
/// | `safetensors` | `attention.safetensors`: the same tensors; model, text, tokens and heads as JSON in the metadata |
/// | `json` | `attention.json`: model, text, tokens, then layers → heads → matrices; `null` stands for `-inf` |
/// | `csv` | `attention.csv`: the patterns in long form, one row for each head, query and key |
/// | `svg`, `png` | `layer{l}-head{h}` for every pattern, `scores-layer{l}-head{h}` where scores were captured, and `heads` and `scores-heads`, which show all of them side by side |
///
/// Pictures of weights span 0 to 1, from 65 tokens on by square roots, as their colour bar says.
/// Where `heads` has more cells than pixels, a pixel shows the largest of its cells. Several
/// pictures are drawn at the same time, as many as have 2²⁶ pixels together.
///
/// Each file appears whole or not at all, and one of the same name is replaced.
///
/// # Errors
/// - [`MapsError::Nothing`] without tokens or activations
/// - before anything is written, [`MapsError::NothingToHold`] for a format without a place for any
///   of the activations, [`MapsError::TooBig`] when a picture asked for would not fit into memory,
///   and [`MapsError::FontSize`] or [`MapsError::CellTooSmall`] for options that cannot be met
/// - [`MapsError::Write`] when the folder or a file cannot be written
///
/// # Panics
/// When an activation's shape disagrees with its values, its heads or the number of tokens.
pub fn write(
    maps: &AttentionMaps,
    out: &Path,
    formats: &[Format],
    options: &PictureOptions,
) -> Result<Vec<PathBuf>, MapsError> {
    maps.check()?;
    for &format in formats {
        if !maps
            .activations
            .iter()
            .any(|activation| format.activations().contains(&activation.name.as_str()))
        {
            return Err(MapsError::NothingToHold { format });
        }
    }
    let wanted = |format| formats.contains(&format);
    let pictures = if wanted(Format::Svg) || wanted(Format::Png) {
        picture::plan(maps, options)?
    } else {
        Vec::new()
    };
    make_folder(out).map_err(|source| MapsError::Write {
        path: out.into(),
        source,
    })?;

    let mut written = Vec::new();
    for (format, name, write) in [
        (
            Format::Npz,
            "attention.npz",
            npz::write as fn(&AttentionMaps, &Path) -> Result<(), MapsError>,
        ),
        (
            Format::Safetensors,
            "attention.safetensors",
            safetensors::write,
        ),
        (Format::Json, "attention.json", json::write),
        (Format::Csv, "attention.csv", csv::write),
    ] {
        if wanted(format) {
            let path = out.join(name);
            write(maps, &path)?;
            written.push(path);
        }
    }

    let labels = maps.tokens.iter().map(|token| token.text.as_str());
    let fonts = wanted(Format::Png).then(|| Fonts::new(labels, options.font.as_ref()));
    let drawn = picture::each(&pictures, |picture| {
        let mut paths = Vec::new();
        if wanted(Format::Svg) {
            let path = out.join(format!("{}.svg", picture.name()));
            disk::write_bytes(&path, picture.svg().as_bytes())?;
            paths.push(path);
        }
        if let Some(fonts) = &fonts {
            let path = out.join(format!("{}.png", picture.name()));
            disk::write_bytes(&path, &picture.png(fonts)?)?;
            paths.push(path);
        }
        Ok(paths)
    })?;
    written.extend(drawn.into_iter().flatten());
    Ok(written)
}

/// Draws an SVG that paints its own page as a PNG, with the embedded font of the maps for its text,
/// and twice as many pixels along each side where it is not large as it is.
///
/// # Errors
/// - [`MapsError::Draw`] for text that is no SVG; `name` says which picture it was
/// - [`MapsError::TooBig`] for one that would not fit into memory
pub fn svg_to_png(svg: &str, name: &str) -> Result<Vec<u8>, MapsError> {
    raster::png(svg, name, &Fonts::new(std::iter::once(svg), None), &[])
}
