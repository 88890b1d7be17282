//! Text in lines that fit the terminal.

use unicode_width::UnicodeWidthStr;

/// Columns of a terminal of unknown width, and of output to a file.
const USUAL: usize = 80;
/// The widest lines that are read with ease.
const WIDEST: usize = 100;

/// Return the number of columns of the terminal on stdout, if there is one.
pub(crate) fn terminal_columns() -> Option<usize> {
    let (width, _) = terminal_size::terminal_size_of(std::io::stdout())?;
    Some(usize::from(width.0))
}

/// Return the number of columns to fill.
pub(crate) fn terminal_width() -> usize {
    terminal_columns().unwrap_or(USUAL).clamp(20, WIDEST)
}

/// Wrap a text at spaces to at most `width` columns. A longer word gets its own line.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => *line += &format!(" {word}"),
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Put text beside a label in a column of its own, or below it where there is little room.
pub(crate) fn beside(label: &str, column: usize, text: &[String], width: usize) -> String {
    let narrow = width < column + 30;
    let (indent, mut lines) = match narrow {
        true => (4, vec![label.trim_end().to_owned()]),
        false => (column, Vec::new()),
    };
    for paragraph in text {
        for line in wrapped(paragraph, width.saturating_sub(indent)) {
            let label = if lines.is_empty() { label } else { "" };
            let padding = indent.saturating_sub(label.width());
            lines.push(format!("{label}{:padding$}{line}", ""));
        }
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{beside, wrapped};

    #[test]
    fn lines_fit_and_nothing_is_lost() {
        let text = "AdamW's β₂, the decay of its running mean of the squared gradient";
        for width in 4..70 {
            let lines = wrapped(text, width);
            assert_eq!(lines.join(" "), text);
            let long = |line: &&String| line.chars().count() > width && line.contains(' ');
            assert_eq!(lines.iter().find(long), None, "{width}");
        }
    }

    #[test]
    fn text_goes_below_its_label_where_there_is_no_room() {
        let text = ["Number of steps.".to_owned(), "needed".to_owned()];
        assert_eq!(
            beside("  steps", 12, &text, 80),
            "  steps     Number of steps.\n            needed\n"
        );
        assert_eq!(
            beside("  steps", 12, &text, 20),
            "  steps\n    Number of steps.\n    needed\n"
        );
    }
}
