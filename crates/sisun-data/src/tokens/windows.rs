//! Windows of tokens: what a training step and an evaluation look at.

use crate::{Tokens, random::below};
use sisun_config::randomness::stream;
use std::{iter::once, ops::Range};

/// Some windows of equal length, each with the tokens that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Rows.
    pub batch_size: usize,
    /// Columns.
    pub context_len: usize,
    /// `[batch, pos]`, row-major.
    pub inputs: Vec<u32>,
    /// `[batch, pos]`, row-major: the token after each input.
    pub targets: Vec<u32>,
    /// `[batch, pos]`, row-major: whether the loss is taken on the target. `None`: on every one.
    pub loss_mask: Option<Vec<bool>>,
}

impl Batch {
    fn new(tokens: &Tokens, batch_size: usize, context_len: usize) -> Self {
        let room = batch_size * context_len;
        Self {
            batch_size,
            context_len,
            inputs: Vec::with_capacity(room),
            targets: Vec::with_capacity(room),
            loss_mask: tokens.has_loss_mask().then(|| Vec::with_capacity(room)),
        }
    }

    /// Adds the row whose `context_len + 1` tokens are those of `stretches`, one after another.
    fn push(&mut self, tokens: &Tokens, stretches: impl Iterator<Item = Range<usize>> + Clone) {
        let mut ids = Vec::with_capacity(self.context_len + 1);
        stretches
            .clone()
            .for_each(|stretch| tokens.read_into(stretch, &mut ids));
        assert_eq!(
            ids.len(),
            self.context_len + 1,
            "a window is its inputs and one token more"
        );
        self.inputs.extend_from_slice(&ids[..self.context_len]);
        self.targets.extend_from_slice(&ids[1..]);
        if let Some(mask) = &mut self.loss_mask {
            let mut marks = Vec::with_capacity(ids.len());
            stretches.for_each(|stretch| tokens.read_loss_into(stretch, &mut marks));
            mask.extend_from_slice(&marks[1..]);
        }
    }
}

/// Windows at random places, as nanoGPT takes them: starts are uniform in `0..len - context_len`.
///
/// The batch is a function of the arguments alone.
///
/// # Panics
/// If `tokens` holds no window, which [`prepare`](crate::prepare) has made sure of.
pub fn random_batch(
    tokens: &Tokens,
    batch_size: usize,
    context_len: usize,
    seed: u64,
    micro_step: u64,
) -> Batch {
    assert!(
        tokens.len() > context_len,
        "{} tokens hold no window of {context_len} + 1",
        tokens.len()
    );
    let mut rng = stream(seed, "windows", micro_step);
    let mut batch = Batch::new(tokens, batch_size, context_len);
    for _ in 0..batch_size {
        let start = below(&mut rng, tokens.len() - context_len);
        batch.push(tokens, once(start..start + context_len + 1));
    }
    batch
}

/// Windows that go through the documents epoch by epoch: each epoch is all documents in an order
/// drawn from (seed, epoch), one after another, and windows follow one another through the endless
/// row of epochs. So every token is a target exactly once an epoch, except the very first of all.
///
/// The batch is a function of the arguments alone.
///
/// # Panics
/// If `tokens` is empty.
pub fn epoch_batch(
    tokens: &Tokens,
    batch_size: usize,
    context_len: usize,
    seed: u64,
    micro_step: u64,
) -> Batch {
    let len = tokens.len();
    assert!(len > 0, "there are no tokens to go through");
    let mut batch = Batch::new(tokens, batch_size, context_len);
    for row in 0..batch_size as u64 {
        let mut at =
            (u128::from(micro_step) * batch_size as u128 + u128::from(row)) * context_len as u128;
        let end = at + context_len as u128 + 1;
        let mut stretches = Vec::new();
        while at < end {
            let (epoch, from) = ((at / len as u128) as u64, (at % len as u128) as usize);
            let upto = (from as u128 + (end - at)).min(len as u128) as usize;
            stretches.extend(
                tokens
                    .orders
                    .get(tokens, seed, epoch)
                    .stretches(tokens, from..upto),
            );
            at += (upto - from) as u128;
        }
        batch.push(tokens, stretches.into_iter());
    }
    batch
}

/// The same windows every time, none overlapping another in its targets, in batches of up to
/// `batch_size`.
///
/// Without a limit every token but the first is a target exactly once; what is left at the end is a
/// window shorter than `context_len`, in a batch of its own. With a limit there are that many full
/// windows, evenly spaced among those with a token that the loss is taken on (all of them, if there
/// are fewer). If only the rest has such tokens, or there is no full window, it is the rest.
///
/// # Panics
/// If `batch_size` or `context_len` is zero.
pub fn evaluation_windows(
    tokens: &Tokens,
    batch_size: usize,
    context_len: usize,
    limit: Option<usize>,
) -> impl Iterator<Item = Batch> + '_ {
    assert!(batch_size > 0 && context_len > 0, "windows need a size");
    let targets = tokens.len().saturating_sub(1);
    let full = targets / context_len;
    let window = move |i: usize| i * context_len..(i + 1) * context_len + 1;
    let starts = match limit {
        Some(limit) if tokens.has_loss_mask() => {
            let counts = |i: &usize| tokens.marked_in(window(*i).start + 1..window(*i).end) > 0;
            Starts::Listed(evenly((0..full).filter(counts).collect(), limit))
        }
        Some(limit) => Starts::Even {
            taken: limit.min(full),
            full,
        },
        None => Starts::Even { taken: full, full },
    };
    let taken = starts.len();
    let rest = if limit.is_none() || taken == 0 {
        targets % context_len
    } else {
        0
    };
    let batches = (0..taken).step_by(batch_size).map(move |first| {
        let rows = first..taken.min(first + batch_size);
        let mut batch = Batch::new(tokens, rows.len(), context_len);
        rows.for_each(|i| batch.push(tokens, once(window(starts.get(i)))));
        batch
    });
    batches.chain((rest > 0).then(|| {
        let mut batch = Batch::new(tokens, 1, rest);
        batch.push(tokens, once(full * context_len..tokens.len()));
        batch
    }))
}

/// Which windows are taken.
enum Starts {
    /// Number ⌊i · full / taken⌋ of the `full` ones.
    Even { taken: usize, full: usize },
    /// These.
    Listed(Vec<usize>),
}

impl Starts {
    fn len(&self) -> usize {
        match self {
            Self::Even { taken, .. } => *taken,
            Self::Listed(windows) => windows.len(),
        }
    }

    fn get(&self, i: usize) -> usize {
        match self {
            Self::Even { taken, full } => (i as u128 * *full as u128 / *taken as u128) as usize,
            Self::Listed(windows) => windows[i],
        }
    }
}

/// At most `limit` of these, evenly spaced.
fn evenly(all: Vec<usize>, limit: usize) -> Vec<usize> {
    let even = Starts::Even {
        taken: limit.min(all.len()),
        full: all.len(),
    };
    (0..even.len()).map(|i| all[even.get(i)]).collect()
}
