//! Circuits in the weights.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_infer::{Circuits, Composition};
use std::io;

/// Return the bytes of `circuits.npz` (float64): `copying` `[layer, head]`; `composition_q`,
/// `composition_k` and `composition_v` `[layer, head, layer, head]`, first the head that writes, then
/// the one that reads, 0 where that is not in a later layer, NaN everywhere if they are not defined;
/// and `baseline` (mean and standard deviation of the scores of random heads), which is not taken
/// off.
///
/// # Errors
/// If the archive is too large for its format.
pub fn circuits_npz(found: &Circuits) -> io::Result<Vec<u8>> {
    let (layers, heads) = (found.n_layers, found.n_heads);
    let mut archive = NpzArchive::new();
    archive.doubles("copying", &[layers, heads], &found.copying)?;
    for composition in &found.composition {
        let mode = composition.mode.to_string().to_lowercase();
        let none = || vec![f64::NAN; (layers * heads).pow(2)];
        let scores = composition.scores.clone().unwrap_or_else(|_| none());
        let shape = [layers, heads, layers, heads];
        archive.doubles(&format!("composition_{mode}"), &shape, &scores)?;
    }
    let baseline = [found.baseline.mean, found.baseline.deviation];
    archive.doubles("baseline", &[2], &baseline)?;
    archive.finish()
}

/// Return a sheet of the copying scores, and one of each composition that is defined, less the
/// baseline.
pub fn circuits_sheets(found: &Circuits) -> Vec<Sheet> {
    let copying: Vec<f32> = found.copying.iter().map(|&score| score as f32).collect();
    let numbered = |what: &str, count| (0..count).map(|i| format!("{what} {i}")).collect();
    let copying = Sheet {
        name: "copying",
        title: format!("Copying score of each head · {}", found.model),
        form: SheetForm::Cells,
        below: "sum of the eigenvalues of W_E·W_V·W_O·W_U over the sum of their moduli".to_owned(),
        rows: numbered("layer", found.n_layers),
        columns: numbered("head", found.n_heads),
        values: copying,
        texts: None,
        scale: SheetScale::Signed { limit: 1.0 },
    };
    let compositions = found
        .composition
        .iter()
        .filter_map(|composition| composition_sheet(found, composition));
    [copying].into_iter().chain(compositions).collect()
}

/// Return the sheet of a composition; `None` if it is not defined, or there is one layer.
fn composition_sheet(found: &Circuits, composition: &Composition) -> Option<Sheet> {
    let scores = composition.scores.as_ref().ok()?;
    let (heads, all) = (found.n_heads, found.n_layers * found.n_heads);
    if found.n_layers < 2 {
        return None;
    }
    // The first layer reads no head, and the last layer is read by none.
    let value = |from: usize, to: usize| match from / heads < to / heads {
        true => (scores[from * all + to] - found.baseline.mean) as f32,
        false => f32::NAN,
    };
    let values: Vec<f32> = (0..all - heads)
        .flat_map(|from| (heads..all).map(move |to| value(from, to)))
        .collect();
    let named = |head: usize| format!("{}.{}", head / heads, head % heads);
    let mode = composition.mode;
    Some(Sheet {
        name: match mode {
            sisun_infer::CompositionMode::Q => "composition-q",
            sisun_infer::CompositionMode::K => "composition-k",
            sisun_infer::CompositionMode::V => "composition-v",
        },
        title: format!("{mode}-composition of heads · {}", found.model),
        form: SheetForm::Cells,
        below: format!(
            "rows write, columns read; less {:.3}, the mean of random heads",
            found.baseline.mean
        ),
        rows: (0..all - heads).map(named).collect(),
        columns: (heads..all).map(named).collect(),
        scale: SheetScale::spanning(&values),
        values,
        texts: None,
    })
}
