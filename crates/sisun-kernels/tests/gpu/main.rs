//! Kernels of GPUs compared with the plain compositions in `sisun_kernels::reference` on the CPU,
//! forward and backward, and their gradients with finite differences. Without an adapter, hardware
//! or software, nothing is compared and stderr says so.

mod attention;
mod layers;
mod optimizer;

use burn::tensor::{Device, DeviceType, Tensor, TensorData};
use std::io::Write;

/// Tolerance relative to the largest value: some tens of roundings, and the errors that WGSL allows
/// its functions on the adapters that tests run on.
const TOLERANCE: f32 = 2e-5;

/// Step of a finite difference, and the tolerance of a slope along a direction of length `√n`
/// relative to the length of the gradient, and a little of that of the mix.
const STEP: f64 = 0.1;
const SLOPE_TOLERANCE: f64 = 1e-3;

type Operation<'a> = &'a dyn Fn(&[Tensor<1>]) -> Tensor<1>;

fn gpu() -> Option<Device> {
    let found = Device::enumerate(DeviceType::Wgpu).into_iter().next();
    if found.is_none() {
        // A closed stderr must not fail the test.
        let _ = writeln!(
            std::io::stderr().lock(),
            "WARNING: KERNELS OF GPUS WERE NOT COMPARED: there is no adapter"
        );
    }
    found
}

/// Return `n` numbers of about the normal distribution, the same for each purpose.
fn normal(purpose: &str, n: usize) -> Vec<f32> {
    let mut state = purpose
        .bytes()
        .fold(0x9E37_79B9_7F4A_7C15_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
    let mut uniform = move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / (1_u64 << 24) as f32
    };
    (0..n)
        .map(|_| (0..12).map(|_| uniform()).sum::<f32>() - 6.0)
        .collect()
}

fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

fn values<const D: usize>(x: Tensor<D>) -> Vec<f32> {
    x.into_data().try_into_vec().expect("numbers of float32")
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

#[track_caller]
fn close(what: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{what}: number of values");
    let largest = expected.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    let bound = TOLERANCE * largest + 1e-30;
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        // Not negated, so that a NaN exceeds every tolerance.
        let within = (found - expected).abs() <= bound;
        assert!(within, "{what}: {found} at {i}, not {expected} ± {bound:e}");
    }
}

/// Return `f` of the inputs, and the gradients of `Σ mix·f` with respect to each.
fn passes(inputs: &[Vec<f32>], mix: &[f32], device: &Device, f: Operation<'_>) -> Vec<Vec<f32>> {
    let autodiff = device.clone().autodiff();
    let leaves: Vec<Tensor<1>> = inputs
        .iter()
        .map(|x| tensor(x, [x.len()], &autodiff).require_grad())
        .collect();
    let y = f(&leaves);
    let mut all = vec![values(y.clone())];
    let gradients = (y * tensor(mix, [mix.len()], device)).sum().backward();
    let of = |leaf: &Tensor<1>| values(leaf.grad(&gradients).expect("a gradient of every input"));
    all.extend(leaves.iter().map(of));
    all
}

/// Compare `fast` on the GPU with `plain` on the CPU, with and without autodiff, and each gradient
/// with the slope of `fast`.
fn agree(
    what: &str,
    device: &Device,
    inputs: &[Vec<f32>],
    fast: Operation<'_>,
    plain: Operation<'_>,
) {
    let forward = |inputs: &[Vec<f32>]| {
        let inputs: Vec<Tensor<1>> = inputs
            .iter()
            .map(|x| tensor(x, [x.len()], device))
            .collect();
        values(fast(&inputs))
    };
    let y = forward(inputs);
    let mix = normal("mix", y.len());
    let found = passes(inputs, &mix, device, fast);
    let expected = passes(inputs, &mix, &Device::flex(), plain);
    close(&format!("{what}: without autodiff"), &y, &expected[0]);
    for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
        let part = match i {
            0 => "the result".to_owned(),
            i => format!("the gradient of input {}", i - 1),
        };
        close(&format!("{what}: {part}"), found, expected);
    }
    for (i, gradient) in found[1..].iter().enumerate() {
        // The steps of so many inputs together drown in the rounding of one result.
        if gradient.len() > 50_000 {
            continue;
        }
        let what = format!("{what}: the slope of input {i}");
        let n = (gradient.len() as f64).sqrt();
        let mut direction = normal(&what, gradient.len());
        let length = dot(&direction, &direction).sqrt();
        direction.iter_mut().for_each(|u| *u *= (n / length) as f32);
        let h = STEP / n;
        let at = |k: f64| {
            let mut moved = inputs.to_vec();
            let pairs = moved[i].iter_mut().zip(&direction);
            pairs.for_each(|(x, u)| *x += (k * h) as f32 * u);
            dot(&forward(&moved), &mix)
        };
        let slope = (8.0 * (at(1.0) - at(-1.0)) - (at(2.0) - at(-2.0))) / (12.0 * h);
        let along = dot(gradient, &direction);
        // A gradient may be 0, and the slope then rounds as the result does.
        let size = dot(gradient, gradient).sqrt() + 1e-3 * dot(&mix, &mix).sqrt();
        let within = (slope - along).abs() < SLOPE_TOLERANCE * size;
        assert!(within, "{what}: {slope}, the gradient says {along}");
    }
}

/// Return a matrix whose rows, if `turned`, do not lie one after another in memory.
fn matrix(x: &Tensor<1>, [n, d]: [usize; 2], turned: bool) -> Tensor<2> {
    match turned {
        true => x.clone().reshape([d, n]).transpose(),
        false => x.clone().reshape([n, d]),
    }
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    x.reshape([-1])
}
