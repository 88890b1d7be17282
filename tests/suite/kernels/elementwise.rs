//! Activations.

use super::{Bound, KINDS, Kind, LAYOUTS, Layout, agree, flat, lift};
use crate::repeatable;
use burn::backend::Dispatch;
use burn::tensor::Tensor;
use proptest::prelude::*;
use sisun_kernels::backend::Kernels;
use sisun_kernels::{ActivationFunction, activation, reference, swiglu};
use sisun_tests::compare::normal;

const ACTIVATIONS: [ActivationFunction; 4] = [
    ActivationFunction::Gelu,
    ActivationFunction::GeluTanh,
    ActivationFunction::Relu,
    ActivationFunction::ReluSquared,
];

/// Return tolerances for the result and the gradient. Gates (Φ, σ) have an absolute error of about
/// 3e-7, here and in the composition 6e-7 together; the slope of a gate times x adds as much again.
/// A square rounds once.
fn bounds(kind: ActivationFunction, x: &[f32], dy: &[f32]) -> Vec<Bound> {
    let both: Vec<f32> = x.iter().zip(dy).map(|(x, dy)| x * dy).collect();
    match kind {
        ActivationFunction::Gelu => vec![Bound::part(6e-7, x), Bound::part(2e-6, dy)],
        // The gate is steeper: its slope is up to 7 before it reaches 1.
        ActivationFunction::GeluTanh => vec![Bound::part(6e-7, x), Bound::part(5e-6, dy)],
        ActivationFunction::Relu => vec![Bound::All(0.0), Bound::All(0.0)],
        ActivationFunction::ReluSquared => {
            vec![
                Bound::part(2e-7, &x.iter().map(|x| x * x).collect::<Vec<_>>()),
                Bound::part(5e-7, &both),
            ]
        }
    }
}

fn check(what: &str, kind: ActivationFunction, x: Vec<f32>) {
    let inputs = [x];
    let fast = |x: &[Tensor<1>]| activation(x[0].clone(), kind);
    let plain = |x: &[Tensor<1>]| reference::activation(x[0].clone(), kind);
    agree(
        &format!("{kind:?} of {what}"),
        &inputs,
        &fast,
        &plain,
        |mix, _| bounds(kind, &inputs[0], mix),
    );
}

/// Check a gated activation. The tolerance of the result is relative to `gate·up`; that of a
/// gradient to `dy` times the other factor, because the slope of silu is below 1.1 and its rounding
/// error below 1e-6.
fn check_gate(what: &str, inputs: [Vec<f32>; 2]) {
    let fast = |x: &[Tensor<1>]| swiglu(x[0].clone(), x[1].clone());
    let plain = |x: &[Tensor<1>]| reference::swiglu(x[0].clone(), x[1].clone());
    agree(
        &format!("swiglu of {what}"),
        &inputs,
        &fast,
        &plain,
        |mix, _| {
            let product =
                |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).collect::<Vec<_>>();
            let [gate, up] = &inputs;
            vec![
                Bound::part(5e-7, &product(gate, up)),
                Bound::part(3e-6, &product(mix, up)),
                Bound::part(5e-7, &product(mix, gate)),
            ]
        },
    );
}

proptest! {
    #![proptest_config(repeatable(100))]

    #[test]
    fn activations(seed: u32, n in 0_usize..100, kind in prop::sample::select(&KINDS[..]), size in 0.1_f32..10.0) {
        for activation in ACTIVATIONS {
            let x = kind.draw(&format!("{seed}"), n).into_iter().map(|x| x * size).collect();
            check(&format!("{n} {kind:?}"), activation, x);
        }
    }

    #[test]
    fn gates(seed: u32, n in 0_usize..100, kinds in prop::array::uniform2(prop::sample::select(&KINDS[..]))) {
        check_gate(&format!("{n} {kinds:?}"), [0, 1].map(|i| kinds[i].draw(&format!("{seed} {i}"), n)));
    }

    #[test]
    fn of_strided_tensors(
        seed: u32,
        shape in prop::array::uniform3(1_usize..9),
        layouts in prop::array::uniform2(prop::sample::select(&LAYOUTS[..])),
        which in prop::sample::select(&ACTIVATIONS[..]),
    ) {
        let inputs = [0, 1].map(|i| normal(&format!("{seed} {i}"), layouts[i].len(shape)));
        let view = |x: &[Tensor<1>], i: usize| layouts[i].view(&x[i], shape);
        // The other factor only scales: its maximum and that of the gradient bound the result.
        let fast = |x: &[Tensor<1>]| flat(activation(view(x, 0), which) + swiglu(view(x, 0), view(x, 1)));
        let plain = |x: &[Tensor<1>]| {
            flat(reference::activation(view(x, 0), which) + reference::swiglu(view(x, 0), view(x, 1)))
        };
        agree(&format!("{which:?} and swiglu of {shape:?} {layouts:?}"), &inputs, &fast, &plain, |_, _| {
            // Normal numbers, all below 6: products of three factors, each with an error of at most
            // 1e-6.
            vec![Bound::All(4e-5), Bound::All(4e-5), Bound::All(4e-5)]
        });
    }
}

/// A one-dimensional view into the middle of a tensor.
#[test]
fn of_a_view() {
    let inputs = [normal("of a view", 67)];
    let layout = Layout::Narrowed;
    let fast = |x: &[Tensor<1>]| {
        lift(Dispatch::activation(
            layout.view(&x[0], [64]).into_dispatch(),
            ActivationFunction::Relu,
        ))
    };
    let plain =
        |x: &[Tensor<1>]| reference::activation(layout.view(&x[0], [64]), ActivationFunction::Relu);
    agree("a view", &inputs, &fast, &plain, |_, _| {
        vec![Bound::All(0.0), Bound::All(0.0)]
    });
}

#[test]
fn far_from_zero_and_close_to_it() {
    let mut x = vec![0.0, -0.0];
    for size in [
        1e-38, 1e-30, 1e-20, 1e-10, 0.5, 5.0, 17.0, 86.0, 88.0, 89.0, 104.0, 1e4, 1e10, 1e18,
    ] {
        x.extend([size, -size]);
    }
    for kind in ACTIVATIONS {
        check("all sizes", kind, x.clone());
    }
    x.extend([1e30, -1e30]);
    for kind in [ActivationFunction::Gelu, ActivationFunction::Relu] {
        check("all sizes", kind, x.clone());
    }
    check_gate("all sizes", [x.clone(), normal("up", x.len())]);
    check_gate("all sizes", [normal("gate", x.len()), x]);
}

/// Large enough for several threads, and not a multiple of the vector length.
#[test]
fn shared_by_threads() {
    for kind in ACTIVATIONS {
        check("many", kind, Kind::Normal.draw("many", 9_001));
    }
    check_gate("many", [normal("gate", 9_001), normal("up", 9_001)]);
}
