//! The same word in several places.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_infer::Senses;
use std::io;

/// Number of pairs of places that have lines of their own; of more, only the mean is drawn.
const MOST_LINES: usize = 10;

/// Return the bytes of `senses.npz`: `vectors` `[layer + 1, place, d_model]` (float32; row 0 after
/// the embedding), `distances` `[layer + 1, place, place]` (float64, 1 less the cosine), `others`
/// `[layer + 1]` (the mean distance from all other tokens), `heads` `[layer, head]` (by how much each
/// moves the places apart), `plane` `[layer + 1, place, 2]` (float32) and `plane_variance`
/// `[layer + 1, 2]`, and of the places `text`, `first_token` and `last_token` (int64), and `texts`
/// (`<U…`).
///
/// # Errors
/// If the archive is too large for its format.
pub fn senses_npz(found: &Senses) -> io::Result<Vec<u8>> {
    let (rows, n) = (found.rows.len(), found.places.len());
    let each = || found.rows.iter();
    let distances: Vec<f64> = each().flat_map(|row| row.distances.clone()).collect();
    let others: Vec<f64> = each().map(|row| row.others.unwrap_or(f64::NAN)).collect();
    let plane: Vec<f32> = each().flat_map(|row| row.plane.clone()).collect();
    let shares: Vec<f64> = each().flat_map(|row| row.shares).collect();
    let (shape, moved) = moved(found);
    let of_places = |number: fn(&sisun_infer::WordPlace) -> Option<usize>| {
        let numbers = found.places.iter().map(|place| number(place).unwrap_or(0));
        numbers.collect::<Vec<usize>>()
    };
    let mut archive = NpzArchive::new();
    archive.floats("vectors", &[rows, n, found.d_model], &found.vectors)?;
    archive.doubles("distances", &[rows, n, n], &distances)?;
    archive.doubles("others", &[rows], &others)?;
    archive.doubles("heads", &shape, &moved)?;
    archive.floats("plane", &[rows, n, 2], &plane)?;
    archive.doubles("plane_variance", &[rows, 2], &shares)?;
    archive.integers("text", &[n], &of_places(|place| Some(place.text)))?;
    let first = of_places(|place| place.tokens.first().copied());
    archive.integers("first_token", &[n], &first)?;
    let last = of_places(|place| place.tokens.last().copied());
    archive.integers("last_token", &[n], &last)?;
    let texts: Vec<&str> = found.texts.iter().map(|text| text.text.as_str()).collect();
    archive.texts("texts", &texts)?;
    archive.finish()
}

/// Return shape and values of what each head moves, `[layer, head]`.
fn moved(found: &Senses) -> ([usize; 2], Vec<f64>) {
    let layers = found.rows.len() - 1;
    let heads = found.heads.len() / layers.max(1);
    let mut values = vec![0.0; layers * heads];
    for one in &found.heads {
        values[one.head.layer * heads + one.head.head] = one.moved;
    }
    ([layers, heads], values)
}

/// Return a sheet of the distances by layer as lines, one of what each head moves, and one of planes,
/// the principal components of the places' vectors in each layer.
pub fn senses_sheets(found: &Senses) -> Vec<Sheet> {
    let Senses { model, word, .. } = found;
    let n = found.places.len();
    let layers: Vec<String> = found.rows.iter().map(|row| row.name.clone()).collect();
    let pairs: Vec<[usize; 2]> = found.pairs().collect();
    let mut lines: Vec<(String, Vec<f32>)> = Vec::new();
    if pairs.len() <= MOST_LINES {
        for &[a, b] in &pairs {
            let along = (0..found.rows.len()).map(|row| found.distance(row, [a, b]) as f32);
            lines.push((format!("{} – {}", a + 1, b + 1), along.collect()));
        }
    }
    if pairs.len() > 1 {
        let mean = found.rows.iter().map(|row| row.mean as f32);
        lines.push(("mean".to_owned(), mean.collect()));
    }
    let others = found
        .rows
        .iter()
        .map(|row| row.others.map_or(f32::NAN, |x| x as f32));
    lines.push(("other tokens".to_owned(), others.collect()));
    let (names, values): (Vec<String>, Vec<Vec<f32>>) = lines.into_iter().unzip();
    let distances = Sheet {
        name: "senses-distance",
        title: format!("Cosine distance of {word:?} in {n} places, by layer · {model}"),
        below: "numbers are places; other tokens: mean distance from all tokens outside the word"
            .to_owned(),
        rows: names,
        columns: layers.clone(),
        values: values.concat(),
        texts: None,
        scale: SheetScale::Signed { limit: 1.0 },
        form: SheetForm::Lines,
    };
    let ([n_layers, n_heads], moved) = moved(found);
    let moved: Vec<f32> = moved.into_iter().map(|x| x as f32).collect();
    let heads = Sheet {
        name: "senses-heads",
        title: format!("How far each head moves the places of {word:?} apart · {model}"),
        below: "mean distance of its outputs at two places, over the length of the word's vectors"
            .to_owned(),
        rows: (0..n_layers)
            .map(|layer| format!("layer {layer}"))
            .collect(),
        columns: (0..n_heads).map(|head| format!("head {head}")).collect(),
        scale: SheetScale::spanning(&moved),
        values: moved,
        texts: None,
        form: SheetForm::Cells,
    };
    let coordinates = (0..n).flat_map(|place| {
        let rows = found.rows.iter();
        rows.flat_map(move |row| row.plane[2 * place..2 * place + 2].to_vec())
    });
    let values: Vec<f32> = coordinates.collect();
    let titled = found.rows.iter().flat_map(|row| {
        let [first, second] = row.shares.map(|share| format!("{:.0}%", 100.0 * share));
        [
            format!("{} · {first}, {second}", row.name),
            row.name.clone(),
        ]
    });
    let planes = Sheet {
        name: "senses-planes",
        title: format!("{word:?} along the first two principal components, by layer · {model}"),
        below: "one scale for all layers; the shares of the variance stand above".to_owned(),
        rows: (0..n).map(|place| found.place_name(place)).collect(),
        columns: titled.collect(),
        scale: SheetScale::spanning(&values),
        values,
        texts: None,
        form: SheetForm::Planes,
    };
    vec![distances, heads, planes]
}
