//! Grouping tokens into words and characters.

use serde::Serialize;
use sisun_infer::Token;
use std::fmt;
use unicode_segmentation::UnicodeSegmentation;

/// What a row or a column of a map stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// A token.
    #[default]
    Token,
    /// A word; the tokens of a word are taken together.
    Word,
    /// A character (grapheme cluster); tokens that are parts of it are taken together.
    Character,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 3] = [Self::Token, Self::Word, Self::Character];

    /// Return the name of the unit.
    pub fn name(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Word => "word",
            Self::Character => "character",
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A division of a text that is coarser than its tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Units {
    /// Unit of each token.
    pub(crate) of: Vec<usize>,
    /// Label of each unit.
    pub(crate) text: Vec<String>,
}

impl Units {
    /// Return the division of a text by a unit; `None` if each token is one.
    pub(crate) fn of(unit: Unit, text: &str, tokens: &[Token]) -> Option<Self> {
        match unit {
            Unit::Token => None,
            Unit::Word => Self::words(text, tokens),
            Unit::Character => Self::characters(text, tokens),
        }
    }

    /// Group tokens into words (Unicode's word boundaries, UAX #29); `None` if each token is a
    /// word. White space belongs to the following word, and at the end of the text to the last one.
    pub(crate) fn words(text: &str, tokens: &[Token]) -> Option<Self> {
        let word = numbered(text.split_word_bounds());
        let solid: Vec<bool> = text.chars().map(|c| !c.is_whitespace()).collect();
        let ending = solid
            .iter()
            .rposition(|&solid| solid)
            .map_or(0, |at| at + 1);
        Self::joining(text, tokens, |before, token| {
            let last = (before.start..before.end).rev().find(|&at| solid[at]);
            let first = (token.start..token.end).find(|&at| solid[at]);
            let stands_for_text = before.end > before.start && token.end > token.start;
            shares_a_character(before, token)
                || (stands_for_text
                    && match (last, first) {
                        (Some(last), Some(first)) => word[last] == word[first],
                        (None, _) => true,
                        (Some(_), None) => token.start >= ending,
                    })
        })
    }

    /// Group tokens that are parts of a character (grapheme cluster); tokens of several characters
    /// are not split.
    pub(crate) fn characters(text: &str, tokens: &[Token]) -> Option<Self> {
        let character = numbered(text.graphemes(true));
        Self::joining(text, tokens, |before, token| {
            shares_a_character(before, token)
                || (before.end > before.start
                    && token.end > token.start
                    && character[before.end - 1] == character[token.start])
        })
    }

    fn joining(
        text: &str,
        tokens: &[Token],
        joined: impl Fn(&Token, &Token) -> bool,
    ) -> Option<Self> {
        let mut of = Vec::with_capacity(tokens.len());
        let mut unit = 0;
        for (at, token) in tokens.iter().enumerate() {
            if at > 0 && !joined(&tokens[at - 1], token) {
                unit += 1;
            }
            of.push(unit);
        }
        if unit + 1 >= tokens.len() {
            return None;
        }
        let characters: Vec<char> = text.chars().collect();
        let name = |unit: usize| {
            let members = || {
                tokens
                    .iter()
                    .zip(&of)
                    .filter(|(_, of)| **of == unit)
                    .map(|(token, _)| token)
            };
            let start = members().map(|token| token.start).min().unwrap_or(0);
            let end = members().map(|token| token.end).max().unwrap_or(0);
            let spelled: String = characters[start..end].iter().collect();
            let plain = spelled.trim();
            let shows = !plain.is_empty() && !plain.chars().any(|c| c.is_control());
            // Otherwise use the tokens' labels, which make invisible characters visible.
            if shows {
                plain.to_owned()
            } else {
                members().map(|token| token.text.as_str()).collect()
            }
        };
        let text = (0..=unit).map(name).collect();
        Some(Self { of, text })
    }
}

/// Return true if both tokens are parts of the same character.
fn shares_a_character(before: &Token, token: &Token) -> bool {
    token.start < before.end && before.start < token.end
}

/// Return the index of the part that contains each character.
fn numbered<'a>(pieces: impl Iterator<Item = &'a str>) -> Vec<usize> {
    pieces
        .enumerate()
        .flat_map(|(number, piece)| piece.chars().map(move |_| number))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn tokens(spans: &[(usize, usize, &str)]) -> Vec<Token> {
        let token = |&(start, end, text): &(usize, usize, &str)| Token {
            plain: String::new(),
            id: 0,
            text: text.to_owned(),
            start,
            end,
        };
        spans.iter().map(token).collect()
    }

    #[test]
    fn pieces_of_a_word_are_joined_and_its_space_goes_with_it() {
        let text = "The cats sat.";
        let tokens = tokens(&[
            (0, 3, "The"),
            (3, 6, " ca"),
            (6, 8, "ts"),
            (8, 12, " sat"),
            (12, 13, "."),
        ]);
        let words = Units::words(text, &tokens).unwrap();
        assert_eq!(words.of, [0, 1, 1, 2, 3]);
        assert_eq!(words.text, ["The", "cats", "sat", "."]);
        assert_eq!(
            Units::characters(text, &tokens),
            None,
            "no token is a piece of a character"
        );
    }

    #[test]
    fn characters_of_korean_words() {
        // One token per character, except that the second one is three bytes.
        let text = "배가 고파";
        let tokens = tokens(&[
            (0, 1, "배"),
            (1, 2, "가 1/3"),
            (1, 2, "가 2/3"),
            (1, 2, "가 3/3"),
            (2, 3, "␣"),
            (3, 4, "고"),
            (4, 5, "파"),
        ]);
        let words = Units::words(text, &tokens).unwrap();
        assert_eq!(
            words.of,
            [0, 0, 0, 0, 1, 1, 1],
            "a space that is a token belongs to the word after it"
        );
        assert_eq!(words.text, ["배가", "고파"]);
        let characters = Units::characters(text, &tokens).unwrap();
        assert_eq!(characters.of, [0, 1, 1, 1, 2, 3, 4]);
        assert_eq!(characters.text, ["배", "가", "␣", "고", "파"]);
    }

    #[test]
    fn white_space_is_no_word() {
        let text = " a \n\tbc  ";
        let each: Vec<(usize, usize, &str)> = (0..9).map(|at| (at, at + 1, "·")).collect();
        let words = Units::words(text, &tokens(&each)).unwrap();
        assert_eq!(words.of, [0, 0, 1, 1, 1, 1, 1, 1, 1]);
        assert_eq!(words.text, ["a", "bc"]);
        assert_eq!(Units::words("  ", &tokens(&each[..2])).unwrap().of, [0, 0]);
    }

    #[test]
    fn an_emoji_of_several_code_points_is_one_character() {
        let text = "👩‍👧!";
        let tokens = tokens(&[(0, 1, "👩"), (1, 2, "U+200D"), (2, 3, "👧"), (3, 4, "!")]);
        let characters = Units::characters(text, &tokens).unwrap();
        assert_eq!(characters.of, [0, 0, 0, 1]);
        assert_eq!(characters.text, ["👩‍👧", "!"]);
    }

    #[test]
    fn tokens_that_came_from_no_text_stand_alone() {
        let tokens = tokens(&[
            (0, 0, "∅"),
            (0, 1, "a"),
            (1, 1, "∅"),
            (1, 2, "b"),
            (2, 3, "c"),
        ]);
        let words = Units::words("abc", &tokens).unwrap();
        assert_eq!(words.of, [0, 1, 2, 3, 3]);
    }
}
