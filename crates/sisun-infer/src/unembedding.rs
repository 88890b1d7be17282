//! From the residual stream to logits: the final norm and the head.

use crate::LanguageModel;
use crate::matrix::Matrix;
use burn::tensor::{Int, Tensor, TensorData};
use sisun_config::{ModelConfig, Norm};
use sisun_kernels::MatmulPrecision;
use sisun_model::to_host;

/// Number of tokens whose embeddings are copied together.
pub(crate) const TOKENS_TOGETHER: usize = 4096;

impl LanguageModel {
    /// Apply the final norm, if the model has one.
    ///
    /// # Shapes
    /// - `x` and the result: `[batch, pos, d_model]`
    pub(crate) fn final_norm(&self, x: Tensor<3>) -> Tensor<3> {
        match &self.model.norm_final {
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// Apply the head to normalised vectors.
    ///
    /// # Shapes
    /// - `x`: `[batch, pos, d_model]`
    /// - result: `[batch, pos, vocab]`
    pub(crate) fn head(&self, x: Tensor<3>) -> Tensor<3> {
        let precision = match self.model.is_bf16() {
            true => MatmulPrecision::Bf16,
            false => MatmulPrecision::Float32,
        };
        match &self.model.head {
            Some(head) => head.forward(x, precision),
            None => self.model.embed.as_head(x, precision),
        }
    }

    /// Return the head's weights for a token, `[d_model]`.
    pub(crate) fn head_column(&self, token: u32) -> Vec<f64> {
        let token = token as usize;
        let column = match &self.model.head {
            Some(head) => head.weight.val().narrow(1, token, 1),
            None => self.model.embed.weight.val().narrow(0, token, 1),
        };
        to_host(column).1.into_iter().map(f64::from).collect()
    }

    /// Return the head's weights of tokens `first..first + count`, one row each.
    ///
    /// # Shapes
    /// - result: `[count, d_model]`
    pub(crate) fn head_rows(&self, first: usize, count: usize) -> Matrix {
        Matrix::of(match &self.model.head {
            Some(head) => head.weight.val().narrow(1, first, count).transpose(),
            None => self.model.embed.weight.val().narrow(0, first, count),
        })
    }

    /// Return the embeddings of tokens `first..first + count`.
    ///
    /// # Shapes
    /// - result: `[count, d_model]`
    pub(crate) fn embedding_rows(&self, first: usize, count: usize) -> Matrix {
        Matrix::of(self.model.embed.weight.val().narrow(0, first, count))
    }

    /// Return the token ids as the model takes them.
    ///
    /// # Shapes
    /// - result: `[1, pos]`
    pub(crate) fn batch_of(&self, ids: impl Iterator<Item = u32>) -> Tensor<2, Int> {
        let ids: Vec<i32> = ids.map(|id| id as i32).collect();
        let shape = [1, ids.len()];
        Tensor::from_data(TensorData::new(ids, shape), &self.model.device())
    }
}

/// Return the factor by which the model's norm scales a vector, before its gains: `1/√(variance + ε)`,
/// or `1/√(mean of squares + ε)` in RMS norm.
pub(crate) fn scale_of(x: &[f32], config: &ModelConfig) -> f64 {
    let n = x.len() as f64;
    let mean = match config.norm {
        Norm::Layer => x.iter().map(|&x| f64::from(x)).sum::<f64>() / n,
        Norm::Rms => 0.0,
    };
    let squares: f64 = x.iter().map(|&x| (f64::from(x) - mean).powi(2)).sum();
    1.0 / (squares / n + config.norm_eps).sqrt()
}
