//! Operations on the heads inside one projection.

use crate::assert_shape;
use crate::backend::Kernels;
use crate::options::HeadCounts;
use burn::backend::Dispatch;
use burn::tensor::Tensor;

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

/// Rotate the first `r` dimensions of every query and key head by the angles of its position:
/// dimension `i` pairs with `i + r/2` (Su et al. 2021, equation 15, in the order of dimensions that
/// LLaMA uses).
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

/// Apply the RMS norm to every query head and every key head (Henry et al. 2020, with RMS in place
/// of the Euclidean norm).
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
