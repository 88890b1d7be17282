//! From a configuration to tokenized pairs.

use super::read::{PairCorpus, PairFiles, read_pairs};
use super::split::split_pairs;
use super::tokenizers::{PairTokenizers, make_pair_tokenizers};
use super::tokens::{PairTokens, tokenize_pairs};
use crate::DataError;
use crate::digest::hex;
use sha2::{Digest, Sha256};
use sisun_config::{PairTokenizersConfig, PairsConfig};
use std::io::Read;
use std::sync::Arc;

/// The pairs of one split, as text and as tokens.
#[derive(Clone, Debug)]
pub struct PairSet {
    /// The texts.
    pub corpus: PairCorpus,
    /// The tokens of each of them.
    pub tokens: Arc<[PairTokens]>,
}

impl PairSet {
    /// Check that no pair is longer than a model reads and writes, in tokens; `max_target` counts
    /// the end of a target.
    ///
    /// # Errors
    /// [`DataError::Pair`] for the first that is longer.
    pub fn check_lengths(&self, max_source: usize, max_target: usize) -> Result<(), DataError> {
        for (at, pair) in self.tokens.iter().enumerate() {
            let (source, target) = (pair.source.len(), pair.target.len() + 1);
            let (side, tokens, most) = match () {
                () if source > max_source => ("source", format!("{source} tokens"), max_source),
                () if target > max_target => (
                    "target",
                    format!("{target} tokens with its end"),
                    max_target,
                ),
                () => continue,
            };
            return Err(self.corpus.problem(at, format!(
                "the {side} has {tokens}, but seq2seq.max_{side}_len is {most}; raise that in the configuration, or remove the pair"
            )));
        }
        Ok(())
    }
}

/// The pairs of a configuration.
#[derive(Clone, Debug)]
pub struct Pairs {
    /// The pairs to learn from.
    pub train: PairSet,
    /// The pairs that are held out.
    pub validation: PairSet,
    /// The tokenizers of both sides.
    pub tokenizers: PairTokenizers,
}

impl Pairs {
    /// Return the SHA-256 of all pairs, in hexadecimal: of what is learnt and what is held out.
    pub fn sha256(&self) -> String {
        let mut sum = Sha256::new();
        for set in [&self.train, &self.validation] {
            sum.update((set.corpus.pairs.len() as u64).to_le_bytes());
            for pair in &set.corpus.pairs {
                for text in [&pair.source, &pair.target] {
                    sum.update((text.len() as u64).to_le_bytes());
                    sum.update(text.as_bytes());
                }
            }
        }
        hex(&sum.finalize())
    }
}

/// Read the pairs of a configuration, hold some out, and tokenize them: with `tokenizers` if given,
/// as when a run is resumed, or else with those that `settings` ask for.
///
/// # Errors
/// Those of [`read_pairs`], [`split_pairs`], [`make_pair_tokenizers`] and [`tokenize_pairs`].
pub fn prepare_pairs(
    config: &PairsConfig,
    settings: PairTokenizersConfig<'_>,
    tokenizers: Option<PairTokenizers>,
    stdin: &mut dyn Read,
) -> Result<Pairs, DataError> {
    let all = read_pairs(PairFiles::training(config), config, stdin)?;
    let (train, validation) = if config.validation.is_empty() {
        let (train, validation) = split_pairs(&all, config.validation_fraction)?;
        (all.select(&train), all.select(&validation))
    } else {
        let validation = read_pairs(PairFiles::validation(config), config, stdin)?;
        (all, validation)
    };
    let tokenizers = match tokenizers {
        Some(tokenizers) => tokenizers,
        None => make_pair_tokenizers(settings, &[&train, &validation], config.normalize)?,
    };
    let set = |corpus: PairCorpus| -> Result<PairSet, DataError> {
        let tokens = tokenize_pairs(&corpus, &tokenizers)?.into();
        Ok(PairSet { corpus, tokens })
    };
    Ok(Pairs {
        train: set(train)?,
        validation: set(validation)?,
        tokenizers,
    })
}
