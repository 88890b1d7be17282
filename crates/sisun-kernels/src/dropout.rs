//! Dropout.

use burn::tensor::{Distribution, Tensor};

/// Set each element to 0 with probability `p` and scale the rest by `1/(1−p)` (Srivastava et al.
/// 2014).
///
/// Draws from the device's random number generator, which the caller seeds for the step.
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64) -> Tensor<D> {
    if p == 0.0 {
        return x;
    }
    let kept = Tensor::<D>::random(
        x.dims(),
        Distribution::Bernoulli(1.0 - p),
        &x.device().inner(),
    );
    x * kept.mul_scalar(1.0 / (1.0 - p))
}
