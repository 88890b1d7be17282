//! Files that are either whole or absent.

use crate::DataError;
use std::{io::Write, path::Path};

/// Writes aside, syncs, renames.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), DataError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut aside = tempfile::NamedTempFile::new_in(folder).map_err(DataError::io(folder))?;
    make_readable(aside.as_file()).map_err(DataError::io(path))?;
    aside.write_all(contents).map_err(DataError::io(path))?;
    aside.as_file().sync_all().map_err(DataError::io(path))?;
    aside.persist(path).map_err(|error| DataError::Io { path: path.to_owned(), source: error.error })?;
    Ok(())
}

/// A temporary file is private to its owner; a tokenizer is not.
#[cfg(unix)]
fn make_readable(file: &std::fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn make_readable(_: &std::fs::File) -> std::io::Result<()> {
    Ok(())
}
