//! Every measurement of every seed, as CSV and as Parquet.

use crate::CompareError;
use crate::summary::{SeedSpread, Summary, TrackSummary, VariantSummary};
use parquet::column::writer::ColumnWriter;
use parquet::data_type::ByteArray;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// One measurement of one seed; if it has no number, `value` is `None` and `note` gives the reason.
pub(super) struct Measure<'a> {
    track: &'a str,
    variant: &'a str,
    seed: u64,
    measure: String,
    at: Option<u64>,
    value: Option<f64>,
    note: &'a str,
}

/// Return all measurements of a comparison, track by track and variant by variant.
pub(super) fn measures(summary: &Summary) -> Vec<Measure<'_>> {
    let mut rows = Vec::new();
    for track in &summary.tracks {
        for variant in &track.variants {
            let mut add = |measure: String, at, spread, note| {
                rows.extend(of_seeds(
                    summary, track, variant, spread, note, &measure, at,
                ));
            };
            for point in &variant.series {
                add(
                    point.name.to_string(),
                    Some(point.at as u64),
                    &point.spread,
                    point.note.as_deref(),
                );
            }
            for (step, spread) in &variant.curve {
                add("train_loss".to_owned(), Some(*step), spread, None);
            }
            for (layer, head, spread) in &variant.heads {
                add(
                    format!("attention_distance_layer{layer}_head{head}"),
                    None,
                    spread,
                    None,
                );
            }
            add("step_ms".to_owned(), None, &variant.step_ms, None);
        }
    }
    rows
}

fn of_seeds<'a>(
    summary: &'a Summary,
    track: &'a TrackSummary,
    variant: &'a VariantSummary,
    spread: &SeedSpread,
    note: Option<&'a str>,
    measure: &str,
    at: Option<u64>,
) -> Vec<Measure<'a>> {
    let one = |(&seed, value): (&u64, &Option<f64>)| {
        let value = value.filter(|value| !value.is_nan());
        let note = match value {
            Some(_) => "",
            None if summary
                .missing
                .contains(&format!("{} / {} / {seed}", track.name, variant.name)) =>
            {
                "no result yet"
            }
            None if variant.diverged.contains(&seed) => "diverged",
            None => note.unwrap_or(""),
        };
        Measure {
            track: &track.name,
            variant: &variant.name,
            seed,
            measure: measure.to_owned(),
            at,
            value,
            note,
        }
    };
    summary.seeds.iter().zip(&spread.values).map(one).collect()
}

/// Return the table as the bytes of a CSV file. `path` is its future location, for errors.
pub(super) fn csv(rows: &[Measure<'_>], path: &Path) -> Result<Vec<u8>, CompareError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut write = || {
        writer.write_record(["track", "variant", "seed", "measure", "at", "value", "note"])?;
        for row in rows {
            writer.write_record([
                row.track,
                row.variant,
                &row.seed.to_string(),
                &row.measure,
                &row.at.map_or_else(String::new, |at| at.to_string()),
                &row.value
                    .map_or_else(String::new, |value| value.to_string()),
                row.note,
            ])?;
        }
        csv::Result::Ok(())
    };
    write()
        .map_err(io::Error::from)
        .map_err(CompareError::io("write", path))?;
    writer
        .into_inner()
        .map_err(|error| error.into_error())
        .map_err(CompareError::io("write", path))
}

/// The schema of the Parquet file, in the format's own syntax.
const SCHEMA: &str = "message measures {
    required binary track (STRING);
    required binary variant (STRING);
    required int64 seed (INTEGER(64, false));
    required binary measure (STRING);
    optional int64 at (INTEGER(64, false));
    optional double value;
    required binary note (STRING);
}";

/// Return the same table as the bytes of a Parquet file. `path` is its future location, for errors.
pub(super) fn parquet(rows: &[Measure<'_>], path: &Path) -> Result<Vec<u8>, CompareError> {
    columns(rows)
        .map_err(io::Error::other)
        .map_err(CompareError::io("write", path))
}

fn columns(rows: &[Measure<'_>]) -> Result<Vec<u8>, ParquetError> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut file = SerializedFileWriter::new(
        Vec::new(),
        schema,
        Arc::new(WriterProperties::builder().build()),
    )?;
    let mut group = file.next_row_group()?;
    for index in 0.. {
        let Some(mut column) = group.next_column()? else {
            break;
        };
        let text = |of: for<'a> fn(&'a Measure<'_>) -> &'a str| {
            rows.iter()
                .map(|row| ByteArray::from(of(row)))
                .collect::<Vec<_>>()
        };
        match (index, column.untyped()) {
            (0, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&text(|row| row.track), None, None)?
            }
            (1, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&text(|row| row.variant), None, None)?
            }
            (2, ColumnWriter::Int64ColumnWriter(writer)) => writer.write_batch(
                &rows.iter().map(|row| row.seed as i64).collect::<Vec<_>>(),
                None,
                None,
            )?,
            (3, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&text(|row| &row.measure), None, None)?
            }
            (4, ColumnWriter::Int64ColumnWriter(writer)) => {
                let values: Vec<i64> = rows
                    .iter()
                    .filter_map(|row| row.at.map(|at| at as i64))
                    .collect();
                writer.write_batch(&values, Some(&given(rows, |row| row.at.is_some())), None)?
            }
            (5, ColumnWriter::DoubleColumnWriter(writer)) => {
                let values: Vec<f64> = rows.iter().filter_map(|row| row.value).collect();
                writer.write_batch(&values, Some(&given(rows, |row| row.value.is_some())), None)?
            }
            (6, ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(&text(|row| row.note), None, None)?
            }
            _ => {
                return Err(ParquetError::General(format!(
                    "column {index} is not what the schema says"
                )));
            }
        };
        column.close()?;
    }
    group.close()?;
    file.into_inner()
}

/// Return Parquet's definition levels of an optional column: 1 where there is a value.
fn given(rows: &[Measure<'_>], has: impl Fn(&Measure<'_>) -> bool) -> Vec<i16> {
    rows.iter().map(|row| i16::from(has(row))).collect()
}
