//! The width of token ids in a file.

/// The number of bytes that a token id takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdWidth {
    Two,
    Four,
}

impl IdWidth {
    /// Return the narrowest width that holds every id below `vocab_size`.
    pub(crate) fn of(vocab_size: usize) -> Self {
        if vocab_size <= 1 << 16 {
            Self::Two
        } else {
            Self::Four
        }
    }

    /// Append `id`, which must be below the vocabulary's size.
    pub(crate) fn write(self, id: u32, bytes: &mut Vec<u8>) {
        let all = id.to_le_bytes();
        bytes.extend_from_slice(match self {
            Self::Two => &all[..2],
            Self::Four => &all,
        });
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}
