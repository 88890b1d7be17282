//! Rotary position embedding (Su et al. 2021).

use burn::tensor::{Device, Tensor, TensorData};
use sisun_kernels::RotaryTables;

/// Cosine and sine of `pos · base^(−2i/r)` for `pos` from `start` and `i` below `r/2`.
///
/// # Shapes
/// - tables: `[len, r/2]`
pub fn tables(start: usize, len: usize, rotary_dims: usize, base: f64, device: &Device) -> RotaryTables {
    let half = rotary_dims / 2;
    let angles: Vec<f64> = (start..start + len)
        .flat_map(|pos| (0..half).map(move |i| pos as f64 * base.powf(-2.0 * i as f64 / rotary_dims as f64)))
        .collect();
    // Angles in f64: at position 100,000 an f32 angle is off by half a percent of a turn.
    let tensor = |f: fn(f64) -> f64| {
        let values: Vec<f32> = angles.iter().map(|&angle| f(angle) as f32).collect();
        Tensor::from_data(TensorData::new(values, [len, half]), &device.clone().inner())
    };
    RotaryTables { cos: tensor(f64::cos), sin: tensor(f64::sin) }
}
