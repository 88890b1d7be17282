//! Texts that are put together piece by piece, with the place of each piece.

use crate::pairs::alignment::{Alignment, Link, Pair};
use crate::random::below;
use rand::Rng;
use std::ops::Range;

/// A text and its length in characters.
#[derive(Clone, Debug, Default)]
pub(super) struct SpanText {
    text: String,
    len: usize,
}

impl SpanText {
    /// Append a piece and return its range, in characters.
    pub(super) fn push(&mut self, piece: &str) -> Range<usize> {
        let start = self.len;
        self.text.push_str(piece);
        self.len += piece.chars().count();
        start..self.len
    }

    /// Return the number of characters so far.
    pub(super) fn len(&self) -> usize {
        self.len
    }
}

/// A pair that is put together.
#[derive(Clone, Debug, Default)]
pub(super) struct PairBuilder {
    pub(super) source: SpanText,
    pub(super) target: SpanText,
    alignment: Alignment,
}

impl PairBuilder {
    pub(super) fn link_sure(&mut self, target: Range<usize>, source: Range<usize>) {
        self.alignment.sure.push(Link { target, source });
    }

    pub(super) fn link_possible(&mut self, target: Range<usize>, source: Range<usize>) {
        self.alignment.possible.push(Link { target, source });
    }

    /// Return the pair, its links in the order of the target.
    pub(super) fn finish(mut self) -> Pair {
        for links in [&mut self.alignment.sure, &mut self.alignment.possible] {
            links.sort_by_key(|link| (link.target.start, link.source.start, link.target.end));
        }
        Pair {
            source: self.source.text,
            target: self.target.text,
            alignment: Some(self.alignment),
        }
    }

    /// Return the pair with source and target exchanged.
    pub(super) fn finish_reversed(mut self) -> Pair {
        std::mem::swap(&mut self.source, &mut self.target);
        let Alignment { sure, possible } = &mut self.alignment;
        for link in sure.iter_mut().chain(possible) {
            std::mem::swap(&mut link.source, &mut link.target);
        }
        self.finish()
    }
}

/// Return one of `choices`, each as likely as the others.
pub(super) fn choose<'c, T>(choices: &'c [T], rng: &mut impl Rng) -> &'c T {
    &choices[below(rng, choices.len())]
}

/// Return a number from `least` to `most`, both included.
pub(super) fn within(least: usize, most: usize, rng: &mut impl Rng) -> usize {
    least + below(rng, most - least + 1)
}

/// Return true with a probability of 1 in `n`.
pub(super) fn one_in(n: usize, rng: &mut impl Rng) -> bool {
    below(rng, n) == 0
}
