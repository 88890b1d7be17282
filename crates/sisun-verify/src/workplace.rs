//! A folder for copies of a run, which is removed with the process or, if that is killed, when the
//! next one begins.

use anyhow::{Context, Result};
use sisun_files::{LOCK_FILE, Lock, LockedDir, Patience, is_file};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Prefix of the names of such folders.
const BEGINS: &str = "sisun-verify-";

/// The folder, locked against the removal of leftovers.
pub(crate) struct TempWorkspace {
    // The lock is released before the folder is removed.
    _held: LockedDir,
    folder: TempDir,
}

impl TempWorkspace {
    /// Make a folder in the system's temporary directory, and remove those of dead processes.
    pub(crate) fn new() -> Result<Self> {
        let within = std::env::temp_dir();
        remove_dead(&within);
        let make = || -> Result<Self> {
            let folder = tempfile::Builder::new()
                .prefix(BEGINS)
                .tempdir_in(&within)?;
            // Another process that removes leftovers may hold the lock for a moment.
            let _held = LockedDir::take(folder.path(), Patience::Wait(&mut |_| ()))?;
            Ok(Self { _held, folder })
        };
        make().with_context(|| format!("cannot make a folder in {}", within.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Remove the folders whose lock exists and is free. A folder that cannot be removed does no harm.
fn remove_dead(within: &Path) {
    let Ok(entries) = fs::read_dir(within) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(BEGINS))
    {
        let (path, lock) = (entry.path(), entry.path().join(LOCK_FILE));
        let is_ours =
            entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_file(&lock).unwrap_or(false);
        if is_ours
            && let Ok(lock) = Lock::take(&lock, Patience::Refuse, &mut || Ok(()))
            && !lock.is_ineffective()
        {
            let _ = fs::remove_dir_all(path);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{LOCK_FILE, remove_dead};
    use sisun_files::{LockedDir, Patience};
    use std::fs;

    #[test]
    fn only_what_the_dead_left_is_removed() {
        let within = tempfile::tempdir().unwrap();
        let at = |name: &str| within.path().join(name);
        for name in ["sisun-verify-dead", "sisun-verify-new", "other"] {
            fs::create_dir(at(name)).unwrap();
        }
        for name in ["sisun-verify-dead", "other"] {
            fs::write(at(name).join(LOCK_FILE), "").unwrap();
        }
        fs::write(at("sisun-verify-dead/copy"), "x").unwrap();
        let held = LockedDir::take(&at("sisun-verify-alive"), Patience::Refuse).unwrap();
        remove_dead(within.path());
        let found = [
            "sisun-verify-dead",
            "sisun-verify-new",
            "sisun-verify-alive",
            "other",
        ]
        .map(|name| at(name).exists());
        assert_eq!(found, [false, true, true, true]);
        drop(held);
    }
}
