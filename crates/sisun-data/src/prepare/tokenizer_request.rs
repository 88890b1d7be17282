//! The tokenizer that a configuration asks for.

use crate::{DataError, Tokenizer};
use sisun_config::{DataConfig, Normalize, TokenizerConfig};

/// A tokenizer to make, or one that exists.
pub(super) enum TokenizerRequest<'c> {
    Characters,
    Bpe {
        vocab_size: usize,
        specials: &'c [String],
    },
    Existing(Tokenizer),
}

impl<'c> TokenizerRequest<'c> {
    pub(super) fn new(config: &'c TokenizerConfig, data: &DataConfig) -> Result<Self, DataError> {
        Ok(match config {
            TokenizerConfig::Char => Self::Characters,
            TokenizerConfig::Bpe {
                vocab_size,
                specials,
            } => Self::Bpe {
                vocab_size: *vocab_size,
                specials,
            },
            TokenizerConfig::File { path } => {
                let tokenizer = Tokenizer::from_file(path)?;
                Self::Existing(if data.normalize == Normalize::Nfc {
                    tokenizer.composing()?
                } else {
                    tokenizer
                })
            }
        })
    }

    /// Return whether the tokenizer composes text (NFC) before it encodes it.
    pub(super) fn composes(&self, data: &DataConfig) -> bool {
        data.normalize == Normalize::Nfc
            || matches!(self, Self::Existing(tokenizer) if tokenizer.composes())
    }

    /// Return the part of a cache key that stands for the tokenizer.
    pub(super) fn cache_key(&self) -> String {
        match self {
            Self::Characters => "characters".to_owned(),
            Self::Bpe {
                vocab_size,
                specials,
            } => format!("bpe {vocab_size} {specials:?}"),
            Self::Existing(tokenizer) => {
                let mut key = tokenizer.sha256();
                // Older entries, from before documents began with a prefix, lack it.
                if let prefix @ [_, ..] = tokenizer.prefix() {
                    key += &format!(" after {prefix:?}");
                }
                // Older entries, from before files named the end-of-text token, have the one with such a name.
                let end = tokenizer.end_of_text();
                if end != tokenizer.eos_by_name() {
                    key += &format!(" before {end:?}");
                }
                key
            }
        }
    }
}
