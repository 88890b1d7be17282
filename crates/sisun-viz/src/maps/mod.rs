//! Attention maps as files and pictures.
//!
//! The input is [`AttentionMaps`](sisun_infer::AttentionMaps): the tokens of a text and the
//! captured activations. [`write()`] turns it into tensors (NPZ, safetensors), tables (JSON, CSV)
//! and pictures (SVG, PNG). This module runs no model.

mod about;
mod axis_labels;
mod by_unit;
mod cells;
mod colour;
mod csv;
mod difference;
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
mod lines;
mod npz;
mod options;
mod palette;
mod picture;
mod plain_text;
mod planes;
mod points;
mod raster;
mod resolution;
mod ruler;
mod safetensors;
mod sheet;
mod sheet_page;
mod sizes;
mod subject;
mod tensor_name;
mod wording;
mod write;

pub use difference::check_common;
pub use error::MapsError;
pub use font::Font;
pub use fonts::without_glyph;
pub use format::Format;
pub use options::{PictureOptions, Values};
pub use palette::Colours;
pub(crate) use plain_text::PlainText;
pub use raster::svg_to_png;
pub use sheet::sheet_svg;
pub use write::{write, write_difference};
