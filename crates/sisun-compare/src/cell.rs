//! One cell: a model trained from scratch and evaluated.

mod decoder;
mod pairs;
mod training;

use crate::CompareError;
use crate::grid::{Cell, Network};
use crate::results::{CellResult, Timing};
use crate::track::Track;
use crate::track_data::TrackData;
use burn::tensor::Device;
use std::time::Instant;
use training::Stepped;

/// Train and evaluate a cell on the calling thread. `stepped` is called after every step; if it
/// asks to stop, the cell is abandoned and there is no result.
pub(crate) fn run(
    cell: &Cell,
    track: &Track,
    data: Option<&TrackData>,
    device: &Device,
    stepped: Stepped<'_>,
) -> Result<Option<(CellResult, Timing)>, CompareError> {
    let began = Instant::now();
    let done = match &cell.settings.network {
        Network::Model(config) => {
            let text = data.and_then(TrackData::text);
            decoder::run(cell, config, track, text, device, stepped)?
        }
        Network::Seq2seq(config) => {
            let data = data
                .and_then(TrackData::pairs)
                .expect("the pairs of every track of pairs were read");
            pairs::run(cell, config, track, data, device, stepped)?
        }
    };
    Ok(done.map(|trained| {
        let mut result = trained.model;
        only_finite(&mut result);
        let timing = Timing {
            step_ms: trained.step_ms,
            train_s: trained.train_s,
            total_s: began.elapsed().as_secs_f64(),
        };
        (result, timing)
    }))
}

/// Remove numbers that are not finite, which JSON cannot represent: a measure keeps only a note,
/// and a distance is dropped. Otherwise the result could not be read back.
fn only_finite(result: &mut CellResult) {
    for measure in &mut result.measures {
        if measure.value.is_some_and(|value| !value.is_finite()) {
            (measure.value, measure.note) =
                (None, Some("the model gives no finite number".to_owned()));
        }
    }
    result.heads.retain(|head| head.distance.is_finite());
}
