//! What to write beside a row or under a column of an attention map.

use crate::Encoding;

/// One token of a text, as a picture shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLabel {
    /// The token id.
    pub id: u32,
    /// Its text, made visible.
    pub text: String,
    /// Where it begins in the text, in characters.
    pub start: usize,
    /// Where it ends in the text, in characters.
    pub end: usize,
}

/// Labels for the tokens of `text`: the text each came from, with white space and control characters made
/// visible (`⏎`, `⇥`, `␣`, `U+200B`; a space before a word stays a space). A token that holds only some of the bytes
/// of a character says which: `한 1/3`, `한 2/3`, `한 3/3`. A token that came from no text is `∅`.
///
/// `encoding` must be the encoding of `text`.
pub fn labels(text: &str, encoding: &Encoding) -> Vec<TokenLabel> {
    let characters: Vec<char> = text.chars().collect();
    let offsets = &encoding.offsets;
    (encoding.ids.iter().zip(offsets).enumerate())
        .map(|(at, (&id, &(start, end)))| {
            let mut text = visible_characters(&characters[start..end]);
            if let Some((piece, pieces)) = piece_of(offsets, at) {
                text += &format!(" {piece}/{pieces}");
            }
            TokenLabel { id, text, start, end }
        })
        .collect()
}

/// Which piece, of how many, token `at` is of the character it shares with its neighbours. A token that
/// shares one with both sides is counted in the one that goes on.
fn piece_of(offsets: &[(usize, usize)], at: usize) -> Option<(usize, usize)> {
    let (start, end) = offsets[at];
    let shared_after = offsets.get(at + 1).is_some_and(|next| start < end && next.0 < end);
    let shared_before = at > 0 && start < end && offsets[at - 1].1 > start;
    let character = match (shared_before, shared_after) {
        (_, true) => end - 1,
        (true, false) => start,
        (false, false) => return None,
    };
    let covers = |&(start, end): &(usize, usize)| start <= character && character < end;
    let before = offsets[..at].iter().rev().take_while(|o| covers(o)).count();
    let after = offsets[at + 1..].iter().take_while(|o| covers(o)).count();
    Some((before + 1, before + 1 + after))
}

/// Text with white space and control characters made visible, as in a label.
pub fn visible(text: &str) -> String {
    visible_characters(&text.chars().collect::<Vec<char>>())
}

fn visible_characters(characters: &[char]) -> String {
    if characters.is_empty() {
        return "∅".to_owned();
    }
    if characters.iter().all(|&c| c == ' ') {
        return "␣".repeat(characters.len());
    }
    characters
        .iter()
        .map(|&c| match c {
            '\n' => "⏎".to_owned(),
            '\t' => "⇥".to_owned(),
            '\r' => r"\r".to_owned(),
            ' ' => " ".to_owned(),
            c if shapes_its_neighbours(c) && characters.len() > 1 => c.to_string(),
            c if c.is_control() || c.is_whitespace() || is_invisible(c) => format!("U+{:04X}", u32::from(c)),
            c => c.to_string(),
        })
        .collect()
}

/// Joiners, variation selectors and tags: within an emoji or a word they show by what they do.
fn shapes_its_neighbours(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0020}'..='\u{E01EF}')
}

/// Those, and the other format characters: direction marks, zero-width spaces, the byte order mark.
fn is_invisible(c: char) -> bool {
    shapes_its_neighbours(c)
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
