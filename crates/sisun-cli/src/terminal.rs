//! The two streams: results to stdout, everything else to stderr.

use anyhow::{Context, Result};
use serde::Serialize;
use std::io::{IsTerminal, Write, stderr, stdout};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

/// The first Ctrl-C sets the flag and says so; a second one ends the process.
pub(crate) fn stop_on_interrupt(message: &'static str) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        note(message);
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}
