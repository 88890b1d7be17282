//! Batches of pairs of like length.

use super::batch::PairBatch;
use super::tokens::PairTokens;
use crate::random::{below, shuffle};
use sisun_config::randomness::stream;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// A bucket has at least this many batches, so that its batches differ from one another.
const BATCHES: usize = 16;

/// Pairs sorted by length and divided into buckets, from each of which whole batches are drawn, so
/// that little of a batch is padding.
///
/// A batch is a function of the pairs, the batch size and the arguments alone: a resumed run draws
/// the same.
#[derive(Debug)]
pub struct PairBuckets {
    pairs: Arc<[PairTokens]>,
    /// Indexes of the pairs, by the length of the target, then of the source.
    order: Vec<u32>,
    /// Parts of `order`.
    buckets: Vec<Range<usize>>,
    batch_size: usize,
    begin: u32,
    end: u32,
    /// The batches of the epoch asked for last: seed, epoch, indexes of pairs.
    epoch: Mutex<Option<(u64, u64, Epoch)>>,
}

/// The batches of one epoch, as indexes of pairs.
type Epoch = Arc<Vec<Vec<u32>>>;

impl PairBuckets {
    /// Divide the pairs. `begin` and `end` are the ids around a target.
    ///
    /// # Panics
    /// If there are no pairs or more than 2³², or the batch size is 0.
    pub fn new(
        pairs: impl Into<Arc<[PairTokens]>>,
        batch_size: usize,
        begin: u32,
        end: u32,
    ) -> Self {
        let pairs = pairs.into();
        assert!(
            !pairs.is_empty() && batch_size > 0,
            "batches need pairs and a size"
        );
        let count = u32::try_from(pairs.len()).expect("memory holds fewer than 2³² pairs");
        let mut order: Vec<u32> = (0..count).collect();
        order.sort_by_key(|&at| {
            let pair = &pairs[at as usize];
            (pair.target.len(), pair.source.len())
        });
        let number = (pairs.len() / (BATCHES * batch_size)).max(1);
        let start =
            |bucket: usize| (bucket as u128 * pairs.len() as u128 / number as u128) as usize;
        let buckets = (0..number)
            .map(|bucket| start(bucket)..start(bucket + 1))
            .collect();
        Self {
            pairs,
            order,
            buckets,
            batch_size,
            begin,
            end,
            epoch: Mutex::new(None),
        }
    }

    /// Return a batch of pairs drawn anew at each step: a bucket with a probability proportional to
    /// its size, then that many of its pairs, none twice. If all pairs are fewer than a batch, all
    /// of them.
    pub fn random_batch(&self, seed: u64, micro_step: u64) -> PairBatch {
        let rng = &mut stream(seed, "pairs", micro_step);
        let place = below(rng, self.order.len());
        let bucket = self.buckets.partition_point(|bucket| bucket.end <= place);
        let mut rest = self.order[self.buckets[bucket].clone()].to_vec();
        let taken = self.batch_size.min(rest.len());
        for at in 0..taken {
            let with = at + below(rng, rest.len() - at);
            rest.swap(at, with);
        }
        self.batch_of(&rest[..taken])
    }

    /// Return a batch of epochs in each of which every pair occurs once. Buckets are shuffled, cut
    /// into batches, the last of which may be short, and the batches of all buckets shuffled.
    pub fn epoch_batch(&self, seed: u64, micro_step: u64) -> PairBatch {
        let count = self.batches_per_epoch() as u64;
        let batches = self.epoch(seed, micro_step / count);
        self.batch_of(&batches[(micro_step % count) as usize])
    }

    /// Return the number of batches of an epoch.
    pub fn batches_per_epoch(&self) -> usize {
        let batches = |bucket: &Range<usize>| bucket.len().div_ceil(self.batch_size);
        self.buckets.iter().map(batches).sum()
    }

    /// Iterate over all pairs once, by length, in batches with the indexes of their pairs: the same
    /// every time. With a limit, over at most that many pairs, evenly spaced among them all.
    pub fn evaluation_batches(
        &self,
        limit: Option<usize>,
    ) -> impl Iterator<Item = (Vec<usize>, PairBatch)> + '_ {
        let all = self.order.len();
        let taken = limit.unwrap_or(all).min(all);
        let chosen: Vec<u32> = (0..taken)
            .map(|i| self.order[(i as u128 * all as u128 / taken as u128) as usize])
            .collect();
        (0..taken).step_by(self.batch_size).map(move |first| {
            let rows = &chosen[first..taken.min(first + self.batch_size)];
            let indexes = rows.iter().map(|&at| at as usize).collect();
            (indexes, self.batch_of(rows))
        })
    }

    fn epoch(&self, seed: u64, epoch: u64) -> Epoch {
        let mut kept = self.epoch.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of_seed, of_epoch, batches)) = &*kept
            && (*of_seed, *of_epoch) == (seed, epoch)
        {
            return Arc::clone(batches);
        }
        let rng = &mut stream(seed, "pair epochs", epoch);
        let mut batches = Vec::with_capacity(self.batches_per_epoch());
        for bucket in &self.buckets {
            let mut pairs = self.order[bucket.clone()].to_vec();
            shuffle(&mut pairs, rng);
            batches.extend(pairs.chunks(self.batch_size).map(<[u32]>::to_vec));
        }
        shuffle(&mut batches, rng);
        let batches = Arc::new(batches);
        *kept = Some((seed, epoch, Arc::clone(&batches)));
        batches
    }

    fn batch_of(&self, pairs: &[u32]) -> PairBatch {
        let pairs: Vec<&PairTokens> = pairs.iter().map(|&at| &self.pairs[at as usize]).collect();
        PairBatch::new(&pairs, self.begin, self.end)
    }
}
