//! Direct logit attribution.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_infer::{Attribution, NextAttribution};
use std::io;

/// Return the bytes of `attribution.npz`: `parts` `[part]` (`<U…`), `logit_difference`
/// `[part, pos]` and `model` `[pos]`, the model's own logit (difference), to which the parts add up
/// (float64); `answer` (its id, and that of `--against`), and `tokens`, `ids` and `offsets` of the
/// positions.
///
/// # Errors
/// If the archive is too large for its format.
pub fn attribution_npz(found: &Attribution) -> io::Result<Vec<u8>> {
    let parts: Vec<String> = found.parts.iter().map(ToString::to_string).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let (n, answers) = (
        found.tokens.len(),
        [Some(&found.answer), found.against.as_ref()],
    );
    let answers = answers.into_iter().flatten();
    let answers: Vec<usize> = answers.map(|token| token.id as usize).collect();
    let mut archive = NpzArchive::new();
    archive.texts("parts", &parts)?;
    archive.doubles("logit_difference", &[parts.len(), n], &found.values)?;
    archive.doubles("model", &[n], &found.of_model)?;
    archive.integers("answer", &[answers.len()], &answers)?;
    archive.integers("query", &[1], &[found.query])?;
    archive.tokens("", &found.tokens)?;
    archive.finish()
}

/// Return a sheet with a row for each part and one for their sum, and a column for each position.
pub fn attribution_sheet(found: &Attribution) -> Sheet {
    let n = found.tokens.len();
    let values = found.values.iter().map(|&value| value as f32);
    let sums = (0..n).map(|at| found.sum(at) as f32);
    let parts = found.parts.iter().map(ToString::to_string);
    let values: Vec<f32> = values.chain(sums).collect();
    let against = found.against.as_ref();
    let against = against.map_or_else(String::new, |other| {
        format!(" less that of {:?}", other.text)
    });
    Sheet {
        name: "attribution",
        title: format!(
            "What each part adds to the logit of {:?}{against} · {}",
            found.answer.text, found.model
        ),
        form: SheetForm::Cells,
        below: "each column is the prediction after that token; the last row is the sum".to_owned(),
        rows: parts.chain(["sum".to_owned()]).collect(),
        columns: found
            .tokens
            .iter()
            .map(|token| token.text.clone())
            .collect(),
        scale: SheetScale::spanning(&values),
        values,
        texts: None,
    }
}

/// Return a sheet with a row for each part and one for their sum, and a column for each token that
/// follows another: what the parts add to its logit.
pub fn next_attribution_sheet(found: &NextAttribution) -> Sheet {
    let positions = found.of_model.len();
    let values = found.values.iter().map(|&value| value as f32);
    let sums = (0..positions).map(|at| found.sum(at) as f32);
    let values: Vec<f32> = values.chain(sums).collect();
    let parts = found.parts.iter().map(ToString::to_string);
    let following = found.tokens.iter().skip(1);
    Sheet {
        name: "attribution",
        title: format!(
            "What each part adds to the logit of the token that follows · {}",
            found.model
        ),
        form: SheetForm::Cells,
        below: "each column is a token, predicted from those before it; the last row is the sum"
            .to_owned(),
        rows: parts.chain(["sum".to_owned()]).collect(),
        columns: following.map(|token| token.text.clone()).collect(),
        scale: SheetScale::spanning(&values[..found.values.len()]),
        values,
        texts: None,
    }
}
