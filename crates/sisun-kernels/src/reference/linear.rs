//! Affine maps.

use crate::assert_shape;
use burn::tensor::{FloatDType, Tensor};

/// Compute [`crate::linear`] of a matrix; a weight held in bfloat16 gives the same numbers in
/// float32.
///
/// # Shapes
/// - `x`: `[n, d_in]`
/// - `weight`: `[d_in, d_out]`
/// - `bias`: `[d_out]`
/// - result: `[n, d_out]`
pub fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let ([_, d_in], [_, d_out]) = (x.dims(), weight.dims());
    assert_shape!(weight, [d_in, d_out]);
    let y = x.matmul(weight.cast(FloatDType::F32)); // [n, d_out]
    match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    }
}
