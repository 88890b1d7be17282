//! The two output streams: results on stdout, everything else on stderr.

use crate::waiting;
pub(crate) use crate::waiting::is_watched;
use anyhow::{Context, Result};
use serde::Serialize;
use sisun_config::plain_system_words;
use std::borrow::Cow;
use std::io::{IsTerminal, Write, stderr, stdout};

/// Write a line of results.
pub(crate) fn say(line: &str) -> Result<()> {
    write_now(&format!("{line}\n"))
}

/// Write results without a line end, unbuffered.
pub(crate) fn write_now(text: &str) -> Result<()> {
    let written = waiting::write_around_spinner(text, || {
        let mut out = stdout().lock();
        out.write_all(shown(text, stdout().is_terminal()).as_bytes())?;
        out.flush()
    });
    written.context("cannot write to standard output")
}

/// A writer for results in several pieces.
pub(crate) struct Results;

impl Write for Results {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        waiting::write_around_spinner("\n", || stdout().lock().write(bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        stdout().flush()
    }
}

/// Write a JSON object.
pub(crate) fn say_json(value: &impl Serialize) -> Result<()> {
    say(&serde_json::to_string_pretty(value)?)
}

/// Write a note to stderr.
pub(crate) fn note(line: &str) {
    let line = plain_system_words(line);
    let line = shown(&line, is_watched());
    // Ignore errors, as nothing is lost if stderr is closed.
    let _ = waiting::write_around_spinner("\n", || writeln!(stderr(), "{line}"));
    waiting::explain(&line);
}

/// Write an error to stderr.
pub(crate) fn complain(message: &str) {
    waiting::end();
    note(&format!("sisun: {message}"));
}

/// Replace control characters for a terminal, as they could move its cursor, change its colours or
/// set its title, by their pictures (`␛`). Line ends and tabs are kept; text for a file or a pipe
/// is unchanged.
pub(crate) fn shown(text: &str, terminal: bool) -> Cow<'_, str> {
    let control = |c: char| c.is_control() && c != '\n' && c != '\t';
    if !terminal || !text.contains(control) {
        return Cow::Borrowed(text);
    }
    let picture = |c: char| match c {
        c if !control(c) => c,
        '\u{7f}' => '␡',
        // Control pictures are in the order of the control codes.
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('␦'),
        // C1 controls, which some terminals obey as well.
        _ => '␦',
    };
    Cow::Owned(text.chars().map(picture).collect())
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_terminal_obeys_no_text() {
        let text = "a\u{1b}[31mred\u{7}\r\n\tb\u{9b}2J\u{7f}한\0";
        assert_eq!(shown(text, true), "a␛[31mred␇␍\n\tb␦2J␡한␀");
        assert_eq!(shown(text, false), text);
        assert!(
            !shown(
                &(0..0x300).filter_map(char::from_u32).collect::<String>(),
                true
            )
            .contains(|c: char| c.is_control() && !['\n', '\t'].contains(&c))
        );
    }
}
