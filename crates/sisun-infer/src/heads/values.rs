//! Value-weighted attention (Kobayashi et al. 2020, "Attention is Not Only a Weight").
//!
//! A head writes `Σⱼ αᵢⱼ·f(xⱼ)` into the residual stream, with `f(x) = (x·W_V + b_V)·W_O` (their
//! equation 3). So a key counts by `‖αᵢⱼ·f(xⱼ)‖ = αᵢⱼ·‖f(xⱼ)‖`, which the weight `αᵢⱼ` alone hides.

use crate::LanguageModel;
use crate::head_weights::HeadWeights;
use crate::matrix::{Matrix, squared_norm};
use rayon::prelude::*;

impl LanguageModel {
    /// Return `‖f(xⱼ)‖` of heads of a layer, `[head, position]`, given their values.
    ///
    /// # Shapes
    /// - `values`: `[head, position, d_head]`, with the biases; of each of `heads` those of its group
    pub fn value_norms(&self, layer: usize, heads: &[usize], values: &[f32]) -> Vec<Vec<f32>> {
        let weights = HeadWeights::of(&self.model, layer);
        let d_head = self.model.config().d_head();
        let of_head = |(&head, values): (&usize, &[f32])| {
            let values = Matrix::new(values.len() / d_head, d_head, values.to_vec());
            let written = values.times(&weights.o(head));
            let rows = written.values.chunks_exact(written.columns);
            rows.map(|row| squared_norm(row).sqrt() as f32).collect()
        };
        let size = values.len() / heads.len().max(1);
        let values: Vec<&[f32]> = values.chunks_exact(size.max(1)).collect();
        heads.par_iter().zip(values).map(of_head).collect()
    }
}

/// Multiply each weight of a pattern by the norm of what its key contributes:
/// `αᵢⱼ·‖f(xⱼ)‖`.
///
/// # Shapes
/// - `pattern`: `[query, key]`, with a norm for each key
pub fn value_weighted(pattern: &[f32], norms: &[f32]) -> Vec<f32> {
    let row = |row: &[f32]| -> Vec<f32> { row.iter().zip(norms).map(|(a, b)| a * b).collect() };
    pattern.chunks_exact(norms.len()).flat_map(row).collect()
}

/// Scale each row so that it sums to 1; a row of zeros stays as it is.
pub(crate) fn as_shares(mut pattern: Vec<f32>, n: usize) -> Vec<f32> {
    for row in pattern.chunks_exact_mut(n) {
        let sum: f32 = row.iter().sum();
        if sum > 0.0 {
            row.iter_mut().for_each(|x| *x /= sum);
        }
    }
    pattern
}

#[cfg(test)]
mod tests {
    use super::{as_shares, value_weighted};

    #[test]
    fn a_key_counts_by_what_it_contributes() {
        let weighted = value_weighted(&[1.0, 0.0, 0.75, 0.25], &[0.5, 4.5]);
        assert_eq!(weighted, [0.5, 0.0, 0.375, 1.125]);
        assert_eq!(as_shares(weighted, 2), [1.0, 0.0, 0.25, 0.75]);
        assert_eq!(
            as_shares(vec![0.0, 0.0], 2),
            [0.0, 0.0],
            "nothing is written"
        );
    }
}
