//! Atomic writing of files.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use super::MapsError;

/// Write a file as a stream, with the contents from `fill`.
pub(super) fn write_stream(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&mut File>) -> io::Result<()>,
) -> Result<(), MapsError> {
    let written = sisun_files::write_whole(path, |file| {
        let mut writer = BufWriter::new(file);
        fill(&mut writer)?;
        writer.flush()
    });
    written.map_err(|source| MapsError::Write {
        path: path.into(),
        source,
    })
}

/// Write bytes to a file.
pub(super) fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), MapsError> {
    sisun_files::write_bytes(path, bytes).map_err(|source| MapsError::Write {
        path: path.into(),
        source,
    })
}
