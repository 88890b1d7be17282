//! Activation patching as arrays for NumPy and as a sheet for pictures.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_infer::{PatchAxis, Patching};
use std::io;

/// Return the bytes of `patching.npz`: `recovered` `[layer, pos]` or `[layer, head]` (float64, NaN
/// where nothing can be patched), `activation` `[1]` (its name), of paths `to_head` `[2]` (layer and
/// head) and `into` (names of its inputs), `layers` `[layer]`, `positions` `[pos, 2]` (in the clean and in the
/// corrupt text) if the columns are positions, `differences` `[2]` (of the clean and the corrupt run),
/// `answer` `[2]` (the ids of the answers), and for each text its tokens: `clean_tokens`,
/// `clean_ids`, `clean_offsets` and the same of `corrupt`.
///
/// # Errors
/// If the archive is too large for its format.
pub fn patching_npz(found: &Patching) -> io::Result<Vec<u8>> {
    let mut archive = NpzArchive::new();
    let rows = found.layers.len();
    archive.doubles("recovered", &[rows, found.columns], &found.recovered)?;
    archive.texts("activation", &[&found.activation.to_string()])?;
    if let Some(path) = &found.path {
        archive.integers("to_head", &[2], &[path.to.0, path.to.1])?;
        let into: Vec<String> = path.into.iter().map(ToString::to_string).collect();
        let into: Vec<&str> = into.iter().map(String::as_str).collect();
        archive.texts("into", &into)?;
    }
    archive.integers("layers", &[rows], &found.layers)?;
    if let PatchAxis::Positions(pairs) = &found.axis {
        let flat: Vec<usize> = pairs
            .iter()
            .flat_map(|&(clean, corrupt)| [clean, corrupt])
            .collect();
        archive.integers("positions", &[pairs.len(), 2], &flat)?;
    }
    let differences = [found.clean.difference, found.corrupt.difference];
    archive.doubles("differences", &[2], &differences)?;
    let answers = [found.answer.id as usize, found.against.id as usize];
    archive.integers("answer", &[2], &answers)?;
    archive.tokens("clean_", &found.clean.tokens)?;
    archive.tokens("corrupt_", &found.corrupt.tokens)?;
    archive.finish()
}

/// Return a sheet with a row for each layer, and a column for each position or head.
pub fn patching_sheet(found: &Patching) -> Sheet {
    let values: Vec<f32> = found.recovered.iter().map(|&share| share as f32).collect();
    let columns = match &found.axis {
        PatchAxis::Heads => (0..found.columns)
            .map(|head| format!("head {head}"))
            .collect(),
        PatchAxis::Positions(pairs) => {
            let label = |&(clean, corrupt): &(usize, usize)| {
                let [clean, corrupt] = [
                    &found.clean.tokens[clean].text,
                    &found.corrupt.tokens[corrupt].text,
                ];
                // A space before a word would be lost beside those of the arrow.
                let shown = |label: &str| match label.strip_prefix(' ') {
                    Some(rest) => format!("␣{rest}"),
                    None => label.to_owned(),
                };
                match clean == corrupt {
                    true => clean.clone(),
                    false => format!("{} → {}", shown(clean), shown(corrupt)),
                }
            };
            pairs.iter().map(label).collect()
        }
    };
    let what = match &found.path {
        None => format!("{} patched from the clean run", found.activation),
        Some(path) => {
            let into: Vec<String> = path.into.iter().map(ToString::to_string).collect();
            let (layer, head) = path.to;
            format!(
                "Paths from each head into {} of head {layer}.{head}",
                into.join(", ")
            )
        }
    };
    Sheet {
        name: "patching",
        title: format!("{what} · {}", found.model),
        below: format!(
            "recovered share of the logit of {:?} less that of {:?}: 0 the corrupt run's, 1 the clean run's",
            found.answer.text, found.against.text
        ),
        rows: found
            .layers
            .iter()
            .map(|layer| format!("layer {layer}"))
            .collect(),
        columns,
        scale: SheetScale::spanning(&values),
        values,
        texts: None,
        form: SheetForm::Cells,
    }
}
