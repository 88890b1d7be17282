//! Position encodings.

use crate::npz::NpzArchive;
use crate::sheet::{Sheet, SheetForm, SheetScale};
use sisun_infer::{OffsetSimilarity, PositionMap, PositionNumbers, StackPart, StackPositions};
use std::f64::consts::{PI, TAU};
use std::io;

/// Return the bytes of `positions.npz`. Of vectors that are added: `table` `[position, d_model]`
/// (float32), and by offset (float64) `cosine_mean`, `cosine_deviation`, `cosine_least`,
/// `cosine_most` and the same of `dot`. Of rotations (float64): `radians` `[pair]` per position,
/// `angles` `[position, pair]`, `magnitude` `[1]`, `cosine_…` by offset over the pairs, and `bound`.
/// Of biases: `offsets` (int64), `bias` `[head, offset]` (float32), and `slopes` `[head]` (float64)
/// or `buckets` `[offset]` (int64). The names of a sequence-to-sequence model's arrays begin with
/// `encoder_` and `decoder_`.
///
/// # Errors
/// If the archive is too large for its format.
pub fn positions_npz(map: &PositionMap) -> io::Result<Vec<u8>> {
    let mut archive = NpzArchive::new();
    for stack in &map.stacks {
        let prefix = stack
            .part
            .map_or_else(String::new, |part| format!("{part}_"));
        let named = |name: &str| format!("{prefix}{name}");
        match &stack.numbers {
            PositionNumbers::Nothing { .. } => {}
            PositionNumbers::Added {
                width,
                table,
                cosine,
                dot,
                ..
            } => {
                archive.floats(&named("table"), &[stack.positions, *width], table)?;
                add_similarity(&mut archive, &named("cosine"), cosine)?;
                add_similarity(&mut archive, &named("dot"), dot)?;
            }
            PositionNumbers::Rotated {
                radians,
                magnitude,
                cosine,
                bound,
                ..
            } => {
                let (n, pairs) = (stack.positions, radians.len());
                let angles: Vec<f64> = (0..n)
                    .flat_map(|position| radians.iter().map(move |each| position as f64 * each))
                    .collect();
                archive.doubles(&named("radians"), &[pairs], radians)?;
                archive.doubles(&named("angles"), &[n, pairs], &angles)?;
                archive.doubles(&named("magnitude"), &[1], &[*magnitude])?;
                add_similarity(&mut archive, &named("cosine"), cosine)?;
                archive.doubles(&named("bound"), &[n], bound)?;
            }
            PositionNumbers::Biased {
                heads,
                offsets,
                bias,
                slopes,
                buckets,
            } => {
                let n = offsets.len();
                archive.signed_integers(&named("offsets"), &[n], offsets)?;
                archive.floats(&named("bias"), &[*heads, n], bias)?;
                if let Some(slopes) = slopes {
                    archive.doubles(&named("slopes"), &[*heads], slopes)?;
                }
                if let Some(buckets) = buckets {
                    archive.integers(&named("buckets"), &[n], buckets)?;
                }
            }
        }
    }
    archive.finish()
}

fn add_similarity(
    archive: &mut NpzArchive,
    name: &str,
    found: &OffsetSimilarity,
) -> io::Result<()> {
    let arrays = [
        ("mean", &found.mean),
        ("deviation", &found.deviation),
        ("least", &found.least),
        ("most", &found.most),
    ];
    for (kind, values) in arrays {
        archive.doubles(&format!("{name}_{kind}"), &[values.len()], values)?;
    }
    Ok(())
}

/// Return the sheets of each stack: the vectors or angles or biases as cells, and what depends on
/// the offset as lines.
pub fn positions_sheets(map: &PositionMap) -> Vec<Sheet> {
    let stacks = map.stacks.iter();
    stacks
        .flat_map(|stack| sheets_of(stack, &map.model))
        .collect()
}

/// Sheets of one stack; their names are keys of the page's texts.
fn sheets_of(stack: &StackPositions, model: &str) -> Vec<Sheet> {
    let (kind, n) = (stack.kind, stack.positions);
    let part = stack
        .part
        .map_or_else(String::new, |part| format!("{part}: "));
    let title = |what: &str| format!("{part}{what} · {model}");
    let numbered = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>();
    let name = |names: [&'static str; 3]| match stack.part {
        None => names[0],
        Some(StackPart::Encoder) => names[1],
        Some(StackPart::Decoder) => names[2],
    };
    macro_rules! named {
        ($name:literal) => {
            name([
                $name,
                concat!("encoder-", $name),
                concat!("decoder-", $name),
            ])
        };
    }
    let band = |name, what: &str, below: &str, found: &OffsetSimilarity| Sheet {
        name,
        title: title(what),
        below: below.to_owned(),
        ..band_of(found)
    };
    match &stack.numbers {
        PositionNumbers::Nothing { .. } => Vec::new(),
        PositionNumbers::Added {
            width,
            table,
            cosine,
            dot,
            ..
        } => vec![
            Sheet {
                name: named!("position-table"),
                title: title(&format!("Vectors of {kind} positions")),
                below: "rows are positions, columns dimensions".to_owned(),
                rows: numbered(n),
                columns: numbered(*width),
                values: table.clone(),
                texts: None,
                scale: SheetScale::spanning(table),
                form: SheetForm::Cells,
            },
            band(
                named!("position-cosine"),
                "Cosine of the vectors of two positions, by their offset |i − j|",
                PAIRS_OF_POSITIONS,
                cosine,
            ),
            band(
                named!("position-dot"),
                "Inner product of the vectors of two positions, by their offset |i − j|",
                PAIRS_OF_POSITIONS,
                dot,
            ),
        ],
        PositionNumbers::Rotated {
            radians,
            cosine,
            bound,
            ..
        } => {
            let wrapped = |angle: f64| (angle + PI).rem_euclid(TAU) - PI;
            let angles = radians.iter().flat_map(|each| {
                (0..n).map(move |position| wrapped(position as f64 * each) as f32)
            });
            vec![
                Sheet {
                    name: named!("rope-angles"),
                    title: title("Angles of rotation, in radians from −π to π"),
                    below: "rows are pairs of dimensions, columns positions".to_owned(),
                    rows: numbered(radians.len()),
                    columns: numbered(n),
                    values: angles.collect(),
                    texts: None,
                    scale: SheetScale::Signed { limit: PI as f32 },
                    form: SheetForm::Cells,
                },
                band(
                    named!("rope-cosine"),
                    "Similarity of a vector to itself, rotated by an offset",
                    "line: mean cosine of the pairs' angles; bands: standard deviation, smallest and largest",
                    cosine,
                ),
                Sheet {
                    name: named!("rope-bound"),
                    title: title("Bound of what depends on the offset"),
                    below: "mean of |S_j| over the pairs (Su et al. 2021, §3.4.3)".to_owned(),
                    rows: vec!["bound".to_owned()],
                    columns: numbered(n),
                    values: bound.iter().map(|&x| x as f32).collect(),
                    texts: None,
                    scale: SheetScale::Signed { limit: 1.0 },
                    form: SheetForm::Lines,
                },
            ]
        }
        PositionNumbers::Biased {
            heads,
            offsets,
            bias,
            ..
        } => {
            let cells = Sheet {
                name: named!("position-bias"),
                title: title(&format!("Bias of the scores ({kind}), by head and offset")),
                below: "rows are heads, columns query − key".to_owned(),
                rows: (0..*heads).map(|head| format!("head {head}")).collect(),
                columns: offsets.iter().map(ToString::to_string).collect(),
                values: bias.clone(),
                texts: None,
                scale: SheetScale::spanning(bias),
                form: SheetForm::Cells,
            };
            let lines = Sheet {
                name: named!("position-bias-lines"),
                below: "a line for each head, over query − key".to_owned(),
                form: SheetForm::Lines,
                ..cells.clone()
            };
            vec![cells, lines]
        }
    }
}

const PAIRS_OF_POSITIONS: &str =
    "line: mean over all pairs of positions; bands: standard deviation, smallest and largest";

/// Return the values of a similarity as a line and two bands.
fn band_of(found: &OffsetSimilarity) -> Sheet {
    // A band of one deviation does not pass the values that there are.
    let deviated = |sign: f64| -> Vec<f64> {
        let offsets = 0..found.mean.len();
        offsets
            .map(|at| {
                let end = found.mean[at] + sign * found.deviation[at];
                end.max(found.least[at]).min(found.most[at])
            })
            .collect()
    };
    let rows = [
        &found.mean,
        &deviated(-1.0),
        &deviated(1.0),
        &found.least,
        &found.most,
    ];
    let names = [
        "mean",
        "mean − deviation",
        "mean + deviation",
        "smallest",
        "largest",
    ];
    Sheet {
        name: "",
        title: String::new(),
        below: String::new(),
        rows: names.map(str::to_owned).to_vec(),
        columns: (0..found.mean.len()).map(|i| i.to_string()).collect(),
        values: rows.into_iter().flatten().map(|&x| x as f32).collect(),
        texts: None,
        scale: SheetScale::Signed { limit: 1.0 },
        form: SheetForm::Band,
    }
}
