//! bfloat16 weights compared with the composition on the same values in float32. They have no
//! gradients.

use super::linear::Map;
use super::{Bound, KINDS, LAYOUTS, Layout, ROUNDINGS, flat, largest};
use crate::repeatable;
use burn::tensor::{Device, FloatDType, Int, Tensor, TensorData};
use proptest::prelude::*;
use sisun_kernels::{MatmulPrecision, embedding, in_bf16, linear, linear_transposed, reference};
use sisun_tests::compare::{normal, tensor, values};

fn in_float32<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.cast(FloatDType::F32)
}

/// The same maps with a stored weight.
impl Map {
    fn check_held(&self, x: &[f32], weight: &[f32]) {
        let Self {
            n,
            d_in,
            d_out,
            transposed,
            ..
        } = *self;
        let device = Device::flex();
        let x = self.layouts[0].view(&tensor(x, [x.len()], &device), [n, d_in]);
        let shape = self.weight_shape();
        let held = in_bf16(self.layouts[1].view(&tensor(weight, [weight.len()], &device), shape));
        let bias = self
            .biased
            .then(|| tensor(&normal("bias", d_out), [d_out], &device));
        let same = in_float32(held.clone());
        let same = if transposed { same.transpose() } else { same };
        let sizes = values(reference::linear(
            x.clone().abs(),
            same.clone().abs(),
            bias.clone().map(Tensor::abs),
        ));
        for (precision, x_taken) in [
            (MatmulPrecision::Float32, x.clone()),
            (MatmulPrecision::Bf16, in_float32(in_bf16(x.clone()))),
        ] {
            let x = x.clone().unsqueeze::<3>();
            let found = match transposed {
                true => linear_transposed(x, held.clone(), precision),
                false => linear(x, held.clone(), bias.clone(), precision),
            };
            let expected = values(reference::linear(x_taken, same.clone(), bias.clone()));
            // Rounding x to bfloat16 increases its magnitude by at most 2⁻⁸, which the tolerance
            // absorbs.
            Bound::part(ROUNDINGS, &sizes).hold(
                &format!("{self:?} in {precision:?}"),
                &values(found),
                &expected,
            );
        }
    }

    fn draw_held(&self, seed: u32) -> [Vec<f32>; 2] {
        let lens = [
            self.layouts[0].len([self.n, self.d_in]),
            self.layouts[1].len(self.weight_shape()),
        ];
        [0, 1].map(|i| normal(&format!("{seed} {i}"), lens[i]))
    }
}

proptest! {
    #![proptest_config(repeatable(120))]

    #[test]
    fn held_linear_maps(
        seed: u32,
        n in prop_oneof![1_usize..4, 4_usize..100],
        [d_in, d_out] in prop::array::uniform2(prop_oneof![1_usize..4, 4_usize..100]),
        [transposed, biased] in any::<[bool; 2]>(),
        layouts in prop::array::uniform2(prop::sample::select(&LAYOUTS[..])),
    ) {
        let map = Map { n, d_in, d_out, transposed, biased: biased && !transposed, layouts };
        let [x, weight] = map.draw_held(seed);
        map.check_held(&x, &weight);
    }

    #[test]
    fn rounding_is_to_nearest_and_ties_to_even(
        bits in prop::collection::vec(any::<u32>(), 1..300),
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&KINDS[..]),
    ) {
        let (rows, device) = (bits.len(), Device::flex());
        let mut numbers = kind.draw("rounded", layout.len([rows, 5]));
        // Arbitrary bits, including midpoints between two bfloat16 and infinities.
        numbers.iter_mut().zip(&bits).for_each(|(x, bits)| *x = f32::from_bits(*bits));
        numbers.iter_mut().zip(&bits).skip(1).step_by(7).for_each(|(x, bits)| *x = f32::from_bits(bits & !0xffff | 0x8000));
        numbers[0] = f32::INFINITY;
        let x = layout.view(&tensor(&numbers, [numbers.len()], &device), [rows, 5]);
        let found = values(in_float32(in_bf16(x.clone())));
        for (found, x) in found.iter().zip(values(x)) {
            let expected = burn::tensor::bf16::from_f32(x).to_f32();
            prop_assert!(found.to_bits() == expected.to_bits() || (found.is_nan() && x.is_nan()), "{found} for {x}");
        }
    }

    #[test]
    fn held_look_ups(
        seed: u32,
        [batch, pos] in prop::array::uniform2(1_usize..20),
        [vocab, d] in prop::array::uniform2(1_usize..60),
        layout in prop::sample::select(&LAYOUTS[..]),
    ) {
        let device = Device::flex();
        let numbers = normal(&format!("{seed}"), layout.len([vocab, d]));
        let held = in_bf16(layout.view(&tensor(&numbers, [numbers.len()], &device), [vocab, d]));
        let tokens: Vec<i64> = (0..batch * pos).map(|i| (i * (seed as usize % 13 + 1) % vocab) as i64).collect();
        let tokens = Tensor::<2, Int>::from_data(TensorData::new(tokens, [batch, pos]), &device);
        let expected = values(flat(reference::embedding(in_float32(held.clone()), tokens.clone())));
        prop_assert_eq!(values(flat(embedding(held, tokens))), expected);
    }
}

/// One row (decoding), few and many rows, and sizes split between all threads, with k in either
/// order.
#[test]
fn sizes_that_take_other_ways() {
    for (n, d_in, d_out) in [
        (1, 300, 333),
        (1, 2049, 515),
        (1, 1, 1),
        (2, 700, 900),
        (5, 1031, 517),
        (31, 400, 301),
        (33, 513, 40),
        (150, 65, 129),
    ] {
        for transposed in [false, true] {
            for layout in [Layout::Dense, Layout::Turned] {
                let layouts = [Layout::Dense, layout];
                let map = Map {
                    n,
                    d_in,
                    d_out,
                    transposed,
                    biased: !transposed,
                    layouts,
                };
                let [x, weight] = map.draw_held(3);
                map.check_held(&x, &weight);
            }
        }
    }
}

/// A weight larger than one float32 block, and a product too large for one thread.
#[test]
fn more_than_a_block() {
    let map = Map {
        n: 40,
        d_in: 1100,
        d_out: 8100,
        transposed: false,
        biased: true,
        layouts: [Layout::Dense; 2],
    };
    let [x, weight] = map.draw_held(4);
    map.check_held(&x, &weight);
}

#[test]
fn what_is_not_finite_stays_so() {
    let device = Device::flex();
    for n in [1, 3, 40] {
        let mut numbers = vec![1.0; 50 * 50];
        (numbers[7 * 50 + 3], numbers[9 * 50 + 5]) = (f32::NAN, f32::INFINITY);
        let held = in_bf16(tensor(&numbers, [50, 50], &device));
        let found = values(linear(
            Tensor::ones([1, n, 50], &device),
            held,
            None,
            MatmulPrecision::Float32,
        ));
        for row in found.chunks_exact(50) {
            let finite: Vec<usize> = (0..50).filter(|&i| row[i].is_finite()).collect();
            assert_eq!(finite.len(), 48, "{n} rows: {row:?}");
            assert!(row[3].is_nan() && !row[5].is_finite(), "{n} rows");
        }
        assert!(largest(&[found[0]]) == 50.0, "{}", found[0]);
    }
}

#[test]
#[should_panic(expected = "no gradient")]
fn there_are_no_gradients() {
    let device = Device::flex();
    let held = in_bf16(tensor::<2>(&[1.0; 4], [2, 2], &device));
    let x = Tensor::<3>::ones([1, 1, 2], &device.clone().autodiff()).require_grad();
    linear(x, Tensor::from_inner(held), None, MatmulPrecision::Float32);
}
