//! Sets and lists of characters.

use std::collections::HashSet;

/// Return the characters that satisfy `wanted`, each once, in order of appearance.
pub(crate) fn distinct_characters(
    characters: impl Iterator<Item = char>,
    wanted: impl Fn(char) -> bool,
) -> Vec<char> {
    let mut seen = HashSet::new();
    characters
        .filter(|&c| seen.insert(c) && wanted(c))
        .collect()
}

/// Format characters for a message: `'한' (U+D55C), '\t' (U+0009) and 3 more`.
pub(crate) fn list_characters(characters: &[char]) -> String {
    const SHOWN: usize = 16;
    let mut list = characters
        .iter()
        .take(SHOWN)
        .map(|c| format!("{c:?} (U+{:04X})", u32::from(*c)))
        .collect::<Vec<_>>()
        .join(", ");
    if characters.len() > SHOWN {
        list += &format!(" and {} more", characters.len() - SHOWN);
    }
    list
}

/// A set of characters, stored as one bit for each code point.
pub(crate) struct CharacterSet(Vec<u64>);

impl CharacterSet {
    pub(crate) fn new() -> Self {
        Self(vec![0; (char::MAX as usize + 1).div_ceil(64)])
    }

    /// Add the characters of `text` and return how many it has, repeated ones included.
    pub(crate) fn add(&mut self, text: &str) -> u64 {
        let mut count = 0;
        for c in text.chars() {
            let code = u32::from(c) as usize;
            self.0[code / 64] |= 1 << (code % 64);
            count += 1;
        }
        count
    }

    /// Iterate over the characters in code-point order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = char> {
        (0..=u32::from(char::MAX))
            .filter(|&code| self.0[code as usize / 64] >> (code % 64) & 1 == 1)
            .filter_map(char::from_u32)
    }
}
