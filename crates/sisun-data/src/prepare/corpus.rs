//! A corpus: text that is tokenized and split.

use crate::{DataError, Tokenizer, Tokens};

/// The name of the validation split in messages.
const VALIDATION: &str = "validation";

/// Text that is tokenized and split.
#[derive(Debug)]
pub struct Corpus {
    /// The training split.
    pub train: Tokens,
    /// The validation split.
    pub validation: Tokens,
    /// The tokenizer of the tokens.
    pub tokenizer: Tokenizer,
    /// SHA-256, in hexadecimal, of the text, its documents and its split.
    pub sha256: String,
    /// The files that it was read from.
    pub sources: SourceSummary,
}

/// A summary of the files that were read, whatever was made of their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceSummary {
    /// The number of files.
    pub files: u64,
    /// The number of bytes of text in all of them, with `\n` as line ends.
    pub bytes: u64,
    /// SHA-256, in hexadecimal, of the text of each file, in their order.
    pub sha256: String,
    /// True if a line ended in a carriage return.
    pub carriage_returns: bool,
}

/// Return the corpus if each split holds a window and tokens on which the loss is taken.
pub(super) fn check_corpus(corpus: Corpus, context_len: usize) -> Result<Corpus, DataError> {
    for (split, tokens) in [
        ("training", &corpus.train),
        (VALIDATION, &corpus.validation),
    ] {
        if tokens.len() <= context_len {
            return Err(DataError::TooShort {
                split,
                tokens: tokens.len(),
                context_len,
            });
        }
        check_loss_tokens(split, tokens)?;
    }
    Ok(corpus)
}

/// Return an error if the loss is taken on no token of a split. Except in the
/// validation split, end-of-text tokens alone do not count.
pub(super) fn check_loss_tokens(split: &'static str, tokens: &Tokens) -> Result<(), DataError> {
    let only_ends =
        split != VALIDATION && tokens.loss_tokens_in(0..tokens.len()) <= tokens.documents();
    match tokens.has_loss_mask() && (only_ends || tokens.loss_tokens() == 0) {
        true => Err(DataError::NoLossTokens { split }),
        false => Ok(()),
    }
}
