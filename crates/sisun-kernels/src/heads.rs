//! The heads inside one projection.

use crate::assert_shape;
use crate::backend::Kernels;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// How the columns of one projection are divided: all query heads, then all key heads, then all
/// value heads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadCounts {
    /// Query heads.
    pub n_heads: usize,
    /// Key heads, and as many value heads.
    pub n_kv_heads: usize,
}

impl HeadCounts {
    /// The width of one head in a projection of `width` columns.
    pub fn d_head(self, width: usize) -> usize {
        let n = self.n_heads + 2 * self.n_kv_heads;
        assert!(
            width.is_multiple_of(n),
            "{width} columns cannot be {n} heads"
        );
        width / n
    }

    /// q, k and v as views.
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

/// Cosines and sines of the angles `position · base^(−2i/r)`.
///
/// # Shapes
/// - `cos`, `sin`: `[pos, r/2]`
#[derive(Clone, Debug)]
pub struct RotaryTables {
    /// Cosines.
    pub cos: Tensor<2>,
    /// Sines.
    pub sin: Tensor<2>,
}

/// Turns the first `r` dimensions of every query and key head by its position's angles: dimension
/// `i` pairs with `i + r/2` (Su et al. 2021, equation 15, in the order of dimensions that LLaMA
/// uses).
///
/// # Shapes
/// - `qkv` and the result: `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`
/// - `tables`: `[pos, r/2]`, `r ≤ d_head`
pub fn rotate_heads(qkv: Tensor<3>, tables: &RotaryTables, heads: HeadCounts) -> Tensor<3> {
    let ([_, pos, width], [_, half]) = (qkv.dims(), tables.cos.dims());
    assert_shape!(tables.cos, [pos, half]);
    assert_shape!(tables.sin, [pos, half]);
    assert!(
        2 * half <= heads.d_head(width),
        "{half} angles are more than half of a head"
    );
    let (cos, sin) = (
        tables.cos.clone().into_dispatch(),
        tables.sin.clone().into_dispatch(),
    );
    Tensor::from_dispatch(Dispatch::rotate_heads(qkv.into_dispatch(), cos, sin, heads))
}

/// The RMS norm of every query head and every key head (Henry et al. 2020, with RMS in place of the
/// Euclidean norm).
///
/// # Shapes
/// - `qkv` and the result: `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`
/// - `gamma_q`, `gamma_k`: `[d_head]`
pub fn norm_heads(
    qkv: Tensor<3>,
    gamma_q: Tensor<1>,
    gamma_k: Tensor<1>,
    heads: HeadCounts,
    epsilon: f64,
) -> Tensor<3> {
    let d_head = heads.d_head(qkv.dims()[2]);
    assert_shape!(gamma_q, [d_head]);
    assert_shape!(gamma_k, [d_head]);
    let (gamma_q, gamma_k) = (gamma_q.into_dispatch(), gamma_k.into_dispatch());
    Tensor::from_dispatch(Dispatch::norm_heads(
        qkv.into_dispatch(),
        gamma_q,
        gamma_k,
        heads,
        epsilon,
    ))
}
