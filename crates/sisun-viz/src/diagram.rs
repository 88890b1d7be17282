//! A diagram of a decoder-only model, drawn from its configuration: its parts with their shapes and
//! numbers of parameters.

mod block;
mod draw;
mod layout;
mod parts;
mod svg;
mod whole;

pub use layout::{Column, Drawing, Go, Role, Shape};
pub use parts::{BlockParts, ModelParts, Part};
pub use svg::diagram_svg;

use sisun_config::ModelConfig;
use sisun_infer::Language;

/// Lay out the diagram of a model: a column of the whole model, and a column of one of its blocks.
pub fn diagram(config: &ModelConfig, language: Language) -> Drawing {
    let parts = ModelParts::of(config);
    Drawing {
        columns: vec![
            whole::column(config, &parts, language),
            block::column(config, &parts.block, language),
        ],
    }
}
