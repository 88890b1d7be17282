//! A batch of pairs, padded to its longest source and target.

use super::tokens::PairTokens;
use std::ops::Range;

/// Rows of pairs of unequal lengths. Padding is id 0, which is a token like any other: only the
/// lengths tell it from text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairBatch {
    /// The number of rows.
    pub rows: usize,
    /// The longest source, in tokens.
    pub source_len: usize,
    /// The longest target, in tokens, its end included.
    pub target_len: usize,
    /// The sources' ids, `[rows, source_len]`, row-major.
    pub source: Vec<u32>,
    /// The number of tokens of each source.
    pub source_lens: Vec<usize>,
    /// What the decoder reads, `begin, y₁ … yₙ`, `[rows, target_len]`, row-major.
    pub inputs: Vec<u32>,
    /// What it should write, `y₁ … yₙ, end`, `[rows, target_len]`, row-major.
    pub targets: Vec<u32>,
    /// The number of tokens of each target, its end included.
    pub target_lens: Vec<usize>,
}

impl PairBatch {
    /// Make a batch of these pairs. `begin` and `end` are the ids around a target.
    ///
    /// # Panics
    /// If there are no pairs.
    pub fn new(pairs: &[&PairTokens], begin: u32, end: u32) -> Self {
        assert!(!pairs.is_empty(), "a batch has at least one pair");
        let source_lens: Vec<usize> = pairs.iter().map(|pair| pair.source.len()).collect();
        let target_lens: Vec<usize> = pairs.iter().map(|pair| pair.target.len() + 1).collect();
        let source_len = source_lens.iter().copied().max().unwrap_or(0);
        let target_len = target_lens.iter().copied().max().unwrap_or(0);
        let mut batch = Self {
            rows: pairs.len(),
            source_len,
            target_len,
            source: Vec::with_capacity(pairs.len() * source_len),
            source_lens,
            inputs: Vec::with_capacity(pairs.len() * target_len),
            targets: Vec::with_capacity(pairs.len() * target_len),
            target_lens,
        };
        for (row, pair) in (1..).zip(pairs) {
            batch.source.extend_from_slice(&pair.source);
            batch.source.resize(row * source_len, 0);
            batch.inputs.push(begin);
            batch.inputs.extend_from_slice(&pair.target);
            batch.inputs.resize(row * target_len, 0);
            batch.targets.extend_from_slice(&pair.target);
            batch.targets.push(end);
            batch.targets.resize(row * target_len, 0);
        }
        batch
    }

    /// Return some of the rows as a batch, padded to the longest of them.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn select(&self, rows: Range<usize>) -> Self {
        let longest = |lens: &[usize]| lens.iter().copied().max().unwrap_or(0);
        let (source_lens, target_lens) = (
            self.source_lens[rows.clone()].to_vec(),
            self.target_lens[rows.clone()].to_vec(),
        );
        let (source_len, target_len) = (longest(&source_lens), longest(&target_lens));
        let cut = |ids: &[u32], from: usize, to: usize| -> Vec<u32> {
            let all = rows
                .clone()
                .flat_map(|row| &ids[row * from..row * from + to]);
            all.copied().collect()
        };
        Self {
            rows: rows.len(),
            source_len,
            target_len,
            source: cut(&self.source, self.source_len, source_len),
            inputs: cut(&self.inputs, self.target_len, target_len),
            targets: cut(&self.targets, self.target_len, target_len),
            source_lens,
            target_lens,
        }
    }

    /// Return the number of target tokens on which the loss is taken, ends included.
    pub fn loss_tokens(&self) -> usize {
        self.target_lens.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::PairBatch;
    use crate::pairs::PairTokens;

    #[test]
    fn rows_are_padded_to_the_longest() {
        let pair = |source: &[u32], target: &[u32]| PairTokens {
            source: source.to_vec(),
            target: target.to_vec(),
            links: None,
        };
        let (a, b) = (pair(&[3, 4, 5], &[6]), pair(&[7], &[8, 9]));
        let batch = PairBatch::new(&[&a, &b], 20, 21);
        assert_eq!(
            batch,
            PairBatch {
                rows: 2,
                source_len: 3,
                target_len: 3,
                source: vec![3, 4, 5, 7, 0, 0],
                source_lens: vec![3, 1],
                inputs: vec![20, 6, 0, 20, 8, 9],
                targets: vec![6, 21, 0, 8, 9, 21],
                target_lens: vec![2, 3],
            }
        );
        assert_eq!(batch.loss_tokens(), 5);
        for (row, pair) in [&a, &b].into_iter().enumerate() {
            assert_eq!(
                batch.select(row..row + 1),
                PairBatch::new(&[pair], 20, 21),
                "{row}"
            );
        }
    }
}
