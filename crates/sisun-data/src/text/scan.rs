//! One reading of the text before anything is made of it: is it sound, how much is there, and what
//! is its hash?

use crate::{
    DataError,
    text::documents::{Event, Kind, read_documents},
    text::sources::Input,
    text::utf8::Seen,
};
use sha2::{Digest, Sha256};
use sisun_config::DataConfig;

/// What a reading found.
pub(crate) struct Scan {
    pub(crate) documents: u64,
    pub(crate) characters: u64,
    pub(crate) bytes: u64,
    /// Whether some documents have answers.
    pub(crate) answers: bool,
    /// Of the documents and where they end, whatever files they were in.
    pub(crate) sha256: [u8; 32],
    /// What was read.
    pub(crate) seen: Seen,
    /// Every character that occurs.
    pub(crate) alphabet: Alphabet,
}

/// Reads all of `inputs` once.
///
/// # Errors
/// Whatever makes the text unusable, and [`DataError::Empty`] if there is none; `name` is what the
/// message then calls it.
pub(crate) fn scan(inputs: &[Input], rules: &DataConfig, name: &str) -> Result<Scan, DataError> {
    let (mut documents, mut characters, mut bytes, mut answers) = (0, 0, 0, false);
    let mut hash = Sha256::new();
    let mut alphabet = Alphabet::new();
    let mut seen = Seen::default();
    read_documents(inputs, rules, &mut seen, &mut |event| {
        match event {
            Event::Text(text, kind) => {
                // 0xFE and 0xFF never occur in UTF-8.
                if kind == Kind::Answer {
                    hash.update([0xFE]);
                    answers = true;
                }
                hash.update(text);
                bytes += text.len() as u64;
                characters += alphabet.add(text);
            }
            Event::End => {
                hash.update([0xFF]);
                documents += 1;
            }
        }
        Ok(())
    })?;
    if bytes == 0 {
        let why = seen.nulls.first.map_or_else(String::new, |(field, ..)| {
            format!(" ({field} is null in every record)")
        });
        return Err(DataError::Empty {
            name: format!("{name}{why}"),
        });
    }
    Ok(Scan {
        documents,
        characters,
        bytes,
        answers,
        sha256: hash.finalize().into(),
        seen,
        alphabet,
    })
}

/// A set of characters: one bit a code point.
pub(crate) struct Alphabet(Vec<u64>);

impl Alphabet {
    fn new() -> Self {
        Self(vec![0; (char::MAX as usize + 1).div_ceil(64)])
    }

    /// Adds the characters of `text` and says how many there were.
    fn add(&mut self, text: &str) -> u64 {
        let mut count = 0;
        for c in text.chars() {
            let code = u32::from(c) as usize;
            self.0[code / 64] |= 1 << (code % 64);
            count += 1;
        }
        count
    }

    /// The characters, in code-point order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = char> {
        (0..=u32::from(char::MAX))
            .filter(|&code| self.0[code as usize / 64] >> (code % 64) & 1 == 1)
            .filter_map(char::from_u32)
    }
}
