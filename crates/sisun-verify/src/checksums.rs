//! Check that the files of a run are unchanged since they were written.

use crate::Check;
use crate::subject::Files;
use anyhow::Result;
use sisun_model::Run;
use sisun_model::checkpoint::Checkpoint;

pub(crate) const NAME: &str = "checksums";

/// Check the size and SHA-256 of every file with a recorded checksum: those of each checkpoint, and
/// the base weights of adapters.
pub(crate) fn check(files: &Files) -> Result<Check> {
    let Files::Run(run) = files else {
        let why = "a Hugging Face directory records no checksums; its headers and shapes are checked as it opens";
        return Ok(Check::not_checked(NAME, why.to_owned()));
    };
    let folders = run.checkpoints()?;
    let problems: Vec<String> = folders
        .iter()
        .filter_map(|folder| problem(run, folder))
        .collect();
    if !problems.is_empty() {
        return Ok(Check::differs(NAME, problems.join("; ")));
    }
    match folders.len() {
        0 => Ok(Check::differs(NAME, "the run has no checkpoint".to_owned())),
        1 => Ok(Check::holds(NAME, "the files of 1 checkpoint".to_owned())),
        n => Ok(Check::holds(NAME, format!("the files of {n} checkpoints"))),
    }
}

fn problem(run: &Run, folder: &std::path::Path) -> Option<String> {
    let checkpoint = match Checkpoint::open(folder) {
        Ok(checkpoint) => checkpoint,
        Err(error) => return Some(error.to_string()),
    };
    run.check_base(&checkpoint)
        .err()
        .map(|error| error.to_string())
}
