//! Detecting outputs that a completed run lacks because its process ended right after the last
//! checkpoint.

use crate::TrainError;
use sisun_config::Experiment;
use sisun_files::{RunDir, is_file, look};
use sisun_model::checkpoint::Checkpoint;
use std::path::Path;
use std::time::SystemTime;

/// Return true if the sample of a step exists.
///
/// # Errors
/// If its existence cannot be determined.
pub(crate) fn has_sample(run_dir: &Path, step: u64) -> Result<bool, TrainError> {
    let path = RunDir::new(run_dir).sample(step);
    is_file(&path).map_err(TrainError::io("read", &path))
}

/// Return true if a sample is due at this step: every `sample.every` steps, and at the last.
pub(crate) fn samples_at(config: &impl Experiment, step: u64) -> bool {
    let every =
        |every: u64| step == config.train().steps || (every > 0 && step.is_multiple_of(every));
    step > 0 && config.sample_every().is_some_and(every)
}

/// Return true if an output made after the last checkpoint (the last sample, the report, the maps)
/// is missing or older than the checkpoint.
///
/// # Errors
/// If the age of a file cannot be read.
pub(crate) fn lacks_outputs(
    run_dir: &Path,
    config: &impl Experiment,
    last: &Checkpoint,
) -> Result<bool, TrainError> {
    let age = |path: &Path| -> Result<Option<SystemTime>, TrainError> {
        let age = look(path).and_then(|found| found.map(|found| found.modified()).transpose());
        age.map_err(TrainError::io("read", path))
    };
    let saved = age(&last.file("state.json"))?;
    if samples_at(config, last.state.step) && !has_sample(run_dir, last.state.step)? {
        return Ok(true);
    }
    let maps = ["heads.png", "attention.npz"].map(|name| RunDir::new(run_dir).maps().join(name));
    let maps = maps.into_iter().filter(|_| config.writes_maps());
    for path in maps.chain([RunDir::new(run_dir).report()]) {
        if age(&path)? < saved {
            return Ok(true);
        }
    }
    Ok(false)
}
