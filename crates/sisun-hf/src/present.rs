//! Which files a directory has.

use crate::HfError;
use sisun_files::is_file;
use std::path::Path;

/// Whether there is a file of this path.
pub(crate) fn is_there(path: &Path) -> Result<bool, HfError> {
    is_file(path).map_err(HfError::read(path))
}
