//! Activations of the feed-forward network.

use crate::ActivationFunction;
use burn::tensor::{Device, Tensor, activation};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// Compute [`crate::activation`].
pub fn activation<const D: usize>(x: Tensor<D>, kind: ActivationFunction) -> Tensor<D> {
    match kind {
        ActivationFunction::Gelu => gelu(x),
        ActivationFunction::GeluTanh => gelu_tanh(x),
        ActivationFunction::Relu => activation::relu(x),
        ActivationFunction::ReluSquared => activation::relu(x).square(),
    }
}

/// Compute `x·Φ(x)`, Φ the normal distribution function (Hendrycks and Gimpel 2016).
fn gelu<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    if x.device().inner() == Device::flex() {
        return activation::gelu(x);
    }
    // On other backends, Burn's own GELU has the derivative of the tanh form.
    x.clone() * ((x * FRAC_1_SQRT_2).erf() + 1.0) * 0.5
}

/// Compute `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`, GPT-2's approximation of [`gelu`].
fn gelu_tanh<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    let cube = x.clone() * x.clone().square();
    let inner = (x.clone() + cube * 0.044715) * (2.0 / PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}

/// Compute [`crate::swiglu`].
pub fn swiglu<const D: usize>(gate: Tensor<D>, up: Tensor<D>) -> Tensor<D> {
    activation::silu(gate) * up
}
