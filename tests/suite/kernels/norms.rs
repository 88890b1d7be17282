//! Normalisation of rows and of heads, and rotations.

use super::{Bound, KINDS, Kind, LAYOUTS, Layout, ROUNDINGS, agree, flat, largest, lift};
use crate::repeatable;
use burn::backend::Dispatch;
use burn::tensor::{Device, Tensor};
use proptest::prelude::*;
use sisun_kernels::backend::Kernels;
use sisun_kernels::{HeadCounts, RotaryTables, norm_heads, reference, rotate_heads};
use sisun_tests::compare::{normal, tensor, values};

const EPSILON: f64 = 1e-5;

/// Return the largest `|x̂|` (without subtracting the mean) and `1/√(var + ε)` of rows of `d`
/// numbers.
fn amplification(x: &[f32], d: usize, centred: bool) -> (f32, f32) {
    let scale = |row: &[f32]| {
        let numbers = || row.iter().map(|x| f64::from(*x));
        let mean = if centred {
            numbers().sum::<f64>() / d as f64
        } else {
            0.0
        };
        let square = numbers().map(|x| (x - mean).powi(2)).sum::<f64>() / d as f64;
        (
            largest(row) / (square + EPSILON).sqrt() as f32,
            1.0 / (square + EPSILON).sqrt() as f32,
        )
    };
    x.chunks_exact(d)
        .map(scale)
        .fold((0.0, 0.0), |a, b| (a.0.max(b.0), a.1.max(b.1)))
}

/// Return tolerances for `x̂·γ + β` and the gradients of x, γ and β. Subtracting a mean multiplies
/// the rounding error by the ratio of `x` to the deviation; `x̂` is at most this ratio. In dx the
/// ratio is squared.
fn bounds(x: &[f32], d: usize, centred: bool, gammas: &[f32], mix: &[f32]) -> [f32; 4] {
    let (normed, scale) = amplification(x, d, centred);
    let (gamma, dy) = (largest(gammas), largest(mix));
    let all: f32 = (0..d)
        .map(|i| mix.iter().skip(i).step_by(d).map(|x| x.abs()).sum())
        .fold(0.0, f32::max);
    [
        ROUNDINGS * (gamma * normed + 3.0), // 3: of β
        ROUNDINGS * scale * gamma * dy * (1.0 + normed * normed),
        ROUNDINGS * all * normed.max(1e-30),
        ROUNDINGS * all,
    ]
}

fn check_norm(
    seed: u32,
    shape: [usize; 2],
    layout: Layout,
    kind: Kind,
    centred: bool,
    has_beta: bool,
) {
    let [_, d] = shape;
    let mut inputs = vec![
        kind.draw(&format!("{seed} x"), layout.len(shape)),
        normal(&format!("{seed} γ"), d),
    ];
    inputs.extend(has_beta.then(|| normal(&format!("{seed} β"), d)));
    let fast = |x: &[Tensor<1>]| {
        let (rows, gamma) = (
            layout.view(&x[0], shape).into_dispatch(),
            x[1].clone().into_dispatch(),
        );
        flat(lift::<2>(Dispatch::norm(
            rows,
            gamma,
            x.get(2).cloned().into(),
            EPSILON,
            centred,
        )))
    };
    let plain = |x: &[Tensor<1>]| {
        let (rows, gamma) = (layout.view(&x[0], shape), x[1].clone());
        flat(match centred {
            true => reference::layer_norm(rows, gamma, x.get(2).cloned(), EPSILON),
            false => reference::rms_norm(rows, gamma, EPSILON),
        })
    };
    let what = format!("{shape:?} {layout:?} {kind:?}, centred {centred}, β {has_beta}");
    agree(&what, &inputs, &fast, &plain, |mix, _| {
        let rows = as_seen(&inputs[0], layout, shape);
        let bounds = bounds(&rows, d, centred, &inputs[1], mix);
        bounds[..1 + inputs.len()]
            .iter()
            .map(|bound| Bound::All(*bound))
            .collect()
    });
}

proptest! {
    #![proptest_config(repeatable(120))]

    #[test]
    fn norms_of_rows(
        seed: u32,
        n in prop_oneof![1_usize..4, 4_usize..70, 250_usize..300],
        d in prop_oneof![1_usize..4, 4_usize..70],
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&KINDS[..]),
        [centred, has_beta] in any::<[bool; 2]>(),
    ) {
        check_norm(seed, [n, d], layout, kind, centred, centred && has_beta);
    }

    #[test]
    fn norms_of_heads(
        seed: u32,
        [n_kv_heads, group] in prop::array::uniform2(1_usize..4),
        d_head in 1_usize..40,
        [batch, pos] in prop::array::uniform2(1_usize..14),
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let heads = HeadCounts { n_heads: n_kv_heads * group, n_kv_heads };
        let shape = [batch, pos, (heads.n_heads + 2 * n_kv_heads) * d_head];
        let inputs = [
            kind.draw(&format!("{seed} x"), layout.len(shape)),
            normal(&format!("{seed} of q"), d_head),
            normal(&format!("{seed} of k"), d_head),
        ];
        let fast = |x: &[Tensor<1>]| {
            flat(norm_heads(layout.view(&x[0], shape), x[1].clone(), x[2].clone(), heads, EPSILON))
        };
        let plain = |x: &[Tensor<1>]| {
            flat(reference::norm_heads(layout.view(&x[0], shape), x[1].clone(), x[2].clone(), heads, EPSILON))
        };
        agree(&format!("{heads:?} of {shape:?} {layout:?} {kind:?}"), &inputs, &fast, &plain, |mix, _| {
            let rows = as_seen(&inputs[0], layout, shape);
            let gammas = inputs[1..].concat();
            let [y, dx, dgamma, _] = bounds(&rows, d_head, false, &gammas, mix);
            // Values pass through unchanged.
            vec![Bound::All(y), Bound::All(dx), Bound::All(dgamma), Bound::All(dgamma)]
        });
    }

    #[test]
    fn rotations(
        seed: u32,
        [n_kv_heads, group] in prop::array::uniform2(1_usize..4),
        (d_head, half) in (2_usize..40).prop_flat_map(|d_head| (Just(d_head), 1..=d_head / 2)),
        [batch, pos] in prop::array::uniform2(1_usize..14),
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let heads = HeadCounts { n_heads: n_kv_heads * group, n_kv_heads };
        let shape = [batch, pos, (heads.n_heads + 2 * n_kv_heads) * d_head];
        let inputs = [kind.draw(&format!("{seed} x"), layout.len(shape))];
        let angles = normal(&format!("{seed} angles"), pos * half);
        let tables = |device: &Device| {
            let table = |f: fn(f32) -> f32| tensor(&angles.iter().map(|x| f(*x)).collect::<Vec<_>>(), [pos, half], device);
            RotaryTables { cos: table(f32::cos), sin: table(f32::sin) }
        };
        let fast = |x: &[Tensor<1>]| flat(rotate_heads(layout.view(&x[0], shape), &tables(&x[0].device()), heads));
        let plain = |x: &[Tensor<1>]| {
            let RotaryTables { cos, sin } = tables(&x[0].device());
            flat(reference::rotate_heads(layout.view(&x[0], shape), cos, sin, heads))
        };
        agree(&format!("{heads:?} of {shape:?} {layout:?} {kind:?}, {half} angles"), &inputs, &fast, &plain, |mix, _| {
            // A rotation preserves lengths; two products and a sum round three times.
            [&inputs[0][..], mix].map(|x| Bound::All(2e-7 * largest(x))).into()
        });
    }
}

/// Return the values in tensor order instead of memory order.
fn as_seen<const D: usize>(flat: &[f32], layout: Layout, shape: [usize; D]) -> Vec<f32> {
    values(layout.view(&tensor(flat, [flat.len()], &Device::flex()), shape))
}
