//! The folder in which tokens are written: the token cache or, if it cannot be used, a temporary
//! folder.

use crate::DataError;
use sisun_config::DataConfig;
use std::path::Path;

/// A folder of cache entries.
#[derive(Clone, Copy, Debug)]
pub(super) struct CacheDir<'p> {
    pub(super) path: &'p Path,
    /// True if its entries are removed at once.
    pub(super) is_temporary: bool,
}

/// Call `work` with the token cache. If the cache cannot be written or read, report that and call
/// it with a temporary folder, which is removed: the tokens stay mapped until they are dropped. (A
/// system that does not remove mapped files leaves them to its own cleaning.)
///
/// # Errors
/// Those of `work`; that of the cache, if a temporary folder cannot be used either.
pub(super) fn with_cache<T>(
    data: &DataConfig,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
    mut work: impl FnMut(CacheDir<'_>, &mut dyn FnMut(&str)) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let cache = CacheDir {
        path: cache_dir,
        is_temporary: false,
    };
    // Standard input cannot be read a second time.
    let reads_once = data
        .sources
        .iter()
        .chain(&data.validation)
        .any(|source| source == "-");
    let tried = match reads_once {
        true => check_writable(cache_dir),
        false => Ok(()),
    };
    let error = match tried {
        Ok(()) => match work(cache, progress) {
            Err(error @ DataError::Cache { .. }) if !reads_once => error,
            done => return done,
        },
        Err(error) => error,
    };
    let Ok(aside) = tempfile::tempdir() else {
        return Err(error);
    };
    progress(&format!(
        "note: {error}; until then every command tokenizes the text anew"
    ));
    let cache = CacheDir {
        path: aside.path(),
        is_temporary: true,
    };
    work(cache, progress).map_err(|second| match second {
        DataError::Cache { .. } => error,
        second => second,
    })
}

fn check_writable(folder: &Path) -> Result<(), DataError> {
    sisun_files::make_folder(folder)
        .and_then(|()| tempfile::tempfile_in(folder).map(drop))
        .map_err(DataError::cache(folder))
}
