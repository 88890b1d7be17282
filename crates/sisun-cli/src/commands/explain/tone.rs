//! How a part of the page is set off on a terminal.

/// How a line stands out, where there are colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Strong,
    Faint,
}
