//! Table look-up.

use burn::tensor::{Int, Tensor};

/// The rows of `weight` that `tokens` number.
///
/// # Shapes
/// - `weight`: `[vocab, d_model]`
/// - `tokens`: `[batch, pos]`, each below `vocab`
/// - result: `[batch, pos, d_model]`
pub fn embedding(weight: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    let [batch, pos] = tokens.dims();
    let [_, d_model] = weight.dims();
    weight.select(0, tokens.reshape([batch * pos])).reshape([batch, pos, d_model])
}
