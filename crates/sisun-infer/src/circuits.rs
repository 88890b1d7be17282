//! What heads do, read from their weights alone (Elhage et al. 2021, "A Mathematical Framework for
//! Transformer Circuits").
//!
//! All of it leaves out norms and biases, and uses the weights as they are stored.

mod composition;
mod distance;
mod vocabulary;

pub use composition::{Baseline, Composition, CompositionMode};
pub use distance::CircuitsOptions;
pub use vocabulary::{MappedPair, MappedToken, VocabularyCircuit, VocabularyMap};

use crate::eigenvalues::{Complex, eigenvalues};
use crate::head_weights::HeadWeights;
use crate::matrix::Matrix;
use crate::residual::check_residual;
use crate::unembedding::TOKENS_TOGETHER;
use crate::{InferError, LanguageModel};
use distance::check_distance;
use rayon::prelude::*;

/// What the weights of all heads say.
#[derive(Clone, Debug, PartialEq)]
pub struct Circuits {
    /// Description of the model.
    pub model: String,
    /// Number of layers.
    pub n_layers: usize,
    /// Number of heads of a layer.
    pub n_heads: usize,
    /// Copying score of each head, `[layer, head]`: `Σ Re λ / Σ |λ|` over the eigenvalues λ of
    /// `W_E·W_V·W_O·W_U`; 1 if attending to any token raises the logit of the same token, −1 if it
    /// lowers it. NaN if all eigenvalues are 0 or weights are not finite.
    pub copying: Vec<f64>,
    /// Q-, K- and V-composition.
    pub composition: [Composition; 3],
    /// What composition scores of random weights are.
    pub baseline: Baseline,
}

impl LanguageModel {
    /// Analyse the weights of all heads.
    ///
    /// # Errors
    /// If the model has no residual stream, or the distance is not about it.
    pub fn circuits(&self, asked: CircuitsOptions) -> Result<Circuits, InferError> {
        let config = self.model.config();
        check_residual("the analysis of circuits", config)?;
        check_distance(config, asked.distance)?;
        let layers: Vec<HeadWeights> = (0..config.n_layers)
            .map(|layer| HeadWeights::of(&self.model, layer))
            .collect();
        Ok(Circuits {
            model: self.title(),
            n_layers: config.n_layers,
            n_heads: config.n_heads,
            copying: self.copying(&layers),
            composition: composition::all(&layers, config, asked.distance),
            baseline: Baseline::of(config),
        })
    }

    /// Return the copying score of each head, `[layer, head]`. The eigenvalues of
    /// `W_E·W_V·W_O·W_U`, `[vocab, vocab]`, that are not 0 are those of `W_O·(W_U·W_E)·W_V`,
    /// `[d_head, d_head]`.
    fn copying(&self, layers: &[HeadWeights]) -> Vec<f64> {
        let config = self.model.config();
        let through_vocabulary = self.through_vocabulary();
        let mut scores = Vec::new();
        for weights in layers {
            let heads: Vec<Matrix> = (0..config.n_heads).map(|head| weights.o(head)).collect();
            let written = Matrix::stacked(&heads).times(&through_vocabulary);
            let score = |head: usize| {
                let d_head = config.d_head();
                let product = written
                    .some_rows(head * d_head, d_head)
                    .times(&weights.v(head));
                let product: Vec<f64> = product.values.iter().map(|&x| f64::from(x)).collect();
                eigenvalues(&product, d_head).map_or(f64::NAN, |found| copying_score(&found))
            };
            scores.par_extend((0..config.n_heads).into_par_iter().map(score));
        }
        scores
    }

    /// Return `W_U·W_E`, `[d_model, d_model]`.
    fn through_vocabulary(&self) -> Matrix {
        let d = self.model.config().d_model;
        let mut sum = vec![0.0f64; d * d];
        for first in (0..self.rows()).step_by(TOKENS_TOGETHER) {
            let count = TOKENS_TOGETHER.min(self.rows() - first);
            let head = self.head_rows(first, count).transposed();
            let some = head.times(&self.embedding_rows(first, count));
            for (sum, value) in sum.iter_mut().zip(some.values) {
                *sum += f64::from(value);
            }
        }
        Matrix::new(d, d, sum.into_iter().map(|x| x as f32).collect())
    }
}

/// Return `Σ Re λ / Σ |λ|`; NaN if all are 0.
fn copying_score(eigenvalues: &[Complex]) -> f64 {
    let sum: f64 = eigenvalues.iter().map(|value| value.re).sum();
    let moduli: f64 = eigenvalues.iter().map(|value| value.modulus()).sum();
    sum / moduli
}

#[cfg(test)]
mod tests {
    use super::{Complex, copying_score};

    #[test]
    fn copying_is_the_share_of_positive_eigenvalues() {
        let value = |re, im| Complex { re, im };
        assert!((copying_score(&[value(2.0, 0.0), value(1.0, 0.0)]) - 1.0).abs() < 1e-12);
        let pair = [value(3.0, 4.0), value(3.0, -4.0)];
        assert!((copying_score(&pair) - 0.6).abs() < 1e-12);
        assert!(copying_score(&[value(0.0, 0.0)]).is_nan());
    }
}
