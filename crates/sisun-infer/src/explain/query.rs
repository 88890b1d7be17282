//! Selection of the query token.

use crate::attention_maps::Token;
use crate::{Index, InferError};
use std::convert::Infallible;
use std::ops::Range;
use std::str::FromStr;

/// Number of tokens listed in a message.
const LISTED: usize = 24;

/// The word for the last token, where the text does not hold it.
const LAST: &str = "last";

/// A selection of the query token in a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Query {
    /// The last token.
    #[default]
    Last,
    /// A token index, counted from 0.
    Number(usize),
    /// A token index, counted from the end, where 1 is the last.
    FromEnd(usize),
    /// A label, or a text that spans several consecutive tokens; the last of them, which sees the
    /// whole text, is the query. A leading space of a word is optional.
    Label(String),
}

impl FromStr for Query {
    type Err = Infallible;

    /// Parse digits as an index, with a minus sign as one from the end; anything else as a label.
    fn from_str(given: &str) -> Result<Self, Infallible> {
        let is_number = given
            .trim_start_matches('-')
            .starts_with(|c: char| c.is_ascii_digit());
        Ok(match given.parse() {
            Ok(Index::FromStart(number)) if is_number => Self::Number(number),
            Ok(Index::FromEnd(number)) if is_number => Self::FromEnd(number),
            _ => Self::Label(given.to_owned()),
        })
    }
}

impl Query {
    /// Return the indices of the selected tokens among `tokens`, which must not be empty; the last
    /// of them is the query.
    ///
    /// # Errors
    /// If there is no such token, or the label is ambiguous.
    pub(crate) fn among(&self, text: &str, tokens: &[Token]) -> Result<Range<usize>, InferError> {
        let missing = |asked: String, holding: &[usize]| InferError::NoSuchToken {
            asked,
            tokens: list(tokens),
            remedy: match (holding, self) {
                ([], Self::Number(_) | Self::FromEnd(_)) => {
                    format!(", or -{} to -1 from the end", tokens.len())
                }
                ([], _) => String::new(),
                (holding, _) => format!(
                    "; it is part of {}: choose by number",
                    named(holding.iter().map(|&number| (number, &tokens[number])))
                ),
            },
        };
        match self {
            Self::Last => Ok(tokens.len() - 1..tokens.len()),
            Self::Number(number) if *number < tokens.len() => Ok(*number..*number + 1),
            Self::Number(number) => Err(missing(number.to_string(), &[])),
            Self::FromEnd(number) => {
                let at = tokens.len().checked_sub(*number);
                let at = at.ok_or_else(|| missing(Index::FromEnd(*number).to_string(), &[]))?;
                Ok(at..at + 1)
            }
            Self::Label(label) => {
                let forms = sisun_data::unicode_forms(label);
                let is_it = |token: &Token| {
                    let text = &token.text;
                    forms
                        .iter()
                        .any(|form| text == form || text.strip_prefix(' ') == Some(form))
                };
                let mut found: Vec<Range<usize>> = (0..tokens.len())
                    .filter(|&number| is_it(&tokens[number]))
                    .map(|number| number..number + 1)
                    .collect();
                if found.is_empty() {
                    found = forms
                        .iter()
                        .flat_map(|form| made_up_of(form, text, tokens))
                        .collect();
                }
                match &found[..] {
                    [] if label == LAST => Ok(tokens.len() - 1..tokens.len()),
                    [] => Err(missing(format!("{label:?}"), &holding(&forms, tokens))),
                    [one] => Ok(one.clone()),
                    several => {
                        let last: Vec<usize> =
                            several.iter().map(|tokens| tokens.end - 1).collect();
                        Err(InferError::ManyTokens {
                            label: label.clone(),
                            numbers: numbers(&last),
                        })
                    }
                }
            }
        }
    }

    /// Return the index of a token whose text equals the given number, if that is not the token
    /// with this index.
    pub fn namesake(&self, tokens: &[Token]) -> Option<usize> {
        let given = match *self {
            Self::Number(number) => Index::FromStart(number),
            Self::FromEnd(number) => Index::FromEnd(number),
            Self::Last | Self::Label(_) => return None,
        };
        let found = tokens
            .iter()
            .position(|token| token.text.trim_start_matches(' ') == given.to_string())?;
        (Some(found) != given.from_start(tokens.len())).then_some(found)
    }
}

/// Return the tokens whose text contains one of these forms.
fn holding(forms: &[String], tokens: &[Token]) -> Vec<usize> {
    let holds = |token: &Token| {
        forms
            .iter()
            .any(|form| !form.trim().is_empty() && token.text.contains(form.as_str()))
    };
    (0..tokens.len())
        .filter(|&number| holds(&tokens[number]))
        .take(LISTED)
        .collect()
}

/// Return every range of consecutive tokens whose text is `wanted`; the first token may have
/// leading white space.
fn made_up_of(wanted: &str, text: &str, tokens: &[Token]) -> Vec<Range<usize>> {
    let characters: Vec<char> = text.chars().collect();
    let wanted: Vec<char> = wanted.chars().collect();
    if wanted.is_empty() {
        return Vec::new();
    }
    let runs = characters
        .windows(wanted.len())
        .enumerate()
        .filter(|(_, window)| *window == wanted);
    let tokens_of = |start: usize| {
        let end = start + wanted.len();
        let within =
            |token: &Token| token.start < end && token.end > start && token.start < token.end;
        let first = tokens.iter().position(within)?;
        let last = tokens.iter().rposition(within)?;
        let before = &characters[tokens[first].start.min(start)..start];
        let whole = tokens[first].start <= start
            && before.iter().all(|c| c.is_whitespace())
            && tokens[last].end == end;
        whole.then_some(first..last + 1)
    };
    runs.filter_map(|(start, _)| tokens_of(start)).collect()
}

/// Format tokens as `0 "The", 1 " cat", …`.
fn list(tokens: &[Token]) -> String {
    let listed = named(tokens.iter().take(LISTED).enumerate());
    match tokens.len() - 1 {
        last if last >= LISTED => format!("{listed}, … {last} {:?}", tokens[last].text),
        _ => listed,
    }
}

/// Format indices and labels.
fn named<'t>(tokens: impl Iterator<Item = (usize, &'t Token)>) -> String {
    tokens
        .map(|(number, token)| format!("{number} {:?}", token.text))
        .collect::<Vec<_>>()
        .join(", ")
}

fn numbers(found: &[usize]) -> String {
    let mut listed: Vec<String> = found.iter().take(LISTED).map(usize::to_string).collect();
    if found.len() > LISTED {
        listed.push(format!("… {}", found[found.len() - 1]));
    }
    listed.join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::Query;
    use crate::attention_maps::Token;

    fn find(query: &str, labels: &[&str]) -> Result<usize, String> {
        let token = |label: &&str| Token {
            plain: String::new(),
            id: 0,
            text: (*label).to_owned(),
            start: 0,
            end: 0,
        };
        let tokens: Vec<Token> = labels.iter().map(token).collect();
        query
            .parse::<Query>()
            .unwrap()
            .among("", &tokens)
            .map(|found| found.start)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_found_by_number_and_by_label() {
        let cat = ["The", " cat", " sat", " on", " the", " mat", "."];
        for (query, number) in [
            ("0", 0),
            ("6", 6),
            ("sat", 2),
            (" sat", 2),
            (".", 6),
            ("The", 0),
        ] {
            assert_eq!(find(query, &cat), Ok(number), "{query:?}");
        }
        assert_eq!(
            find("배", &["어제", " 밤에", " 배", "가", " 고파서"]),
            Ok(2)
        );
        assert_eq!(find("한 2/3", &["한 1/3", "한 2/3", "한 3/3"]), Ok(1));
        for (query, number) in [("-1", 6), ("last", 6), ("-7", 0)] {
            assert_eq!(find(query, &cat), Ok(number), "{query:?}");
        }
        // A word of the text is meant before the end.
        assert_eq!(find("last", &["at", " last", " he"]), Ok(1));
        // Digits are an index, even if a token has that text.
        assert_eq!(find("1", &["1", "2"]), Ok(1));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        for query in ["7", "dog", "", " ", "-3", "99999999999999999999999999"] {
            let message = find(query, &["The", " cat"]).unwrap_err();
            assert!(
                message.contains(query) && message.contains("0 \"The\", 1 \" cat\""),
                "{message}"
            );
        }
        for query in ["7", "-3"] {
            let message = find(query, &["The", " cat"]).unwrap_err();
            assert!(message.ends_with("or -2 to -1 from the end"), "{message}");
        }
        let many = vec!["a"; 100];
        assert!(
            find("b", &many)
                .unwrap_err()
                .ends_with("23 \"a\", … 99 \"a\"")
        );
    }

    #[test]
    fn a_part_of_a_token_is_told_with_the_token() {
        let message = find("고양이", &["작은", " 고양이가", " 고양이를"]).unwrap_err();
        assert!(
            message.ends_with("part of 1 \" 고양이가\", 2 \" 고양이를\": choose by number"),
            "{message}"
        );
        assert!(
            !find("개", &["작은", " 고양이가"])
                .unwrap_err()
                .contains("part of")
        );
    }

    #[test]
    fn a_label_is_found_in_either_form_of_unicode() {
        let decomposed = "\u{1112}\u{1161}\u{11AB}";
        assert_eq!(find(decomposed, &["두", " 한"]), Ok(1));
        assert_eq!(find("한", &["두", decomposed]), Ok(1));
    }

    #[test]
    fn a_token_that_reads_as_the_number_given_is_told() {
        let token = |text: &str| Token {
            plain: String::new(),
            id: 0,
            text: text.to_owned(),
            start: 0,
            end: 0,
        };
        let tokens = [token("1"), token(" +"), token(" 2"), token(" 0")];
        let namesake = |query: &str| query.parse::<Query>().unwrap().namesake(&tokens);
        assert_eq!(
            [
                namesake("0"),
                namesake("1"),
                namesake("2"),
                namesake("3"),
                namesake("+")
            ],
            [Some(3), Some(0), None, None, None]
        );
    }

    #[test]
    fn of_several_tokens_with_a_label_the_numbers_are_told() {
        let message = find("the", &["the", " cat", " on", " the", " mat"]).unwrap_err();
        assert!(
            message.contains("\"the\"") && message.contains("0, 3"),
            "{message}"
        );
        // With its leading space the label is unique.
        assert_eq!(find(" the", &["the", " cat", " on", " the", " mat"]), Ok(3));
    }
    #[test]
    fn a_word_of_several_tokens_is_found_by_its_last() {
        let text = "The cat  sat, a 배 cat.";
        let spans = [
            (0, 3),
            (3, 6),
            (6, 7),
            (7, 8),
            (8, 12),
            (12, 13),
            (13, 15),
            (15, 17),
            (16, 17),
            (17, 21),
            (21, 22),
        ];
        let characters: Vec<char> = text.chars().collect();
        let token = |&(start, end): &(usize, usize)| Token {
            plain: String::new(),
            id: 0,
            text: sisun_data::make_visible(&characters[start..end].iter().collect::<String>())
                + if start == 15 || start == 16 {
                    " 1/2"
                } else {
                    ""
                },
            start,
            end,
        };
        let tokens: Vec<Token> = spans.iter().map(token).collect();
        let find = |query: &str| query.parse::<Query>().unwrap().among(text, &tokens);
        assert_eq!(find("The cat").unwrap(), 0..3);
        assert_eq!(find("배").unwrap(), 7..9);
        assert_eq!(find("sat,").unwrap(), 4..6);
        // A single token matches, so it takes precedence.
        assert_eq!(find("cat").unwrap(), 9..10);
        for nothing in ["he cat", "ca.", "sa", "mat", ""] {
            assert!(find(nothing).is_err(), "{nothing}");
        }
        let twice: Vec<Token> = [(0, 1), (1, 2), (2, 4), (4, 5)]
            .iter()
            .map(|&(start, end)| Token {
                plain: String::new(),
                id: 0,
                text: String::new(),
                start,
                end,
            })
            .collect();
        let message = Query::Label("ab".to_owned())
            .among("ab ab", &twice)
            .unwrap_err()
            .to_string();
        assert!(message.contains("1, 3"), "{message}");
    }
}
