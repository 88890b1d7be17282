//! Activations of the feed-forward network, a thread for each element.

use super::tensor::{contiguous, floats, len, per_element, uncleared};
use crate::ActivationFunction;
use crate::recorded::SavedForBackward;
use burn::backend::{Cube, TensorMetadata};
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;
use std::f32::consts::FRAC_1_SQRT_2;

/// √(2/π).
const ROOT: f32 = 0.797_884_6;
const CUBIC: f32 = 0.044_715;
/// 1/√(2π).
const DENSITY_AT_0: f32 = 0.398_942_3;
/// The hyperbolic tangent of larger numbers is 1 in float32, and some drivers overflow in it.
const LARGEST: f32 = 20.0;

// Generic, because `f32` may get a method of this name.
#[cube]
fn erf<F: Float>(x: F) -> F {
    x.erf()
}

#[cube]
fn tanh_of_gelu(x: f32) -> f32 {
    let inner = (x + CUBIC * x * x * x) * ROOT;
    clamp(inner, -LARGEST, LARGEST).tanh()
}

/// Return `activation(x)`.
#[cube]
fn activated(x: f32, #[comptime] activation: ActivationFunction) -> f32 {
    match activation {
        ActivationFunction::Gelu => x * (erf::<f32>(x * FRAC_1_SQRT_2) + 1.0) * 0.5,
        ActivationFunction::GeluTanh => x * (tanh_of_gelu(x) + 1.0) * 0.5,
        ActivationFunction::Relu => max(x, 0.0),
        ActivationFunction::ReluSquared => max(x, 0.0) * max(x, 0.0),
    }
}

/// Return the derivative of [`activated`].
#[cube]
fn slope(x: f32, #[comptime] activation: ActivationFunction) -> f32 {
    match activation {
        ActivationFunction::Gelu => {
            // exp(−100) times any x that is this large is 0.
            let density = (-min(x * x * 0.5, 100.0)).exp() * DENSITY_AT_0;
            (erf::<f32>(x * FRAC_1_SQRT_2) + 1.0) * 0.5 + x * density
        }
        ActivationFunction::GeluTanh => {
            let tanh = tanh_of_gelu(x);
            let inner = (1.0 + 3.0 * CUBIC * x * x) * ROOT;
            (tanh + 1.0) * 0.5 + 0.5 * x * (1.0 - tanh * tanh) * inner
        }
        ActivationFunction::Relu => f32::cast_from(x > 0.0),
        ActivationFunction::ReluSquared => 2.0 * max(x, 0.0),
    }
}

#[cube]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-max(x, -80.0)).exp())
}

#[cube(launch)]
fn activation_forward(x: &[f32], y: &mut [f32], #[comptime] activation: ActivationFunction) {
    if ABSOLUTE_POS < y.len() {
        y[ABSOLUTE_POS] = activated(x[ABSOLUTE_POS], activation);
    }
}

#[cube(launch)]
fn activation_backward(
    dy: &[f32],
    x: &[f32],
    dx: &mut [f32],
    #[comptime] activation: ActivationFunction,
) {
    if ABSOLUTE_POS < dx.len() {
        dx[ABSOLUTE_POS] = dy[ABSOLUTE_POS] * slope(x[ABSOLUTE_POS], activation);
    }
}

#[cube(launch)]
fn swiglu_forward(gate: &[f32], up: &[f32], y: &mut [f32]) {
    if ABSOLUTE_POS < y.len() {
        let gate = gate[ABSOLUTE_POS];
        y[ABSOLUTE_POS] = gate * sigmoid(gate) * up[ABSOLUTE_POS];
    }
}

#[cube(launch)]
fn swiglu_backward(dy: &[f32], gate: &[f32], up: &[f32], dgate: &mut [f32], dup: &mut [f32]) {
    if ABSOLUTE_POS < dgate.len() {
        let (x, dy) = (gate[ABSOLUTE_POS], dy[ABSOLUTE_POS]);
        let open = sigmoid(x);
        dup[ABSOLUTE_POS] = dy * x * open;
        dgate[ABSOLUTE_POS] = dy * up[ABSOLUTE_POS] * (open + x * open * (1.0 - open));
    }
}

/// Return `activation(x)`.
pub(super) fn forward(x: CubeTensor, activation: ActivationFunction) -> (CubeTensor, Activated) {
    let x = contiguous(x);
    let y = uncleared(&x, x.shape());
    let (count, dim) = per_element(&x.client, len(&x));
    activation_forward::launch(&x.client, count, dim, floats(&x), floats(&y), activation);
    (y, Activated { x, activation })
}

/// Saved values of an activation.
#[derive(Clone, Debug)]
pub(super) struct Activated {
    x: CubeTensor,
    activation: ActivationFunction,
}

impl SavedForBackward<Cube, 1> for Activated {
    fn gradients(self, dy: CubeTensor, _: [bool; 1]) -> [Option<CubeTensor>; 1] {
        let (x, dy) = (self.x, contiguous(dy));
        let dx = uncleared(&x, x.shape());
        let (count, dim) = per_element(&x.client, len(&x));
        let (dy, activation) = (floats(&dy), self.activation);
        activation_backward::launch(
            &x.client,
            count,
            dim,
            dy,
            floats(&x),
            floats(&dx),
            activation,
        );
        [Some(dx)]
    }
}

/// Return `silu(gate) ⊙ up`.
pub(super) fn swiglu(gate: CubeTensor, up: CubeTensor) -> (CubeTensor, Gated) {
    let (gate, up) = (contiguous(gate), contiguous(up));
    let y = uncleared(&gate, gate.shape());
    let (count, dim) = per_element(&gate.client, len(&gate));
    swiglu_forward::launch(
        &gate.client,
        count,
        dim,
        floats(&gate),
        floats(&up),
        floats(&y),
    );
    (y, Gated { gate, up })
}

/// Saved values of SwiGLU's product.
#[derive(Clone, Debug)]
pub(super) struct Gated {
    gate: CubeTensor,
    up: CubeTensor,
}

impl SavedForBackward<Cube, 2> for Gated {
    fn gradients(self, dy: CubeTensor, _: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let (Self { gate, up }, dy) = (self, contiguous(dy));
        let [dgate, dup] = [(); 2].map(|()| uncleared(&gate, gate.shape()));
        let (count, dim) = per_element(&gate.client, len(&gate));
        swiglu_backward::launch(
            &gate.client,
            count,
            dim,
            floats(&dy),
            floats(&gate),
            floats(&up),
            floats(&dgate),
            floats(&dup),
        );
        [Some(dgate), Some(dup)]
    }
}
