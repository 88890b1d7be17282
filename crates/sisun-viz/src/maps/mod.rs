//! Attention maps as files and pictures.
//!
//! The input is [`AttentionMaps`](sisun_infer::AttentionMaps): the tokens of a text and the
//! captured activations. [`write()`] turns it into tensors (NPZ, safetensors), tables (JSON, CSV)
//! and pictures (SVG, PNG). This module runs no model.

mod axis_labels;
mod cells;
mod colour;
mod csv;
mod draw;
mod encode;
mod error;
mod font;
mod fonts;
mod format;
mod grid;
mod heatmap;
mod json;
mod label;
mod legend;
mod npz;
mod options;
mod palette;
mod picture;
mod points;
mod raster;
mod resolution;
mod ruler;
mod safetensors;
mod sheet;
mod sizes;
mod subject;
mod tensor_name;
mod write;

pub use error::MapsError;
pub use font::Font;
pub use fonts::without_glyph;
pub use format::Format;
pub use options::{PictureOptions, Values};
pub use palette::Colours;
pub use raster::svg_to_png;
pub use sheet::sheet_svg;
pub use write::write;
