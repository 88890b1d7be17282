//! Options of the operations.

use burn::tensor::Tensor;
use std::sync::Arc;

/// Number of real positions of each sequence of a batch; the rest are padding.
pub type Lens = Arc<[usize]>;

/// The number format of matrix products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MatmulPrecision {
    /// 24 bits of significand.
    #[default]
    Float32,
    /// Factors rounded to bfloat16, 8 bits of significand; products and sums in float32. A backend
    /// without a faster way to do so stays at float32.
    Bf16,
}

/// A function of each element, between the two layers of the feed-forward network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivationFunction {
    /// `x·Φ(x)`, Φ the normal distribution function (Hendrycks and Gimpel 2016).
    Gelu,
    /// `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`, GPT-2's approximation of
    /// [`ActivationFunction::Gelu`].
    GeluTanh,
    /// `max(0, x)`.
    Relu,
    /// `max(0, x)²` (So et al. 2021).
    ReluSquared,
}

/// Options for the scores, between `q·k` and the softmax, and for the pattern after it.
#[derive(Clone, Debug)]
pub struct AttentionOptions {
    /// Hide keys after the query. The last query is at the position of the last key.
    pub causal: bool,
    /// Bias added to the scores by offset: row `o` holds, for each head, the bias where
    /// `query − key = o − (n_query − 1)`. Shape `[n_key + n_query − 1, head]`.
    pub bias: Option<Tensor<2>>,
    /// Probability of dropping a weight of the pattern.
    pub dropout: f64,
    /// Number of keys of each sequence, `[batch]`, each from 1 to `n_key`: later keys are padding
    /// and hidden. `None` if there is no padding.
    pub lens: Option<Lens>,
}

/// A recurrent cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Gated recurrent unit (Cho et al. 2014).
    Gru,
    /// Long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
    Lstm,
}

impl Cell {
    /// Return the number of parts of width `d_hidden` in the gates.
    pub fn n_gates(self) -> usize {
        match self {
            Self::Gru => 3,
            Self::Lstm => 4,
        }
    }

    /// Return the number of parts of width `d_hidden` in the state: h, and c of a long short-term
    /// memory.
    pub fn n_states(self) -> usize {
        match self {
            Self::Gru => 1,
            Self::Lstm => 2,
        }
    }
}

/// Division of the columns of one projection into heads: all query heads, then all key heads, then
/// all value heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadCounts {
    /// Number of query heads.
    pub n_heads: usize,
    /// Number of key heads, which is also the number of value heads.
    pub n_kv_heads: usize,
}

impl HeadCounts {
    /// Return the width of one head in a projection of `width` columns.
    pub fn d_head(self, width: usize) -> usize {
        let n = self.n_heads + 2 * self.n_kv_heads;
        assert!(
            width.is_multiple_of(n),
            "{width} columns cannot be {n} heads"
        );
        width / n
    }

    /// Return q, and k and v of a projection of their own, as views.
    ///
    /// # Shapes
    /// - `q`: `[batch, query, n_heads·d_head]`
    /// - `kv`: `[batch, key, 2·n_kv_heads·d_head]`
    /// - result: `[batch, n_heads, query, d_head]` and twice `[batch, n_kv_heads, key, d_head]`
    pub fn split_apart(self, q: Tensor<3>, kv: Tensor<3>) -> [Tensor<4>; 3] {
        let ([batch, n_query, width], [_, n_key, _]) = (q.dims(), kv.dims());
        let d_head = width / self.n_heads;
        let q = q
            .reshape([batch, n_query, self.n_heads, d_head])
            .swap_dims(1, 2);
        let kv = kv.reshape([batch, n_key, 2 * self.n_kv_heads, d_head]);
        let part = |first| kv.clone().narrow(2, first, self.n_kv_heads).swap_dims(1, 2);
        [q, part(0), part(self.n_kv_heads)]
    }

    /// Return q, k and v as views.
    ///
    /// # Shapes
    /// - `qkv`: `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`
    /// - result: `[batch, n_heads, pos, d_head]` and twice `[batch, n_kv_heads, pos, d_head]`
    pub fn split(self, qkv: Tensor<3>) -> [Tensor<4>; 3] {
        let [batch, pos, width] = qkv.dims();
        let qkv = qkv.reshape([
            batch,
            pos,
            self.n_heads + 2 * self.n_kv_heads,
            self.d_head(width),
        ]);
        let part = |first, n| qkv.clone().narrow(2, first, n).swap_dims(1, 2); // [batch, head, pos, d_head]
        let (keys, values) = (self.n_heads, self.n_heads + self.n_kv_heads);
        [
            part(0, self.n_heads),
            part(keys, self.n_kv_heads),
            part(values, self.n_kv_heads),
        ]
    }
}

/// AdamW's constants for one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate of this step.
    pub lr: f64,
    /// Decay of the first moment.
    pub beta1: f64,
    /// Decay of the second moment.
    pub beta2: f64,
    /// Small constant added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// Number of this step, counted from 1.
    pub step: u64,
}

/// Muon's constants for one step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Muon {
    /// Learning rate of this step.
    pub lr: f64,
    /// Momentum.
    pub momentum: f64,
    /// Decoupled weight decay.
    pub weight_decay: f64,
}

/// Coefficients of Muon's Newton–Schulz iteration, which makes a matrix orthogonal (Jordan 2024).
pub(crate) struct NewtonSchulz {
    /// a, b and c of `X ← aX + (bA + cA²)X`, `A = XXᵀ`.
    pub(crate) coefficients: [f64; 3],
    /// Number of iterations.
    pub(crate) steps: usize,
}

pub(crate) const NEWTON_SCHULZ: NewtonSchulz = NewtonSchulz {
    coefficients: [3.4445, -4.7750, 2.0315],
    steps: 5,
};
