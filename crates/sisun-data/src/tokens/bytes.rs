//! Bytes that are memory-mapped from a file or held in memory.

use sisun_files::Mapped;
use std::{ops::Deref, path::Path};

/// The contents of a file, memory-mapped, or bytes in memory.
#[derive(Debug)]
pub(super) enum Bytes {
    Mapped(Mapped),
    Held(Vec<u8>),
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(bytes) => bytes,
        }
    }
}

impl Bytes {
    pub(super) fn map(path: &Path) -> std::io::Result<Self> {
        Mapped::open(path).map(Self::Mapped)
    }

    /// Give back the memory of a mapping, which the next read fills again.
    pub(super) fn release(&self) {
        if let Self::Mapped(map) = self {
            map.release();
        }
    }
}
