//! Affine maps and embedding look-up.

use super::{Bound, KINDS, Kind, LAYOUTS, Layout, ROUNDINGS, agree, flat, lift, passes};
use crate::repeatable;
use burn::backend::Dispatch;
use burn::tensor::{Device, Int, Tensor, TensorData};
use proptest::prelude::*;
use sisun_kernels::backend::Kernels;
use sisun_kernels::{MatmulPrecision, embedding, reference};
use sisun_tests::compare::normal;

/// Tolerance of bfloat16: both factors, rounded to 8 bits of significand, have an error of at most
/// 2^-8, so their product has slightly more than 2^-7.
const BF16: f32 = 1.02 / 128.0;

#[derive(Clone, Copy, Debug)]
pub(super) struct Map {
    pub(super) n: usize,
    pub(super) d_in: usize,
    pub(super) d_out: usize,
    pub(super) transposed: bool,
    pub(super) biased: bool,
    pub(super) layouts: [Layout; 2],
}

impl Map {
    pub(super) fn weight_shape(&self) -> [usize; 2] {
        if self.transposed {
            [self.d_out, self.d_in]
        } else {
            [self.d_in, self.d_out]
        }
    }

    fn inputs(&self, seed: u32, kinds: [Kind; 2]) -> Vec<Vec<f32>> {
        let lens = [
            self.layouts[0].len([self.n, self.d_in]),
            self.layouts[1].len(self.weight_shape()),
        ];
        let mut inputs: Vec<_> = (0..2)
            .map(|i| kinds[i].draw(&format!("{seed} {i}"), lens[i]))
            .collect();
        inputs.extend(
            self.biased
                .then(|| normal(&format!("{seed} bias"), self.d_out)),
        );
        inputs
    }

    fn parts(&self, x: &[Tensor<1>]) -> (Tensor<2>, Tensor<2>, Option<Tensor<1>>) {
        let [of_x, of_weight] = self.layouts;
        (
            of_x.view(&x[0], [self.n, self.d_in]),
            of_weight.view(&x[1], self.weight_shape()),
            x.get(2).cloned(),
        )
    }

    fn check(&self, inputs: &[Vec<f32>]) {
        let plain = |x: &[Tensor<1>]| {
            let (x, weight, bias) = self.parts(x);
            flat(reference::linear(
                x,
                if self.transposed {
                    weight.transpose()
                } else {
                    weight
                },
                bias,
            ))
        };
        // The map is linear in each argument, so magnitudes give the magnitudes of the terms of its
        // sums, also for its gradients.
        let sizes = |mix: &[f32]| {
            let sizes: Vec<Vec<f32>> = inputs
                .iter()
                .map(|x| x.iter().map(|x| x.abs()).collect())
                .collect();
            passes(
                &sizes,
                &mix.iter().map(|x| x.abs()).collect::<Vec<_>>(),
                &plain,
            )
        };
        for (precision, part) in [
            (MatmulPrecision::Float32, ROUNDINGS),
            (MatmulPrecision::Bf16, BF16),
        ] {
            let fast = |x: &[Tensor<1>]| {
                let (x, weight, bias) = self.parts(x);
                let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
                flat(lift::<2>(Dispatch::linear(
                    x,
                    weight,
                    bias.into(),
                    self.transposed,
                    precision,
                )))
            };
            agree(
                &format!("{self:?} in {precision:?}"),
                inputs,
                &fast,
                &plain,
                |mix, _| {
                    sizes(mix)
                        .iter()
                        .map(|sizes| Bound::part(part, sizes))
                        .collect()
                },
            );
        }
    }
}

proptest! {
    #![proptest_config(repeatable(120))]

    #[test]
    fn linear_maps(
        seed: u32,
        n in prop_oneof![1_usize..4, 4_usize..100],
        [d_in, d_out] in prop::array::uniform2(prop_oneof![1_usize..4, 4_usize..100]),
        [transposed, biased] in any::<[bool; 2]>(),
        layouts in prop::array::uniform2(prop::sample::select(&LAYOUTS[..])),
        kinds in prop::array::uniform2(prop::sample::select(&KINDS[..])),
    ) {
        let map = Map { n, d_in, d_out, transposed, biased: biased && !transposed, layouts };
        map.check(&map.inputs(seed, kinds));
    }

    #[test]
    fn table_look_ups(
        seed: u32,
        [batch, pos] in prop::array::uniform2(1_usize..20),
        [vocab, d] in prop::array::uniform2(1_usize..60),
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&KINDS[..]),
        turned: bool,
    ) {
        check_look_up(seed, [batch, pos], [vocab, d], layout, kind, turned);
    }
}

/// Check the look-up. The result is a copy; the gradient of a row is a sum in the same order in
/// both, so both must be equal.
fn check_look_up(
    seed: u32,
    [batch, pos]: [usize; 2],
    shape: [usize; 2],
    layout: Layout,
    kind: Kind,
    turned: bool,
) {
    // Few different tokens, so that they repeat.
    let tokens: Vec<i64> = (0..batch * pos)
        .map(|i| (i * (seed as usize % 13 + 1) % shape[0]) as i64)
        .collect();
    let tokens = |device: &Device| -> Tensor<2, Int> {
        let data = |shape| TensorData::new(tokens.clone(), shape);
        match turned {
            true => Tensor::<2, Int>::from_data(data([pos, batch]), device).transpose(),
            false => Tensor::from_data(data([batch, pos]), device),
        }
    };
    let inputs = [kind.draw(&format!("{seed}"), layout.len(shape))];
    let fast = |x: &[Tensor<1>]| flat(embedding(layout.view(&x[0], shape), tokens(&x[0].device())));
    let plain = |x: &[Tensor<1>]| {
        flat(reference::embedding(
            layout.view(&x[0], shape),
            tokens(&x[0].device()),
        ))
    };
    let what = format!("{batch} x {pos} of {shape:?} {layout:?} {kind:?} {turned}");
    agree(&what, &inputs, &fast, &plain, |_, _| {
        vec![Bound::All(0.0), Bound::All(0.0)]
    });
}

#[test]
fn look_ups_shared_by_threads() {
    check_look_up(5, [9, 111], [70, 65], Layout::Dense, Kind::Normal, false);
}

/// One row and one column (decoding), and sizes split between all threads.
#[test]
fn sizes_that_take_other_ways() {
    for (n, d_in, d_out) in [
        (1, 300, 333),
        (333, 300, 1),
        (1, 1, 1),
        (300, 65, 129),
        (33, 513, 40),
        (5, 400, 300),
    ] {
        for transposed in [false, true] {
            let map = Map {
                n,
                d_in,
                d_out,
                transposed,
                biased: !transposed,
                layouts: [Layout::Dense, Layout::Turned],
            };
            map.check(&map.inputs(3, [Kind::Normal; 2]));
        }
    }
}

/// If one factor is as far above 1 as the other is below, neither loses precision.
#[test]
fn factors_at_both_ends() {
    for (n, d_in, d_out) in [(40, 37, 45), (1, 50, 64), (3, 7, 2)] {
        let map = Map {
            n,
            d_in,
            d_out,
            transposed: false,
            biased: true,
            layouts: [Layout::Dense; 2],
        };
        for scale in [1e-30, 1e30] {
            let mut inputs = map.inputs(4, [Kind::Normal; 2]);
            inputs[0].iter_mut().for_each(|x| *x *= scale);
            inputs[1].iter_mut().for_each(|x| *x /= scale);
            map.check(&inputs);
        }
    }
}
