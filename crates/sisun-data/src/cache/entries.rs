//! Listing and removing the entries of a cache folder.

use super::{
    entry_files::{ENTRY_FILES, is_entry_file, is_entry_name},
    open_entry::describe_entry,
};
use crate::DataError;
use sisun_files::if_there;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The tokens of one text by one tokenizer, on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// The folder of the entry.
    pub path: PathBuf,
    /// The name of its text, which older entries lack.
    pub text: Option<String>,
    /// The number of tokens.
    pub tokens: u64,
    /// The size on disk, in bytes.
    pub bytes: u64,
    /// The time at which it was made or last used.
    pub used: SystemTime,
}

/// Return the entries of a cache folder, the one used last first; none if there is no such folder.
/// Anything that does not have the form of an entry is left out.
///
/// # Errors
/// A folder that cannot be read.
pub fn cache_entries(cache_dir: &Path) -> Result<Vec<CacheEntry>, DataError> {
    let listing = match fs::read_dir(cache_dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing.map_err(DataError::io(cache_dir))?,
    };
    let mut entries: Vec<CacheEntry> = Vec::new();
    for found in listing {
        entries.extend(entry(&found.map_err(DataError::io(cache_dir))?.path())?);
    }
    entries.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

/// Return the entry in this folder, or `None` if the folder has anything that an entry does not
/// have, such as a link or another file.
fn entry(path: &Path) -> Result<Option<CacheEntry>, DataError> {
    let failed = || DataError::io(path);
    let is_named_so = path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(is_entry_name);
    let is_folder = || {
        Ok::<bool, DataError>(
            if_there(path.symlink_metadata())
                .map_err(failed())?
                .is_some_and(|found| found.is_dir()),
        )
    };
    if !is_named_so || !is_folder()? {
        return Ok(None);
    }
    let Some(description) = describe_entry(path)? else {
        return Ok(None);
    };
    let mut bytes = 0;
    // Another process may remove it meanwhile.
    for file in if_there(fs::read_dir(path))
        .map_err(failed())?
        .into_iter()
        .flatten()
    {
        let file = file.map_err(failed())?;
        // For a link this describes the link itself.
        let Some(metadata) = if_there(file.metadata()).map_err(failed())? else {
            return Ok(None);
        };
        if !metadata.is_file() || !file.file_name().to_str().is_some_and(is_entry_file) {
            return Ok(None);
        }
        bytes += metadata.len();
    }
    Ok(Some(CacheEntry {
        path: path.to_owned(),
        text: description.text,
        tokens: description.tokens,
        bytes,
        used: description.used,
    }))
}

impl CacheEntry {
    /// Remove the entry, file by file, and return whether it still existed as an entry and nothing
    /// else. A process that has it open can continue to read it.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> Result<bool, DataError> {
        if entry(&self.path)?.is_none() {
            return Ok(false);
        }
        for name in ENTRY_FILES {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed.map_err(DataError::io(&self.path))?,
            }
        }
        fs::remove_dir(&self.path).map_err(DataError::io(&self.path))?;
        Ok(true)
    }
}
