//! Single files that commands write: what stands there already is not lost unasked.

use crate::failure::Usage;
use anyhow::{Context, Result};
use clap::Args;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

/// Whether what stands there already may be replaced.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ForceArgs {
    /// Replace the file if it is there already
    #[arg(long)]
    force: bool,
}

impl ForceArgs {
    /// That a command may write `path`, which an option named: nothing is there, or nothing that
    /// could be lost (an empty file, a pipe, a device, standard output), or it may be replaced.
    ///
    /// # Errors
    /// A file that holds something.
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

    /// As [`check`](Self::check), where a file that holds just what would be written is no harm:
    /// `make` writes that.
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
        // The first difference ends it.
        match make(&mut same).is_ok() && same.at_end() {
            true => Ok(()),
            false => self.check(option, path),
        }
    }
}

/// Makes the folder that a file is to be written in.
///
/// # Errors
/// One that cannot be made, with its path.
pub(crate) fn make_parent(path: &Path) -> Result<()> {
    match path.parent() {
        Some(folder) => sisun_files::make_folder(folder)
            .with_context(|| format!("cannot create {}", folder.display())),
        None => Ok(()),
    }
}

/// Whether there is a file that holds something. What names a stream that is open has nothing that
/// could be lost: it is written on.
fn holds_something(path: &Path) -> Result<bool> {
    if sisun_files::is_descriptor(path) {
        return Ok(false);
    }
    let found =
        sisun_files::look(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(found.is_some_and(|found| found.is_file() && found.len() > 0))
}

/// Takes what is written only as long as it is what the file holds.
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
