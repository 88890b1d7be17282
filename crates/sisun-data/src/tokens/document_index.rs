//! The documents of a split, as ranges of its tokens.

use super::bytes::Bytes;
use std::ops::Range;

/// The first token of each document.
#[derive(Debug)]
pub(super) struct DocumentIndex {
    /// The index of each document's first token, as little-endian `u64`, ascending.
    starts: Bytes,
    /// The number of tokens in all documents.
    tokens: usize,
}

impl DocumentIndex {
    pub(super) fn new(starts: Bytes, tokens: usize) -> Self {
        Self { starts, tokens }
    }

    /// Return how many documents there are.
    pub(super) fn count(&self) -> usize {
        self.starts.len() / 8
    }

    /// Return whether a document starts at token `at`.
    pub(super) fn starts_at(&self, at: usize) -> bool {
        let (starts, _) = self.starts.as_chunks::<8>();
        starts
            .binary_search_by_key(&(at as u64), |&start| u64::from_le_bytes(start))
            .is_ok()
    }

    /// Return the tokens of document `i`.
    ///
    /// # Panics
    /// If there is no such document.
    pub(super) fn range(&self, i: usize) -> Range<usize> {
        let start = |i: usize| {
            let bytes = self.starts[8 * i..8 * i + 8]
                .try_into()
                .expect("eight bytes were taken");
            u64::from_le_bytes(bytes) as usize
        };
        start(i)..if i + 1 < self.count() {
            start(i + 1)
        } else {
            self.tokens
        }
    }
}
