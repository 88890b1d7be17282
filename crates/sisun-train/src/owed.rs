//! What a run that has taken all of its steps owes because its process ended right after the last
//! checkpoint.

use crate::TrainError;
use sisun_config::Config;
use sisun_files::{RunDir, is_file, look};
use sisun_model::checkpoint::Checkpoint;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file of the sample that was written after a step.
pub(crate) fn sample_file(run_dir: &Path, step: u64) -> PathBuf {
    RunDir::new(run_dir).sample(step)
}

/// Whether that file is there.
///
/// # Errors
/// Whatever keeps it from being looked for.
pub(crate) fn has_sample(run_dir: &Path, step: u64) -> Result<bool, TrainError> {
    let path = sample_file(run_dir, step);
    is_file(&path).map_err(TrainError::io("read", &path))
}

/// Whether a sample is due at this step: every so many steps, and at the end.
pub(crate) fn samples_at(config: &Config, step: u64) -> bool {
    let every =
        |every: u64| step == config.train.steps || (every > 0 && step.is_multiple_of(every));
    step > 0
        && config
            .sample
            .as_ref()
            .is_some_and(|sample| every(sample.every))
}

/// Whether something that follows the last checkpoint is missing, or is older than it: the last
/// sample, the report, maps.
///
/// # Errors
/// Files whose age cannot be read.
pub(crate) fn owes(run_dir: &Path, config: &Config, last: &Checkpoint) -> Result<bool, TrainError> {
    let age = |path: &Path| -> Result<Option<SystemTime>, TrainError> {
        let age = look(path).and_then(|found| found.map(|found| found.modified()).transpose());
        age.map_err(TrainError::io("read", path))
    };
    let saved = age(&last.file("state.json"))?;
    if samples_at(config, last.state.step) && !has_sample(run_dir, last.state.step)? {
        return Ok(true);
    }
    let maps = ["heads.png", "attention.npz"].map(|name| RunDir::new(run_dir).maps().join(name));
    let maps = maps.into_iter().filter(|_| config.attend.is_some());
    for path in maps.chain([RunDir::new(run_dir).report()]) {
        if age(&path)? < saved {
            return Ok(true);
        }
    }
    Ok(false)
}
