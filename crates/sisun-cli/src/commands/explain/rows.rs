//! Which keys a table shows.

use sisun_infer::Explanation;
use std::ops::Range;

/// As many keys that are not hidden are shown one by one.
const FEW: usize = 20;
/// Of more, these with the largest weights.
const HEAVIEST: usize = 12;
/// As many hidden keys are shown one by one; of more, the first two.
const FEW_HIDDEN: usize = 4;

/// One row: a key, or several that are passed over, all hidden or all not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Key(usize),
    Gap(Range<usize>),
}

impl Row {
    /// The keys that the row stands for.
    pub(super) fn keys(&self) -> Range<usize> {
        match self {
            Self::Key(key) => *key..key + 1,
            Self::Gap(keys) => keys.clone(),
        }
    }
}

/// The rows of every table, in the order of the tokens: all keys, or of many the heaviest and the
/// query.
pub(super) fn rows(found: &Explanation, full: bool) -> Vec<Row> {
    let hides = |key: usize| found.keys[key].steps.hidden;
    let n = found.keys.len();
    let mut seen = found.heaviest();
    let mut hidden: Vec<usize> = (0..n).filter(|&key| hides(key)).collect();
    if seen.len() > FEW {
        seen.truncate(HEAVIEST);
    }
    if hidden.len() > FEW_HIDDEN {
        hidden.truncate(2);
    }
    let mut shown = vec![full; n];
    seen.into_iter()
        .chain(hidden)
        .chain([found.query])
        .for_each(|key| shown[key] = true);

    let mut rows: Vec<Row> = Vec::new();
    for (key, shown) in shown.into_iter().enumerate() {
        match rows.last_mut() {
            _ if shown => rows.push(Row::Key(key)),
            Some(Row::Gap(gap)) if hides(gap.start) == hides(key) => gap.end = key + 1,
            _ => rows.push(Row::Gap(key..key + 1)),
        }
    }
    // Passing one over would take as much room as showing it.
    rows.into_iter()
        .map(|row| {
            if row.keys().len() == 1 {
                Row::Key(row.keys().start)
            } else {
                row
            }
        })
        .collect()
}
