//! Files that are either whole or absent.

use crate::DataError;
use std::path::Path;

/// Writes a file whole or not at all.
pub(crate) fn write_atomically(path: &Path, contents: &[u8]) -> Result<(), DataError> {
    sisun_files::write_bytes(path, contents).map_err(DataError::io(path))
}

/// What makes temporary files (`0o666`) and folders (`0o777`) that others may read as far as the
/// umask lets them; by default they are their owner's alone, and so would be what they become.
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
