//! RoPE in numbers.

use super::{OffsetSimilarity, PositionNumbers};
use sisun_config::{ModelConfig, RopeScaling};
use sisun_model::position::rope::Frequencies;

/// Return the angles of `n` positions, and how they depend on the offset.
pub(super) fn rotated(
    config: &ModelConfig,
    base: f64,
    scaling: Option<RopeScaling>,
    n: usize,
) -> PositionNumbers {
    let rotary_dims = config.rotary_dims();
    let Frequencies { radians, magnitude } = Frequencies::new(rotary_dims, base, scaling, n);
    let unscaled = scaling.map(|_| Frequencies::new(rotary_dims, base, None, n).radians);
    let mut cosine = OffsetSimilarity::default();
    let mut bound = Vec::with_capacity(n);
    for offset in 0..n {
        let angles = radians.iter().map(|radians| offset as f64 * radians);
        let (cosines, sines): (Vec<f64>, Vec<f64>) =
            angles.map(|angle| (angle.cos(), angle.sin())).unzip();
        let (mut real, mut imaginary, mut sum) = (0.0, 0.0, 0.0);
        for (cos, sin) in cosines.iter().zip(&sines) {
            real += cos;
            imaginary += sin;
            sum += f64::hypot(real, imaginary);
        }
        bound.push(sum / cosines.len().max(1) as f64);
        cosine.push(&cosines);
    }
    PositionNumbers::Rotated {
        d_head: config.d_head(),
        rotary_dims,
        radians,
        scaling: scaling.map(name),
        unscaled,
        magnitude,
        cosine,
        bound,
    }
}

/// Return the name of a scaling in a configuration.
fn name(scaling: RopeScaling) -> &'static str {
    match scaling {
        RopeScaling::Linear { .. } => "linear",
        RopeScaling::Ntk { .. } => "ntk",
        RopeScaling::Dynamic { .. } => "dynamic",
        RopeScaling::Yarn { .. } => "yarn",
        RopeScaling::Llama3 { .. } => "llama3",
    }
}
