//! Fixed sines and cosines (Vaswani et al. 2017, §3.5).

use burn::tensor::{Device, Tensor, TensorData};

/// Compute `P[p, 2i] = sin(p / 10000^(2i/d))`, `P[p, 2i+1] = cos(p / 10000^(2i/d))` for each
/// position `p`.
///
/// The paper adds it to embeddings of standard deviation 1: drawn with `1/√d` and multiplied by
/// `√d_model` (§3.4). Here embeddings are drawn with `model.init_std` and not scaled, so the model
/// multiplies the table by `init_std` instead: the sum equals the paper's up to a factor, and an
/// export can still store the table as learned positions. (Unscaled, the table is 35 times as large
/// as the embeddings, and the model learns token identities late or never.)
///
/// # Shapes
/// - result: `[len, d_model]`
pub fn table(positions: impl Iterator<Item = usize>, d_model: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = positions
        .flat_map(|pos| {
            (0..d_model).map(move |dim| {
                let pair = (dim / 2 * 2) as f64;
                let angle = pos as f64 / 10_000f64.powf(pair / d_model as f64);
                (if dim % 2 == 0 {
                    angle.sin()
                } else {
                    angle.cos()
                }) as f32
            })
        })
        .collect();
    let len = values.len() / d_model;
    Tensor::from_data(
        TensorData::new(values, [len, d_model]),
        &device.clone().inner(),
    )
}
