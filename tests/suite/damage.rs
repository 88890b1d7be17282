//! Kinds of damage to files.

use proptest::prelude::*;

/// Damage to a file.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Flip(Vec<(usize, u8)>),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Replace(Vec<u8>),
}

/// Return a strategy for arbitrary damage.
pub(crate) fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        prop::collection::vec((any::<usize>(), 1..=255_u8), 1..4).prop_map(Damage::Flip),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), prop::collection::vec(any::<u8>(), 1..9))
            .prop_map(|(at, with)| Damage::Insert(at, with)),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Damage::Replace),
    ]
}

/// Return the damaged bytes.
pub(crate) fn apply(damage: Damage, bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let len = bytes.len();
    match damage {
        Damage::Flip(flips) => flips
            .into_iter()
            .for_each(|(at, with)| bytes[at % len] ^= with),
        Damage::Cut(at) => bytes.truncate(at % len),
        Damage::Insert(at, with) => drop(bytes.splice(at % len..at % len, with)),
        Damage::Replace(with) => bytes = with,
    }
    bytes
}
