//! Every measurement of every seed, as CSV.

use crate::CompareError;
use crate::summary::{Spread, Summary, TrackSummary, VariantSummary};
use std::io;
use std::path::Path;

/// The table as bytes. `path` is where it will be, for an error.
pub(super) fn csv(summary: &Summary, path: &Path) -> Result<Vec<u8>, CompareError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = write(summary, &mut writer);
    written.map_err(io::Error::from).map_err(CompareError::io("write", path))?;
    writer.into_inner().map_err(|error| error.into_error()).map_err(CompareError::io("write", path))
}

fn write(summary: &Summary, writer: &mut csv::Writer<Vec<u8>>) -> csv::Result<()> {
    writer.write_record(["track", "variant", "seed", "measure", "at", "value", "note"])?;
    for track in &summary.tracks {
        for variant in &track.variants {
            let mut rows = Rows { summary, track, variant, writer };
            for point in &variant.series {
                rows.push(&point.name.to_string(), Some(point.at as u64), &point.spread, point.note.as_deref())?;
            }
            for (step, spread) in &variant.curve {
                rows.push("train_loss", Some(*step), spread, None)?;
            }
            for (layer, head, spread) in &variant.heads {
                rows.push(&format!("attention_distance_layer{layer}_head{head}"), None, spread, None)?;
            }
            rows.push("step_ms", None, &variant.step_ms, None)?;
        }
    }
    Ok(())
}

/// The rows of a variant.
struct Rows<'a> {
    summary: &'a Summary,
    track: &'a TrackSummary,
    variant: &'a VariantSummary,
    writer: &'a mut csv::Writer<Vec<u8>>,
}

impl Rows<'_> {
    /// One for each seed.
    fn push(&mut self, measure: &str, at: Option<u64>, spread: &Spread, note: Option<&str>) -> csv::Result<()> {
        let (track, variant) = (&self.track.name, &self.variant.name);
        for (seed, value) in self.summary.seeds.iter().zip(&spread.values) {
            let value = value.filter(|value| !value.is_nan());
            let why = match value {
                Some(_) => "",
                None if self.summary.missing.contains(&format!("{track} / {variant} / {seed}")) => "no result yet",
                None if self.variant.diverged.contains(seed) => "diverged",
                None => note.unwrap_or(""),
            };
            self.writer.write_record([
                track,
                variant,
                &seed.to_string(),
                measure,
                &at.map_or_else(String::new, |at| at.to_string()),
                &value.map_or_else(String::new, |value| value.to_string()),
                why,
            ])?;
        }
        Ok(())
    }
}
