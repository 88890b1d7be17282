//! Existence of a directory's files.

use crate::HfError;
use sisun_files::is_file;
use std::path::Path;

/// Return true if there is a file at this path.
pub(crate) fn is_there(path: &Path) -> Result<bool, HfError> {
    is_file(path).map_err(HfError::read(path))
}
