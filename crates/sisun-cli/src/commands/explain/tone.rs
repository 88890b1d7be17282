//! Emphasis on a terminal.

/// Emphasis of a line, if the terminal has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
}
