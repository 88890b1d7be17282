//! Holding out pairs.

use super::read::PairCorpus;
use crate::DataError;
use crate::digest::sha256_hex;
use std::collections::{BTreeMap, BTreeSet};

/// Return the indexes of the pairs to learn from and of those that are held out, each in order.
///
/// A fraction of the different sources, at least one and never all, is held out: those whose
/// SHA-256 is lowest. So pairs with the same source are on one side, and pairs that are added to a
/// file move few others.
///
/// # Errors
/// [`DataError::OneSource`].
pub fn split_pairs(
    corpus: &PairCorpus,
    fraction: f64,
) -> Result<(Vec<usize>, Vec<usize>), DataError> {
    let sources: BTreeSet<&str> = corpus.pairs.iter().map(|pair| &*pair.source).collect();
    if sources.len() < 2 {
        return Err(DataError::OneSource {
            name: corpus.name(),
        });
    }
    let held_out = (fraction * sources.len() as f64).round() as usize;
    let held_out = held_out.clamp(1, sources.len() - 1);
    let by_digest: BTreeMap<String, &str> = sources
        .into_iter()
        .map(|source| (sha256_hex(source.as_bytes()), source))
        .collect();
    let validation: BTreeSet<&str> = by_digest.into_values().take(held_out).collect();
    Ok((0..corpus.pairs.len()).partition(|&at| !validation.contains(&*corpus.pairs[at].source)))
}
