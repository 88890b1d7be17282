//! Check that the tokenizer reproduces the text that it was given.

use crate::subject::Files;
use crate::{Check, ModelUnderTest};
use anyhow::Result;
use sisun_data::{Tokenizer, UnknownCharacters, first_documents, make_visible};
use std::collections::HashSet;

pub(crate) const NAME: &str = "tokenizer round trip";

/// Number of bytes of text to check.
const BYTES: usize = 256 << 10;
/// Number of lost characters to list.
const SHOWN: usize = 8;

/// Encode and decode the run's own text. A tokenizer from elsewhere may change a text (lower case,
/// normalization); encoding and decoding its own output must then change nothing. Characters
/// without a token in its vocabulary are unavoidably lost: they are reported, and the text between
/// them is checked.
pub(crate) fn check(subject: &ModelUnderTest<'_>) -> Result<Check> {
    let tokenizer = &subject.loaded.tokenizer;
    let (texts, from) = match (&subject.config, subject.files) {
        (Some(_), Files::Run(_)) if subject.own_text.is_err() => {
            return Ok(Check::not_checked(
                NAME,
                "the run's text is not there as it was, as told above".to_owned(),
            ));
        }
        (Some(config), Files::Run(_)) => {
            (first_documents(&config.data, BYTES)?, "of the run's text")
        }
        _ => (
            vec![tokenizer.decode(&subject.ids)?],
            "made of random tokens",
        ),
    };
    check_texts(NAME, tokenizer, &texts, from)
}

/// Encode and decode texts, as [`check`] says; `from` describes where they come from.
pub(crate) fn check_texts(
    name: &'static str,
    tokenizer: &Tokenizer,
    texts: &[String],
    from: &str,
) -> Result<Check> {
    let (mut changed, mut bytes, mut lost) = (None, 0, None);
    let mut parts = Vec::new();
    for text in texts {
        bytes += text.len();
        match known_parts(tokenizer, text)? {
            None => parts.push(text.as_str()),
            Some((known, unknown)) => {
                parts.extend(known);
                add(&mut lost, unknown);
            }
        }
    }
    for text in parts {
        let encoding = tokenizer.encode(text)?;
        let once = tokenizer.decode(&encoding.ids)?;
        // Alone, it may be split into other tokens than inside its text.
        if once == *text || tokenizer.unknown(text, &encoding).is_some() {
            continue;
        }
        if !is_kept(tokenizer, &once)? {
            let found = format!(
                "“{}” comes back as “{}”",
                near(text, &once),
                near(&once, text)
            );
            return Ok(Check::differs(name, found));
        }
        changed.get_or_insert_with(|| {
            format!("“{}” becomes “{}”", near(text, &once), near(&once, text))
        });
    }
    let found = format!("{} documents, {bytes} bytes {from}", texts.len());
    let found = match changed {
        None => format!("{found}: the same text"),
        Some(example) => {
            format!("{found}; it changes some as it reads ({example}) and keeps what it made")
        }
    };
    Ok(Check::holds(
        name,
        match lost {
            None => found,
            Some(UnknownCharacters {
                characters: 1,
                examples,
                token,
            }) => {
                format!(
                    "{found}, but for 1 character that the vocabulary has no token for, lost as {token}: {}",
                    list(&examples)
                )
            }
            Some(UnknownCharacters {
                characters,
                examples,
                token,
            }) => format!(
                "{found}, but for {characters} characters that the vocabulary has no token for, lost as {token}: {}",
                list(&examples)
            ),
        },
    ))
}

/// Return the parts of a text between its unknown tokens, and the characters lost in these; `None`
/// if there are none.
fn known_parts<'t>(
    tokenizer: &Tokenizer,
    text: &'t str,
) -> Result<Option<(Vec<&'t str>, UnknownCharacters)>> {
    let encoding = tokenizer.encode(text)?;
    let Some(unknown) = tokenizer.unknown(text, &encoding) else {
        return Ok(None);
    };
    let starts: Vec<usize> = text
        .char_indices()
        .map(|(at, _)| at)
        .chain([text.len()])
        .collect();
    let (mut known, mut from) = (Vec::new(), 0);
    let is_unknown = |id: &u32| tokenizer.token_text(*id) == unknown.token;
    for (_, &(start, end)) in encoding
        .ids
        .iter()
        .zip(&encoding.offsets)
        .filter(|(id, _)| is_unknown(id))
    {
        let (start, end) = (starts[start], starts[end]);
        known.extend(text.get(from..start));
        from = from.max(end);
    }
    known.extend(text.get(from..));
    known.retain(|part| !part.trim().is_empty());
    Ok(Some((known, unknown)))
}

fn add(lost: &mut Option<UnknownCharacters>, more: UnknownCharacters) {
    match lost {
        None => *lost = Some(more),
        Some(lost) => {
            lost.characters += more.characters;
            lost.examples.extend(more.examples);
            let mut seen = HashSet::new();
            lost.examples.retain(|c| seen.insert(*c));
        }
    }
}

/// Format some of the characters as a list.
fn list(examples: &[char]) -> String {
    let more = if examples.len() > SHOWN { " …" } else { "" };
    examples
        .iter()
        .take(SHOWN)
        .map(|c| make_visible(&c.to_string()))
        .collect::<Vec<_>>()
        .join(" ")
        + more
}

fn is_kept(tokenizer: &Tokenizer, text: &str) -> Result<bool> {
    Ok(tokenizer.decode(&tokenizer.encode(text)?.ids)? == text)
}

/// Return some characters of `text` around the first that differs from `other`.
fn near(text: &str, other: &str) -> String {
    let same = text
        .chars()
        .zip(other.chars())
        .take_while(|(a, b)| a == b)
        .count();
    make_visible(
        &text
            .chars()
            .skip(same.saturating_sub(8))
            .take(24)
            .collect::<String>(),
    )
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn the_place_of_a_difference_is_shown() {
        assert_eq!(
            near("The quick brown fox", "The quick Brown fox"),
            "e quick brown fox"
        );
        assert_eq!(near("", "x"), "∅");
    }
}
