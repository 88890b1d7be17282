//! Rotary position embedding (Su et al. 2021).

use burn::tensor::{Device, Tensor, TensorData};
use sisun_config::RopeScaling;
use sisun_kernels::RotaryTables;
use std::f64::consts::PI;

/// YaRN keeps frequencies that turn more often than this within the trained context, and divides those that turn less
/// often than once (Peng et al. 2023, §3.2: β and α).
const YARN_FAST: f64 = 32.0;
/// See [`YARN_FAST`].
const YARN_SLOW: f64 = 1.0;

/// How fast each pair of dimensions turns.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    /// Radians a position, `[r/2]`.
    pub radians: Vec<f64>,
    /// What cosines and sines are multiplied by: 1, but for YaRN.
    pub magnitude: f64,
}

impl Frequencies {
    /// `base^(−2i/r)` for `i` below `r/2`, changed as `scaling` says.
    pub fn new(rotary_dims: usize, base: f64, scaling: Option<RopeScaling>) -> Self {
        let r = rotary_dims as f64;
        let plain = |base: f64| (0..rotary_dims / 2).map(move |i| base.powf(-2.0 * i as f64 / r));
        match scaling {
            None => Self { radians: plain(base).collect(), magnitude: 1.0 },
            Some(RopeScaling::Linear { factor }) => {
                Self { radians: plain(base).map(|radians| radians / factor).collect(), magnitude: 1.0 }
            }
            // One pair alone has no lower frequency to divide.
            Some(RopeScaling::Ntk { factor }) if rotary_dims > 2 => {
                Self { radians: plain(base * factor.powf(r / (r - 2.0))).collect(), magnitude: 1.0 }
            }
            Some(RopeScaling::Ntk { .. }) => Self { radians: plain(base).collect(), magnitude: 1.0 },
            Some(RopeScaling::Yarn { factor, original_context_len }) => {
                // The pair that turns so many times within the trained context.
                let pair = |turns: f64| r * (original_context_len as f64 / (turns * 2.0 * PI)).ln() / (2.0 * base.ln());
                let (low, high) = (pair(YARN_FAST).floor().max(0.0), pair(YARN_SLOW).ceil().min(r - 1.0));
                let width = if low == high { 0.001 } else { high - low };
                let radians = plain(base).enumerate().map(|(i, radians)| {
                    let divided = ((i as f64 - low) / width).clamp(0.0, 1.0);
                    radians / factor * divided + radians * (1.0 - divided)
                });
                Self { radians: radians.collect(), magnitude: 0.1 * factor.ln() + 1.0 }
            }
        }
    }
}

/// Cosine and sine of `pos · frequency` for each of these positions.
///
/// # Shapes
/// - tables: `[len, r/2]`
pub fn tables(positions: impl Iterator<Item = usize>, frequencies: &Frequencies, device: &Device) -> RotaryTables {
    let Frequencies { radians, magnitude } = frequencies;
    let angles: Vec<f64> = positions.flat_map(|pos| radians.iter().map(move |r| pos as f64 * r)).collect();
    let len = angles.len() / radians.len().max(1);
    // Angles in f64: at position 100,000 an f32 angle is off by half a percent of a turn.
    let tensor = |f: fn(f64) -> f64| {
        let values: Vec<f32> = angles.iter().map(|&angle| (f(angle) * magnitude) as f32).collect();
        Tensor::from_data(TensorData::new(values, [len, radians.len()]), &device.clone().inner())
    };
    RotaryTables { cos: tensor(f64::cos), sin: tensor(f64::sin) }
}
