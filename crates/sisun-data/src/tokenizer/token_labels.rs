//! Labels of tokens, as the rows and columns of an attention map show them.

use super::{encoding::Encoding, vocabulary::Vocabulary};

/// One token of a text, as a picture shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLabel {
    /// The token id.
    pub id: u32,
    /// Its text, made visible.
    pub text: String,
    /// The start of its range in the text, in characters.
    pub start: usize,
    /// The end of its range in the text, in characters.
    pub end: usize,
}

/// Return labels for the tokens of `text`: the text each came from, with white space and control
/// characters made visible (`⏎`, `⇥`, `␣`, `U+200B`; a space before a word stays a space). A token
/// that holds only some of the bytes of a character says which: `한 1/3`, `한 2/3`, `한 3/3`. A token
/// that came from no text is `∅`.
///
/// `encoding` must be the encoding of `text`.
pub fn labels(text: &str, encoding: &Encoding) -> Vec<TokenLabel> {
    let characters: Vec<char> = text.chars().collect();
    let offsets = &encoding.offsets;
    (encoding.ids.iter().zip(offsets).enumerate())
        .map(|(at, (&id, &(start, end)))| {
            let mut text = show_characters(&characters[start..end]);
            if let Some((piece, pieces)) = piece_of(offsets, at) {
                text += &format!(" {piece}/{pieces}");
            }
            TokenLabel {
                id,
                text,
                start,
                end,
            }
        })
        .collect()
}

/// Return [`labels`] in which each token covers its whole text, and in which tokens without text
/// have their names; see [`Tokenizer::labels`](crate::Tokenizer::labels).
pub(super) fn whole_token_labels(
    vocabulary: &Vocabulary,
    text: &str,
    encoding: &Encoding,
) -> Vec<TokenLabel> {
    let mut labels = labels(
        text,
        &Encoding {
            ids: encoding.ids.clone(),
            offsets: whole_token_offsets(vocabulary, text, encoding),
        },
    );
    for label in labels.iter_mut().filter(|label| label.start == label.end) {
        let name = vocabulary.token_text(label.id);
        label.text = if vocabulary.is_special(label.id) {
            name
        } else {
            make_visible(&name)
        };
    }
    labels
}

/// Extend the range of each token over the spaces that its vocabulary writes as part of it.
fn whole_token_offsets(
    vocabulary: &Vocabulary,
    text: &str,
    encoding: &Encoding,
) -> Vec<(usize, usize)> {
    let characters: Vec<char> = text.chars().collect();
    let is_space = |at: usize| characters.get(at).is_some_and(|c| c.is_whitespace());
    let mut offsets = encoding.offsets.clone();
    let mut covered = 0;
    for at in 0..offsets.len() {
        let (mut start, mut end) = offsets[at];
        let [before, after] = vocabulary.spaces_around(encoding.ids[at]);
        let begins_like_next = offsets
            .get(at + 1)
            .is_some_and(|next| next.0 == start && next.0 < next.1);
        if start < end
            && before.is_some_and(|spaces| spaces > 0)
            && after.is_none()
            && begins_like_next
        {
            // The mark that the tokenizer puts before a text, which has no place in the text.
            end = start;
        } else {
            let within = (start..end).take_while(|&at| is_space(at)).count();
            for _ in within..before.unwrap_or(0) {
                start -= usize::from(start > covered && is_space(start.wrapping_sub(1)));
            }
            let within = (start..end).rev().take_while(|&at| is_space(at)).count();
            for _ in within..after.unwrap_or(0) {
                end += usize::from(is_space(end));
            }
        }
        offsets[at] = (start, end);
        covered = covered.max(end);
    }
    offsets
}

/// Return the position of token `at` among the tokens that share its character, from 1, and their
/// number. A token that shares a character with each side is counted in the later one. Tokens that
/// came from no text share nothing, whatever their offsets are.
fn piece_of(offsets: &[(usize, usize)], at: usize) -> Option<(usize, usize)> {
    let of_text = |&&(start, end): &&(usize, usize)| start < end;
    let before = || offsets[..at].iter().rev().filter(of_text);
    let after = || offsets[at + 1..].iter().filter(of_text);
    let (start, end) = offsets[at];
    let covers = |character: usize| {
        move |&&(start, end): &&(usize, usize)| start <= character && character < end
    };
    let [first, last] = [start, end.checked_sub(1)?];
    let character = match (
        before().next().is_some_and(|o| covers(first)(&o)),
        after().next().is_some_and(|o| covers(last)(&o)),
    ) {
        _ if start == end => return None,
        (_, true) => last,
        (true, false) => first,
        (false, false) => return None,
    };
    let (before, after) = (
        before().take_while(covers(character)).count(),
        after().take_while(covers(character)).count(),
    );
    Some((before + 1, before + 1 + after))
}

/// Return `text` with white space and control characters made visible, as in a label.
pub fn make_visible(text: &str) -> String {
    show_characters(&text.chars().collect::<Vec<char>>())
}

fn show_characters(characters: &[char]) -> String {
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
            c if is_joiner_or_modifier(c) && characters.len() > 1 => c.to_string(),
            c if c.is_control() || c.is_whitespace() || is_invisible(c) => {
                format!("U+{:04X}", u32::from(c))
            }
            c => c.to_string(),
        })
        .collect()
}

/// Return whether `c` is a joiner, a variation selector or a tag, which change how the characters
/// beside them look.
fn is_joiner_or_modifier(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}' | '\u{FE00}'..='\u{FE0F}' | '\u{E0020}'..='\u{E01EF}')
}

/// Return whether `c` is a format character: one of those above, a direction mark, a zero-width
/// space or the byte order mark.
fn is_invisible(c: char) -> bool {
    is_joiner_or_modifier(c)
        || matches!(c, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
}
