//! Writing single output files without overwriting others by accident.

use crate::failure::Usage;
use anyhow::{Context, Result};
use clap::Args;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Option to replace an existing file.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ForceArgs {
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
}

impl ForceArgs {
    /// Check that a command may write `path`, given by an option: it does not exist, has nothing to
    /// lose (an empty file, a pipe, a device, standard output), or may be replaced.
    ///
    /// # Errors
    /// If the file has contents and may not be replaced.
    pub(crate) fn check(self, option: &str, path: &Path) -> Result<()> {
        match self.force || !holds_something(path)? {
            true => Ok(()),
            false => Err(Usage(format!(
                "{} exists already: name another file with {option}, or replace it with --force",
                path.display()
            ))
            .into()),
        }
    }

    /// Check as [`check`](Self::check), but also accept a file that already has the contents that
    /// `make` writes.
    pub(crate) fn check_content(
        self,
        option: &str,
        path: &Path,
        make: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        if self.force || !holds_something(path)? {
            return Ok(());
        }
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut same = Same(BufReader::new(file));
        // Comparison stops at the first difference.
        match make(&mut same).is_ok() && same.at_end() {
            true => Ok(()),
            false => self.check(option, path),
        }
    }
}

/// Create the parent folder of a file.
///
/// # Errors
/// If it cannot be created; the error names its path.
pub(crate) fn make_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) => sisun_files::make_folder(folder)
            .with_context(|| format!("cannot create {}", folder.display())),
        None => Ok(()),
    }
}

/// Return true if there is a file with contents. A path to an open stream has no contents to lose:
/// writing continues the stream.
fn holds_something(path: &Path) -> Result<bool> {
    if sisun_files::is_descriptor(path) {
        return Ok(false);
    }
    let found =
        sisun_files::look(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(found.is_some_and(|found| found.is_file() && found.len() > 0))
}

/// A writer that fails as soon as the written bytes differ from the file.
struct Same(BufReader<File>);

impl Same {
    fn at_end(&mut self) -> bool {
        self.0.read(&mut [0]).is_ok_and(|read| read == 0)
    }
}

impl Write for Same {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut there = vec![0; bytes.len()];
        self.0.read_exact(&mut there)?;
        match there == bytes {
            true => Ok(bytes.len()),
            false => Err(io::Error::other("it holds something else")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Return true if the file is an earlier page of the same kind, which the next one may replace.
pub(crate) fn holds_page(path: &Path, generator: &str) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(path).map(|file| file.take(4096).read_to_end(&mut beginning));
    let named = format!("<meta name=\"generator\" content=\"{generator}\">");
    matches!(read, Ok(Ok(_))) && String::from_utf8_lossy(&beginning).contains(&named)
}
