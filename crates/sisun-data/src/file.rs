//! Files that are either whole or absent.

use crate::DataError;
use std::{io::Write, path::Path};

/// Writes aside, syncs, renames.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), DataError> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut aside = readable(0o666).tempfile_in(folder).map_err(DataError::io(folder))?;
    aside.write_all(contents).map_err(DataError::io(path))?;
    aside.as_file().sync_all().map_err(DataError::io(path))?;
    aside.persist(path).map_err(|error| DataError::Io { path: path.to_owned(), source: error.error })?;
    Ok(())
}

/// What makes temporary files (`0o666`) and folders (`0o777`) that others may read as far as the umask lets them; by default
/// they are their owner's alone, and so would be what they become.
#[cfg_attr(not(unix), allow(unused_variables))]
pub(crate) fn readable(mode: u32) -> tempfile::Builder<'static, 'static> {
    #[cfg_attr(not(unix), allow(unused_mut))]
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(std::fs::Permissions::from_mode(mode));
    }
    builder
}
