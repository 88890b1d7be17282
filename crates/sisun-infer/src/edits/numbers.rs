//! Lists of numbers and ranges.

use std::collections::BTreeSet;

/// Parse numbers and ranges, such as `0,2-3`; `None` if they are malformed. The result ascends.
pub(crate) fn numbers(given: &str) -> Option<Vec<usize>> {
    let mut chosen = BTreeSet::new();
    for part in given.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().ok()?;
        let last: usize = last.trim().parse().ok()?;
        // Larger than any model; a huge range must not exhaust memory.
        if first > last || last >= 1 << 20 {
            return None;
        }
        chosen.extend(first..=last);
    }
    Some(chosen.into_iter().collect())
}
