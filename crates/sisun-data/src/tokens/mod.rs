//! The tokens of one split: memory-mapped from the cache, or held in memory.

mod bytes;
mod document_index;
mod epoch_order;
mod id_width;
mod windows;

pub(crate) use id_width::IdWidth;
pub use windows::{Batch, epoch_batch, evaluation_targets, evaluation_windows, random_batch};

use crate::{DataError, Tokenizer};
use bytes::Bytes;
use document_index::DocumentIndex;
use epoch_order::EpochOrders;
use std::{
    collections::HashMap,
    ops::Range,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

/// After this many reads the pages that they touched are given back, so that a mapping larger than
/// memory does not fill it. The kernel loads up to 64 KiB for a read, so a mapping holds at most
/// 128 MiB.
const READS_BETWEEN_RELEASES: usize = 2048;

/// The tokens of one split, where its documents start, and on which of them the loss is taken.
#[derive(Debug)]
pub struct Tokens {
    ids: Ids,
    /// One byte for each token, 1 where the loss is taken; `None` if it is taken on all.
    loss: Option<Bytes>,
    documents: DocumentIndex,
    text_bytes: u64,
    reads: AtomicUsize,
    epoch_orders: EpochOrders,
}

/// Token ids, each of `width` bytes.
#[derive(Debug)]
struct Ids {
    bytes: Bytes,
    width: IdWidth,
}

impl Ids {
    fn len(&self) -> usize {
        self.bytes.len() / self.width.bytes()
    }
}

/// Text of some tokens.
#[derive(Clone, Copy, Debug, Default)]
struct CountedBytes {
    /// Bytes of text of all tokens but the unknown ones.
    known_bytes: u64,
    /// Number of unknown tokens.
    unknown: u64,
}

impl Tokens {
    /// Create tokens in memory.
    ///
    /// `loss` says on which tokens the loss is taken (`None`: on all); `document_starts` is the
    /// index of the first token of each document, ascending; `text_bytes` is the number of bytes of
    /// text that the tokens stand for.
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
        ids.iter()
            .for_each(|&id| IdWidth::Four.write(id, &mut bytes));
        Self {
            ids: Ids {
                bytes: Bytes::Held(bytes),
                width: IdWidth::Four,
            },
            loss: loss.map(|loss| Bytes::Held(loss.iter().map(|&on| u8::from(on)).collect())),
            documents: DocumentIndex::new(
                Bytes::Held(
                    document_starts
                        .iter()
                        .flat_map(|&start| (start as u64).to_le_bytes())
                        .collect(),
                ),
                ids.len(),
            ),
            text_bytes,
            reads: AtomicUsize::new(0),
            epoch_orders: EpochOrders::default(),
        }
    }

    /// Map the files of a cache entry that has been verified. A loss mask that is on everywhere is
    /// dropped.
    pub(crate) fn map(
        ids: &Path,
        width: IdWidth,
        loss: Option<&Path>,
        starts: &Path,
        text_bytes: u64,
    ) -> std::io::Result<Self> {
        let ids = Ids {
            bytes: Bytes::map(ids)?,
            width,
        };
        Ok(Self {
            loss: loss
                .map(Bytes::map)
                .transpose()?
                .filter(|loss| loss.contains(&0)),
            documents: DocumentIndex::new(Bytes::map(starts)?, ids.len()),
            ids,
            text_bytes,
            reads: AtomicUsize::new(0),
            epoch_orders: EpochOrders::default(),
        })
    }

    /// Return how many tokens there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Return whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Return how many bytes of text the tokens stand for. End-of-text tokens stand for none. It
    /// converts a loss per token to bits per byte: `loss · len / (ln 2 · bytes)`.
    pub fn bytes(&self) -> u64 {
        self.text_bytes
    }

    /// Return how many documents there are.
    pub fn documents(&self) -> usize {
        self.documents.count()
    }

    /// Return the tokens of document `i`, its end-of-text token included.
    ///
    /// # Panics
    /// If there is no such document.
    pub fn document(&self, i: usize) -> Range<usize> {
        self.documents.range(i)
    }

    /// Return the ranges of tokens that make up `range` of an epoch, in which the documents follow
    /// each other in an order that `seed` and `epoch` determine.
    pub(crate) fn epoch_ranges(
        &self,
        seed: u64,
        epoch: u64,
        range: Range<usize>,
    ) -> Vec<Range<usize>> {
        self.epoch_orders
            .get(&self.documents, seed, epoch)
            .token_ranges(&self.documents, range)
    }

    /// Return the number of tokens for each byte of text among those at `targets`, which do not
    /// overlap, or `None` if they stand for no text. Bits per byte are `loss / ln 2` times this.
    ///
    /// If `targets` are all tokens but the first, which no model predicts, it is the number of tokens
    /// over [`bytes`](Self::bytes). For a part of them the bytes are counted token by token, as
    /// [`text_bytes`](Self::text_bytes) does; an unknown token has the bytes that unknown tokens
    /// have on average in the whole text.
    pub fn tokens_per_byte(
        &self,
        targets: impl Iterator<Item = Range<usize>> + Clone,
        tokenizer: &Tokenizer,
    ) -> Option<f64> {
        let count: usize = targets.clone().map(|range| range.len()).sum();
        let (count, bytes) = match count + 1 == self.len() {
            true => (self.len(), self.bytes() as f64),
            false => {
                let part = self.count_bytes(targets, tokenizer);
                let unknown = match part.unknown {
                    0 => 0.0,
                    unknown => {
                        let all = self.count_bytes(std::iter::once(0..self.len()), tokenizer);
                        let rest = self.bytes().saturating_sub(all.known_bytes);
                        rest as f64 / all.unknown as f64 * unknown as f64
                    }
                };
                (count, part.known_bytes as f64 + unknown)
            }
        };
        (bytes > 0.0).then(|| count as f64 / bytes)
    }

    /// Return the number of bytes of text that the tokens at `ranges` stand for.
    ///
    /// A token of a byte-level vocabulary or of single characters has a fixed number of bytes, and
    /// so has one such as `<0xED>`. A token of any other tokenizer has the bytes that it adds to the
    /// text when it is decoded, at the beginning of a document without the space that the decoder
    /// takes away there. Special tokens stand for no text. Unknown tokens, whose text is lost, are
    /// left out.
    pub fn text_bytes(
        &self,
        ranges: impl Iterator<Item = Range<usize>>,
        tokenizer: &Tokenizer,
    ) -> u64 {
        self.count_bytes(ranges, tokenizer).known_bytes
    }

    fn count_bytes(
        &self,
        ranges: impl Iterator<Item = Range<usize>>,
        tokenizer: &Tokenizer,
    ) -> CountedBytes {
        let unknown = tokenizer.unknown_id();
        let mut within: HashMap<u32, usize> = HashMap::new();
        let mut counted = CountedBytes::default();
        for range in ranges {
            let before = range.start.saturating_sub(1)..range.start;
            let mut previous = self.read(before).first().copied();
            let first = range.start;
            for (i, id) in self.read(range).into_iter().enumerate() {
                let at_beginning = || {
                    self.documents.starts_at(first + i)
                        || previous.is_none_or(|previous| tokenizer.separates(previous))
                };
                match id {
                    id if Some(id) == unknown => counted.unknown += 1,
                    id if !tokenizer.has_fixed_token_bytes() && at_beginning() => {
                        counted.known_bytes += tokenizer.token_bytes(id, true) as u64;
                    }
                    id => {
                        let bytes = within
                            .entry(id)
                            .or_insert_with(|| tokenizer.token_bytes(id, false));
                        counted.known_bytes += *bytes as u64;
                    }
                }
                previous = Some(id);
            }
        }
        counted
    }

    /// Return whether the loss is taken on some of the tokens only.
    pub fn has_loss_mask(&self) -> bool {
        self.loss.is_some()
    }

    /// Return on how many tokens the loss is taken, without the first, which no model predicts.
    pub fn loss_tokens(&self) -> usize {
        self.loss_tokens_in(1.min(self.len())..self.len())
    }

    /// Return on how many of the tokens in `range` the loss is taken.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn loss_tokens_in(&self, range: Range<usize>) -> usize {
        match &self.loss {
            Some(loss) => loss[range].iter().map(|&mark| usize::from(mark == 1)).sum(),
            None => range.len(),
        }
    }

    /// Return the ids in `range`.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn read(&self, range: Range<usize>) -> Vec<u32> {
        let mut ids = Vec::with_capacity(range.len());
        self.read_into(range, &mut ids);
        ids
    }

    /// Return an error unless a model with `rows` embedding rows can read all tokens.
    ///
    /// # Errors
    /// [`DataError::TokenOutsideModel`] for the first that it cannot read.
    pub fn check_rows(&self, tokenizer: &Tokenizer, rows: usize) -> Result<(), DataError> {
        const CHUNK: usize = 1 << 16;
        if tokenizer.vocab_size() <= rows {
            return Ok(());
        }
        for first in (0..self.len()).step_by(CHUNK) {
            tokenizer.check_rows(&self.read(first..self.len().min(first + CHUNK)), rows)?;
        }
        Ok(())
    }

    /// Append the ids in `range` to `ids`.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn read_into(&self, range: Range<usize>, ids: &mut Vec<u32>) {
        let width = self.ids.width.bytes();
        let bytes = &self.ids.bytes[width * range.start..width * range.end];
        match self.ids.width {
            IdWidth::Two => ids.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&two| u32::from(u16::from_le_bytes(two))),
            ),
            IdWidth::Four => ids.extend(
                bytes
                    .as_chunks()
                    .0
                    .iter()
                    .map(|&four| u32::from_le_bytes(four)),
            ),
        }
        self.count_read(range.len());
    }

    /// Append to `marks`, for each token in `range`, whether the loss is taken on it.
    ///
    /// # Panics
    /// If `range` reaches past the end.
    pub fn read_loss_into(&self, range: Range<usize>, marks: &mut Vec<bool>) {
        match &self.loss {
            Some(loss) => marks.extend(loss[range].iter().map(|&mark| mark == 1)),
            None => marks.extend(range.map(|_| true)),
        }
    }

    /// Give back the pages of the mappings after some reads. A long read counts as several.
    fn count_read(&self, tokens: usize) {
        let reads = 1 + tokens / 16_384;
        let before = self.reads.fetch_add(reads, Ordering::Relaxed);
        if before / READS_BETWEEN_RELEASES != (before + reads) / READS_BETWEEN_RELEASES {
            self.ids.bytes.release();
            self.loss.iter().for_each(Bytes::release);
        }
    }
}
