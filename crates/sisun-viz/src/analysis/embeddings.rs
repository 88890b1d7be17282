//! Embeddings along their principal components.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_data::make_visible;
use sisun_infer::{Components, EmbeddingMap};
use std::io;

/// Return the bytes of `embeddings.npz`: `tokens` `[vocab]` (`<U…`), `token_components` `[vocab, 2]`
/// (float32) and `token_variance` `[2]` (float64), the shares of the variance; and, if vectors are
/// added for positions, `position_components` `[pos, 2]` and `position_variance` `[2]`.
///
/// # Errors
/// If the archive is too large for its format.
pub fn embeddings_npz(map: &EmbeddingMap) -> io::Result<Vec<u8>> {
    let mut archive = NpzArchive::new();
    let tokens: Vec<&str> = map.tokens.iter().map(String::as_str).collect();
    archive.texts("tokens", &tokens)?;
    let mut add = |name: &str, found: &Components| {
        let count = found.shares.len();
        let rows = found.coordinates.len() / count.max(1);
        archive.floats(
            &format!("{name}_components"),
            &[rows, count],
            &found.coordinates,
        )?;
        archive.doubles(&format!("{name}_variance"), &[count], &found.shares)
    };
    add("token", &map.of_tokens)?;
    if let Some(positions) = &map.of_positions {
        add("position", positions)?;
    }
    archive.finish()
}

/// Return a sheet of points for the tokens, and one for the positions if vectors are added for them.
/// A model of one dimension has no plane, and no sheet.
pub fn embeddings_sheets(map: &EmbeddingMap) -> Vec<Sheet> {
    let sheet = |name, what: &str, rows: Vec<String>, found: &Components| {
        let [first, second] = found.shares[..] else {
            return None;
        };
        Some(Sheet {
            name,
            title: format!("{what} · {}", map.model),
            below: format!(
                "first two principal components: {:.1}% and {:.1}% of the variance",
                100.0 * first,
                100.0 * second
            ),
            rows,
            columns: vec!["first".to_owned(), "second".to_owned()],
            values: found.coordinates.clone(),
            texts: None,
            scale: SheetScale::spanning(&found.coordinates),
            form: SheetForm::Points,
        })
    };
    let tokens = sheet(
        "embeddings",
        "Token embeddings",
        map.tokens.iter().map(|token| make_visible(token)).collect(),
        &map.of_tokens,
    );
    let positions = map.of_positions.as_ref().and_then(|found| {
        let count = found.coordinates.len() / found.shares.len().max(1);
        let rows = (0..count).map(|position| position.to_string()).collect();
        sheet("positions", "Position embeddings", rows, found)
    });
    tokens.into_iter().chain(positions).collect()
}
