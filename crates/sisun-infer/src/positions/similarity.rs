//! A similarity of two positions as a function of their offset.

use crate::matrix::Matrix;
use serde::Serialize;

/// A similarity by offset `|i − j|`, from 0 on: over all pairs of positions of that offset, or over
/// the pairs of dimensions of a rotation.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct OffsetSimilarity {
    /// Mean.
    pub mean: Vec<f64>,
    /// Standard deviation, of the population.
    pub deviation: Vec<f64>,
    /// Smallest value.
    pub least: Vec<f64>,
    /// Largest value.
    pub most: Vec<f64>,
}

impl OffsetSimilarity {
    /// Add the values of the next offset.
    pub(super) fn push(&mut self, values: &[f64]) {
        let n = values.len().max(1) as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
        self.mean.push(mean);
        self.deviation.push(variance.sqrt());
        self.least
            .push(values.iter().copied().fold(f64::INFINITY, f64::min));
        self.most
            .push(values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
    }
}

/// Return cosine and inner product of the rows of a matrix by their offset. The cosine with a row of
/// zeros is NaN.
pub(super) fn of_rows(rows: &Matrix) -> (OffsetSimilarity, OffsetSimilarity) {
    let n = rows.rows;
    let products = rows.times(&rows.transposed()).values;
    let product = |i: usize, j: usize| f64::from(products[i * n + j]);
    let lengths: Vec<f64> = (0..n).map(|i| product(i, i).sqrt()).collect();
    let (mut cosine, mut dot) = (OffsetSimilarity::default(), OffsetSimilarity::default());
    for offset in 0..n {
        let pairs = || (0..n - offset).map(|i| (i, i + offset));
        let dots: Vec<f64> = pairs().map(|(i, j)| product(i, j)).collect();
        let cosines = pairs().zip(&dots);
        let cosines = cosines.map(|((i, j), dot)| dot / (lengths[i] * lengths[j]));
        cosine.push(&cosines.collect::<Vec<_>>());
        dot.push(&dots);
    }
    (cosine, dot)
}
