//! The report of a comparison: one page that needs no network, the same in Markdown, every number,
//! every figure.

mod document;
mod figure;
mod figures;
mod headline;
mod html;
mod markdown;
mod measured;
mod measures;
mod overview;
mod statistics;
mod tables;
mod text;
mod track;

use crate::{CompareError, Summary};
use sisun_files::{make_folder, write_atomic};
use sisun_viz::maps::svg_to_png;
use std::path::Path;

/// Write the report into the folder `out`, which is created if it does not exist.
///
/// | file | content |
/// | --- | --- |
/// | `report.html` | the report, one page that needs no network |
/// | `report.md` | the same in Markdown |
/// | `measures.csv`, `measures.parquet` | every measurement of every seed |
/// | `summary.json` | every number of the report |
/// | `figures/*.svg`, `figures/*.png` | each figure |
///
/// Each file is replaced as a whole, `report.html` last.
///
/// # Errors
/// If a file cannot be written, or if a figure cannot be drawn.
pub fn write(summary: &Summary, out: &Path) -> Result<(), CompareError> {
    let title = format!("Comparison: {}", summary.name);
    let mut blocks = overview::blocks(summary);
    for track in &summary.tracks {
        blocks.extend(track::blocks(&summary.seeds, summary.trial, track)?);
    }
    blocks.extend(statistics::blocks(summary));

    let folder = out.join("figures");
    make_folder(&folder).map_err(CompareError::io("create", &folder))?;
    for figure in document::figures(&blocks) {
        let png = svg_to_png(&figure.svg, &figure.stem).map_err(|problem| CompareError::Draw {
            picture: figure.title.clone(),
            problem: problem.to_string(),
        })?;
        write_atomic(
            &folder.join(format!("{}.svg", figure.stem)),
            figure.svg.as_bytes(),
        )?;
        write_atomic(&folder.join(format!("{}.png", figure.stem)), &png)?;
    }
    let rows = measures::measures(summary);
    let (csv, parquet) = (out.join("measures.csv"), out.join("measures.parquet"));
    write_atomic(&csv, &measures::csv(&rows, &csv)?)?;
    write_atomic(&parquet, &measures::parquet(&rows, &parquet)?)?;
    let json = out.join("summary.json");
    let told = serde_json::to_vec_pretty(summary)
        .map_err(std::io::Error::from)
        .map_err(CompareError::io("write", &json))?;
    write_atomic(&json, &told)?;
    write_atomic(
        &out.join("report.md"),
        markdown::file(&title, &blocks).as_bytes(),
    )?;
    write_atomic(
        &out.join("report.html"),
        html::page(&title, &blocks).as_bytes(),
    )?;
    Ok(())
}
