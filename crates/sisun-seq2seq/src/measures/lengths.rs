//! Groups of pairs by the length of their source.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Return at most `most` ranges of lengths, in order, that hold all of `lengths`: each length by
/// itself if there are few enough, or else ranges of equal width that hold at least one.
///
/// # Panics
/// If `most` is 0.
pub fn length_groups(lengths: &[usize], most: usize) -> Vec<RangeInclusive<usize>> {
    assert!(most > 0, "there is at least one group");
    let different: BTreeSet<usize> = lengths.iter().copied().collect();
    let (Some(&first), Some(&last)) = (different.first(), different.last()) else {
        return Vec::new();
    };
    if different.len() <= most {
        return different
            .into_iter()
            .map(|length| length..=length)
            .collect();
    }
    let width = (last - first + 1).div_ceil(most);
    (first..=last)
        .step_by(width)
        .map(|start| start..=(start + width - 1).min(last))
        .filter(|group| different.range(group.clone()).next().is_some())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::length_groups;

    #[test]
    fn every_length_has_one_group() {
        assert_eq!(length_groups(&[], 4), []);
        assert_eq!(length_groups(&[7, 3, 7], 4), [3..=3, 7..=7]);
        let all: Vec<usize> = (4..=40).collect();
        assert_eq!(
            length_groups(&all, 5),
            [4..=11, 12..=19, 20..=27, 28..=35, 36..=40]
        );
        assert_eq!(length_groups(&[1, 2, 3, 30], 3), [1..=10, 21..=30]);
        assert_eq!(length_groups(&[1, 2, 3, 4, 5, 6], 5), [1..=2, 3..=4, 5..=6]);
    }
}
