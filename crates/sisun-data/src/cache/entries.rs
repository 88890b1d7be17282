//! The token caches that a folder holds: told, and removed where they are provably ours.

use crate::{DataError, cache};
use sisun_files::if_there;
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// The tokens of one text by one tokenizer, kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheEntry {
    /// Its folder.
    pub path: PathBuf,
    /// The text it was made from. Older entries do not say.
    pub text: Option<String>,
    /// Tokens.
    pub tokens: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// When it was made or last used.
    pub used: SystemTime,
}

/// The entries of a cache folder, the one that was used last first; none if there is no such
/// folder. What is not in the form of an entry is left out.
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

/// The entry in this folder, if everything there is what an entry has: no link, no other file.
fn entry(path: &Path) -> Result<Option<CacheEntry>, DataError> {
    let failed = || DataError::io(path);
    let is_named_so = path
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(cache::is_entry_name);
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
    let Some(description) = cache::describe(path)? else {
        return Ok(None);
    };
    let mut bytes = 0;
    // It may be removed meanwhile.
    for file in if_there(fs::read_dir(path))
        .map_err(failed())?
        .into_iter()
        .flatten()
    {
        let file = file.map_err(failed())?;
        // Of a link this is the link itself.
        let Some(metadata) = if_there(file.metadata()).map_err(failed())? else {
            return Ok(None);
        };
        if !metadata.is_file()
            || !file
                .file_name()
                .to_str()
                .is_some_and(cache::is_file_of_an_entry)
        {
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
    /// Removes the entry, file by file; a process that has it open goes on reading. Returns whether
    /// it was still there, as an entry and nothing else.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> Result<bool, DataError> {
        if entry(&self.path)?.is_none() {
            return Ok(false);
        }
        for name in cache::FILES {
            match fs::remove_file(self.path.join(name)) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                removed => removed.map_err(DataError::io(&self.path))?,
            }
        }
        fs::remove_dir(&self.path).map_err(DataError::io(&self.path))?;
        Ok(true)
    }
}
