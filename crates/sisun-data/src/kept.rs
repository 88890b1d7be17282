//! The token caches that a folder holds: told, and removed where they are provably ours.

use crate::{DataError, cache};
use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Length of an entry's name: a SHA-256 in hexadecimal.
const NAME: usize = 64;

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

/// The entries of a cache folder, the one that was used last first; none if there is no such folder. What is not in the form of
/// an entry is left out.
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
        entries.extend(entry(&found.map_err(DataError::io(cache_dir))?.path()));
    }
    entries.sort_by(|a, b| b.used.cmp(&a.used).then_with(|| a.path.cmp(&b.path)));
    Ok(entries)
}

/// The entry in this folder, if everything there is what an entry has: no link, no other file.
fn entry(path: &Path) -> Option<CacheEntry> {
    let name = path.file_name()?.to_str()?;
    let hex = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if name.len() != NAME || !name.bytes().all(hex) || !path.symlink_metadata().ok()?.is_dir() {
        return None;
    }
    let description = cache::describe(path)?;
    let mut bytes = 0;
    for file in fs::read_dir(path).ok()? {
        let file = file.ok()?;
        // Of a link this is the link itself.
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || !cache::is_file_of_an_entry(file.file_name().to_str()?) {
            return None;
        }
        bytes += metadata.len();
    }
    Some(CacheEntry {
        path: path.to_owned(),
        text: description.text,
        tokens: description.tokens,
        bytes,
        used: description.used,
    })
}

impl CacheEntry {
    /// Removes the entry, file by file; a process that has it open goes on reading. Returns whether it was still there, as an
    /// entry and nothing else.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove(&self) -> Result<bool, DataError> {
        if entry(&self.path).is_none() {
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
