//! Rotary position embedding.

use crate::assert_shape;
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

/// Turns the first `r` dimensions of every head by its position's angles: dimension `i` pairs with `i + r/2`
/// (Su et al. 2021, equation 15, in the order of dimensions that LLaMA uses).
///
/// # Shapes
/// - `x` and the result: `[batch, head, pos, d_head]`
/// - `tables`: `[pos, r/2]`, `r ≤ d_head`
pub fn rotate_halves(x: Tensor<4>, tables: &RotaryTables) -> Tensor<4> {
    let [_, _, pos, d_head] = x.dims();
    let [_, half] = tables.cos.dims();
    assert_shape!(tables.cos, [pos, half]);
    assert_shape!(tables.sin, [pos, half]);
    let (cos, sin) = (tables.cos.clone().unsqueeze::<4>(), tables.sin.clone().unsqueeze::<4>()); // [1, 1, pos, r/2]
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
