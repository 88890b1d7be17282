//! The two streams: results to stdout, everything else to stderr.

use anyhow::Result;
use serde::Serialize;
use std::io::{IsTerminal, Write, stderr, stdout};

/// Writes a line of results.
pub(crate) fn say(line: &str) -> Result<()> {
    let mut out = stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// Writes results without a line end, at once.
pub(crate) fn write_now(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes one JSON object.
pub(crate) fn say_json(value: &impl Serialize) -> Result<()> {
    say(&serde_json::to_string_pretty(value)?)
}

/// Tells on stderr what is going on.
pub(crate) fn note(line: &str) {
    // Nothing is lost where stderr is closed.
    let _ = writeln!(stderr(), "{line}");
}

/// Tells on stderr what went wrong.
pub(crate) fn complain(message: &str) {
    note(&format!("sisun: {message}"));
}

/// Whether a person watches stderr.
pub(crate) fn is_watched() -> bool {
    stderr().is_terminal()
}
