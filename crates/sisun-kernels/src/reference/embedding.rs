//! Table look-up.

use burn::tensor::{Int, Tensor};

/// [`crate::embedding`].
pub fn embedding(weight: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    let [batch, pos] = tokens.dims();
    let [_, d_model] = weight.dims();
    weight.select(0, tokens.reshape([batch * pos])).reshape([batch, pos, d_model])
}
