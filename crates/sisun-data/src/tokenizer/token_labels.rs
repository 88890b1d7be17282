//! What to write beside a row or under a column of an attention map.

use crate::{Encoding, Tokenizer};

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

/// Labels for the tokens of `text`: the text each came from, with white space and control
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
            let mut text = visible_characters(&characters[start..end]);
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

impl Tokenizer {
    /// As [`labels`], each over all that its token stands for: many tokenizers leave the spaces out
    /// of their offsets that a token begins or ends with, and give the mark that they put before a
    /// text the place of its first character. Tokens that came from no text are called by their
    /// name.
    ///
    /// `encoding` must be the encoding of `text`.
    pub fn labels(&self, text: &str, encoding: &Encoding) -> Vec<TokenLabel> {
        let offsets = self.whole_offsets(text, encoding);
        let mut labels = labels(
            text,
            &Encoding {
                ids: encoding.ids.clone(),
                offsets,
            },
        );
        for label in labels.iter_mut().filter(|label| label.start == label.end) {
            let name = self.token_text(label.id);
            label.text = if self.is_special(label.id) {
                name
            } else {
                visible(&name)
            };
        }
        labels
    }

    fn whole_offsets(&self, text: &str, encoding: &Encoding) -> Vec<(usize, usize)> {
        let characters: Vec<char> = text.chars().collect();
        let is_space = |at: usize| characters.get(at).is_some_and(|c| c.is_whitespace());
        let mut offsets = encoding.offsets.clone();
        let mut covered = 0;
        for at in 0..offsets.len() {
            let (mut start, mut end) = offsets[at];
            let [before, after] = self.spaces_of(encoding.ids[at]);
            let begins_like_next = offsets
                .get(at + 1)
                .is_some_and(|next| next.0 == start && next.0 < next.1);
            if start < end
                && before.is_some_and(|spaces| spaces > 0)
                && after.is_none()
                && begins_like_next
            {
                // The mark before a text, of which nothing is in the text.
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

    /// How many spaces a token begins and ends with, as its vocabulary writes them; of spaces alone
    /// all are at the beginning.
    fn spaces_of(&self, id: u32) -> [Option<usize>; 2] {
        let Some(token) = self.inner.id_to_token(id).filter(|_| !self.is_added(id)) else {
            return [None, None];
        };
        let mark = if self.byte_level { 'Ġ' } else { '▁' };
        let count =
            |marks: &mut dyn Iterator<Item = char>| marks.take_while(|c| *c == mark).count();
        let before = count(&mut token.chars());
        let alone = before == token.chars().count();
        [
            Some(before),
            (!alone).then(|| count(&mut token.chars().rev())),
        ]
    }
}

/// Which piece, of how many, token `at` is of the character it shares with its neighbours. A token
/// that shares one with both sides is counted in the one that goes on. Tokens that came from no
/// text share nothing, wherever they say that they are.
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
            c if c.is_control() || c.is_whitespace() || is_invisible(c) => {
                format!("U+{:04X}", u32::from(c))
            }
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
