//! Results that are remembered between processes, in the cache folder: checks and trials.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sisun_config::DataConfig;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The folder of remembered results, below the cache folder.
const FOLDER: &str = "devices";

/// Results of this program on this machine.
///
/// The folder is an aid: if it cannot be read or written, everything is measured again.
#[derive(Clone, Debug)]
pub struct Remembered {
    folder: PathBuf,
}

/// A result with everything that it depends on.
#[derive(Serialize, Deserialize)]
struct Entry {
    key: Value,
    found: Value,
}

impl Remembered {
    /// Remember results in the user's cache folder.
    pub fn in_cache() -> Self {
        Self::below(&DataConfig::with_sources(Vec::new()).cache_folder())
    }

    /// Remember results below a cache folder.
    pub fn below(cache: &Path) -> Self {
        Self {
            folder: cache.join(FOLDER),
        }
    }

    /// Return the result for a key, from the folder or by finding it. It is kept if `keeps` says so.
    pub(crate) fn get<T: Serialize + DeserializeOwned>(
        &self,
        key: &Value,
        find: impl FnOnce() -> T,
        keeps: impl FnOnce(&T) -> bool,
    ) -> T {
        let key = json!({ "program": program(), "of": key });
        let path = self.path(&key);
        if let Some(found) = read(&path, &key) {
            return found;
        }
        let found = find();
        if keeps(&found) {
            write(&path, key, &found);
        }
        found
    }

    fn path(&self, key: &Value) -> PathBuf {
        let hash = Sha256::digest(key.to_string());
        let name: String = hash.iter().take(12).map(|b| format!("{b:02x}")).collect();
        self.folder.join(format!("{name}.json"))
    }
}

fn read<T: DeserializeOwned>(path: &Path, key: &Value) -> Option<T> {
    let entry: Entry = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
    (entry.key == *key)
        .then(|| serde_json::from_value(entry.found).ok())
        .flatten()
}

fn write<T: Serialize>(path: &Path, key: Value, found: &T) {
    let written = || {
        let found = serde_json::to_value(found).ok()?;
        let text = serde_json::to_string_pretty(&Entry { key, found }).ok()?;
        sisun_files::make_folder(path.parent()?).ok()?;
        sisun_files::write_atomic(path, text.as_bytes()).ok()
    };
    // What cannot be kept is found again.
    let _ = written();
}

/// Return what tells this program from others: its version, and the size and time of its file, since
/// a program under development keeps its version.
fn program() -> Value {
    let file = std::env::current_exe()
        .and_then(|path| path.metadata())
        .ok();
    let written = file
        .as_ref()
        .and_then(|file| file.modified().ok()?.duration_since(UNIX_EPOCH).ok())
        .map(|time| time.as_secs());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "bytes": file.map(|file| file.len()),
        "written_unix_s": written,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::Remembered;
    use serde_json::json;

    #[test]
    fn a_result_is_found_once_for_each_key() {
        let folder = tempfile::tempdir().unwrap();
        let remembered = Remembered::below(folder.path());
        let mut found = 0;
        let mut get = |key, keeps: bool| {
            remembered.get(
                &json!({ "adapter": key }),
                || {
                    found += 1;
                    found
                },
                |_| keeps,
            )
        };
        assert_eq!([get("a", true), get("a", true), get("b", true)], [1, 1, 2]);
        assert_eq!([get("c", false), get("c", false)], [3, 4]);
        // Damaged entries are found again.
        for entry in std::fs::read_dir(folder.path().join("devices")).unwrap() {
            std::fs::write(entry.unwrap().path(), b"{").unwrap();
        }
        assert_eq!([get("a", true), get("a", true)], [5, 5]);
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let remembered = Remembered::below(file.path());
        assert_eq!(remembered.get(&json!("key"), || 7, |_| true), 7);
    }
}
