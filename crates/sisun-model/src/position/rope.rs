//! Rotary position embedding (Su et al. 2021).

use burn::tensor::{Device, Tensor, TensorData};
use sisun_config::RopeScaling;
use sisun_kernels::RotaryTables;
use std::f64::consts::PI;

/// YaRN leaves frequencies above this many turns per trained context unchanged, and divides those
/// below one turn (Peng et al. 2023, §3.2: β and α).
const YARN_FAST: f64 = 32.0;
/// See [`YARN_FAST`].
const YARN_SLOW: f64 = 1.0;

/// Rotation frequencies of the pairs of dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Frequencies {
    /// Radians per position, `[r/2]`.
    pub radians: Vec<f64>,
    /// Factor on cosines and sines; 1 except for YaRN.
    pub magnitude: f64,
}

impl Frequencies {
    /// Compute `base^(−2i/r)` for `i` below `r/2`, scaled by `scaling` for a sequence of `len`
    /// tokens.
    pub fn new(rotary_dims: usize, base: f64, scaling: Option<RopeScaling>, len: usize) -> Self {
        let r = rotary_dims as f64;
        let plain = |base: f64| (0..rotary_dims / 2).map(move |i| base.powf(-2.0 * i as f64 / r));
        let unchanged = || Self {
            radians: plain(base).collect(),
            magnitude: 1.0,
        };
        let enlarged = |factor: f64| match rotary_dims {
            // A single pair has no lower frequency to divide.
            0..=2 => unchanged(),
            _ => Self {
                radians: plain(base * factor.powf(r / (r - 2.0))).collect(),
                magnitude: 1.0,
            },
        };
        match scaling {
            None => unchanged(),
            Some(RopeScaling::Linear { factor }) => Self {
                radians: plain(base).map(|radians| radians / factor).collect(),
                magnitude: 1.0,
            },
            Some(RopeScaling::Ntk { factor }) => enlarged(factor),
            Some(RopeScaling::Dynamic {
                factor,
                original_context_len,
            }) => {
                let grown = len.max(original_context_len) as f64 / original_context_len as f64;
                enlarged(factor * grown - (factor - 1.0))
            }
            Some(RopeScaling::Yarn {
                factor,
                original_context_len,
                beta_fast,
                beta_slow,
                attention_factor,
                truncate,
            }) => {
                // Index of the pair that turns this many times within the trained context.
                let pair = |turns: f64| {
                    r * (original_context_len as f64 / (turns * 2.0 * PI)).ln() / (2.0 * base.ln())
                };
                let (low, high) = (
                    pair(beta_fast.unwrap_or(YARN_FAST)),
                    pair(beta_slow.unwrap_or(YARN_SLOW)),
                );
                let (low, high) = if truncate {
                    (low.floor(), high.ceil())
                } else {
                    (low, high)
                };
                let (low, high) = (low.max(0.0), high.min(r - 1.0));
                let width = if low == high { 0.001 } else { high - low };
                let radians = plain(base).enumerate().map(|(i, radians)| {
                    let divided = ((i as f64 - low) / width).clamp(0.0, 1.0);
                    radians / factor * divided + radians * (1.0 - divided)
                });
                let magnitude = attention_factor.unwrap_or_else(|| 0.1 * factor.ln() + 1.0);
                Self {
                    radians: radians.collect(),
                    magnitude,
                }
            }
            Some(RopeScaling::Llama3 {
                factor,
                original_context_len,
                low_freq_factor,
                high_freq_factor,
            }) => {
                let radians = plain(base).map(|radians| {
                    let turns = original_context_len as f64 * radians / (2.0 * PI);
                    let kept = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor);
                    let kept = kept.clamp(0.0, 1.0);
                    radians / factor * (1.0 - kept) + radians * kept
                });
                Self {
                    radians: radians.collect(),
                    magnitude: 1.0,
                }
            }
        }
    }
}

/// Return cosine and sine of `pos · frequency` for each position.
///
/// # Shapes
/// - tables: `[len, r/2]`
pub fn tables(
    positions: impl Iterator<Item = usize>,
    frequencies: &Frequencies,
    device: &Device,
) -> RotaryTables {
    let Frequencies { radians, magnitude } = frequencies;
    let angles: Vec<f64> = positions
        .flat_map(|pos| radians.iter().map(move |r| pos as f64 * r))
        .collect();
    let len = angles.len() / radians.len().max(1);
    // Angles in f64: at position 100,000 an f32 angle is off by half a percent of a turn.
    let tensor = |f: fn(f64) -> f64| {
        let values: Vec<f32> = angles
            .iter()
            .map(|&angle| (f(angle) * magnitude) as f32)
            .collect();
        Tensor::from_data(
            TensorData::new(values, [len, radians.len()]),
            &device.clone().inner(),
        )
    };
    RotaryTables {
        cos: tensor(f64::cos),
        sin: tensor(f64::sin),
    }
}
