//! Attention by the position of the key relative to the query.

use serde::Serialize;

/// Largest distance of an offset from the query, in tokens.
const FARTHEST: usize = 32;

/// Weight of one head on the keys at one offset from the query.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct OffsetShare {
    /// Position of the key less that of the query: −1 is the token before, 0 the token itself.
    pub offset: i64,
    /// Mean of the measurement over the queries that have a key there, from the second on.
    pub share: f64,
    /// The same for uniform attention.
    pub chance: f64,
}

/// Attention of one head over a text by offset.
///
/// Every offset is listed that at least half of the queries have, but none farther than 32 tokens.
/// Voita et al. 2019 ("Analyzing Multi-Head Self-Attention", §5) take the most frequent offset as
/// the baseline that a syntactic head must beat; the syntactic relation itself needs a parse.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Offsets {
    /// Mean weight at each offset, from the farthest before the query on.
    pub offsets: Vec<OffsetShare>,
    /// The offset with the largest mean weight; `None` for a single token.
    pub offset: Option<OffsetShare>,
    /// The offset that has the largest weight of a row most often, and in how many of the rows. A
    /// head is positional if that is 0.9 or more (Voita et al. 2019, §5.1).
    pub positional: Option<OffsetShare>,
}

impl Offsets {
    /// Share of the rows from which on a head is called positional.
    pub const POSITIONAL: f64 = 0.9;

    /// Measure one pattern.
    ///
    /// # Shapes
    /// - `pattern`: `[query, key]`, `n` × `n`
    pub fn of(pattern: &[f32], n: usize, causal: bool) -> Self {
        let farthest = (n / 2).min(FARTHEST) as i64;
        let after = if causal { 0 } else { farthest };
        let tops: Vec<usize> = pattern.chunks_exact(n).map(largest).collect();
        let (mut weights, mut most_often) = (Vec::new(), Vec::new());
        for offset in -farthest..=after {
            let key = |query: usize| {
                let key = usize::try_from(query as i64 + offset).ok()?;
                (key < n).then_some((query, key))
            };
            let places: Vec<(usize, usize)> = (1..n).filter_map(key).collect();
            if places.is_empty() {
                continue;
            }
            let mean = |of: &dyn Fn(usize, usize) -> f64| {
                let sum: f64 = places.iter().map(|&(query, key)| of(query, key)).sum();
                sum / places.len() as f64
            };
            let visible = |query: usize| if causal { query + 1 } else { n };
            let chance = mean(&|query, _| 1.0 / visible(query) as f64);
            let share = |share| OffsetShare {
                offset,
                share,
                chance,
            };
            weights.push(share(mean(&|query, key| {
                f64::from(pattern[query * n + key])
            })));
            most_often.push(share(mean(&|query, key| {
                f64::from(u8::from(tops[query] == key))
            })));
        }
        Self {
            offset: top(&weights),
            positional: top(&most_often),
            offsets: weights,
        }
    }
}

/// Return the index of the largest weight of a row, the nearest to the end among equals.
fn largest(row: &[f32]) -> usize {
    let by_weight = |&a: &usize, &b: &usize| row[a].total_cmp(&row[b]);
    (0..row.len()).max_by(by_weight).unwrap_or(0)
}

/// Return the largest share, of the nearest offset among equals.
fn top(shares: &[OffsetShare]) -> Option<OffsetShare> {
    shares
        .iter()
        .copied()
        .filter(|share| share.share.is_finite())
        .max_by(|a, b| {
            let nearer = b.offset.abs().cmp(&a.offset.abs());
            a.share.total_cmp(&b.share).then(nearer)
        })
}

/// Return the mean weight on all earlier occurrences of the query's token, over the queries that
/// have one (duplicate-token heads, Wang et al. 2022, "Interpretability in the Wild", §3), and what
/// uniform attention gives there; `None` if no token occurs twice.
///
/// # Shapes
/// - `pattern`: `[query, key]`, `n` × `n`, where `n` is the number of `ids`
pub(crate) fn duplicates(pattern: &[f32], ids: &[u32], causal: bool) -> Option<(f64, f64)> {
    let n = ids.len();
    let (mut weight, mut chance, mut queries) = (0.0, 0.0, 0);
    for (query, row) in pattern.chunks_exact(n).enumerate() {
        let earlier = (0..query).filter(|&key| ids[key] == ids[query]);
        let (mut sum, mut count) = (0.0, 0);
        for key in earlier {
            sum += f64::from(row[key]);
            count += 1;
        }
        if count > 0 {
            let visible = if causal { query + 1 } else { n };
            weight += sum;
            chance += f64::from(count) / visible as f64;
            queries += 1;
        }
    }
    let mean = |sum: f64| sum / f64::from(queries);
    (queries > 0).then(|| (mean(weight), mean(chance)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Offsets, duplicates};

    #[rustfmt::skip]
    const PATTERN: [f32; 25] = [
        1.0,  0.0,  0.0,  0.0,  0.0,
        0.75, 0.25, 0.0,  0.0,  0.0,
        0.5,  0.25, 0.25, 0.0,  0.0,
        0.0,  0.75, 0.0,  0.25, 0.0,
        0.0,  0.0,  0.5,  0.25, 0.25,
    ];

    #[test]
    fn weights_by_offset_by_hand() {
        let found = Offsets::of(&PATTERN, 5, true);
        let shares: Vec<(i64, f64)> = found
            .offsets
            .iter()
            .map(|share| (share.offset, share.share))
            .collect();
        // Two before: the third to fifth query. One before: 0.75, 0.25, 0, 0.25 of four queries.
        let before = (0.5 + 0.75 + 0.5) / 3.0;
        assert_eq!(shares, [(-2, before), (-1, 1.25 / 4.0), (0, 1.0 / 4.0)]);
        let offset = found.offset.unwrap();
        assert_eq!((offset.offset, offset.share), (-2, before));
        assert!((offset.chance - (1.0 / 3.0 + 1.0 / 4.0 + 1.0 / 5.0) / 3.0).abs() < 1e-12);
        // The largest weight lies two before in each of the three rows that have such a key.
        let positional = found.positional.unwrap();
        assert_eq!((positional.offset, positional.share), (-2, 1.0));
    }

    #[test]
    fn keys_after_the_query_count_without_a_mask() {
        let ahead = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0];
        let offset = Offsets::of(&ahead, 3, false).offset.unwrap();
        assert_eq!((offset.offset, offset.share), (1, 1.0));
        assert_eq!(Offsets::of(&[1.0], 1, true).offset, None);
    }

    #[test]
    fn duplicates_by_hand() {
        let (share, chance) = duplicates(&PATTERN, &[7, 3, 7, 7, 3], true).unwrap();
        // The third query: the first key. The fourth: the first and third. The fifth: the second.
        assert!((share - 0.5 / 3.0).abs() < 1e-12);
        assert!((chance - (1.0 / 3.0 + 2.0 / 4.0 + 1.0 / 5.0) / 3.0).abs() < 1e-12);
        assert_eq!(duplicates(&PATTERN, &[1, 2, 3, 4, 5], true), None);
    }
}
