//! Updates, sums and norms over many tensors.

use super::{close, gpu, normal, tensor, values};
use burn::tensor::{Device, Tensor};
use sisun_kernels::optimizer::{AdamW, AdamWSlot, adamw, adamw_step, global_norm, sum};

/// Lengths below, at and above a cube, and above what all cubes do in one step.
const LENS: [usize; 12] = [1, 7, 255, 256, 257, 1000, 3, 40_001, 17, 300_003, 2, 64];

#[test]
fn optimizer_steps() {
    let Some(device) = gpu() else { return };
    let scale = 0.37;
    let slot = |i: usize, n: usize, device: &Device| {
        let draw = |what: &str| tensor::<1>(&normal(&format!("{what} {i}"), n), [n], device);
        AdamWSlot {
            param: draw("param"),
            gradient: draw("gradient"),
            first: draw("first"),
            second: draw("second").abs(),
            config: AdamW {
                lr: 1e-2,
                beta1: 0.9,
                beta2: 0.95,
                epsilon: 1e-3,
                weight_decay: if i.is_multiple_of(3) { 0.0 } else { 0.1 },
                step: 3,
            },
        }
    };
    let all: Vec<AdamWSlot> = LENS
        .iter()
        .enumerate()
        .map(|(i, n)| slot(i, *n, &device))
        .collect();
    let kept: Vec<Tensor<1>> = all.iter().take(2).map(|slot| slot.first.clone()).collect();
    let stepped = adamw(all, &tensor(&[scale], [1], &device));
    for (i, (n, found)) in LENS.iter().zip(stepped).enumerate() {
        let slot = slot(i, *n, &Device::flex());
        let (param, first, second) = adamw_step(
            slot.param,
            slot.gradient * scale,
            slot.first,
            slot.second,
            &slot.config,
        );
        for (found, expected) in found.into_iter().zip([param, first, second]) {
            close(
                &format!("AdamW, slot {i} of {n}"),
                &values(found),
                &values(expected),
            );
        }
    }
    for (i, first) in kept.into_iter().enumerate() {
        // Other owners of the old moments still see them.
        let before = values(slot(i, LENS[i], &Device::flex()).first);
        assert_eq!(values(first), before, "slot {i}: written to");
    }
}

#[test]
fn sums_and_norms() {
    let Some(device) = gpu() else { return };
    for n in [1, LENS.len()] {
        let draw = |what: &str, device: &Device| -> Vec<Tensor<1>> {
            let draw =
                |(i, n): (usize, &usize)| tensor(&normal(&format!("{what} {i}"), *n), [*n], device);
            LENS[..n].iter().enumerate().map(draw).collect()
        };
        // More tensors than one launch takes.
        let many: Vec<Tensor<1>> = (0..5).flat_map(|_| draw("a", &device)).collect();
        let squares = draw("a", &Device::flex())
            .into_iter()
            .map(|x| values(x.square()));
        let exact: f64 = squares.flatten().map(f64::from).sum();
        close(
            "global norm",
            &values(global_norm(&many)),
            &[(5.0 * exact).sqrt() as f32],
        );

        let (a, b) = (draw("a", &device), draw("b", &device));
        let summed = sum(vec![a.clone(), b]);
        for (i, found) in summed.into_iter().enumerate() {
            let of = |what: &str| draw(what, &Device::flex()).swap_remove(i);
            assert_eq!(values(found), values(of("a") + of("b")), "sum {i}");
            assert_eq!(values(a[i].clone()), values(of("a")), "sum {i}: written to");
        }
    }
}
