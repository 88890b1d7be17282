//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::MapsError;

/// Lets `fill` write a file aside, syncs it and renames it to `path`; nothing is left behind when that fails.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), MapsError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    let written = fill(part)
        // Opened for writing because Windows refuses to sync a file that is only readable.
        .and_then(|()| File::options().append(true).open(part)?.sync_all())
        .and_then(|()| fs::rename(part, path));
    written.map_err(|source| {
        // The first error is the one to report; the file may not even exist.
        let _ = fs::remove_file(part);
        MapsError::Write { path: path.into(), source }
    })
}

/// [`replace`] for what is written as a stream.
pub(super) fn write_stream(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), MapsError> {
    replace(path, |part| {
        let mut writer = BufWriter::new(File::create(part)?);
        fill(&mut writer)?;
        writer.flush()
    })
}

/// [`replace`] for what is in memory already.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), MapsError> {
    replace(path, |part| fs::write(part, bytes))
}
