//! A lock of the operating system's on a file. It dies with its process, however that ends.

use crate::Holder;
use crate::there::look;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Between two looks at a lock that somebody else holds.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Times that a folder may be gone again before its file could be opened.
const MOST_REMOVALS: u32 = 1_000;
/// Looks at a lock file that says nothing yet: its process is about to write who it is.
const LOOKS_AT_NOBODY: u32 = 20;

/// A lock that this process holds until it is dropped. `None` inside: the file system knows no
/// locks.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Option<File>,
}

/// What to do about a lock that somebody else holds.
pub enum Patience<'a> {
    /// Give up.
    Refuse,
    /// Wait until it is free, telling at once for whom.
    Wait(&'a mut dyn FnMut(&Holder)),
}

/// Why a lock is not held.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else holds it.
    #[error("{} is in use by {}", path.display(), holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string))]
    Taken {
        /// What is locked.
        path: PathBuf,
        /// Who, if it is told.
        holder: Option<Holder>,
    },
    /// The file cannot be made or locked.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Lock {
    /// Locks the file at this path, which is made if it is not there, and writes into it who holds
    /// it. The folder is made by `ready`, again if another process has removed it meanwhile.
    ///
    /// # Errors
    /// A lock that somebody else holds and is not waited for, or a file that cannot be made or
    /// locked.
    pub fn take(
        path: &Path,
        mut patience: Patience<'_>,
        ready: &mut dyn FnMut() -> io::Result<()>,
    ) -> Result<Self, LockError> {
        let failed = |source| LockError::Io {
            path: path.to_owned(),
            source,
        };
        let (mut told, mut looks, mut removals) = (false, 0, 0);
        loop {
            ready().map_err(failed)?;
            let mut file = match open(path) {
                // Whoever held it has removed the folder.
                Err(error) if error.kind() == ErrorKind::NotFound && removals < MOST_REMOVALS => {
                    removals += 1;
                    continue;
                }
                opened => opened.map_err(failed)?,
            };
            match file.try_lock() {
                Ok(()) => {
                    // Removed by whoever held it between opening and locking: then this is a file
                    // that nobody else sees.
                    if !is_at(&file, path).map_err(failed)? {
                        continue;
                    }
                    describe(&mut file).map_err(failed)?;
                    return Ok(Self {
                        path: path.to_owned(),
                        file: Some(file),
                    });
                }
                Err(TryLockError::Error(error)) if knows_no_locks(&error) => {
                    return Ok(Self {
                        path: path.to_owned(),
                        file: None,
                    });
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            let holder = read(&mut file);
            looks += 1;
            match &mut patience {
                // Who has just taken it may not have written that yet: the file then names the one
                // before, or nobody.
                _ if looks == 1 => {}
                Patience::Refuse if holder.is_none() && looks < LOOKS_AT_NOBODY => {}
                Patience::Refuse => {
                    return Err(LockError::Taken {
                        path: path.to_owned(),
                        holder,
                    });
                }
                Patience::Wait(tell) => {
                    if let (false, Some(holder)) = (told, &holder) {
                        tell(holder);
                        told = true;
                    }
                }
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// Whether the file system knows no locks, so that nothing keeps others out.
    pub fn is_hollow(&self) -> bool {
        self.file.is_none()
    }

    /// Whether the locked file is still at its path; not known where the file system knows no
    /// locks.
    pub(crate) fn is_in_place(&self) -> io::Result<bool> {
        self.file
            .as_ref()
            .map_or(Ok(true), |file| is_at(file, &self.path))
    }

    /// Gives the lock up and removes its file. Whoever has the file open already notices that it is
    /// gone.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
}

/// Writes who holds the file.
fn describe(file: &mut File) -> io::Result<()> {
    let text = serde_json::to_string(&Holder::this()).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    // A file that says nothing of the kind names nobody.
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Whether the open file is still the one at this path.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    Ok(look(path)?.is_some_and(|there| same_file(&open, &there)))
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Elsewhere a file that is open cannot be removed.
#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// As some network file systems do.
fn knows_no_locks(error: &io::Error) -> bool {
    const NO_LOCKS: i32 = if cfg!(target_os = "linux") { 37 } else { 77 };
    error.kind() == ErrorKind::Unsupported || (cfg!(unix) && error.raw_os_error() == Some(NO_LOCKS))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Lock, LockError, Patience, knows_no_locks};
    use crate::LockedDir;
    use std::fs;
    use std::io;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn take(path: &std::path::Path) -> Result<Lock, LockError> {
        Lock::take(path, Patience::Refuse, &mut || Ok(()))
    }

    #[test]
    fn a_lock_is_held_once_and_names_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = take(&path).unwrap();
        assert!(!lock.is_hollow());
        match take(&path) {
            Err(LockError::Taken {
                holder: Some(holder),
                ..
            }) => assert_eq!(holder.pid, std::process::id()),
            other => panic!("{other:?}"),
        }
        drop(lock);
        assert!(path.exists());
        take(&path).unwrap().remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn what_a_dead_process_left_is_no_lock() {
        let folder = tempfile::tempdir().unwrap();
        for text in [
            "{\"pid\":1,\"host\":\"x\",\"since\":0}\n",
            "",
            "\u{0}not json",
        ] {
            fs::write(folder.path().join("lock"), text).unwrap();
            take(&folder.path().join("lock")).unwrap();
        }
    }

    /// Between taking the lock and writing so the file still names whoever held it before.
    #[test]
    fn the_one_before_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        fs::write(&path, "{\"pid\":4194304,\"host\":\"x\",\"since\":0}\n").unwrap();
        let mut file = super::open(&path).unwrap();
        file.try_lock().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(super::BETWEEN_LOOKS / 4);
                super::describe(&mut file).unwrap();
            });
            match take(&path) {
                Err(LockError::Taken {
                    holder: Some(holder),
                    ..
                }) => assert_eq!(holder.pid, std::process::id()),
                other => panic!("{other:?}"),
            }
        });
    }

    /// Each holder is alone, though every one of them removes the file and its folder.
    #[test]
    fn removing_lets_nobody_in_twice() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("outer/inner");
        let (inside, turns) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..25 {
                        let held = LockedDir::take(&dir, Patience::Wait(&mut |_| ())).unwrap();
                        assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                        turns.fetch_add(1, Ordering::SeqCst);
                        inside.fetch_sub(1, Ordering::SeqCst);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(turns.into_inner(), 200);
    }

    #[test]
    fn a_file_system_without_locks_is_told_from_an_error() {
        assert!(knows_no_locks(&io::Error::from(io::ErrorKind::Unsupported)));
        assert!(!knows_no_locks(&io::Error::from(
            io::ErrorKind::PermissionDenied
        )));
        #[cfg(target_os = "linux")]
        assert!(knows_no_locks(&io::Error::from_raw_os_error(37)));
    }
}
