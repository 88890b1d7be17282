//! Updates of all parameters at once, and sums and norms of gradients.

use super::{Bound, Kind, Layout};
use crate::repeatable;
use burn::tensor::{Device, Tensor};
use proptest::prelude::*;
use sisun_kernels::optimizer::{AdamW, AdamWSlot, adamw, adamw_step, global_norm, sum};
use sisun_tests::compare::{tensor, values};

/// Lengths below, at and above a vector, and above the share of a task.
const LENS: [usize; 9] = [1, 7, 15, 16, 17, 33, 100, 32_768, 40_001];

/// Whole tensors, and views into the middle of others.
const LAYOUTS: [Layout; 2] = [Layout::Dense, Layout::Narrowed];

const KINDS: [Kind; 5] = [
    Kind::Normal,
    Kind::Tiny,
    Kind::Sparse,
    Kind::Zero,
    Kind::Large,
];

fn draw(purpose: &str, n: usize, layout: Layout, kind: Kind) -> Tensor<1> {
    let numbers = kind.draw(purpose, layout.len([n]));
    layout.view(&tensor(&numbers, [numbers.len()], &Device::flex()), [n])
}

fn slot(seed: u32, n: usize, layouts: [Layout; 4], kinds: [Kind; 3], config: AdamW) -> AdamWSlot {
    let of = |i: usize, kind| draw(&format!("{seed} {i}"), n, layouts[i], kind);
    AdamWSlot {
        param: of(0, Kind::Normal),
        gradient: of(1, kinds[0]),
        first: of(2, kinds[1]),
        second: of(3, kinds[2]).abs(),
        config,
    }
}

/// Check an update. The operations have the same order, with constants rounded to `f32` at other
/// points: a few roundings of each result, relative to the sum of parameter and update.
fn check(slots: Vec<AdamWSlot>, scale: f32) {
    let scale = tensor(&[scale], [1], &Device::flex());
    let before: Vec<_> = slots
        .iter()
        .map(|s| [&s.first, &s.second].map(|x| values(x.clone())))
        .collect();
    let stepped = adamw(slots.clone(), &scale);
    assert_eq!(stepped.len(), slots.len());
    for (i, (slot, found)) in slots.into_iter().zip(stepped).enumerate() {
        let what = format!("slot {i}, {:?}", slot.config);
        let param = values(slot.param.clone());
        let plain = adamw_step(
            slot.param,
            slot.gradient.clone() * scale.clone(),
            slot.first.clone(),
            slot.second.clone(),
            &slot.config,
        );
        let [found, plain] =
            [found.into(), plain].map(|(param, first, second)| [param, first, second].map(values));
        let moved: Vec<f32> = param
            .iter()
            .zip(&plain[0])
            .map(|(a, b)| a.abs() + b.abs())
            .collect();
        // If the terms of m cancel, their magnitude is not visible in it.
        let gradient = values(slot.gradient * scale.clone());
        let first: Vec<f32> = before[i][0]
            .iter()
            .zip(&gradient)
            .map(|(m, g)| m.abs() + g.abs())
            .collect();
        let sharp = slot.config.lr as f32 / slot.config.epsilon as f32;
        let step = moved
            .iter()
            .zip(&first)
            .map(|(moved, first)| 1e-6 * moved + 1e-7 * first.min(1e-30) * sharp + super::TINY);
        Bound::Each(step.collect()).hold(&format!("{what}: p"), &found[0], &plain[0]);
        Bound::part(3e-7, &first).hold(&format!("{what}: m"), &found[1], &plain[1]);
        Bound::part(5e-7, &plain[2]).hold(&format!("{what}: v"), &found[2], &plain[2]);
        // Other owners of the old moments still see them.
        assert!(
            values(slot.first) == before[i][0] && values(slot.second) == before[i][1],
            "{what}: written to"
        );
    }
}

proptest! {
    #![proptest_config(repeatable(60))]

    #[test]
    fn steps(
        seed: u32,
        lens in prop::collection::vec(prop::sample::select(&LENS[..]), 0..5),
        layouts in prop::array::uniform4(prop::sample::select(&LAYOUTS[..])),
        kinds in prop::array::uniform3(prop::sample::select(&KINDS[..])),
        scale in prop_oneof![Just(1.0_f32), Just(0.0), 0.01_f32..1.0],
        step in prop_oneof![1_u64..5, 1000_u64..1_000_000],
        weight_decay in prop_oneof![Just(0.0), Just(0.1)],
    ) {
        let config = |i: usize| AdamW { lr: 1e-3 * (i + 1) as f64, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weight_decay, step };
        let slots = lens.iter().enumerate().map(|(i, n)| slot(seed + i as u32 % 7, *n, layouts, kinds, config(i)));
        check(slots.collect(), scale);
    }

    #[test]
    fn sums(
        seed: u32,
        lens in prop::collection::vec(prop::sample::select(&LENS[..]), 0..5),
        lists in 1_usize..4,
        layouts in prop::array::uniform3(prop::sample::select(&LAYOUTS[..])),
    ) {
        let list = |list: usize| -> Vec<Tensor<1>> {
            lens.iter().enumerate().map(|(i, n)| draw(&format!("{seed} {list} {i}"), *n, layouts[list % 3], Kind::Normal)).collect()
        };
        let lists: Vec<_> = (0..lists).map(list).collect();
        let before: Vec<Vec<f32>> = lists[0].iter().cloned().map(values).collect();
        let plain = lists.iter().skip(1).fold(lists[0].clone(), |sums, list| sums.into_iter().zip(list.clone()).map(|(a, b)| a + b).collect());
        let kept = lists[0].clone();
        let found: Vec<Vec<f32>> = sum(lists).into_iter().map(values).collect();
        // The same additions in the same order.
        assert_eq!(found, plain.into_iter().map(values).collect::<Vec<_>>());
        assert_eq!(kept.into_iter().map(values).collect::<Vec<_>>(), before, "written to");
    }

    /// Squares are summed per lane in `f32`, so that errors grow at most with the length of a lane.
    #[test]
    fn norms_of_all(
        seed: u32,
        lens in prop::collection::vec(prop::sample::select(&LENS[..]), 1..5),
        layout in prop::sample::select(&LAYOUTS[..]),
        kind in prop::sample::select(&[Kind::Normal, Kind::Sparse, Kind::Zero, Kind::Large][..]),
    ) {
        let tensors: Vec<_> = lens.iter().enumerate().map(|(i, n)| draw(&format!("{seed} {i}"), *n, layout, kind)).collect();
        let squares = tensors.iter().flat_map(|x| values(x.clone())).map(|x| f64::from(x).powi(2));
        let exact = squares.sum::<f64>().sqrt() as f32;
        Bound::All(3e-6 * exact).hold(&format!("{lens:?}"), &values(global_norm(&tensors)), &[exact]);
        let plain = Tensor::cat(tensors.iter().map(|x| x.clone().square().sum()).collect(), 0).sum().sqrt();
        Bound::All(1e-5 * exact).hold(&format!("{lens:?}"), &values(global_norm(&tensors)), &values(plain));
    }
}

#[test]
fn gradients_at_the_edges() {
    let config = AdamW {
        lr: 0.1,
        beta1: 0.9,
        beta2: 0.95,
        epsilon: 1e-8,
        weight_decay: 0.5,
        step: 1,
    };
    let of = |x: &[f32]| tensor::<1>(x, [x.len()], &Device::flex());
    let gradients = [0.0, 1e-30, -1e-30, 1e-15, 1e15, -1e15];
    let zeros = [0.0; 6];
    check(
        vec![AdamWSlot {
            param: of(&[1.0, -1.0, 0.0, 1e-30, 1e30, 1.0]),
            gradient: of(&gradients),
            first: of(&zeros),
            second: of(&zeros),
            config,
        }],
        1.0,
    );
}
