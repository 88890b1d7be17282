//! The result of tokenizing a text.

/// The tokens of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// The id of each token.
    pub ids: Vec<u32>,
    /// For each token the half-open range of the text that it came from, in **characters**. Tokens
    /// that share a character all have that character's range.
    pub offsets: Vec<(usize, usize)>,
}

/// Convert byte ranges of `text` to character ranges.
pub(super) fn character_offsets(text: &str, bytes: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let character_at = |byte: usize| starts.partition_point(|&start| start < byte);
    bytes
        .iter()
        .map(|&(start, end)| (character_at(start), character_at(end)))
        .collect()
}
