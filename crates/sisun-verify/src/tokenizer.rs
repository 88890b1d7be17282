//! The tokenizer gives back the text that it was given.

use crate::subject::Files;
use crate::{Check, Subject};
use anyhow::Result;
use sisun_data::{Tokenizer, first_documents, visible};

pub(crate) const NAME: &str = "tokenizer round trip";

/// Bytes of text that are tried.
const BYTES: usize = 256 << 10;

/// The run's own text as tokens and back. A tokenizer from elsewhere may change a text (lower case, normal forms); it then
/// has to leave alone what it made.
pub(crate) fn check(subject: &Subject<'_>) -> Result<Check> {
    let tokenizer = &subject.loaded.tokenizer;
    let (texts, from) = match (&subject.config, subject.files) {
        (Some(_), Files::Run(_)) if subject.own_text.is_err() => {
            return Ok(Check::not_checked(NAME, "the run's text is not there as it was, as told above".to_owned()));
        }
        (Some(config), Files::Run(_)) => (first_documents(&config.data, BYTES)?, "of the run's text"),
        _ => (vec![tokenizer.decode(&subject.ids)?], "made of random tokens"),
    };
    let (mut changed, mut bytes) = (None, 0);
    for text in &texts {
        bytes += text.len();
        let once = tokenizer.decode(&tokenizer.encode(text)?.ids)?;
        if once == *text {
            continue;
        }
        if !is_kept(tokenizer, &once)? {
            let found = format!("“{}” comes back as “{}”", near(text, &once), near(&once, text));
            return Ok(Check::differs(NAME, found));
        }
        changed.get_or_insert_with(|| format!("“{}” becomes “{}”", near(text, &once), near(&once, text)));
    }
    let found = format!("{} documents, {bytes} bytes {from}", texts.len());
    Ok(Check::holds(
        NAME,
        match changed {
            None => format!("{found}: the same text"),
            Some(example) => format!("{found}; it changes some as it reads ({example}) and keeps what it made"),
        },
    ))
}

fn is_kept(tokenizer: &Tokenizer, text: &str) -> Result<bool> {
    Ok(tokenizer.decode(&tokenizer.encode(text)?.ids)? == text)
}

/// Some characters of `text` around the first that differs from `other`'s.
fn near(text: &str, other: &str) -> String {
    let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    visible(&text.chars().skip(same.saturating_sub(8)).take(24).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn the_place_of_a_difference_is_shown() {
        assert_eq!(near("The quick brown fox", "The quick Brown fox"), "e quick brown fox");
        assert_eq!(near("", "x"), "∅");
    }
}
