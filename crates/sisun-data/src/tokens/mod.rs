//! The tokens of one split: memory-mapped from the cache, or held in memory.

mod epoch_order;
mod windows;

pub use windows::{Batch, epoch_batch, evaluation_windows, random_batch};

use crate::{DataError, Tokenizer, tokens::epoch_order::Orders};
use sisun_files::Mapped;
use std::{
    ops::Range,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// After this many reads the pages they touched are given back, so that a mapping larger than
/// memory does not fill it. The kernel brings in up to 64 KiB a read, so this bounds the mapping's
/// share at 128 MiB.
const READS_BETWEEN_RELEASES: usize = 2048;

/// The tokens of one split, where its documents start, and on which of them the loss is taken.
#[derive(Debug)]
pub struct Tokens {
    ids: Ids,
    /// One byte a token: 1 where the loss is taken.
    loss: Option<Bytes>,
    /// Of each document the index of its first token, as little-endian `u64`.
    starts: Bytes,
    text_bytes: u64,
    reads: AtomicUsize,
    pub(crate) orders: Orders,
}

#[derive(Debug)]
struct Ids {
    bytes: Bytes,
    width: Width,
}

/// Bytes a token id takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    Two,
    Four,
}

impl Width {
    /// The narrowest that holds every id below `vocab_size`.
    pub(crate) fn of(vocab_size: usize) -> Self {
        if vocab_size <= 1 << 16 {
            Self::Two
        } else {
            Self::Four
        }
    }

    /// Appends `id`, which must be below the vocabulary's size.
    pub(crate) fn write(self, id: u32, bytes: &mut Vec<u8>) {
        let all = id.to_le_bytes();
        bytes.extend_from_slice(match self {
            Self::Two => &all[..2],
            Self::Four => &all,
        });
    }

    fn bytes(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Four => 4,
        }
    }
}

#[derive(Debug)]
enum Bytes {
    Mapped(Mapped),
    Held(Vec<u8>),
}

impl std::ops::Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Held(bytes) => bytes,
        }
    }
}

impl Bytes {
    fn map(path: &Path) -> std::io::Result<Self> {
        Mapped::open(path).map(Self::Mapped)
    }

    fn release(&self) {
        if let Self::Mapped(map) = self {
            map.release();
        }
    }
}

impl Tokens {
    /// Tokens held in memory.
    ///
    /// `loss` says on which tokens the loss is taken (`None`: on all); `document_starts` is the
    /// index of the first token of each document, ascending; `text_bytes` is how many bytes of text
    /// the tokens stand for.
    ///
    /// # Panics
    /// If `loss` has another length than `ids` or a document starts outside them.
    pub fn from_ids(
        ids: &[u32],
        loss: Option<&[bool]>,
        document_starts: &[usize],
        text_bytes: u64,
    ) -> Self {
        assert!(
            loss.is_none_or(|loss| loss.len() == ids.len()),
            "one loss mark a token"
        );
        assert!(document_starts.is_sorted(), "document starts ascend");
        assert!(
            document_starts.iter().all(|&start| start <= ids.len()),
            "a document starts past the end"
        );
        let mut bytes = Vec::with_capacity(4 * ids.len());
        ids.iter().for_each(|&id| Width::Four.write(id, &mut bytes));
        Self {
            ids: Ids {
                bytes: Bytes::Held(bytes),
                width: Width::Four,
            },
            loss: loss.map(|loss| Bytes::Held(loss.iter().map(|&on| u8::from(on)).collect())),
            starts: Bytes::Held(
                document_starts
                    .iter()
                    .flat_map(|&start| (start as u64).to_le_bytes())
                    .collect(),
            ),
            text_bytes,
            reads: AtomicUsize::new(0),
            orders: Orders::default(),
        }
    }

    /// Maps the files of a cache that has been verified.
    ///
    /// Marks on every token are as good as none.
    pub(crate) fn map(
        ids: &Path,
        width: Width,
        loss: Option<&Path>,
        starts: &Path,
        text_bytes: u64,
    ) -> std::io::Result<Self> {
        Ok(Self {
            ids: Ids {
                bytes: Bytes::map(ids)?,
                width,
            },
            loss: loss
                .map(Bytes::map)
                .transpose()?
                .filter(|loss| loss.contains(&0)),
            starts: Bytes::map(starts)?,
            text_bytes,
            reads: AtomicUsize::new(0),
            orders: Orders::default(),
        })
    }

    /// How many tokens there are.
    pub fn len(&self) -> usize {
        self.ids.bytes.len() / self.ids.width.bytes()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many bytes of text the tokens stand for. End-of-text tokens stand for none. With it a
    /// loss per token becomes bits per byte: `loss · len / (ln 2 · bytes)`.
    pub fn bytes(&self) -> u64 {
        self.text_bytes
    }

    /// How many documents there are.
    pub fn documents(&self) -> usize {
        self.starts.len() / 8
    }

    /// The tokens of document `i`, its end-of-text included.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn document(&self, i: usize) -> Range<usize> {
        let start = |i: usize| {
            let bytes = self.starts[8 * i..8 * i + 8]
                .try_into()
                .expect("eight bytes were taken");
            u64::from_le_bytes(bytes) as usize
        };
        start(i)..if i + 1 < self.documents() {
            start(i + 1)
        } else {
            self.len()
        }
    }

    /// Whether the loss is taken on some of the tokens only.
    pub fn has_loss_mask(&self) -> bool {
        self.loss.is_some()
    }

    /// How many tokens that a model can be asked for, all but the first, the loss is taken on.
    pub fn loss_tokens(&self) -> usize {
        self.marked_in(1.min(self.len())..self.len())
    }

    /// How many of the tokens in `range` the loss is taken on.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn marked_in(&self, range: Range<usize>) -> usize {
        match &self.loss {
            Some(loss) => loss[range].iter().map(|&mark| usize::from(mark == 1)).sum(),
            None => range.len(),
        }
    }

    /// The ids in `range`.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn read(&self, range: Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(range.len());
        self.read_into(range, &mut ids);
        ids
    }

    /// That a model with so many rows can read all of them.
    ///
    /// # Errors
    /// [`DataError::NoRow`], of the first that it cannot.
    pub fn check_rows(&self, tokenizer: &Tokenizer, rows: usize) -> Result<(), DataError> {
        const AT_ONCE: usize = 1 << 16;
        if tokenizer.vocab_size() <= rows {
            return Ok(());
        }
        for first in (0..self.len()).step_by(AT_ONCE) {
            tokenizer.check_rows(&self.read(first..self.len().min(first + AT_ONCE)), rows)?;
        }
        Ok(())
    }

    /// Appends the ids in `range` to `ids`.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn read_into(&self, range: Range<usize>, ids: &mut Vec<u32>) {
        let width = self.ids.width.bytes();
        let bytes = &self.ids.bytes[width * range.start..width * range.end];
        match self.ids.width {
            Width::Two => ids.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&two| u32::from(u16::from_le_bytes(two))),
            ),
            Width::Four => ids.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&four| u32::from_le_bytes(four)),
            ),
        }
        self.count_read(range.len());
    }

    /// Appends to `marks`, for the tokens in `range`, whether the loss is taken on them.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn read_loss_into(&self, range: Range<usize>, marks: &mut Vec<bool>) {
        match &self.loss {
            Some(loss) => marks.extend(loss[range].iter().map(|&mark| mark == 1)),
            None => marks.extend(range.map(|_| true)),
        }
    }

    /// Gives back the pages of the mappings now and then. A long read counts as many.
    fn count_read(&self, tokens: usize) {
        let reads = 1 + tokens / 16_384;
        let before = self.reads.fetch_add(reads, Ordering::Relaxed);
        if before / READS_BETWEEN_RELEASES != (before + reads) / READS_BETWEEN_RELEASES {
            self.ids.bytes.release();
            self.loss.iter().for_each(Bytes::release);
        }
    }
}
