//! Activations and their gradients.

use super::buffer::Buffer;
use super::elementwise::{map, map2, normal, sigmoid, update2};
use super::simd::arch;
use super::threads::{for_rows, for_rows2};
use crate::ActivationFunction;
use pulp::Simd;

/// Approximate cost of one element, in simple operations.
const COST: usize = 16;

/// Compute `y = f(x)`.
pub(crate) fn forward(x: &[f32], activation: ActivationFunction) -> Buffer {
    let mut y = Buffer::uncleared(x.len());
    for_rows(&mut y, 1, COST, |first, y| {
        forward_slice(y, &x[first..][..y.len()], activation)
    });
    y
}

#[pulp::with_simd(forward_slice = arch())]
#[inline(always)]
fn forward_slice_simd<S: Simd>(simd: S, y: &mut [f32], x: &[f32], activation: ActivationFunction) {
    let zero = simd.splat_f32s(0.0);
    match activation {
        ActivationFunction::Gelu => map(
            simd,
            y,
            x,
            #[inline(always)]
            |x| simd.mul_f32s(x, normal(simd, x).0),
        ),
        ActivationFunction::GeluTanh => map(
            simd,
            y,
            x,
            #[inline(always)]
            |x| simd.mul_f32s(x, tanh_gate(simd, x)),
        ),
        ActivationFunction::Relu => map(
            simd,
            y,
            x,
            #[inline(always)]
            |x| simd.max_f32s(x, zero),
        ),
        ActivationFunction::ReluSquared => map(
            simd,
            y,
            x,
            #[inline(always)]
            |x| {
                let x = simd.max_f32s(x, zero);
                simd.mul_f32s(x, x)
            },
        ),
    }
}

/// Compute `dx = dy ⊙ f′(x)`.
pub(crate) fn backward(dy: &[f32], x: &[f32], activation: ActivationFunction) -> Buffer {
    let mut dx = Buffer::uncleared(x.len());
    for_rows(&mut dx, 1, COST, |first, dx| {
        let n = dx.len();
        backward_slice(dx, &dy[first..][..n], &x[first..][..n], activation);
    });
    dx
}

#[pulp::with_simd(backward_slice = arch())]
#[inline(always)]
fn backward_slice_simd<S: Simd>(
    simd: S,
    dx: &mut [f32],
    dy: &[f32],
    x: &[f32],
    activation: ActivationFunction,
) {
    let zero = simd.splat_f32s(0.0);
    match activation {
        ActivationFunction::Gelu => map2(
            simd,
            dx,
            dy,
            x,
            #[inline(always)]
            |dy, x| {
                let (cdf, density) = normal(simd, x);
                simd.mul_f32s(dy, simd.mul_add_e_f32s(x, density, cdf))
            },
        ),
        ActivationFunction::GeluTanh => map2(
            simd,
            dx,
            dy,
            x,
            #[inline(always)]
            |dy, x| {
                // With s = σ(2u): d(x·s) = s + x·s(1 − s)·2u′.
                let s = tanh_gate(simd, x);
                let slope = simd.mul_add_e_f32s(
                    simd.mul_f32s(x, x),
                    simd.splat_f32s(3.0 * TANH_CUBE),
                    simd.splat_f32s(1.0),
                );
                let slope = simd.mul_f32s(slope, simd.splat_f32s(2.0 * TANH_SCALE));
                let rise = simd.mul_f32s(
                    simd.mul_f32s(s, simd.sub_f32s(simd.splat_f32s(1.0), s)),
                    slope,
                );
                simd.mul_f32s(dy, simd.mul_add_e_f32s(x, rise, s))
            },
        ),
        ActivationFunction::Relu => map2(
            simd,
            dx,
            dy,
            x,
            #[inline(always)]
            |dy, x| simd.select_f32s(simd.greater_than_f32s(x, zero), dy, zero),
        ),
        ActivationFunction::ReluSquared => map2(
            simd,
            dx,
            dy,
            x,
            #[inline(always)]
            |dy, x| {
                let x = simd.max_f32s(x, zero);
                simd.mul_f32s(dy, simd.add_f32s(x, x))
            },
        ),
    }
}

const TANH_SCALE: f32 = 0.797_884_6; // √(2/π)
const TANH_CUBE: f32 = 0.044_715;

/// Compute `½(1 + tanh u) = σ(2u)` with `u = √(2/π)(x + 0.044715x³)`.
#[inline(always)]
fn tanh_gate<S: Simd>(simd: S, x: S::f32s) -> S::f32s {
    let cube = simd.mul_f32s(
        simd.mul_f32s(x, x),
        simd.mul_f32s(x, simd.splat_f32s(TANH_CUBE)),
    );
    sigmoid(
        simd,
        simd.mul_f32s(simd.add_f32s(x, cube), simd.splat_f32s(2.0 * TANH_SCALE)),
    )
}

/// Compute `y = silu(gate) ⊙ up`.
pub(crate) fn swiglu(gate: &[f32], up: &[f32]) -> Buffer {
    let mut y = Buffer::uncleared(gate.len());
    for_rows(&mut y, 1, COST, |first, y| {
        let n = y.len();
        swiglu_slice(y, &up[first..][..n], &gate[first..][..n]);
    });
    y
}

#[pulp::with_simd(swiglu_slice = arch())]
#[inline(always)]
fn swiglu_slice_simd<S: Simd>(simd: S, y: &mut [f32], up: &[f32], gate: &[f32]) {
    map2(
        simd,
        y,
        up,
        gate,
        #[inline(always)]
        |up, gate| simd.mul_f32s(up, simd.mul_f32s(gate, sigmoid(simd, gate))),
    );
}

/// Return the gradients `(dgate, dup)`: with `s = σ(gate)`, `dgate = dy ⊙ up ⊙ s(1 + gate(1 − s))`
/// and `dup = dy ⊙ gate·s`.
pub(crate) fn swiglu_backward(dy: &[f32], gate: &[f32], up: &[f32]) -> (Buffer, Buffer) {
    let (mut dgate, mut dup) = (Buffer::uncleared(dy.len()), Buffer::uncleared(dy.len()));
    for_rows2(
        (&mut dgate, 1),
        (&mut dup, 1),
        2 * COST,
        |first, dgate, dup| {
            let n = dup.len();
            dgate.copy_from_slice(&dy[first..][..n]);
            gate_gradient(dgate, &gate[first..][..n], &up[first..][..n]);
            // dup = silu(gate) ⊙ dy: the forward formula with dy in place of up.
            swiglu_slice(dup, &dy[first..][..n], &gate[first..][..n]);
        },
    );
    (dgate, dup)
}

/// Overwrite `dgate`, which holds `dy` on entry, with the gradient of the gate.
#[pulp::with_simd(gate_gradient = arch())]
#[inline(always)]
fn gate_gradient_simd<S: Simd>(simd: S, dgate: &mut [f32], gate: &[f32], up: &[f32]) {
    let one = simd.splat_f32s(1.0);
    update2(
        simd,
        dgate,
        gate,
        up,
        #[inline(always)]
        |dy, gate, up| {
            let s = sigmoid(simd, gate);
            let slope = simd.mul_f32s(s, simd.mul_add_e_f32s(gate, simd.sub_f32s(one, s), one));
            simd.mul_f32s(simd.mul_f32s(dy, up), slope)
        },
    );
}
