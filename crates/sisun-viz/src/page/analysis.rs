//! The page of an analysis: sheets of numbers.

use super::colours::colours;
use super::encode::{Block, Blocks};
use super::html;
use super::thin::MOST_WEIGHTS;
use crate::sheet::{Sheet, SheetScale};
use serde_json::{Value, json};
use sisun_infer::Language;

/// An analysis that is too large for a page.
#[derive(Debug, thiserror::Error)]
#[error(
    "a page carries {most} numbers at most, and this analysis has {numbers}: give a shorter text, or write npz"
)]
pub struct LongAnalysis {
    /// Number of cells.
    pub numbers: usize,
    /// Maximum number on a page.
    pub most: usize,
}

/// What a page shows beside its sheets.
#[derive(Clone, Debug, Default)]
pub struct AnalysisPage {
    /// Title of the page.
    pub title: String,
    /// Text that the model read; empty if it read none.
    pub text: String,
    /// The most likely tokens of each cell of a logit lens, with their probabilities.
    pub details: Vec<Vec<(String, f64)>>,
    /// Notes below the title.
    pub notes: Vec<String>,
}

/// Return an analysis as a self-contained page with a tab for each sheet.
///
/// # Errors
/// If the sheets have more numbers than a page can hold.
pub fn analysis_html(
    page: &AnalysisPage,
    sheets: &[Sheet],
    language: Language,
) -> Result<String, LongAnalysis> {
    let numbers = sheets.iter().map(|sheet| sheet.values.len()).sum();
    if numbers > MOST_WEIGHTS {
        return Err(LongAnalysis {
            numbers,
            most: MOST_WEIGHTS,
        });
    }
    let mut blocks = Blocks::default();
    let sheets: Vec<Value> = sheets
        .iter()
        .map(|sheet| describe(sheet, &mut blocks))
        .collect();
    let data = json!({
        "version": 1,
        "language": language.code(),
        "title": page.title,
        "text": page.text,
        "notes": page.notes,
        "colours": colours(),
        "sheets": sheets,
        "details": page.details,
    });
    Ok(html::join(
        html::ANALYSIS,
        language.code(),
        &page.title,
        &data.to_string(),
        blocks.iter(),
    ))
}

/// Return a sheet as the page's scripts read it; its numbers go into a block.
pub(super) fn describe(sheet: &Sheet, blocks: &mut Blocks) -> Value {
    let limit = match sheet.scale {
        SheetScale::Share => None,
        SheetScale::Signed { limit } => Some(limit),
    };
    json!({
        "name": sheet.name,
        "rows": sheet.rows,
        "columns": sheet.columns,
        "texts": sheet.texts,
        "limit": limit,
        "form": sheet.form.name(),
        "block": blocks.push(Block::floats(sheet.values.iter().copied())),
    })
}
