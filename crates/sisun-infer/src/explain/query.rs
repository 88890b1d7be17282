//! Which token looks.

use crate::InferError;
use crate::maps::Token;
use std::convert::Infallible;
use std::str::FromStr;

/// How many tokens a message lists.
const LISTED: usize = 24;

/// The token of a text that looks at the others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Query {
    /// The last one.
    #[default]
    Last,
    /// By its number, counted from 0.
    Number(usize),
    /// By its label. The space that a word may begin with need not be given.
    Label(String),
}

impl FromStr for Query {
    type Err = Infallible;

    /// Digits are a number, anything else a label.
    fn from_str(given: &str) -> Result<Self, Infallible> {
        Ok(given.parse().map_or_else(|_| Self::Label(given.to_owned()), Self::Number))
    }
}

impl Query {
    /// The number of the token among these, of which there is at least one.
    ///
    /// # Errors
    /// No such token, or several with that label.
    pub(super) fn among(&self, tokens: &[Token]) -> Result<usize, InferError> {
        let missing = |asked: String| InferError::NoSuchToken { asked, tokens: list(tokens) };
        match self {
            Self::Last => Ok(tokens.len() - 1),
            Self::Number(number) if *number < tokens.len() => Ok(*number),
            Self::Number(number) => Err(missing(number.to_string())),
            Self::Label(label) => {
                let is_it = |token: &Token| token.text == *label || token.text.strip_prefix(' ') == Some(label);
                let found: Vec<usize> = (0..tokens.len()).filter(|&number| is_it(&tokens[number])).collect();
                match found[..] {
                    [] => Err(missing(format!("{label:?}"))),
                    [number] => Ok(number),
                    _ => Err(InferError::ManyTokens { label: label.clone(), numbers: numbers(&found) }),
                }
            }
        }
    }
}

/// `0 "The", 1 " cat", …`.
fn list(tokens: &[Token]) -> String {
    let mut listed: Vec<String> =
        tokens.iter().take(LISTED).enumerate().map(|(number, token)| format!("{number} {:?}", token.text)).collect();
    if tokens.len() > LISTED {
        listed.push(format!("… {} {:?}", tokens.len() - 1, tokens[tokens.len() - 1].text));
    }
    listed.join(", ")
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
    use crate::maps::Token;

    fn find(query: &str, labels: &[&str]) -> Result<usize, String> {
        let token = |label: &&str| Token { id: 0, text: (*label).to_owned(), start: 0, end: 0 };
        let tokens: Vec<Token> = labels.iter().map(token).collect();
        query.parse::<Query>().unwrap().among(&tokens).map_err(|error| error.to_string())
    }

    #[test]
    fn a_token_is_found_by_number_and_by_label() {
        let cat = ["The", " cat", " sat", " on", " the", " mat", "."];
        for (query, number) in [("0", 0), ("6", 6), ("sat", 2), (" sat", 2), (".", 6), ("The", 0)] {
            assert_eq!(find(query, &cat), Ok(number), "{query:?}");
        }
        assert_eq!(find("배", &["어제", " 밤에", " 배", "가", " 고파서"]), Ok(2));
        assert_eq!(find("한 2/3", &["한 1/3", "한 2/3", "한 3/3"]), Ok(1));
        // A number is a number, even where a token reads so.
        assert_eq!(find("1", &["1", "2"]), Ok(1));
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is() {
        for query in ["7", "dog", "", " ", "-1", "99999999999999999999999999"] {
            let message = find(query, &["The", " cat"]).unwrap_err();
            assert!(message.contains(query) && message.contains("0 \"The\", 1 \" cat\""), "{message}");
        }
        let many = vec!["a"; 100];
        assert!(find("b", &many).unwrap_err().ends_with("23 \"a\", … 99 \"a\""));
    }

    #[test]
    fn of_several_tokens_with_a_label_the_numbers_are_told() {
        let message = find("the", &["the", " cat", " on", " the", " mat"]).unwrap_err();
        assert!(message.contains("\"the\"") && message.contains("0, 3"), "{message}");
        // With its space it is one of them.
        assert_eq!(find(" the", &["the", " cat", " on", " the", " mat"]), Ok(3));
    }
}
