//! Finding a word in texts.

use super::{AskedWord, WordPlace};
use crate::InferError;
use crate::attention_maps::Token;

/// Number of places at most: each is compared with every other.
const MOST_PLACES: usize = 64;

/// Find the places of a word in texts with their tokens.
///
/// # Errors
/// If the word is empty, a text does not hold it as often as asked for, or there is one place in all
/// or more than 64.
pub(super) fn find_places(
    asked: &AskedWord,
    texts: &[String],
    tokens: &[Vec<Token>],
) -> Result<Vec<WordPlace>, InferError> {
    let word = asked.word.trim();
    if word.is_empty() {
        return Err(InferError::Empty { what: "word" });
    }
    let mut places = Vec::new();
    for (text, (whole, tokens)) in texts.iter().zip(tokens).enumerate() {
        let spans = spans(word, whole);
        if spans.is_empty() {
            return Err(InferError::NoSuchWord {
                word: word.to_owned(),
                number: text + 1,
                text: whole.clone(),
            });
        }
        let numbers = match asked.occurrence {
            None => 1..=spans.len(),
            Some(number) if (1..=spans.len()).contains(&number) => number..=number,
            Some(number) => {
                return Err(InferError::NoSuchOccurrence {
                    word: word.to_owned(),
                    number: text + 1,
                    count: spans.len(),
                    asked: number,
                });
            }
        };
        places.extend(numbers.map(|occurrence| {
            let [start, end] = spans[occurrence - 1];
            let covers = |&at: &usize| tokens[at].start < end && start < tokens[at].end;
            WordPlace {
                text,
                occurrence,
                tokens: (0..tokens.len()).filter(covers).collect(),
            }
        }));
    }
    let rule = match places.len() {
        0 | 1 => "two places are compared: give another text that holds it",
        n if n > MOST_PLACES => {
            "64 places are compared at most: give fewer texts, or one occurrence of each"
        }
        _ => return Ok(places),
    };
    Err(InferError::OccurrenceCount {
        word: word.to_owned(),
        count: places.len(),
        rule,
    })
}

/// Return the first character of each occurrence that overlaps none before, and the one after its
/// last.
fn spans(word: &str, text: &str) -> Vec<[usize; 2]> {
    let length = word.chars().count();
    let mut before = (0, 0);
    let begins = text.match_indices(word).map(move |(byte, _)| {
        // Characters are counted from the occurrence before.
        let at = before.1 + text[before.0..byte].chars().count();
        before = (byte, at);
        at
    });
    begins.map(|begin| [begin, begin + length]).collect()
}

#[cfg(test)]
mod tests {
    use super::spans;

    #[test]
    fn occurrences_are_counted_in_characters() {
        assert_eq!(spans("배", "배가 배를 담배"), [[0, 1], [3, 4], [7, 8]]);
        assert_eq!(spans("aa", "aaaa"), [[0, 2], [2, 4]]);
        assert!(spans("x", "").is_empty());
    }
}
