//! Operations on query and key heads before attention.

use super::rms_norm;
use crate::{HeadCounts, assert_shape};
use burn::tensor::Tensor;

/// Compute [`crate::rotate_heads`].
pub fn rotate_heads(
    qkv: Tensor<3>,
    cos: Tensor<2>,
    sin: Tensor<2>,
    heads: HeadCounts,
) -> Tensor<3> {
    let [q, k, v] = heads.split(qkv);
    join([
        rotate_halves(q, cos.clone(), sin.clone()),
        rotate_halves(k, cos, sin),
        v,
    ])
}

/// Compute [`crate::norm_heads`].
pub fn norm_heads(
    qkv: Tensor<3>,
    gamma_q: Tensor<1>,
    gamma_k: Tensor<1>,
    heads: HeadCounts,
    epsilon: f64,
) -> Tensor<3> {
    let [q, k, v] = heads.split(qkv);
    join([
        rms_norm(q, gamma_q, epsilon),
        rms_norm(k, gamma_k, epsilon),
        v,
    ])
}

/// Put the heads of one tensor side by side again.
///
/// # Shapes
/// - `z`: `[batch, head, pos, d_head]`
/// - result: `[batch, pos, head·d_head]`
pub fn merge_heads(z: Tensor<4>) -> Tensor<3> {
    let [batch, n_heads, pos, d_head] = z.dims();
    z.swap_dims(1, 2).reshape([batch, pos, n_heads * d_head])
}

fn join(parts: [Tensor<4>; 3]) -> Tensor<3> {
    Tensor::cat(parts.map(merge_heads).to_vec(), 2)
}

/// Rotate the first `2·half` dimensions of each head by the angles of its position.
///
/// # Shapes
/// - `x` and the result: `[batch, head, pos, d_head]`
/// - `cos`, `sin`: `[pos, half]`
fn rotate_halves(x: Tensor<4>, cos: Tensor<2>, sin: Tensor<2>) -> Tensor<4> {
    let [_, _, pos, d_head] = x.dims();
    let [_, half] = cos.dims();
    assert_shape!(cos, [pos, half]);
    assert_shape!(sin, [pos, half]);
    let (cos, sin) = (cos.unsqueeze::<4>(), sin.unsqueeze::<4>()); // [1, 1, pos, r/2]
    let first = x.clone().narrow(3, 0, half);
    let second = x.clone().narrow(3, half, half);
    let mut parts = vec![
        first.clone() * cos.clone() - second.clone() * sin.clone(), //
        second * cos + first * sin,
    ];
    if 2 * half < d_head {
        parts.push(x.narrow(3, 2 * half, d_head - 2 * half));
    }
    Tensor::cat(parts, 3)
}
