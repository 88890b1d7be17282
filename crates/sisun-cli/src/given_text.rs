//! Texts given to a command: as an argument, on standard input, or in a file. All are read like
//! training text.

use crate::failure::Usage;
use anyhow::{Context, Result};
use sisun_config::{as_from_a_file, check_pointer};
use std::convert::Infallible;
use std::io::Read;
use std::path::Path;

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
