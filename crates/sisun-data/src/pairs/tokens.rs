//! Pairs as tokens, with the true links between tokens.

use super::alignment::{Link, Pair};
use super::read::PairCorpus;
use super::tokenizers::{PairTokenizers, Side};
use crate::DataError;
use crate::tokenizer::bulk_encoder::BulkEncoder;
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

/// The number of pairs that one thread tokenizes with one cache of words.
const CHUNK: usize = 4096;

/// Return the tokens of every pair, in order.
///
/// # Errors
/// [`DataError::Pair`] for the first pair that the tokenizer cannot write, or that has a side
/// without tokens.
pub fn tokenize_pairs(
    corpus: &PairCorpus,
    tokenizers: &PairTokenizers,
) -> Result<Vec<PairTokens>, DataError> {
    let tokenize = |(chunk, pairs): (usize, &[Pair])| -> Result<Vec<PairTokens>, DataError> {
        let mut source = BulkEncoder::new(tokenizers.source());
        let mut target = BulkEncoder::new(tokenizers.target());
        let tokens = |(at, pair): (usize, &Pair)| {
            let tokens = match pair.alignment {
                Some(_) => tokenize_pair(pair, tokenizers),
                // Without links there is no need of offsets, which take most of the time.
                None => tokenize_texts(pair, tokenizers, [&mut source, &mut target]),
            };
            tokens.map_err(|problem| corpus.problem(chunk * CHUNK + at, problem))
        };
        pairs.iter().enumerate().map(tokens).collect()
    };
    let chunks: Vec<Result<Vec<PairTokens>, DataError>> = corpus
        .pairs
        .par_chunks(CHUNK)
        .enumerate()
        .map(tokenize)
        .collect();
    // The first error in the order of the pairs, whichever thread finds one first.
    let chunks: Result<Vec<Vec<PairTokens>>, DataError> = chunks.into_iter().collect();
    Ok(chunks?.into_iter().flatten().collect())
}

fn tokenize_texts(
    pair: &Pair,
    tokenizers: &PairTokenizers,
    [source, target]: [&mut BulkEncoder<'_>; 2],
) -> Result<PairTokens, String> {
    let encode = |side: Side, text: &str, encoder: &mut BulkEncoder<'_>| {
        let ids = encoder.encode(&[(text, 0)]);
        let ids = ids.map_err(|error| {
            format!(
                "the {}: {}",
                side.name(),
                error.naming(tokenizers.keys(side))
            )
        })?;
        not_empty(side, ids.into_iter().flatten().collect())
    };
    Ok(PairTokens {
        source: encode(Side::Source, &pair.source, source)?,
        target: encode(Side::Target, &pair.target, target)?,
        links: None,
    })
}

fn not_empty(side: Side, ids: Vec<u32>) -> Result<Vec<u32>, String> {
    match ids.is_empty() {
        true => Err(format!(
            "the {} becomes no tokens at all: mend the line, remove the pair, or use another tokenizer",
            side.name()
        )),
        false => Ok(ids),
    }
}

/// Return the tokens of one pair.
///
/// # Errors
/// Those of [`Tokenizer::encode`](crate::Tokenizer::encode), as text, and a side without tokens.
pub fn tokenize_pair(pair: &Pair, tokenizers: &PairTokenizers) -> Result<PairTokens, String> {
    let encode = |side: Side, text: &str| {
        let encoded = tokenizers.encode(side, text);
        encoded.map_err(|error| format!("the {}: {error}", side.name()))
    };
    let source = encode(Side::Source, &pair.source)?;
    let target = encode(Side::Target, &pair.target)?;
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
        source: not_empty(Side::Source, source.ids)?,
        target: not_empty(Side::Target, target.ids)?,
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
