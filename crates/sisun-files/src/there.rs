//! What is at a path. Only the system's own word that nothing is there counts as nothing: whoever
//! may not look, or looks at a disk that fails, has not found out.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

/// What is at a path, links followed; `None` if nothing is.
///
/// # Errors
/// Whatever else keeps it from being looked at.
pub fn look(path: &Path) -> io::Result<Option<Metadata>> {
    if_there(fs::metadata(path))
}

/// Whether there is a file at a path, links followed.
///
/// # Errors
/// As [`look`].
pub fn is_file(path: &Path) -> io::Result<bool> {
    Ok(look(path)?.is_some_and(|found| found.is_file()))
}

/// Whether there is a folder at a path, links followed.
///
/// # Errors
/// As [`look`].
pub fn is_folder(path: &Path) -> io::Result<bool> {
    Ok(look(path)?.is_some_and(|found| found.is_dir()))
}

/// Makes a folder and those above it, if they are not there. Unlike the standard library's, it
/// tells why a folder that is there already cannot be looked at.
///
/// # Errors
/// Whatever keeps it from being made, or something else of its name.
pub fn make_folder(path: &Path) -> io::Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let above = path.parent();
    let made = match (fs::create_dir(path), above) {
        (Err(error), Some(above)) if error.kind() == ErrorKind::NotFound => {
            make_folder(above)?;
            fs::create_dir(path)
        }
        (made, _) => made,
    };
    match made {
        // Where nothing may be made, it may be there all the same.
        Err(error) => match look(path)? {
            Some(found) if found.is_dir() => Ok(()),
            _ => Err(error),
        },
        Ok(()) => Ok(()),
    }
}

/// What was found, `None` if the system says that it is not there.
///
/// # Errors
/// Every other error.
pub fn if_there<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{is_file, is_folder, look, make_folder};
    use std::fs;

    #[test]
    fn folders_are_made_with_those_above_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for path in [
            at("a/b/c"),
            at("a/b/c"),
            at("a"),
            "".into(),
            ".".into(),
            "/".into(),
        ] {
            make_folder(&path).unwrap();
        }
        assert!(at("a/b/c").is_dir());
        fs::write(at("file"), "").unwrap();
        for name in ["file", "file/a", "file/a/b"] {
            assert!(make_folder(&at(name)).is_err());
        }
    }

    #[test]
    fn what_cannot_be_looked_at_is_not_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        assert!(is_file(&at("file")).unwrap() && !is_folder(&at("file")).unwrap());
        assert!(is_folder(folder.path()).unwrap() && !is_file(folder.path()).unwrap());
        assert!(look(&at("none")).unwrap().is_none() && !is_file(&at("none/deep")).unwrap());
        // Nobody can look into a file as if it were a folder.
        assert!(is_file(&at("file/inside")).is_err() && is_folder(&at("file/inside")).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("circle", at("circle")).unwrap();
            assert!(look(&at("circle")).is_err());
            std::os::unix::fs::symlink("none", at("dangling")).unwrap();
            assert!(look(&at("dangling")).unwrap().is_none());
        }
    }
}
