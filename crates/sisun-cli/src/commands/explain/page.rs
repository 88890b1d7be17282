//! Text output for a terminal.

use super::table::Table;
use super::text::columns;
use super::tone::Tone;
use crate::wrap::{terminal_columns, wrapped};
use sisun_infer::Language;
use sisun_viz::worked;
use std::io::IsTerminal;

/// Default and maximum width in columns, which suits slides and reports.
pub(super) const WIDTH: usize = 100;
/// Minimum width in columns; narrower terminals wrap.
const NARROWEST: usize = 72;
/// Indentation of everything but headings.
const INDENT: &str = "  ";

/// The explanation, written line by line.
#[derive(Debug)]
pub(super) struct ExplainPage {
    /// Maximum width of a line in columns.
    pub(super) width: usize,
    /// True if all keys and complete vectors are shown.
    pub(super) full: bool,
    pub(super) language: Language,
    colour: bool,
    text: String,
}

impl ExplainPage {
    /// Create a page with the width of the terminal on stdout, if there is one.
    pub(super) fn on_terminal(language: Language, full: bool) -> Self {
        let width = terminal_columns().map_or(WIDTH, |width| width.clamp(NARROWEST, WIDTH));
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

    /// Create a page without colours.
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

    /// Return the text without its last line end.
    pub(super) fn written(&self) -> &str {
        self.text.trim_end()
    }

    /// Select the text in the page's language.
    pub(super) fn say<T>(&self, english: T, korean: T) -> T {
        match self.language {
            Language::English => english,
            Language::Korean => korean,
        }
    }

    /// Return a word of the steps.
    pub(super) fn word(&self, name: &str) -> String {
        worked::word(name, &[], self.language)
    }

    /// Return a word of the steps with its placeholders filled in.
    pub(super) fn word_with(&self, name: &str, values: &[(&str, &str)]) -> String {
        worked::word(name, values, self.language)
    }

    /// Return the width available for indented text.
    pub(super) fn room(&self) -> usize {
        self.width - INDENT.len()
    }

    /// Write an empty line, unless the last line is empty.
    pub(super) fn gap(&mut self) {
        if !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// Write a heading with the shapes at the right margin, or on the next line if it is too long.
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

    /// Write a line, indented and not wrapped.
    pub(super) fn line(&mut self, line: &str, tone: Tone) {
        let line = self.painted(line.trim_end(), tone);
        self.text += &format!("{INDENT}{line}\n");
    }

    /// Write sentences, indented and wrapped.
    pub(super) fn sentences(&mut self, text: &str) {
        for line in wrapped(text, self.room()) {
            self.line(&line, Tone::Plain);
        }
    }

    /// Write a computation, followed by an empty line.
    pub(super) fn example(&mut self, line: &str) {
        self.line(line, Tone::Plain);
        self.gap();
    }

    /// Write a table between empty lines.
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
