//! The newest and the best checkpoint of a run.
//!
//! The file `last` names the newest checkpoint. Its `state.json` alone decides which one is the
//! best: the file `best` is a copy, and may be out of date if a process ended between two renames.

use crate::ModelError;
use crate::checkpoint::{CheckpointState, folder_name, read_state, steps_in};
use sisun_files::{if_there, is_folder, write_atomic};
use std::fs;
use std::path::{Path, PathBuf};

/// The pointer to the newest checkpoint.
pub const LAST: &str = "last";
/// The pointer to the checkpoint with the lowest validation loss.
pub const BEST: &str = "best";

/// The newest and the best checkpoint of a run, and the pointers that disagree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct CheckpointPointers {
    pub(crate) newest: PathBuf,
    /// The newest checkpoint, if no best one is recorded or it no longer exists.
    pub(crate) best: PathBuf,
    wrong: Vec<Wrong>,
}

/// A pointer that disagrees with the newest checkpoint.
#[derive(Clone, Debug, PartialEq)]
struct Wrong {
    /// Description of the disagreement and of the checkpoint used instead.
    told: String,
    /// Path and correct contents of the pointer, if known.
    right: Option<(PathBuf, String)>,
}

impl CheckpointPointers {
    /// Read a folder of checkpoints; `None` if it holds none.
    ///
    /// # Errors
    /// If a pointer cannot be read.
    pub(crate) fn of(checkpoints: &Path) -> Result<Option<Self>, ModelError> {
        let mut wrong = Vec::new();
        let (last, best) = (pointed(checkpoints, LAST)?, pointed(checkpoints, BEST)?);
        let newest = match &last {
            Pointed::Checkpoint(path) => path.clone(),
            pointed => {
                let Some(step) = steps_in(checkpoints)?.last().copied() else {
                    return Ok(None);
                };
                let name = folder_name(step);
                if let Pointed::Nothing(said) = pointed {
                    wrong.push(Wrong {
                        told: format!(
                            "{} names {said}, which is no checkpoint here: the newest is {name}",
                            checkpoints.join(LAST).display()
                        ),
                        right: Some((checkpoints.join(LAST), name.clone())),
                    });
                }
                checkpoints.join(name)
            }
        };
        let best = match read_state(&newest) {
            Ok(state) => best_by(&state, checkpoints, &newest, best, &mut wrong)?,
            // The state is damaged, so the pointer is the only evidence left.
            Err(problem) => match best {
                Pointed::Checkpoint(path) if path != newest => {
                    let told = format!(
                        "{} is damaged ({problem}): that {} is the best is taken from {}",
                        newest.display(),
                        name(&path),
                        checkpoints.join(BEST).display()
                    );
                    wrong.push(Wrong { told, right: None });
                    path
                }
                _ => newest.clone(),
            },
        };
        Ok(Some(Self {
            newest,
            best,
            wrong,
        }))
    }

    /// Correct the pointers of a run that this process has locked, and describe what was found.
    pub(crate) fn mend(&self) -> Vec<String> {
        let mend = |wrong: &Wrong| match &wrong.right {
            Some((pointer, right)) if write_atomic(pointer, right.as_bytes()).is_ok() => {
                format!("{}; this has been put right", wrong.told)
            }
            _ => wrong.told.clone(),
        };
        self.wrong.iter().map(mend).collect()
    }

    /// Describe what was found.
    pub(crate) fn told(&self) -> Vec<String> {
        self.wrong.iter().map(|wrong| wrong.told.clone()).collect()
    }
}

/// Return the best checkpoint according to the state of the newest.
fn best_by(
    state: &CheckpointState,
    checkpoints: &Path,
    newest: &Path,
    pointed: Pointed,
    wrong: &mut Vec<Wrong>,
) -> Result<PathBuf, ModelError> {
    let pointer = checkpoints.join(BEST);
    let Some((step, _)) = state.best else {
        if let Pointed::Checkpoint(path) = &pointed
            && path != newest
        {
            let told = format!(
                "{} names {}, but by {} no checkpoint is the best yet: the newest is taken",
                pointer.display(),
                name(path),
                name(newest)
            );
            wrong.push(Wrong { told, right: None });
        }
        return Ok(newest.to_owned());
    };
    let best = checkpoints.join(folder_name(step));
    if !is_folder(&best).map_err(ModelError::io("read", &best))? {
        let told = format!(
            "{}, the best checkpoint by {}, is not there any more: the newest is taken",
            best.display(),
            name(newest)
        );
        wrong.push(Wrong { told, right: None });
        return Ok(newest.to_owned());
    }
    let said = match &pointed {
        Pointed::Checkpoint(path) if *path == best => return Ok(best),
        Pointed::Checkpoint(path) => format!("names {}", name(path)),
        Pointed::Nothing(said) => format!("names {said}, which is no checkpoint here"),
        Pointed::Absent => "is missing".to_owned(),
    };
    let told = format!(
        "{} {said}; by {} the best is {}",
        pointer.display(),
        name(newest),
        name(&best)
    );
    wrong.push(Wrong {
        told,
        right: Some((pointer, folder_name(step))),
    });
    Ok(best)
}

/// Contents of a pointer.
#[derive(Debug, PartialEq)]
enum Pointed {
    Absent,
    /// A name that is not a checkpoint or does not exist.
    Nothing(String),
    Checkpoint(PathBuf),
}

/// Read a pointer: a file that holds the name of a checkpoint's folder, or a link to such a folder.
fn pointed(checkpoints: &Path, pointer: &str) -> Result<Pointed, ModelError> {
    let path = checkpoints.join(pointer);
    let failed = || ModelError::io("read", &path);
    let is_link = if_there(fs::symlink_metadata(&path))
        .map_err(failed())?
        .is_some_and(|found| found.is_symlink());
    let bytes = match is_link && is_folder(&path).map_err(failed())? {
        true => fs::canonicalize(&path)
            .map_err(failed())?
            .file_name()
            .map(|name| name.as_encoded_bytes().to_owned()),
        false => if_there(fs::read(&path)).map_err(failed())?,
    };
    let Some(bytes) = bytes else {
        return Ok(Pointed::Absent);
    };
    let said = String::from_utf8_lossy(&bytes);
    let named = said.trim();
    let step = named
        .strip_prefix("step-")
        .and_then(|step| step.parse().ok());
    let folder = checkpoints.join(named);
    let is_checkpoint = step.is_some_and(|step| named == folder_name(step))
        && is_folder(&folder).map_err(ModelError::io("read", &folder))?;
    Ok(match is_checkpoint {
        true => Pointed::Checkpoint(folder),
        // Truncated to fit on a line.
        false => Pointed::Nothing(format!("{:?}", named.chars().take(40).collect::<String>())),
    })
}

fn name(checkpoint: &Path) -> String {
    checkpoint
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}
