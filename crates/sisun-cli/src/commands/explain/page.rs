//! Lines of text for a terminal.

use super::table::Table;
use super::text::{columns, wrapped};
use super::tone::Tone;
use sisun_infer::Language;
use std::io::IsTerminal;

/// Columns that a page has where nothing says otherwise, and at most: slides and reports take as
/// many.
pub(super) const WIDTH: usize = 100;
/// Columns that it has at least; a narrower terminal wraps.
const NARROWEST: usize = 72;
/// Columns before everything but headings.
const INDENT: &str = "  ";

/// What is written, line by line.
#[derive(Debug)]
pub(super) struct ExplainPage {
    /// No line has more columns.
    pub(super) width: usize,
    /// Whether all keys and whole vectors are wanted.
    pub(super) full: bool,
    language: Language,
    colour: bool,
    text: String,
}

impl ExplainPage {
    /// A page as wide as the terminal that stdout is, if it is one.
    pub(super) fn on_terminal(language: Language, full: bool) -> Self {
        let terminal = terminal_size::terminal_size_of(std::io::stdout())
            .map(|(width, _)| usize::from(width.0));
        let width = terminal.map_or(WIDTH, |width| width.clamp(NARROWEST, WIDTH));
        // https://no-color.org
        let colour = std::io::stdout().is_terminal()
            && std::env::var_os("NO_COLOR").is_none_or(|no| no.is_empty());
        Self {
            width,
            full,
            language,
            colour,
            text: String::new(),
        }
    }

    /// A page without colours.
    #[cfg(test)]
    pub(super) fn plain(width: usize, language: Language, full: bool) -> Self {
        Self {
            width,
            full,
            language,
            colour: false,
            text: String::new(),
        }
    }

    /// What was written, without the last line end.
    pub(super) fn written(&self) -> &str {
        self.text.trim_end()
    }

    /// Picks the page's language.
    pub(super) fn say<T>(&self, english: T, korean: T) -> T {
        match self.language {
            Language::English => english,
            Language::Korean => korean,
        }
    }

    /// Columns for what is indented.
    pub(super) fn room(&self) -> usize {
        self.width - INDENT.len()
    }

    /// An empty line, unless there is one.
    pub(super) fn gap(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A heading, with shapes at the right margin, or below where there is no room.
    pub(super) fn heading(&mut self, title: &str, shapes: &str) {
        let room = self.width.saturating_sub(columns(title) + columns(shapes));
        let title = self.painted(title, Tone::Strong);
        let before = if room >= 2 {
            " ".repeat(room)
        } else {
            format!("\n{INDENT}")
        };
        let shapes = self.painted(shapes, Tone::Faint);
        self.text += format!("{title}{before}{shapes}").trim_end();
        self.text.push('\n');
    }

    /// A line, indented and not wrapped.
    pub(super) fn line(&mut self, line: &str, tone: Tone) {
        let line = self.painted(line.trim_end(), tone);
        self.text += &format!("{INDENT}{line}\n");
    }

    /// Sentences, indented and wrapped.
    pub(super) fn sentences(&mut self, text: &str) {
        for line in wrapped(text, self.room()) {
            self.line(&line, Tone::Plain);
        }
    }

    /// Numbers written out, with an empty line after them.
    pub(super) fn example(&mut self, line: &str) {
        self.line(line, Tone::Plain);
        self.gap();
    }

    /// A table between empty lines.
    pub(super) fn table(&mut self, table: &Table<'_>) {
        self.gap();
        for (line, tone) in table.lines(self.room(), self.full) {
            self.line(&line, tone);
        }
        self.gap();
    }

    fn painted(&self, text: &str, tone: Tone) -> String {
        match tone {
            _ if !self.colour || text.is_empty() => text.to_owned(),
            Tone::Plain => text.to_owned(),
            Tone::Strong => format!("\x1b[1m{text}\x1b[0m"),
            Tone::Faint => format!("\x1b[2m{text}\x1b[0m"),
        }
    }
}
