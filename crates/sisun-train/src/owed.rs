//! What a run that has taken all of its steps owes because its process ended right after the last checkpoint.

use crate::TrainError;
use sisun_config::Config;
use sisun_model::checkpoint::Checkpoint;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file of the sample that was written after a step.
pub(crate) fn sample_file(run_dir: &Path, step: u64) -> PathBuf {
    run_dir.join("samples").join(format!("step-{step:08}.txt"))
}

/// Whether a sample is due at this step: every so many steps, and at the end.
pub(crate) fn samples_at(config: &Config, step: u64) -> bool {
    let every = |every: u64| step == config.train.steps || (every > 0 && step.is_multiple_of(every));
    step > 0 && config.sample.as_ref().is_some_and(|sample| every(sample.every))
}

/// Whether something that follows the last checkpoint is missing, or is older than it: the last sample, the report, maps.
///
/// # Errors
/// A checkpoint whose age cannot be read.
pub(crate) fn owes(run_dir: &Path, config: &Config, last: &Checkpoint) -> Result<bool, TrainError> {
    let age = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let state = last.file("state.json");
    let saved = age(&state).map_err(TrainError::io("read", &state))?;
    let is_missing = |path: PathBuf| age(&path).map_or(true, |written: SystemTime| written < saved);
    let sample = samples_at(config, last.state.step) && !sample_file(run_dir, last.state.step).is_file();
    let maps = ["heads.png", "attention.npz"].map(|name| run_dir.join("maps").join(name));
    Ok(sample
        || is_missing(run_dir.join("report.html"))
        || (config.attend.is_some() && maps.into_iter().any(is_missing)))
}
