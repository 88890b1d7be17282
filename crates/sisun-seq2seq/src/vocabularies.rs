//! The vocabularies of source and target.

use sisun_data::pairs::PairTokenizers;

/// Number of tokens of the two tokenizers. The model's target vocabulary has two more: the begin
/// and the end of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vocabularies {
    /// Number of tokens of the source's tokenizer.
    pub source: usize,
    /// Number of tokens of the target's tokenizer.
    pub target: usize,
}

impl Vocabularies {
    /// Return the token that stands before every target.
    pub fn begin(self) -> u32 {
        self.target as u32
    }

    /// Return the token that ends every target.
    pub fn end(self) -> u32 {
        self.target as u32 + 1
    }

    /// Return the number of tokens that the decoder knows.
    pub fn target_rows(self) -> usize {
        self.target + 2
    }
}

impl From<&PairTokenizers> for Vocabularies {
    fn from(tokenizers: &PairTokenizers) -> Self {
        Self {
            source: tokenizers.source().vocab_size(),
            target: tokenizers.target().vocab_size(),
        }
    }
}
