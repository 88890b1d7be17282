//! What heads do, read from their weights alone (Elhage et al. 2021, "A Mathematical Framework for
//! Transformer Circuits").
//!
//! All of it leaves out norms and biases, and uses the weights as they are stored.

mod composition;
mod vocabulary;

pub use composition::{Baseline, Composition, CompositionMode};
pub use vocabulary::{MappedPair, MappedToken, VocabularyCircuit, VocabularyMap};

use crate::eigenvalues::{Complex, eigenvalues};
use crate::head_weights::HeadWeights;
use crate::matrix::Matrix;
use crate::residual::check_residual;
use crate::{InferError, LanguageModel};
use rayon::prelude::*;
use serde::{Serialize, Serializer};
use sisun_config::{ModelConfig, Position};
use std::fmt;
use std::str::FromStr;

/// Number of tokens whose embeddings are copied together.
pub(crate) const TOKENS_TOGETHER: usize = 4096;

/// A head, by its layer and its number: `1.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HeadName {
    /// Layer, counted from 0.
    pub layer: usize,
    /// Head, counted from 0.
    pub head: usize,
}

impl fmt::Display for HeadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.head)
    }
}

impl Serialize for HeadName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl FromStr for HeadName {
    type Err = InferError;

    fn from_str(given: &str) -> Result<Self, InferError> {
        let [layer, head] = two_numbers("head", given)?;
        Ok(Self { layer, head })
    }
}

/// Parse a layer and a number within it, as in `1.2`.
///
/// # Errors
/// If the text is malformed; `what` is `head` or `neuron`.
pub(crate) fn two_numbers(what: &'static str, given: &str) -> Result<[usize; 2], InferError> {
    let read = |text: &str| text.trim().parse().ok();
    let numbers = given.split_once('.');
    let numbers = numbers.and_then(|(layer, number)| Some([read(layer)?, read(number)?]));
    numbers.ok_or_else(|| InferError::BadComponent {
        what,
        given: given.to_owned(),
    })
}

impl HeadName {
    /// Check that a model has this head.
    ///
    /// # Errors
    /// [`InferError::NoSuch`].
    pub fn check(self, config: &ModelConfig) -> Result<(), InferError> {
        check_index("layer", self.layer, config.n_layers)?;
        check_index("head", self.head, config.n_heads)
    }
}

/// Check that an index is below a count.
///
/// # Errors
/// [`InferError::NoSuch`].
pub(crate) fn check_index(
    what: &'static str,
    number: usize,
    count: usize,
) -> Result<(), InferError> {
    match number < count {
        true => Ok(()),
        false => Err(InferError::NoSuch {
            what,
            number,
            count,
        }),
    }
}

/// Options of the analysis of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CircuitsOptions {
    /// With rotary positions: the number of tokens from the key to the query, on which `q·k`
    /// depends.
    pub distance: Option<usize>,
}

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

/// Return why `q·k` of two embeddings is not defined by the weights, if it is not.
pub(crate) fn why_undefined(config: &ModelConfig, distance: Option<usize>) -> Option<String> {
    if config.qk_norm {
        return Some(
            "its queries and keys are normalised (model.qk_norm), so their product is not one of weights".to_owned(),
        );
    }
    let is_rotary = matches!(config.position, Position::Rope { .. });
    (is_rotary && distance.is_none()).then(|| {
        "with rotary positions the product of a query and a key depends on their distance; choose one with --distance N, the number of tokens from the key to the query".to_owned()
    })
}

/// Check that a distance is given only where weights depend on it.
pub(crate) fn check_distance(
    config: &ModelConfig,
    distance: Option<usize>,
) -> Result<(), InferError> {
    let is_rotary = matches!(config.position, Position::Rope { .. });
    match distance {
        Some(distance) if !is_rotary => Err(InferError::OutOfRange {
            key: "--distance",
            value: distance.to_string(),
            rule: "is about rotary positions, which this model does not have: leave it out",
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Complex, HeadName, copying_score};

    #[test]
    fn heads_are_named_by_layer_and_number() {
        let head: HeadName = " 1.12 ".parse().unwrap();
        assert_eq!((head.layer, head.head), (1, 12));
        for bad in ["", "1", "1.", ".2", "1.2.3", "-1.0", "a.b", "L1H2"] {
            let message = bad.parse::<HeadName>().unwrap_err().to_string();
            assert!(message.contains("1.2"), "{message}");
        }
    }

    #[test]
    fn copying_is_the_share_of_positive_eigenvalues() {
        let value = |re, im| Complex { re, im };
        assert!((copying_score(&[value(2.0, 0.0), value(1.0, 0.0)]) - 1.0).abs() < 1e-12);
        let pair = [value(3.0, 4.0), value(3.0, -4.0)];
        assert!((copying_score(&pair) - 0.6).abs() < 1e-12);
        assert!(copying_score(&[value(0.0, 0.0)]).is_nan());
    }
}
