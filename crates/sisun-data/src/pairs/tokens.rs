//! Pairs as tokens, with the true links between tokens.

use super::alignment::{Link, Pair};
use super::read::PairCorpus;
use super::tokenizers::PairTokenizers;
use crate::DataError;
use rayon::prelude::*;
use std::ops::Range;

/// The tokens of a pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PairTokens {
    /// The source's ids.
    pub source: Vec<u32>,
    /// The target's ids, without begin and end.
    pub target: Vec<u32>,
    /// The true links, sorted by target token, sure ones first; `None` where they are not known.
    pub links: Option<Vec<TokenLink>>,
}

/// A true link of one target token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenLink {
    /// The target token, from 0: the one that row `target` of the decoder's output predicts.
    pub target: usize,
    /// True for a link that is only possible.
    pub possible: bool,
    /// The source tokens that it comes from.
    pub source: Range<usize>,
}

/// Return the tokens of every pair, in order.
///
/// # Errors
/// [`DataError::Pair`], which names the place of a pair that the tokenizer cannot write, or of
/// one that becomes no tokens at all.
pub fn tokenize_pairs(
    corpus: &PairCorpus,
    tokenizers: &PairTokenizers,
) -> Result<Vec<PairTokens>, DataError> {
    let tokens = |(at, pair): (usize, &Pair)| {
        tokenize_pair(pair, tokenizers).map_err(|problem| corpus.problem(at, problem))
    };
    corpus.pairs.par_iter().enumerate().map(tokens).collect()
}

/// Return the tokens of one pair.
///
/// # Errors
/// Those of [`Tokenizer::encode`](crate::Tokenizer::encode), as text, and a side without tokens.
pub fn tokenize_pair(pair: &Pair, tokenizers: &PairTokenizers) -> Result<PairTokens, String> {
    let encode = |side: &str, text: &str, tokenizer: &crate::Tokenizer| {
        let encoding = tokenizer
            .encode(text)
            .map_err(|error| format!("the {side}: {error}"))?;
        match encoding.ids.is_empty() {
            true => Err(format!(
                "the {side} becomes no tokens at all: remove the pair, or use another tokenizer"
            )),
            false => Ok(encoding),
        }
    };
    let source = encode("source", &pair.source, tokenizers.source())?;
    let target = encode("target", &pair.target, tokenizers.target())?;
    let links = pair.alignment.as_ref().map(|alignment| {
        let mut links = Vec::new();
        for (of, possible) in [(&alignment.sure, false), (&alignment.possible, true)] {
            for link in of {
                add_links(link, possible, &target.offsets, &source.offsets, &mut links);
            }
        }
        links.sort_by_key(|link: &TokenLink| {
            (
                link.target,
                link.possible,
                link.source.start,
                link.source.end,
            )
        });
        links.dedup();
        links
    });
    Ok(PairTokens {
        source: source.ids,
        target: target.ids,
        links,
    })
}

/// Add the token links of a link between characters: every token that has a character of its
/// target range is linked to the tokens that have a character of its source range.
fn add_links(
    link: &Link,
    possible: bool,
    target: &[(usize, usize)],
    source: &[(usize, usize)],
    links: &mut Vec<TokenLink>,
) {
    let source = overlapping(source, &link.source);
    if source.is_empty() {
        return;
    }
    for target in overlapping(target, &link.target) {
        links.push(TokenLink {
            target,
            possible,
            source: source.clone(),
        });
    }
}

/// Return the tokens that have a character of `range`. Offsets never decrease, but tokens without
/// text may stand anywhere among them.
fn overlapping(offsets: &[(usize, usize)], range: &Range<usize>) -> Range<usize> {
    let overlaps = |&(start, end): &(usize, usize)| start < range.end && range.start < end;
    let Some(first) = offsets.iter().position(overlaps) else {
        return 0..0;
    };
    let len = offsets[first..].iter().rposition(overlaps).unwrap_or(0);
    first..first + len + 1
}
