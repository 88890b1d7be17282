//! A file lock of the operating system, which releases it when the process ends in any way.

use crate::Holder;
use crate::there::look;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Interval between two attempts to take a lock that another process holds.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
/// Maximum number of times that the folder may disappear again before its file could be opened.
const MOST_REMOVALS: u32 = 1_000;
/// Maximum number of attempts while a lock file names no holder: its process is about to write its
/// identity.
const LOOKS_AT_NOBODY: u32 = 20;

/// A lock that this process holds until the value is dropped. It holds `None` if the file system
/// does not support locks.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Option<File>,
}

/// Behaviour when another process holds the lock.
pub enum Patience<'a> {
    /// Give up.
    Refuse,
    /// Wait until it is free, reporting the holder at once.
    Wait(&'a mut dyn FnMut(&Holder)),
}

/// The reason why a lock could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is in use by {}", path.display(), holder.as_ref().map_or_else(|| "another process".to_owned(), ToString::to_string))]
    Taken {
        /// The locked path.
        path: PathBuf,
        /// The holder, if known.
        holder: Option<Holder>,
    },
    /// The folder of the file cannot be made.
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// The file cannot be made or locked.
    #[error("cannot lock {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl Lock {
    /// Lock the file at this path, which is made if it does not exist, and record the holder in it.
    /// `ready` makes the folder, again if another process has removed it meanwhile.
    ///
    /// # Errors
    /// If another process holds the lock and `patience` does not wait for it, or if the file cannot
    /// be made or locked.
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
            ready().map_err(|source| LockError::Folder {
                path: path.parent().unwrap_or(path).to_owned(),
                source,
            })?;
            let mut file = match open(path) {
                // The previous holder has removed the folder.
                Err(error) if error.kind() == ErrorKind::NotFound && removals < MOST_REMOVALS => {
                    removals += 1;
                    continue;
                }
                opened => opened.map_err(failed)?,
            };
            match file.try_lock() {
                Ok(()) => {
                    // The previous holder removed the file between the opening and the locking: no
                    // other process can see this one.
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
                // A new holder may not have recorded itself yet: the file then names the previous
                // holder, or none.
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

    /// Return true if the file system does not support locks, so that other processes are not kept
    /// out.
    pub fn is_ineffective(&self) -> bool {
        self.file.is_none()
    }

    /// Return true if the locked file is still at its path; always true if the file system does not
    /// support locks.
    pub(crate) fn is_in_place(&self) -> io::Result<bool> {
        self.file
            .as_ref()
            .map_or(Ok(true), |file| is_at(file, &self.path))
    }

    /// Release the lock and remove its file. A process that already has the file open notices that
    /// it is gone.
    ///
    /// # Errors
    /// If the file cannot be removed.
    pub fn remove(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

/// Return the process that holds the lock file at this path, without locking or making it; `None` if
/// no process does, or if the file cannot be read.
pub fn holder(path: &Path) -> Option<Holder> {
    let mut file = File::open(path).ok()?;
    // A shared lock is refused only while another process holds the lock.
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => read(&mut file),
        _ => None,
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

/// Record the holder in the file.
fn describe(file: &mut File) -> io::Result<()> {
    let text = serde_json::to_string(&Holder::this()).map_err(io::Error::other)?;
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.write_all(b"\n")
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    // A file with other contents names no holder.
    file.take(4096).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// Return true if the open file is still the one at this path.
pub(crate) fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    let open = file.metadata()?;
    Ok(look(path)?.is_some_and(|there| same_file(&open, &there)))
}

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

/// Return true: on other systems an open file cannot be removed.
#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// Return true if the error means that the file system does not support locks, as with some network
/// file systems.
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
        assert!(!lock.is_ineffective());
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

    /// Between taking the lock and recording the holder, the file still names the previous holder.
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

    /// The lock has one holder at a time, though every holder removes the file and its folder.
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
