//! Selection of the keys shown in tables.

use super::computation::Computation;
use std::ops::Range;

/// Maximum number of visible keys that are all shown.
const FEW: usize = 20;
/// Number of visible keys shown above that, by weight.
const HEAVIEST: usize = 12;
/// Maximum number of hidden keys that are all shown; above that, the first two are.
const FEW_HIDDEN: usize = 4;

/// A row: one key, or a range of skipped keys, which are either all hidden or all visible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Key(usize),
    Gap(Range<usize>),
}

impl Row {
    /// Return the keys of the row.
    pub(super) fn keys(&self) -> Range<usize> {
        match self {
            Self::Key(key) => *key..key + 1,
            Self::Gap(keys) => keys.clone(),
        }
    }
}

/// Return the rows of every table in token order: all keys or, of many, those with the largest
/// weights and the query.
pub(super) fn rows(found: &Computation<'_>, full: bool) -> Vec<Row> {
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
    // Skipping a single key would save no space.
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
