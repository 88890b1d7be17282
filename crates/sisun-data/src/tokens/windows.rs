//! Windows of tokens: the batches of training and evaluation.

use crate::{Tokens, random::below};
use sisun_config::randomness::stream;
use std::{iter::once, ops::Range};

/// Windows of equal length, each with the token that follows each of its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The number of rows.
    pub batch_size: usize,
    /// The number of columns.
    pub context_len: usize,
    /// The input ids, `[batch, pos]`, row-major.
    pub inputs: Vec<u32>,
    /// The id after each input, `[batch, pos]`, row-major.
    pub targets: Vec<u32>,
    /// For each target, true if the loss is taken on it, `[batch, pos]`, row-major. `None`: on every
    /// target.
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

    /// Add the row whose `context_len + 1` tokens are those of `ranges`, one after another.
    fn push(&mut self, tokens: &Tokens, ranges: impl Iterator<Item = Range<usize>> + Clone) {
        let mut ids = Vec::with_capacity(self.context_len + 1);
        ranges
            .clone()
            .for_each(|range| tokens.read_into(range, &mut ids));
        assert_eq!(
            ids.len(),
            self.context_len + 1,
            "a window is its inputs and one token more"
        );
        self.inputs.extend_from_slice(&ids[..self.context_len]);
        self.targets.extend_from_slice(&ids[1..]);
        if let Some(mask) = &mut self.loss_mask {
            let mut marks = Vec::with_capacity(ids.len());
            ranges.for_each(|range| tokens.read_loss_into(range, &mut marks));
            mask.extend_from_slice(&marks[1..]);
        }
    }
}

/// Return windows at random places, as nanoGPT does: starts are uniform in `0..len - context_len`.
///
/// The batch is a function of the arguments alone.
///
/// # Panics
/// If `tokens` does not hold a window; [`prepare`](crate::prepare) refuses such text.
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

/// Return windows that go through the documents epoch by epoch. Each epoch is all documents in an
/// order drawn from (seed, epoch), and windows follow one another through the sequence of epochs, so
/// that every token is a target exactly once in each epoch, except the very first token of all.
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
        let mut ranges = Vec::new();
        while at < end {
            let (epoch, from) = ((at / len as u128) as u64, (at % len as u128) as usize);
            let upto = (from as u128 + (end - at)).min(len as u128) as usize;
            ranges.extend(tokens.epoch_ranges(seed, epoch, from..upto));
            at += (upto - from) as u128;
        }
        batch.push(tokens, ranges.into_iter());
    }
    batch
}

/// Return the windows of an evaluation, in batches of up to `batch_size`: the same every time, with
/// each token at most once as a target.
///
/// Without a limit every token but the first is a target exactly once; the rest at the end is a
/// window shorter than `context_len`, in a batch of its own. With a limit there are that many full
/// windows, evenly spaced among those with a token on which the loss is taken (all of them, if there
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
    let window = move |i: usize| i * context_len..(i + 1) * context_len + 1;
    let (choice, rest) = choose_windows(tokens, context_len, limit);
    let taken = choice.len();
    let batches = (0..taken).step_by(batch_size).map(move |first| {
        let rows = first..taken.min(first + batch_size);
        let mut batch = Batch::new(tokens, rows.len(), context_len);
        rows.for_each(|i| batch.push(tokens, once(window(choice.get(i)))));
        batch
    });
    batches.chain((rest > 0).then(|| {
        let mut batch = Batch::new(tokens, 1, rest);
        batch.push(tokens, once(tokens.len() - rest - 1..tokens.len()));
        batch
    }))
}

/// Return the tokens that are the targets of [`evaluation_windows`], a range for each window.
pub fn evaluation_targets(
    tokens: &Tokens,
    context_len: usize,
    limit: Option<usize>,
) -> impl Iterator<Item = Range<usize>> + Clone {
    let (choice, rest) = choose_windows(tokens, context_len, limit);
    let len = tokens.len();
    (0..choice.len())
        .map(move |i| {
            let start = choice.get(i) * context_len + 1;
            start..start + context_len
        })
        .chain((rest > 0).then_some(len - rest..len))
}

/// Choose the full windows to evaluate, and return the number of targets of the shorter one after
/// them.
fn choose_windows(
    tokens: &Tokens,
    context_len: usize,
    limit: Option<usize>,
) -> (WindowChoice, usize) {
    let targets = tokens.len().saturating_sub(1);
    let full = targets / context_len;
    let first_target = |i: usize| i * context_len + 1;
    let choice = match limit {
        Some(limit) if tokens.has_loss_mask() => {
            let counts =
                |i: &usize| tokens.loss_tokens_in(first_target(*i)..first_target(i + 1)) > 0;
            WindowChoice::Listed(evenly_spaced((0..full).filter(counts).collect(), limit))
        }
        Some(limit) => WindowChoice::Even {
            taken: limit.min(full),
            full,
        },
        None => WindowChoice::Even { taken: full, full },
    };
    let rest = match limit.is_none() || choice.len() == 0 {
        true => targets % context_len,
        false => 0,
    };
    (choice, rest)
}

/// The choice of windows among the full ones.
#[derive(Clone)]
enum WindowChoice {
    /// Window ⌊i · full / taken⌋ of the `full` ones.
    Even { taken: usize, full: usize },
    /// The windows with these numbers.
    Listed(Vec<usize>),
}

impl WindowChoice {
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

/// Return at most `limit` of these, evenly spaced.
fn evenly_spaced(all: Vec<usize>, limit: usize) -> Vec<usize> {
    let even = WindowChoice::Even {
        taken: limit.min(all.len()),
        full: all.len(),
    };
    (0..even.len()).map(|i| all[even.get(i)]).collect()
}
