//! Affine maps.

use crate::assert_shape;
use burn::tensor::Tensor;

/// `y = x·W + b`.
///
/// # Shapes
/// - `x`: `[batch, pos, d_in]`
/// - `weight`: `[d_in, d_out]`
/// - `bias`: `[d_out]`
/// - result: `[batch, pos, d_out]`
pub fn linear(x: Tensor<3>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<3> {
    let [batch, pos, d_in] = x.dims();
    let [_, d_out] = weight.dims();
    assert_shape!(weight, [d_in, d_out]);
    // One product of all rows at once instead of one for each sequence.
    let y = x.reshape([batch * pos, d_in]).matmul(weight); // [batch·pos, d_out]
    let y = match bias {
        Some(bias) => y + bias.unsqueeze(),
        None => y,
    };
    y.reshape([batch, pos, d_out])
}
