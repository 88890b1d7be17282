//! The order of the documents in an epoch.

use super::document_index::DocumentIndex;
use crate::random::shuffle;
use sisun_config::randomness::stream;
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// One epoch: the documents in shuffled order, end to end.
#[derive(Debug)]
pub(super) struct EpochOrder {
    seed: u64,
    epoch: u64,
    documents: Vec<u32>,
    /// The position in the epoch at which each of them ends.
    ends: Vec<u64>,
}

impl EpochOrder {
    fn new(documents: &DocumentIndex, seed: u64, epoch: u64) -> Self {
        let count = u32::try_from(documents.count())
            .expect("fewer than 2³² documents fit in a cache's index");
        let mut order: Vec<u32> = (0..count).collect();
        shuffle(&mut order, &mut stream(seed, "documents", epoch));
        let mut end = 0;
        let ends = order
            .iter()
            .map(|&document| {
                end += documents.range(document as usize).len() as u64;
                end
            })
            .collect();
        Self {
            seed,
            epoch,
            documents: order,
            ends,
        }
    }

    /// Return the ranges of tokens that make up `range` of the epoch.
    pub(super) fn token_ranges(
        &self,
        documents: &DocumentIndex,
        range: Range<usize>,
    ) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        let mut at = range.start;
        let mut i = self.ends.partition_point(|&end| end as usize <= at);
        while at < range.end {
            let document = documents.range(self.documents[i] as usize);
            let end = self.ends[i] as usize;
            let upto = end.min(range.end);
            let from = document.end - (end - at);
            ranges.push(from..from + (upto - at));
            (at, i) = (upto, i + 1);
        }
        ranges
    }
}

/// A cache of the orders used last, so that a batch does not shuffle again. Seed and epoch alone
/// determine an order.
#[derive(Debug, Default)]
pub(super) struct EpochOrders(Mutex<Vec<Arc<EpochOrder>>>);

/// A batch touches two epochs at most, unless epochs are shorter than batches.
const MAX_CACHED: usize = 2;

impl EpochOrders {
    pub(super) fn get(&self, documents: &DocumentIndex, seed: u64, epoch: u64) -> Arc<EpochOrder> {
        let mut cached = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = cached
            .iter()
            .find(|order| (order.seed, order.epoch) == (seed, epoch))
        {
            return order.clone();
        }
        let order = Arc::new(EpochOrder::new(documents, seed, epoch));
        if cached.len() == MAX_CACHED {
            cached.remove(0);
        }
        cached.push(order.clone());
        order
    }
}
