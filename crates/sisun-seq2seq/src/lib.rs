//! Sequence to sequence: an encoder reads the source, a decoder writes the target.

pub mod measures;
