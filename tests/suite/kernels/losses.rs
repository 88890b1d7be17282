//! Cross-entropy, and passes in parallel.

use super::{Bound, KINDS, Kind, LAYOUTS, Layout, agree, lift};
use crate::repeatable;
use burn::backend::Dispatch;
use burn::tensor::{Device, Int, Tensor, TensorData};
use proptest::prelude::*;
use sisun_kernels::backend::Kernels;
use sisun_kernels::{
    ActivationFunction, AttentionOptions, HeadCounts, MatmulPrecision, activation, cross_entropy,
    each_alone, layer_norm, linear, linear_transposed, reference, self_attention,
};
use sisun_tests::compare::{normal, tensor, values};

/// Relative tolerance of a loss (a difference of two logits, up to ln vocab) and of a probability.
const PART: f32 = 2e-6;

fn check(
    what: &str,
    shape: [usize; 2],
    layout: Layout,
    logits: Vec<f32>,
    weights: Option<Vec<f32>>,
) {
    let [n, vocab] = shape;
    let targets: Vec<i64> = (0..n).map(|i| (i * 7 % vocab) as i64).collect();
    let parts = |x: &[Tensor<1>]| {
        let device = x[0].device().inner();
        let targets =
            Tensor::<1, Int>::from_data(TensorData::new(targets.clone(), [n]), &x[0].device());
        let weights = weights
            .as_ref()
            .map(|weights| tensor::<1>(weights, [n], &device));
        (layout.view(&x[0], shape), targets, weights)
    };
    let fast = |x: &[Tensor<1>]| {
        let (logits, targets, weights) = parts(x);
        lift(Dispatch::cross_entropy(
            logits.into_dispatch(),
            targets.into_dispatch(),
            weights.into(),
        ))
    };
    let plain = |x: &[Tensor<1>]| {
        let (logits, targets, weights) = parts(x);
        reference::cross_entropy(logits, targets, weights)
    };
    let (low, high) = logits.iter().fold((0.0_f32, 0.0_f32), |(low, high), x| {
        (low.min(*x), high.max(*x))
    });
    let share: f32 = weights
        .as_ref()
        .map_or(n as f32, |weights| weights.iter().sum());
    let largest = weights
        .as_ref()
        .map_or(1.0, |weights| super::largest(weights));
    let inputs = [logits];
    agree(
        &format!("{what}: {shape:?} {layout:?}"),
        &inputs,
        &fast,
        &plain,
        |mix, _| {
            vec![
                Bound::All(PART * (high - low + 5.0)),
                Bound::All(PART * mix[0].abs() * largest / share + super::TINY),
            ]
        },
    );
}

proptest! {
    #![proptest_config(repeatable(120))]

    #[test]
    fn cross_entropies(
        seed: u32,
        n in prop_oneof![1_usize..5, 5_usize..120],
        vocab in prop_oneof![1_usize..5, 5_usize..120],
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&KINDS[..]),
        weighted: bool,
    ) {
        let logits = kind.draw(&format!("{seed} logits"), layout.len([n, vocab]));
        // Every third weight is 0, except the first.
        let weights: Vec<f32> =
            normal(&format!("{seed} weights"), n).iter().enumerate().map(|(i, x)| if i % 3 == 1 { 0.0 } else { x.abs() + 0.1 }).collect();
        check(&format!("{kind:?}"), [n, vocab], layout, logits, weighted.then_some(weights));
    }
}

/// Equal logits give equal probabilities, whatever their magnitude. Regression test: the logarithm
/// of the sum was once rounded away next to the largest logit.
#[test]
fn rows_of_one_size() {
    for size in [0.0, 1e-30, 1.0, -300.0, 1e4, -1e8, 1e30] {
        for vocab in [1, 13, 16, 33] {
            check(
                &format!("all {size}"),
                [3, vocab],
                Layout::Dense,
                vec![size; 3 * vocab],
                None,
            );
        }
    }
    let mut logits = vec![1e4_f32; 48];
    logits[..24].iter_mut().for_each(|x| *x += 1.0);
    check(
        "almost all 1e4",
        [2, 24],
        Layout::Dense,
        logits,
        Some(vec![0.5, 2.0]),
    );
}

#[test]
fn certain_predictions() {
    for size in [30.0, 1e3, 1e30] {
        let logits = (0..5 * 17)
            .map(|i| if i % 18 == 0 { size } else { -size * 0.5 })
            .collect();
        check(
            &format!("one of {size}"),
            [5, 17],
            Layout::Dense,
            logits,
            None,
        );
    }
}

#[test]
fn shared_by_threads() {
    check(
        "many",
        [130, 301],
        Layout::Dense,
        Kind::Normal.draw("many", 130 * 301),
        None,
    );
}

/// A target outside its row is refused, not looked up in the next row.
#[test]
fn targets_outside_of_the_row() {
    let loss = || {
        let logits = tensor::<2>(&[0.0; 6], [2, 3], &Device::flex());
        let targets = Tensor::from_data(TensorData::new(vec![3_i64, 0], [2]), &Device::flex());
        values(cross_entropy(logits, targets, None))
    };
    assert!(std::panic::catch_unwind(loss).is_err());
}

/// Run a pass through a layer that uses every multithreaded kernel, and return all gradients as
/// bits.
fn pass(seed: u32) -> Vec<u32> {
    let device = Device::flex().autodiff();
    let leaf = |name: &str, n: usize| {
        tensor::<1>(&normal(&format!("{seed} {name}"), n), [n], &device).require_grad()
    };
    let (n, d) = (150, 48);
    let heads = HeadCounts {
        n_heads: 4,
        n_kv_heads: 2,
    };
    let sizes = [
        2 * n * d,
        d * 96,
        96,
        d,
        d,
        d * 200,
        200 * 35,
        d * 35,
        (2 * n - 1) * 4,
    ];
    let x: Vec<Tensor<1>> = sizes
        .iter()
        .enumerate()
        .map(|(i, size)| leaf(&i.to_string(), *size))
        .collect();
    let matrix = |i: usize, rows: usize| x[i].clone().reshape([rows, sizes[i] / rows]);
    let options = AttentionOptions {
        causal: true,
        bias: Some(matrix(8, 2 * n - 1)),
        dropout: 0.0,
        lens: None,
    };
    let y = x[0].clone().reshape([2, n, d]);
    let y = layer_norm(y, x[3].clone(), Some(x[4].clone()), 1e-5);
    let y = linear(
        y,
        matrix(1, d),
        Some(x[2].clone()),
        MatmulPrecision::Float32,
    );
    let z = self_attention(y, heads, &options);
    let z = activation(
        linear(z, matrix(5, d), None, MatmulPrecision::Bf16),
        ActivationFunction::Gelu,
    );
    let logits = linear_transposed(z, matrix(6, 35), MatmulPrecision::Float32).reshape([2 * n, 35]);
    let targets = Tensor::<1, Int>::from_data(
        TensorData::new((0..2 * n).map(|i| (i % 35) as i64).collect(), [2 * n]),
        &device,
    );
    let loss = cross_entropy(logits, targets, None) + (x[7].clone() * 0.1).square().sum();
    let gradients = loss.clone().backward();
    let all = x
        .iter()
        .map(|x| values(x.grad(&gradients).unwrap()))
        .chain([values(loss)]);
    all.flatten().map(f32::to_bits).collect()
}

/// Work on a single thread gives bit-identical results.
#[test]
fn passes_side_by_side() {
    let shared: Vec<_> = (0..3).map(pass).collect();
    assert!(shared[0] != shared[1]);
    assert!(each_alone(vec![0, 1, 2], pass) == shared, "alone");
    // A single item is given all threads.
    assert!(each_alone(vec![2], pass) == shared[2..]);
    assert!(each_alone(Vec::new(), pass).is_empty());
    // Afterwards, work is shared between threads again.
    assert!(pass(0) == shared[0]);
}
