//! Atomic writing of files.

use crate::lock::is_at;
use std::collections::hash_map::RandomState;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufWriter, ErrorKind, Seek, Write};
use std::path::{Path, PathBuf};

/// Suffix of the names of incomplete files.
const PARTIAL: &str = ".partial";

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}", path.display())]
pub struct WriteError {
    /// The file.
    pub path: PathBuf,
    /// The system's error.
    pub source: io::Error,
}

/// The system's error alone, for a caller that names the file itself.
impl From<WriteError> for io::Error {
    fn from(error: WriteError) -> Self {
        error.source
    }
}

/// Write bytes to a file atomically, like [`write_atomic_with`].
///
/// # Errors
/// As [`write_atomic_with`].
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Write a file atomically: the earlier content stays until the new content is complete and synced,
/// and a failed write leaves no trace.
///
/// A symbolic link is followed to its target. A replaced file keeps its mode and owner; a new file
/// gets its mode from the umask. A file with several names (hard links) is overwritten in place
/// once the new content is complete. Pipes, terminals and other devices are written to directly.
///
/// # Errors
/// That of `write`, or of the system if the file cannot be made, synced or renamed.
pub fn write_atomic_with(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), WriteError> {
    let buffered = |file: &mut File| {
        let mut writer = BufWriter::new(file);
        write(&mut writer)?;
        writer.flush()
    };
    write_file(path, buffered).map_err(|source| WriteError {
        path: path.to_owned(),
        source,
    })
}

fn write_file(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let existing = match fs::metadata(path) {
        Ok(metadata) => Some(metadata),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if existing.as_ref().is_some_and(|metadata| metadata.is_dir()) {
        return Err(io::Error::new(
            ErrorKind::IsADirectory,
            "a folder of this name is in the way",
        ));
    }
    if let Some(mut stream) = standard_stream(path)? {
        return write(&mut stream);
    }
    if existing
        .as_ref()
        .is_some_and(|metadata| !metadata.is_file())
        || is_descriptor(path)
    {
        return write(&mut OpenOptions::new().append(true).open(path)?);
    }
    let target = followed(path)?;
    let mut partial = Partial::beside(&target)?;
    write(&mut partial.file)?;
    if let Some(existing) = &existing {
        keep_owner_and_mode(&partial.file, existing)?;
    }
    partial.file.sync_all()?;
    if existing.as_ref().is_some_and(has_several_names) {
        return partial.copy_into(&target);
    }
    partial.rename_to(&target)
}

/// Remove every partial file that a dead process left in a folder, that is, every one that is not
/// locked.
pub fn remove_leftovers_in(folder: &Path) {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| is_partial(&entry.file_name()))
    {
        remove_if_dead(&entry.path());
    }
}

/// A temporary file that is removed on drop. If its process is killed, the file is removed by the
/// next process that writes in the folder or calls [`remove_leftovers_in`].
#[derive(Debug)]
pub struct Scratch(Partial);

impl Scratch {
    /// Make a temporary file in a folder, with `name` in its name.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn new_in(folder: &Path, name: &str) -> io::Result<Self> {
        Partial::beside(&folder.join(name)).map(Self)
    }

    /// Return the path of the file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Return the open file.
    pub fn file(&mut self) -> &mut File {
        &mut self.0.file
    }
}

/// Sync a folder, so that files renamed or made in it survive a crash of the machine.
///
/// # Errors
/// If the folder cannot be opened or synced.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    // Windows cannot open folders, but its rename is durable without.
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Return characters that other users cannot guess, so that they cannot create the same path first.
fn unguessable() -> String {
    // The standard library seeds it from the system's random numbers.
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// A file beside its final path. It is locked, to show other processes that its process is alive,
/// and removed unless it was renamed.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
    file: File,
    done: bool,
}

impl Partial {
    fn beside(target: &Path) -> io::Result<Self> {
        remove_leftovers_in(target.parent().unwrap_or(Path::new("")));
        loop {
            let mut name = OsString::from(".");
            name.push(target.file_name().unwrap_or_default());
            name.push(format!(".{}{PARTIAL}", unguessable()));
            let path = target.with_file_name(name);
            match OpenOptions::new()
                .read(true)
                .write(true)
                .create_new(true)
                .open(&path)
            {
                Ok(file) => {
                    let partial = Self {
                        path,
                        file,
                        done: false,
                    };
                    match partial.file.try_lock() {
                        // Another process took it for a leftover before it was locked.
                        Err(TryLockError::WouldBlock) => {}
                        Ok(()) if !is_at(&partial.file, &partial.path)? => {}
                        // On a file system without locks, only the removal of leftovers is lost.
                        _ => return Ok(partial),
                    }
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn rename_to(mut self, target: &Path) -> io::Result<()> {
        fs::rename(&self.path, target)?;
        self.done = true;
        sync_folder(target.parent().unwrap_or(Path::new("")))
    }

    /// Overwrite a file that has other names too, for which a rename would leave the old content in
    /// place.
    fn copy_into(mut self, target: &Path) -> io::Result<()> {
        self.file.rewind()?;
        let mut file = OpenOptions::new().write(true).truncate(true).open(target)?;
        io::copy(&mut self.file, &mut file)?;
        file.sync_all()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.done {
            // Report the original error, not one of the removal.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Return true if a name is that of a partial file: `.NAME.0123456789abcdef.partial`.
fn is_partial(found: &OsStr) -> bool {
    let Some(rest) = found.as_encoded_bytes().strip_suffix(PARTIAL.as_bytes()) else {
        return false;
    };
    let Some((stem, token)) = rest.split_at_checked(rest.len().saturating_sub(17)) else {
        return false;
    };
    let is_token = token.first() == Some(&b'.')
        && token.len() == 17
        && token[1..].iter().all(u8::is_ascii_hexdigit);
    let stem = stem.strip_prefix(b".");
    is_token && stem.is_some_and(|stem| !stem.is_empty())
}

fn remove_if_dead(path: &Path) {
    if !fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file()) {
        return;
    }
    // The lock is held until the file is gone, so that a process that has just made it notices.
    if let Ok(file) = File::open(path)
        && file.try_lock().is_ok()
    {
        // A leftover that cannot be removed does no harm.
        let _ = fs::remove_file(path);
    }
}

/// Return standard output or standard error, if the path names one of them: opening it anew would
/// write a file behind it from the beginning again.
#[cfg(unix)]
fn standard_stream(path: &Path) -> io::Result<Option<File>> {
    use std::os::fd::AsFd;
    let names = |number: &str, name: &str| {
        [
            format!("/dev/{name}"),
            format!("/dev/fd/{number}"),
            format!("/proc/self/fd/{number}"),
        ]
        .iter()
        .any(|known| path == Path::new(known))
    };
    let copied = if names("1", "stdout") {
        io::stdout().as_fd().try_clone_to_owned()?
    } else if names("2", "stderr") {
        io::stderr().as_fd().try_clone_to_owned()?
    } else {
        return Ok(None);
    };
    Ok(Some(File::from(copied)))
}

#[cfg(not(unix))]
fn standard_stream(_: &Path) -> io::Result<Option<File>> {
    Ok(None)
}

/// Return true if a path names an open file of a process (`/dev/stdout`, `/proc/self/fd/3`), which
/// must not be replaced.
pub fn is_descriptor(path: &Path) -> bool {
    let known = [
        "/dev/stdin",
        "/dev/stdout",
        "/dev/stderr",
        "/dev/fd",
        "/proc",
    ];
    cfg!(unix) && known.iter().any(|known| path.starts_with(known))
}

/// Follow symbolic links at the end of the path, even if their target does not exist.
fn followed(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    // The limit of Linux.
    for _ in 0..40 {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            Err(error)
                if error.kind() == ErrorKind::NotFound
                    || error.kind() == ErrorKind::InvalidInput =>
            {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

#[cfg(unix)]
fn has_several_names(existing: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(existing) > 1
}

#[cfg(not(unix))]
fn has_several_names(_: &Metadata) -> bool {
    false
}

#[cfg(unix)]
fn keep_owner_and_mode(file: &File, existing: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let new = file.metadata()?;
    if (new.uid(), new.gid()) != (existing.uid(), existing.gid()) {
        // Only root may change the owner; another user's new file belongs to that user, as with an
        // editor.
        let _ = fchown(file, Some(existing.uid()), Some(existing.gid()));
    }
    // After the change of owner, which clears some mode bits.
    file.set_permissions(existing.permissions())
}

#[cfg(not(unix))]
fn keep_owner_and_mode(file: &File, existing: &Metadata) -> io::Result<()> {
    file.set_permissions(existing.permissions())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Scratch, remove_leftovers_in, write_atomic, write_atomic_with};
    use std::fs;
    use std::io::{self, Write};

    #[test]
    fn a_write_that_fails_leaves_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"old").unwrap();
        let failed = write_atomic_with(&path, |file| {
            file.write_all(b"half of the n")?;
            Err(io::Error::other("no more"))
        });
        assert_eq!(
            failed.unwrap_err().to_string(),
            format!("cannot write {}: no more", path.display())
        );
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(
            fs::read_dir(folder.path()).unwrap().count(),
            1,
            "no trace of it"
        );
        write_atomic(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(
            write_atomic(folder.path(), b"x").is_err(),
            "a folder is no file"
        );
        assert!(write_atomic(&folder.path().join("none/file"), b"x").is_err());
    }

    #[test]
    fn leftovers_of_the_dead_go_and_those_of_the_living_stay() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in [
            ".a.0123456789abcdef.partial",
            ".b.0123456789abcdef.partial",
            ".a.partial",
            "a.0123456789abcdef.partial",
        ] {
            fs::write(at(name), "").unwrap();
        }
        write_atomic_with(&at("a"), |_| {
            assert!(
                !at(".a.0123456789abcdef.partial").exists(),
                "left by a process that is dead"
            );
            assert!(
                !at(".b.0123456789abcdef.partial").exists(),
                "of another file"
            );
            let partial = |folder: &std::path::Path| fs::read_dir(folder).unwrap().count();
            let before = partial(folder.path());
            remove_leftovers_in(folder.path());
            assert_eq!(partial(folder.path()), before, "being written");
            Ok(())
        })
        .unwrap();
        assert!(
            at(".a.partial").exists() && at("a.0123456789abcdef.partial").exists(),
            "not ours"
        );
    }

    /// `/dev/shm` is an ordinary folder, unlike other paths under `/dev`.
    #[cfg(target_os = "linux")]
    #[test]
    fn files_in_memory_are_written_as_others() {
        let folder = tempfile::tempdir_in("/dev/shm").unwrap();
        let path = folder.path().join("file");
        for content in ["new", "replaced"] {
            write_atomic(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    /// The removal of leftovers does not remove files that have just been created.
    #[test]
    fn writers_and_those_who_tidy_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for name in ["a", "b", "c", "d"] {
                let path = folder.path().join(name);
                scope.spawn(move || (0..200).for_each(|_| write_atomic(&path, b"x").unwrap()));
            }
        });
        let mut scratch = Scratch::new_in(folder.path(), "kept").unwrap();
        scratch.file().write_all(b"y").unwrap();
        remove_leftovers_in(folder.path());
        assert_eq!(fs::read(scratch.path()).unwrap(), b"y");
        drop(scratch);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4);
    }

    #[cfg(unix)]
    #[test]
    fn links_modes_pipes_and_devices_stay_what_they_are() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("sub")).unwrap();
        fs::write(at("sub/target"), "old").unwrap();
        fs::set_permissions(at("sub/target"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("sub/target", at("link")).unwrap();
        symlink("link", at("link-to-link")).unwrap();
        write_atomic(&at("link-to-link"), b"new").unwrap();
        assert!(at("link").is_symlink() && at("link-to-link").is_symlink());
        assert_eq!(fs::read(at("sub/target")).unwrap(), b"new");
        assert_eq!(
            fs::metadata(at("sub/target")).unwrap().mode() & 0o777,
            0o640
        );
        // A link whose target is not there yet.
        symlink("sub/later", at("dangling")).unwrap();
        write_atomic(&at("dangling"), b"made").unwrap();
        assert!(at("dangling").is_symlink());
        assert_eq!(fs::read(at("sub/later")).unwrap(), b"made");
        symlink("circle", at("circle")).unwrap();
        assert!(write_atomic(&at("circle"), b"x").is_err());

        fs::hard_link(at("sub/target"), at("twin")).unwrap();
        write_atomic(&at("twin"), b"both").unwrap();
        assert_eq!(fs::read(at("sub/target")).unwrap(), b"both");
        assert_eq!(fs::metadata(at("twin")).unwrap().nlink(), 2);

        assert!(
            std::process::Command::new("mkfifo")
                .arg(at("pipe"))
                .status()
                .unwrap()
                .success()
        );
        let reader = std::thread::spawn({
            let path = at("pipe");
            move || fs::read(path).unwrap()
        });
        write_atomic(&at("pipe"), b"through").unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        write_atomic(std::path::Path::new("/dev/null"), b"gone").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());

        // A new file has the default mode.
        fs::write(at("usual"), "").unwrap();
        write_atomic(&at("ours"), b"").unwrap();
        let mode = |name: &str| fs::metadata(at(name)).unwrap().mode() & 0o777;
        assert_eq!(mode("ours"), mode("usual"));
    }
}
