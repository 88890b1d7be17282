//! Uniform integers and permutations, defined here so that a seed gives the same draws with every
//! version of the random-number library.

use rand::Rng;

/// Draw a number in `0..n`. The bias, below n/2⁶⁴, is that of Lemire's multiply-and-shift without
/// rejection (Lemire 2019, "Fast random integer generation in an interval").
pub(crate) fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Shuffle `items` (Fisher-Yates).
pub(crate) fn shuffle<T>(items: &mut [T], rng: &mut impl Rng) {
    for last in (1..items.len()).rev() {
        items.swap(last, below(rng, last + 1));
    }
}
