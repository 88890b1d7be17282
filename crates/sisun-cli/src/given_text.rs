//! Texts given to a command: as an argument, on standard input, or in a file. All are read like
//! training text.

use crate::failure::Usage;
use anyhow::{Context, Result};
use clap::Args;
use sisun_config::{as_from_a_file, check_pointer};
use std::convert::Infallible;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The option that reads a text from a file, in place of `--text`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TextFile {
    /// Read the text of --text from a file, or - for standard input; a line end at its end is left
    /// out
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    text_file: Option<PathBuf>,
}

impl TextFile {
    /// Return the text of the file, else the one given with `--text`, if there is one.
    ///
    /// # Errors
    /// If the file cannot be read or holds no text.
    pub(crate) fn or(&self, given: Option<&String>) -> Result<Option<String>> {
        match &self.text_file {
            Some(path) => contents("--text-file", path).map(Some),
            None => Ok(given.cloned()),
        }
    }
}

/// Read the text of the file that an option names, `-` for standard input, without the line end at
/// its end.
///
/// # Errors
/// If it cannot be read or holds no text.
pub(crate) fn contents(option: &str, path: &Path) -> Result<String> {
    let Lines { text, .. } = lines("text file", path)?;
    match text.is_empty() {
        true => Err(Usage(format!(
            "{option} {}: the text is empty: give at least one character",
            path.display()
        ))
        .into()),
        false => Ok(text),
    }
}

/// The text of a file.
pub(crate) struct Lines {
    /// The text without the line end at its end.
    pub(crate) text: String,
    /// True if there was one.
    pub(crate) ends_line: bool,
}

/// Read the text of a file, or of standard input, which `-` names; `what` describes the file in
/// messages.
pub(crate) fn lines(what: &str, path: &Path) -> Result<Lines> {
    let text = match path.as_os_str() == "-" {
        true => standard_input()?,
        false => file(what, path)?,
    };
    let stripped = text.strip_suffix('\n');
    Ok(Lines {
        ends_line: stripped.is_some(),
        text: stripped.unwrap_or(&text).to_owned(),
    })
}

/// Read the text of an argument.
pub(crate) fn argument(given: &str) -> Result<String, Infallible> {
    Ok(as_from_a_file(given).into_owned())
}

/// Read the text on standard input.
pub(crate) fn standard_input() -> Result<String> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .read_to_end(&mut bytes)
        .context("cannot read standard input")?;
    text("standard input", bytes)
}

/// Read the text of a file; `what` describes it in messages.
pub(crate) fn file(what: &str, path: &Path) -> Result<String> {
    let failed = || format!("cannot read {what} {}", path.display());
    let bytes = std::fs::read(path).with_context(failed)?;
    check_pointer(&bytes).with_context(failed)?;
    text(&format!("{what} {}", path.display()), bytes)
}

fn text(from: &str, bytes: Vec<u8>) -> Result<String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        Usage(format!(
            "{from} is not valid UTF-8 (byte {})",
            error.utf8_error().valid_up_to()
        ))
    })?;
    Ok(as_from_a_file(&text).into_owned())
}
