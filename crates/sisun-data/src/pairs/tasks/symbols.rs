//! Copying and reversing letters. Each letter of the target has a sure link to the letter of the
//! source that it is.

use super::spans::{PairBuilder, within};
use crate::pairs::alignment::Pair;
use crate::random::below;
use rand::Rng;

/// The number of different letters, from `a`.
const LETTERS: usize = 16;

/// Return a pair of `shortest` to `longest` letters.
pub(super) fn pair(
    (shortest, longest): (usize, usize),
    reversed: bool,
    rng: &mut impl Rng,
) -> Pair {
    let length = within(shortest, longest, rng);
    let letters: Vec<char> = (0..length)
        .map(|_| char::from(b'a' + below(rng, LETTERS) as u8))
        .collect();
    let mut pair = PairBuilder::default();
    pair.source.push(&letters.iter().collect::<String>());
    for at in 0..length {
        let from = if reversed { length - 1 - at } else { at };
        let target = pair.target.push(&letters[from].to_string());
        pair.link_sure(target, from..from + 1);
    }
    pair.finish()
}
