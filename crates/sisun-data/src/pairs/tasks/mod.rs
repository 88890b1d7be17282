//! Generated pairs with one right target each, whose alignments are known.
//!
//! Each generator decides the links of its pairs, and its documentation says by which rule. Common
//! to all: a part of the target has at most one sure link, and one that nothing in the source says
//! (a hyphen of a date) has none.

mod dates;
mod number_words;
mod numbers;
mod options;
mod romanization;
mod spans;
mod symbols;
mod translation;

#[cfg(test)]
mod tests;

pub use options::{Hangul, PairLanguage, PairTask, PairTaskOptions};
pub use romanization::{letters_of, romanize};

use super::alignment::Pair;
use rand::Rng;
use sisun_config::randomness::stream;
use std::io::{self, Write};

impl PairTask {
    /// Return the pair of this number, a function of the seed and the number.
    pub(super) fn numbered(self, options: &PairTaskOptions, seed: u64, number: u64) -> Pair {
        self.pair(options, &mut stream(seed, self.purpose(), number))
    }

    /// Return a pair of the task.
    pub fn pair(self, options: &PairTaskOptions, rng: &mut impl Rng) -> Pair {
        match self {
            Self::Copy => symbols::pair(options.lengths, false, rng),
            Self::Reverse => symbols::pair(options.lengths, true, rng),
            Self::Dates => dates::pair(options.language, rng),
            Self::Numbers => numbers::pair(options.language, options.digits, rng),
            Self::Romanization => romanization::pair(options.hangul, rng),
            Self::Translation => translation::pair(options.language, rng),
        }
    }
}

/// Write `count` pairs of a task, each a line of JSON. A pair is a function of the seed and its
/// number, so more of them begin with fewer.
///
/// # Errors
/// Any error of writing to `to`.
pub fn write_pairs(
    task: PairTask,
    options: &PairTaskOptions,
    seed: u64,
    count: u64,
    to: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    for number in 0..count {
        let pair = task.numbered(options, seed, number);
        serde_json::to_writer(&mut *to, &pair)?;
        writeln!(to)?;
    }
    Ok(())
}
