//! The order in which an epoch goes through the documents.

use crate::{Tokens, random::shuffle};
use sisun_config::randomness::stream;
use std::{
    ops::Range,
    sync::{Arc, Mutex, PoisonError},
};

/// One epoch: the documents in a shuffled order, one after another.
#[derive(Debug)]
pub(crate) struct Order {
    seed: u64,
    epoch: u64,
    documents: Vec<u32>,
    /// Where in the epoch each of them ends.
    ends: Vec<u64>,
}

impl Order {
    fn new(tokens: &Tokens, seed: u64, epoch: u64) -> Self {
        let count = u32::try_from(tokens.documents())
            .expect("fewer than 2³² documents fit in a cache's index");
        let mut documents: Vec<u32> = (0..count).collect();
        shuffle(&mut documents, &mut stream(seed, "documents", epoch));
        let mut end = 0;
        let ends = documents
            .iter()
            .map(|&document| {
                end += tokens.document(document as usize).len() as u64;
                end
            })
            .collect();
        Self {
            seed,
            epoch,
            documents,
            ends,
        }
    }

    /// The stretches of tokens that stand at `range` of the epoch.
    pub(crate) fn stretches(&self, tokens: &Tokens, range: Range<usize>) -> Vec<Range<usize>> {
        let mut stretches = Vec::new();
        let mut at = range.start;
        let mut i = self.ends.partition_point(|&end| end as usize <= at);
        while at < range.end {
            let document = tokens.document(self.documents[i] as usize);
            let end = self.ends[i] as usize;
            let upto = end.min(range.end);
            let from = document.end - (end - at);
            stretches.push(from..from + (upto - at));
            (at, i) = (upto, i + 1);
        }
        stretches
    }
}

/// The orders last used, so that a batch does not shuffle anew. What they hold follows from seed
/// and epoch alone.
#[derive(Debug, Default)]
pub(crate) struct Orders(Mutex<Vec<Arc<Order>>>);

/// A batch touches two epochs at most, unless epochs are shorter than batches.
const KEPT: usize = 2;

impl Orders {
    pub(crate) fn get(&self, tokens: &Tokens, seed: u64, epoch: u64) -> Arc<Order> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(order) = kept
            .iter()
            .find(|order| (order.seed, order.epoch) == (seed, epoch))
        {
            return order.clone();
        }
        let order = Arc::new(Order::new(tokens, seed, epoch));
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(order.clone());
        order
    }
}
