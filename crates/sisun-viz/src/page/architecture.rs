//! What the page shows of a model apart from any text: its position encoding and its diagram.

use super::analysis::describe;
use super::encode::Blocks;
use crate::analysis::positions_sheets;
use crate::diagram::{Drawing, diagram};
use serde::Serialize;
use serde_json::Value;
use sisun_config::{ModelConfig, Position};
use sisun_infer::{InferError, Language, LanguageModel};

/// Number of positions on the page at most.
const MOST_POSITIONS: usize = 128;

/// The position encoding as sheets.
#[derive(Debug, Serialize)]
pub(super) struct PagePositions {
    /// Sheets, with their values in blocks; none if there is nothing to show.
    sheets: Vec<Value>,
}

impl PagePositions {
    /// Return true if training changes the position encoding.
    pub(super) fn is_learned(config: &ModelConfig) -> bool {
        matches!(config.position, Position::Learned | Position::T5Bias { .. })
    }

    /// Describe the position encoding of a model.
    pub(super) fn new(loaded: &LanguageModel, blocks: &mut Blocks) -> Result<Self, InferError> {
        let shown = loaded.model.config().context_len.min(MOST_POSITIONS);
        let map = loaded.position_map(Some(shown))?;
        let sheets = positions_sheets(&map);
        Ok(Self {
            sheets: sheets.iter().map(|sheet| describe(sheet, blocks)).collect(),
        })
    }
}

/// The diagram in both languages of the page.
#[derive(Debug, Serialize)]
pub(super) struct PageDiagram {
    en: Drawing,
    ko: Drawing,
}

impl PageDiagram {
    /// Draw the diagram of a configuration.
    pub(super) fn of(config: &ModelConfig) -> Self {
        Self {
            en: diagram(config, Language::English),
            ko: diagram(config, Language::Korean),
        }
    }
}
