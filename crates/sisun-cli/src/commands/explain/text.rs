//! Text in terminal columns; a Korean character takes two.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Maximum width of a token label in a table.
const LABEL: usize = 14;

/// Return the width of a text in columns.
pub(super) fn columns(text: &str) -> usize {
    text.width()
}

/// Pad a text with spaces on the right.
pub(super) fn left(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Pad a text with spaces on the left.
pub(super) fn right(text: &str, width: usize) -> String {
    format!("{}{text}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Format a token label: a leading space as `␣`, a long label truncated.
pub(super) fn label(label: &str) -> String {
    let shown = label
        .strip_prefix(' ')
        .map_or_else(|| label.to_owned(), |rest| format!("␣{rest}"));
    if columns(&shown) <= LABEL {
        shown
    } else {
        format!("{}…", beginning(&shown, LABEL - 1))
    }
}

/// Format a text on one line of at most `width` columns, with the characters `start` to `end` in
/// brackets. A longer text is cut to the part around them.
pub(super) fn excerpt(text: &str, start: usize, end: usize, width: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    // Keep the leading space of a word outside the brackets.
    let spaces = characters[start..end]
        .iter()
        .take_while(|c| **c == ' ')
        .count();
    let start = if start + spaces < end {
        start + spaces
    } else {
        start
    };
    let [before, inside, after] = [
        &characters[..start],
        &characters[start..end],
        &characters[end..],
    ]
    .map(visible);
    // Two brackets and two ellipses.
    let room = width.saturating_sub(4);
    let inside = beginning(&inside, room);
    let left = room - columns(inside);
    let half = (left / 2).max(left.saturating_sub(columns(&after)));
    let (head, cut_before) = match ending(&before, half) {
        part if part.len() == before.len() => (part, ""),
        part => (part, "…"),
    };
    let (tail, cut_after) = match beginning(&after, left - columns(head)) {
        part if part.len() == after.len() => (part, ""),
        part => (part, "…"),
    };
    format!("{cut_before}{head}[{inside}]{tail}{cut_after}")
}

/// Return the longest prefix of at most `width` columns.
fn beginning(text: &str, width: usize) -> &str {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = ends
        .take_while(|end| columns(&text[..*end]) <= width)
        .last();
    &text[..end.unwrap_or(0)]
}

/// Return the longest suffix of at most `width` columns.
fn ending(text: &str, width: usize) -> &str {
    let starts = text.char_indices().rev().map(|(at, _)| at);
    let start = starts
        .take_while(|start| columns(&text[*start..]) <= width)
        .last();
    &text[start.unwrap_or(text.len())..]
}

/// Replace characters that would move the cursor, change the writing direction or be invisible.
fn visible(characters: &[char]) -> String {
    characters
        .iter()
        .map(|&c| match c {
            '\n' => "⏎".to_owned(),
            '\t' => "⇥".to_owned(),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => c.escape_unicode().to_string(),
            c if c.width().is_none() => c.escape_unicode().to_string(),
            c => c.to_string(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{beginning, columns, ending, excerpt, label, left, right};
    use crate::wrap::wrapped;

    #[test]
    fn korean_takes_two_columns() {
        assert_eq!(
            (columns("cat"), columns("배가"), columns("한 1/3")),
            (3, 4, 6)
        );
        assert_eq!(
            (left("배", 4), right("배", 4)),
            ("배  ".to_owned(), "  배".to_owned())
        );
        assert_eq!(
            wrapped("배가 고파서 치킨을 먹었다", 12),
            ["배가 고파서", "치킨을", "먹었다"]
        );
        assert_eq!(
            (beginning("고파서", 5), ending("고파서", 5)),
            ("고파", "파서")
        );
    }

    #[test]
    fn labels_show_their_space_and_stay_short() {
        assert_eq!(
            (label(" cat"), label("cat")),
            ("␣cat".to_owned(), "cat".to_owned())
        );
        assert_eq!(columns(&label(&"x".repeat(99))), 14);
        // Six Korean characters and the ellipsis take 13 columns; a seventh does not fit.
        assert_eq!(label(&"배".repeat(99)), "배배배배배배…");
    }

    #[test]
    fn an_excerpt_shows_the_query_and_what_is_around_it() {
        assert_eq!(excerpt("The cat sat.", 3, 7, 80), "The [cat] sat.");
        assert_eq!(
            excerpt("a\n\u{1b}[31m\u{202e}b", 0, 1, 80),
            "[a]⏎\\u{1b}[31m\\u{202e}b"
        );
        assert_eq!(excerpt("  ", 0, 2, 80), "[  ]");
        let long = format!("{}X{}", "가나".repeat(200), "abcd".repeat(100));
        for (start, end) in [
            (0, 1),
            (399, 400),
            (400, 401),
            (401, 402),
            (799, 801),
            (0, 801),
        ] {
            let shown = excerpt(&long, start, end, 60);
            assert!(columns(&shown) <= 60 && columns(&shown) >= 56, "{shown}");
            assert!(shown.contains('[') && shown.contains(']'), "{shown}");
        }
        assert!(excerpt(&long, 0, 1, 60).starts_with("[가]나가"));
        assert!(excerpt(&long, 799, 801, 60).ends_with("ab[cd]"));
    }
}
