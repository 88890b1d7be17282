//! The directory of a run: locking it for a new run or one to resume, and clearing what an
//! unfinished start left.

use crate::TrainError;
use sisun_files::{
    LOCK_FILE, LockError, LockedDir, Patience, RunDir, if_there, is_file, is_folder, is_vacant,
    look, remove_leftovers_in,
};
use sisun_model::checkpoint::{remove_partial, steps_in};
use std::fs;
use std::path::{Path, PathBuf};

/// Lock a directory for a new run. The lock is held until the guard is dropped; if no run has
/// started by then, the directory is restored.
///
/// # Errors
/// If the directory is not empty or another process is training in it.
pub fn hold_new(run_dir: &Path, patience: Patience<'_>) -> Result<LockedDir, TrainError> {
    let exists = || {
        check_begun(run_dir)?;
        if !has_config(run_dir)? {
            return Err(TrainError::PlaceTaken {
                path: run_dir.to_owned(),
            });
        }
        Err(TrainError::RunExists {
            path: run_dir.to_owned(),
            done: steps_done(run_dir),
        })
    };
    let failed = || TrainError::io("read", run_dir);
    let found = look(run_dir).map_err(failed())?;
    if found.as_ref().is_some_and(|found| !found.is_dir()) {
        return exists();
    }
    let was_locked = found.is_some() && is_file(&run_dir.join(LOCK_FILE)).map_err(failed())?;
    match LockedDir::take(run_dir, patience) {
        Ok(held) if is_vacant(run_dir).map_err(failed())? => Ok(held),
        Ok(held) if was_locked && clear_beginning(run_dir)? => Ok(held),
        Ok(_) => exists(),
        // The directory is read-only.
        Err(LockError::Io { .. }) if !is_vacant(run_dir).map_err(failed())? => exists(),
        Err(error) => Err(error.into()),
    }
}

/// Lock the directory of a run to resume.
///
/// # Errors
/// If it is not a run, was left before its first checkpoint, or is being trained by another
/// process.
pub fn hold_run(run_dir: &Path, patience: Patience<'_>) -> Result<LockedDir, TrainError> {
    let check = || match has_config(run_dir)? {
        true => Ok(()),
        false => Err(TrainError::NothingToResume {
            path: run_dir.to_owned(),
        }),
    };
    check()?;
    let held = LockedDir::take(run_dir, patience)?;
    check()?;
    check_begun(run_dir)?;
    Ok(held)
}

/// Clear the directory of a start that was killed before its first checkpoint. Return false if it
/// is not such a directory: it must have a lock, a folder of checkpoints without checkpoints, and
/// no files other than those of a start.
fn clear_beginning(run_dir: &Path) -> Result<bool, TrainError> {
    let ours = written_at_start(RunDir::new(run_dir));
    let lock = run_dir.join(LOCK_FILE);
    let entries =
        fs::read_dir(run_dir).and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>());
    let entries = entries.map_err(TrainError::io("read", run_dir))?;
    remove_leftovers_in(run_dir);
    for entry in entries {
        let path = entry.path();
        let is_ours = path == lock || ours.contains(&path);
        // What was a leftover is gone by now.
        if !is_ours
            && if_there(fs::symlink_metadata(&path))
                .map_err(TrainError::io("read", &path))?
                .is_some()
        {
            return Ok(false);
        }
    }
    let checkpoints = RunDir::new(run_dir).checkpoints();
    let began = is_folder(&checkpoints).map_err(TrainError::io("read", &checkpoints))?;
    if !began || !steps_in(&checkpoints)?.is_empty() {
        return Ok(false);
    }
    remove_partial(&checkpoints);
    for path in ours {
        match remove(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(TrainError::io("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(true)
}

/// The files and folders that a run begins with.
pub(crate) fn written_at_start(files: RunDir<'_>) -> [PathBuf; 9] {
    [
        files.config(),
        files.environment(),
        files.tokenizer(),
        files.source_tokenizer(),
        files.target_tokenizer(),
        files.generation_config(),
        files.base(),
        files.checkpoints(),
        files.sidecars(),
    ]
}

/// Remove a file, or a folder with all that it holds.
pub(crate) fn remove(path: &Path) -> std::io::Result<()> {
    match path.is_dir() {
        true => fs::remove_dir_all(path),
        false => fs::remove_file(path),
    }
}

/// Return the number of steps of a run that has done all of them.
pub fn steps_done(run_dir: &Path) -> Option<u64> {
    let files = RunDir::new(run_dir);
    let newest = *steps_in(&files.checkpoints()).ok()?.last()?;
    let (settings, _) = sisun_config::read_table(&files.config()).ok()?;
    let steps = settings.get("train")?.get("steps")?.as_integer()?;
    (i64::try_from(newest).ok()? >= steps).then_some(newest)
}

/// Whether this is a folder that holds the settings of a run.
fn has_config(run_dir: &Path) -> Result<bool, TrainError> {
    let config = RunDir::new(run_dir).config();
    let found = is_folder(run_dir).and_then(|is_folder| Ok(is_folder && is_file(&config)?));
    found.map_err(TrainError::io("read", &config))
}

/// Check that a run directory was not left before its first checkpoint.
fn check_begun(run_dir: &Path) -> Result<(), TrainError> {
    match has_config(run_dir)? && steps_in(&RunDir::new(run_dir).checkpoints())?.is_empty() {
        true => Err(TrainError::NeverBegan {
            path: run_dir.to_owned(),
        }),
        false => Ok(()),
    }
}
