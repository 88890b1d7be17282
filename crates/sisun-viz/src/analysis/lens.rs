//! The logit lens.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_data::make_visible;
use sisun_infer::{LensCell, LogitLens};
use std::io;

/// Return the bytes of `lens.npz`: `logits` `[layer + 1, pos, vocab]` (float32; row 0 after the
/// embedding), and `tokens`, `ids` and `offsets` of the positions.
///
/// # Errors
/// If the archive is too large for its format.
///
/// # Panics
/// If the lens was made without keeping the logits.
pub fn lens_npz(lens: &LogitLens) -> io::Result<Vec<u8>> {
    let logits = lens.logits.as_deref().expect("a lens that keeps logits");
    let shape = [lens.layers.len(), lens.tokens.len(), lens.vocab];
    let mut archive = NpzArchive::new();
    archive.floats("logits", &shape, logits)?;
    archive.tokens("", &lens.tokens)?;
    archive.finish()
}

/// Return two sheets with a row for each layer and a column for each position: the most likely
/// token with its probability, and the probability of the token that follows in the text with its
/// rank.
pub fn lens_sheets(lens: &LogitLens) -> [Sheet; 2] {
    let cells = || lens.layers.iter().flatten();
    let sheet = |name, title: &str, value: fn(&LensCell) -> f64, texts: Vec<String>| Sheet {
        name,
        title: format!("{title} · {}", lens.model),
        form: SheetForm::Cells,
        below: below(lens),
        rows: (0..lens.layers.len()).map(LogitLens::row_name).collect(),
        columns: lens.tokens.iter().map(|token| token.text.clone()).collect(),
        values: cells().map(|cell| value(cell) as f32).collect(),
        texts: Some(texts),
        scale: SheetScale::Share,
    };
    let top = |cell: &LensCell| cell.top.first().map(|token| make_visible(&token.text));
    let rank = |cell: &LensCell| cell.next.map(|next| format!("#{}", next.rank));
    [
        sheet(
            "lens",
            "Logit lens: the most likely next token",
            |cell| cell.top.first().map_or(f64::NAN, |token| token.probability),
            cells().map(|cell| top(cell).unwrap_or_default()).collect(),
        ),
        sheet(
            "lens-next",
            "Logit lens: probability and rank of the token that follows",
            |cell| cell.next.map_or(f64::NAN, |next| next.probability),
            cells().map(|cell| rank(cell).unwrap_or_default()).collect(),
        ),
    ]
}

/// Return the top tokens of each cell with their probabilities, for pages.
pub fn lens_details(lens: &LogitLens) -> Vec<Vec<(String, f64)>> {
    let cells = lens.layers.iter().flatten();
    cells
        .map(|cell| {
            let top = cell.top.iter();
            top.map(|token| (token.text.clone(), token.probability))
                .collect()
        })
        .collect()
}

fn below(lens: &LogitLens) -> String {
    let read = match lens.part {
        None => "the residual stream".to_owned(),
        Some(part) => format!("the sum of {part} so far"),
    };
    format!("final norm and head applied to {read}; colour: probability")
}
