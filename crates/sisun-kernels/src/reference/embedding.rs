//! Table lookup.

use burn::tensor::{FloatDType, Int, Tensor};

/// Compute [`crate::embedding`]; a table held in bfloat16 gives the same numbers in float32.
pub fn embedding(weight: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    let [batch, pos] = tokens.dims();
    let [_, d_model] = weight.dims();
    let rows = weight
        .select(0, tokens.reshape([batch * pos]))
        .cast(FloatDType::F32);
    rows.reshape([batch, pos, d_model])
}
