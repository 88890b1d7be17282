//! Examination of paths. A path counts as missing only if the system says so: an error such as
//! missing permission or a failing disk leaves it unknown.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::Path;

/// Return the metadata at a path, following links, or `None` if it does not exist.
///
/// # Errors
/// If it cannot be examined for any other reason.
pub fn look(path: &Path) -> io::Result<Option<Metadata>> {
    if_there(fs::metadata(path))
}

/// Return true if there is a file at a path, following links.
///
/// # Errors
/// As [`look`].
pub fn is_file(path: &Path) -> io::Result<bool> {
    Ok(look(path)?.is_some_and(|found| found.is_file()))
}

/// Return true if there is a folder at a path, following links.
///
/// # Errors
/// As [`look`].
pub fn is_folder(path: &Path) -> io::Result<bool> {
    Ok(look(path)?.is_some_and(|found| found.is_dir()))
}

/// Make a folder and its parents, if they do not exist. Unlike the standard library's function, it
/// reports why an existing folder cannot be examined.
///
/// # Errors
/// If it cannot be made, or if something else has its name.
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
        // It may exist even where creating it is not permitted.
        Err(error) => match look(path)? {
            Some(found) if found.is_dir() => Ok(()),
            _ => Err(error),
        },
        Ok(()) => Ok(()),
    }
}

/// Return the result, or `None` if the system says that the path does not exist.
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
        // No user can look inside a file as if it were a folder.
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
