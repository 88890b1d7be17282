//! A directory that only one process at a time may write to.

use crate::lock::{Lock, LockError, Patience};
use crate::there::{if_there, look};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The file in a directory that a writer locks. It stays after the lock is released.
pub const LOCK_FILE: &str = ".lock";

/// A directory that only this process may write to until the value is dropped. If the directory is
/// still empty then, it is restored to its earlier state: missing, or empty.
#[derive(Debug)]
pub struct LockedDir {
    dir: PathBuf,
    lock: Option<Lock>,
    /// The directory and its parents that were made for it, innermost first.
    made: Vec<PathBuf>,
}

impl LockedDir {
    /// Make the directory, if it does not exist, and lock it.
    ///
    /// # Errors
    /// If another process holds the directory and `patience` does not wait for it, or if it cannot
    /// be made.
    pub fn take(dir: &Path, patience: Patience<'_>) -> Result<Self, LockError> {
        let mut made = Vec::new();
        let lock = Lock::take(&dir.join(LOCK_FILE), patience, &mut || make(dir, &mut made));
        let mut held = Self {
            dir: dir.to_owned(),
            lock: None,
            made,
        };
        match lock {
            Ok(lock) => {
                held.lock = Some(lock);
                Ok(held)
            }
            Err(LockError::Taken { holder, .. }) => {
                // It now belongs to the other process, regardless of which one made it.
                held.made.clear();
                Err(LockError::Taken {
                    path: dir.to_owned(),
                    holder,
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Return the path of the directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Return true if the directory is still at its path, neither moved nor removed.
    ///
    /// # Errors
    /// If it cannot be examined.
    pub fn is_in_place(&self) -> io::Result<bool> {
        self.lock.as_ref().map_or(Ok(true), Lock::is_in_place)
    }

    /// Return true if the file system does not support locks, so that other processes are not kept
    /// out.
    pub fn is_ineffective(&self) -> bool {
        self.lock.as_ref().is_some_and(Lock::is_ineffective)
    }
}

impl Drop for LockedDir {
    fn drop(&mut self) {
        if let Some(lock) = self.lock.take()
            && is_vacant(&self.dir).unwrap_or(false)
        {
            // A lock file that cannot be removed does no harm.
            let _ = lock.remove();
        }
        for dir in &self.made {
            // Only an empty directory can be removed this way.
            if fs::remove_dir(dir).is_err() {
                break;
            }
        }
    }
}

/// Return true if a directory is missing, or empty except for a lock file.
///
/// # Errors
/// If it cannot be read.
pub fn is_vacant(dir: &Path) -> io::Result<bool> {
    for entry in if_there(fs::read_dir(dir))?.into_iter().flatten() {
        if entry?.file_name() != LOCK_FILE {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Attempts to make a directory while other processes remove its parents.
const MAX_ATTEMPTS: usize = 1_000;

/// Make a directory and its parents, and record in `made` which of them were missing.
fn make(dir: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    // A file system may refuse a folder as "not found" although its parent exists, and then always.
    for _ in 1..MAX_ATTEMPTS {
        match make_once(dir, made) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            result => return result,
        }
    }
    make_once(dir, made)
}

/// # Errors
/// `NotFound` if a parent, or the directory itself, was removed meanwhile.
fn make_once(dir: &Path, made: &mut Vec<PathBuf>) -> io::Result<()> {
    match fs::create_dir(dir) {
        Ok(()) => {
            if !made.contains(&dir.to_owned()) {
                made.insert(0, dir.to_owned());
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match look(dir)? {
            Some(found) if found.is_dir() => Ok(()),
            None if if_there(fs::symlink_metadata(dir))?.is_none() => {
                Err(ErrorKind::NotFound.into())
            }
            None => Err(io::Error::other(dead_link(dir))),
            _ => Err(error),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => {
            if let Some(parent) = dir.parent().filter(|dir| !dir.as_os_str().is_empty()) {
                make_once(parent, made)?;
            }
            Err(error)
        }
        Err(error) => Err(error),
    }
}

fn dead_link(path: &Path) -> String {
    let target = fs::read_link(path).unwrap_or_default();
    format!(
        "{} is a link to {}, which does not exist: make that, or remove the link",
        path.display(),
        target.display()
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{LOCK_FILE, LockedDir, is_vacant};
    use crate::lock::{LockError, Patience};
    use std::fs;

    #[test]
    fn a_directory_where_nothing_was_put_is_left_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        let held = LockedDir::take(&deep, Patience::Refuse).unwrap();
        assert!(deep.join(LOCK_FILE).exists() && is_vacant(&deep).unwrap());
        drop(held);
        assert!(!folder.path().join("a").exists());

        let empty = folder.path().join("empty");
        fs::create_dir(&empty).unwrap();
        drop(LockedDir::take(&empty, Patience::Refuse).unwrap());
        assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);

        let held = LockedDir::take(&deep, Patience::Refuse).unwrap();
        fs::write(deep.join("kept"), "x").unwrap();
        drop(held);
        assert!(deep.join("kept").exists() && !is_vacant(&deep).unwrap());
    }

    #[test]
    fn another_holders_directory_is_not_touched() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("run");
        let held = LockedDir::take(&dir, Patience::Refuse).unwrap();
        let error = LockedDir::take(&dir, Patience::Refuse).unwrap_err();
        assert!(
            matches!(&error, LockError::Taken { path, .. } if *path == dir),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains(&format!("process {}", std::process::id())),
            "{error}"
        );
        assert!(dir.join(LOCK_FILE).exists());
        drop(held);
    }

    #[test]
    fn a_file_in_the_way_is_told() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        for name in ["file", "file/run"] {
            let error = LockedDir::take(&folder.path().join(name), Patience::Refuse).unwrap_err();
            assert!(matches!(error, LockError::Folder { .. }), "{error}");
        }
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("gone", folder.path().join("runs")).unwrap();
            let error = LockedDir::take(&folder.path().join("runs/a"), Patience::Refuse);
            let told = error.unwrap_err().to_string();
            assert!(
                told.contains("runs is a link to gone, which does not exist"),
                "{told}"
            );
        }
    }

    /// `/proc` says "not found" of every folder that is to be made in it.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_makes_no_folders_is_an_error() {
        for path in ["/proc/none", "/proc/none/deeper"] {
            let error = LockedDir::take(std::path::Path::new(path), Patience::Refuse).unwrap_err();
            assert!(matches!(error, LockError::Folder { .. }), "{path}: {error}");
            assert!(
                crate::make_folder(std::path::Path::new(path)).is_err(),
                "{path}"
            );
        }
    }
}
