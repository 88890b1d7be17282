//! Token labels that are safe to draw.

use std::borrow::Cow;

/// Escape characters that would be invisible, lost or forbidden in XML.
///
/// - line feed `⏎`, tab `⇥`
/// - `␣` for a space at either end or beside another one, which XML viewers collapse
/// - `\u{…}` for other control characters, most of which XML 1.0 forbids (production 2, `Char`),
///   and for characters without a shape of their own, such as those that turn the direction of
///   writing
pub(super) fn drawable(label: &str) -> Cow<'_, str> {
    if label.chars().all(|c| c != ' ' && is_plain(c)) {
        return Cow::Borrowed(label);
    }
    let chars: Vec<char> = label.chars().collect();
    let is_space = |i: Option<usize>| i.and_then(|i| chars.get(i)).is_none_or(|&c| c == ' ');
    let mut drawn = String::with_capacity(label.len());
    for (i, &c) in chars.iter().enumerate() {
        match c {
            ' ' if is_space(i.checked_sub(1)) || is_space(Some(i + 1)) => drawn.push('␣'),
            '\n' => drawn.push('⏎'),
            '\t' => drawn.push('⇥'),
            _ if is_plain(c) => drawn.push(c),
            _ => drawn.extend(c.escape_unicode()),
        }
    }
    Cow::Owned(drawn)
}

/// Return true if a character is allowed in XML and is visible or shapes visible ones.
pub(super) fn is_plain(c: char) -> bool {
    let invisible = matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    // The last two code points of every plane are noncharacters.
    !c.is_control() && !invisible && (c as u32) & 0xfffe != 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_stays() {
        for label in [
            "cat",
            "한 1/3",
            "é",
            "👩‍👩‍👧",
            "</script>",
            "\"&'",
            "שלום",
            "नमस्ते",
            "·",
        ] {
            assert_eq!(drawable(label), label);
        }
    }

    #[test]
    fn invisible_text_shows() {
        for (label, drawn) in [
            (" cat", "␣cat"),
            ("    ", "␣␣␣␣"),
            ("a  b", "a␣␣b"),
            ("\n\t", "⏎⇥"),
            ("a\r\n", "a\\u{d}⏎"),
            ("\0\u{1}\u{7f}\u{85}", "\\u{0}\\u{1}\\u{7f}\\u{85}"),
            ("\u{fffe}\u{ffff}\u{1ffff}", "\\u{fffe}\\u{ffff}\\u{1ffff}"),
            ("\u{202e}evil", "\\u{202e}evil"),
            ("\u{2029}", "\\u{2029}"),
        ] {
            assert_eq!(drawable(label), drawn);
        }
    }
}
