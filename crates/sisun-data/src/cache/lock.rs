//! Locking the cache entry that is being made, and removing what dead processes left.

use super::entry_files::{entry_name, is_entry_file, is_entry_name, unfinished_prefix};
use crate::DataError;
use sisun_files::{Holder, Lock, LockError, Patience, make_folder, remove_leftovers_in};
use std::{
    fs::{DirEntry, Metadata},
    path::Path,
    time::Duration,
};

/// The suffix of the name of an entry's lock file.
const LOCK_SUFFIX: &str = ".lock";

/// Lock the entry `folder` for making it. Wait for another process that makes the same entry, and
/// remove what dead processes left of it.
pub(crate) fn lock_entry(folder: &Path, progress: &mut dyn FnMut(&str)) -> Result<Lock, DataError> {
    let cache_dir = folder.parent().unwrap_or(Path::new("."));
    let path = cache_dir.join(format!("{}{LOCK_SUFFIX}", entry_name(folder)));
    let mut tell =
        |holder: &Holder| progress(&format!("{holder} prepares the same text: waiting for it"));
    let mut ready = || make_folder(cache_dir);
    let lock =
        Lock::take(&path, Patience::Wait(&mut tell), &mut ready).map_err(|error| match error {
            LockError::Io { path, source } | LockError::Folder { path, source } => {
                DataError::Cache { path, source }
            }
            taken @ LockError::Taken { .. } => DataError::Cache {
                path: path.clone(),
                source: std::io::Error::other(taken),
            },
        })?;
    if lock.is_ineffective() {
        progress(
            "note: the token cache's file system knows no locks: processes that prepare one text at once each do it all",
        );
    } else {
        remove_unfinished(cache_dir, &entry_name(folder));
    }
    Ok(lock)
}

/// Remove what dead processes left in a cache folder: copies of standard input, and unfinished
/// entries. Files that cannot be removed do no harm.
pub(crate) fn remove_stale_files(cache_dir: &Path) {
    remove_leftovers_in(cache_dir);
    let Ok(entries) = std::fs::read_dir(cache_dir) else {
        return;
    };
    let names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    for entry in names
        .iter()
        .filter_map(|name| name.strip_suffix(LOCK_SUFFIX))
        .filter(|entry| is_entry_name(entry))
    {
        // Succeeds only if no process holds the lock.
        if let Ok(lock) = Lock::take(
            &cache_dir.join(format!("{entry}{LOCK_SUFFIX}")),
            Patience::Refuse,
            &mut || Ok(()),
        ) && !lock.is_ineffective()
        {
            remove_unfinished(cache_dir, entry);
            let _ = lock.remove();
        }
    }
    for name in names
        .iter()
        .filter(|name| is_unfinished_by_old_version(name))
    {
        let folder = cache_dir.join(name);
        if is_abandoned(&folder) {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}

/// Remove the unfinished folders of an entry whose lock is held.
fn remove_unfinished(cache_dir: &Path, entry: &str) {
    let Ok(entries) = std::fs::read_dir(cache_dir) else {
        return;
    };
    let prefix = unfinished_prefix(entry);
    for found in entries
        .flatten()
        .filter(|found| found.file_name().to_string_lossy().starts_with(&prefix))
    {
        let _ = std::fs::remove_dir_all(found.path());
    }
}

/// Return whether a folder's name is that of an unfinished entry of an older version, which held no
/// lock: `.unfinished-` and six letters or digits.
fn is_unfinished_by_old_version(name: &str) -> bool {
    let token = name.strip_prefix(".unfinished-");
    token.is_some_and(|token| {
        token.len() == 6 && token.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

/// Return whether a folder holds only files of an entry, none of which was written to for a day.
fn is_abandoned(folder: &Path) -> bool {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    let is_old = |metadata: &Metadata| {
        metadata
            .modified()
            .is_ok_and(|at| at.elapsed().is_ok_and(|age| age > DAY))
    };
    let is_ours = |entry: std::io::Result<DirEntry>| {
        let Ok(entry) = entry else { return false };
        let name = entry.file_name();
        // The header was first written under a temporary name.
        let is_ours = name
            .to_str()
            .is_some_and(|name| is_entry_file(name) || name.starts_with(".tmp"));
        is_ours
            && entry
                .metadata()
                .is_ok_and(|found| found.is_file() && is_old(&found))
    };
    folder
        .symlink_metadata()
        .is_ok_and(|found| found.is_dir() && is_old(&found))
        && std::fs::read_dir(folder).is_ok_and(|mut entries| entries.all(is_ours))
}
