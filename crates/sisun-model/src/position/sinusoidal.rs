//! Fixed sines and cosines (Vaswani et al. 2017, §3.5).

use burn::tensor::{Device, Tensor, TensorData};

/// `P[p, 2i] = sin(p / 10000^(2i/d))`, `P[p, 2i+1] = cos(p / 10000^(2i/d))` for `p` from `start`.
///
/// The table is added as it is: the embedding is not scaled by `√d_model` as in the paper, so that an export
/// can store the table as learned positions.
///
/// # Shapes
/// - result: `[len, d_model]`
pub fn table(start: usize, len: usize, d_model: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = (start..start + len)
        .flat_map(|pos| {
            (0..d_model).map(move |dim| {
                let pair = (dim / 2 * 2) as f64;
                let angle = pos as f64 / 10_000f64.powf(pair / d_model as f64);
                (if dim % 2 == 0 { angle.sin() } else { angle.cos() }) as f32
            })
        })
        .collect();
    Tensor::from_data(TensorData::new(values, [len, d_model]), &device.clone().inner())
}
