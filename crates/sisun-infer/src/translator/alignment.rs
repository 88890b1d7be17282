//! The true alignment of a source and a target, where the pairs tell it.

use super::Translator;
use crate::InferError;
use sisun_data::pairs::{Pair, Pairs, TokenLink, tokenize_pair};

impl Translator {
    /// Return the true alignment of a pair as pairs of target and source token, sure and possible
    /// links alike; `None` if the pair has none.
    ///
    /// # Errors
    /// If the tokenizers do not know a character of the pair.
    pub fn alignment(&self, pair: &Pair) -> Result<Option<Vec<(usize, usize)>>, InferError> {
        let tokens = tokenize_pair(pair, &self.tokenizers)
            .map_err(|problem| InferError::Pair { problem })?;
        Ok(tokens.links.as_deref().map(cells))
    }

    /// Return the true alignment of a source and a target if a pair with both tells it.
    pub fn alignment_among(
        &self,
        pairs: &Pairs,
        source: &str,
        target: &str,
    ) -> Option<Vec<(usize, usize)>> {
        let all = [&pairs.train, &pairs.validation];
        let mut found = all.into_iter().flat_map(|set| &set.corpus.pairs);
        let pair = found.find(|pair| {
            pair.source == source && pair.target == target && pair.alignment.is_some()
        })?;
        self.alignment(pair).ok().flatten()
    }
}

/// Return links as pairs of target and source token, each once.
fn cells(links: &[TokenLink]) -> Vec<(usize, usize)> {
    let mut cells: Vec<(usize, usize)> = links
        .iter()
        .flat_map(|link| link.source.clone().map(|source| (link.target, source)))
        .collect();
    cells.sort_unstable();
    cells.dedup();
    cells
}
