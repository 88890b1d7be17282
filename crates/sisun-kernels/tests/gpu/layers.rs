//! Norms, activations, rotations and the loss.

use super::{agree, flat, gpu, matrix, normal, tensor};
use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_kernels::{
    ActivationFunction, HeadCounts, RotaryTables, activation, cross_entropy, layer_norm,
    norm_heads, reference, rms_norm, rotate_heads, swiglu,
};

#[test]
fn norms() {
    let Some(device) = gpu() else { return };
    for (n, d, turned) in [
        (1, 5, false),
        (3, 17, true),
        (37, 33, false),
        (7, 300, false),
        (70, 128, true),
    ] {
        let draw = |name: &str, n: usize| normal(&format!("{name} {n}"), n);
        let inputs = [draw("x", n * d), draw("gamma", d), draw("beta", d)];
        let rows = |x: &Tensor<1>| matrix(x, [n, d], turned);
        let what = format!("[{n}, {d}], turned {turned}");
        agree(
            &format!("layer norm of {what}"),
            &device,
            &inputs,
            &|x| {
                flat(layer_norm(
                    rows(&x[0]),
                    x[1].clone(),
                    Some(x[2].clone()),
                    1e-5,
                ))
            },
            &|x| {
                flat(reference::layer_norm(
                    rows(&x[0]),
                    x[1].clone(),
                    Some(x[2].clone()),
                    1e-5,
                ))
            },
        );
        agree(
            &format!("layer norm without β of {what}"),
            &device,
            &inputs[..2],
            &|x| flat(layer_norm(rows(&x[0]), x[1].clone(), None, 1e-5)),
            &|x| flat(reference::layer_norm(rows(&x[0]), x[1].clone(), None, 1e-5)),
        );
        agree(
            &format!("RMS norm of {what}"),
            &device,
            &inputs[..2],
            &|x| flat(rms_norm(rows(&x[0]), x[1].clone(), 1e-5)),
            &|x| flat(reference::rms_norm(rows(&x[0]), x[1].clone(), 1e-5)),
        );
    }
}

#[test]
fn norms_of_heads() {
    let Some(device) = gpu() else { return };
    for (batch, pos, n_heads, n_kv_heads, d_head) in [
        (1, 1, 1, 1, 3),
        (2, 5, 4, 2, 10),
        (3, 13, 3, 1, 7),
        (1, 31, 2, 2, 64),
    ] {
        let heads = HeadCounts {
            n_heads,
            n_kv_heads,
        };
        let shape = [batch, pos, (n_heads + 2 * n_kv_heads) * d_head];
        let inputs = [
            normal("qkv", shape.iter().product()),
            normal("gamma of q", d_head),
            normal("gamma of k", d_head),
        ];
        agree(
            &format!("norm of the heads of {shape:?}, {heads:?}"),
            &device,
            &inputs,
            &|x| {
                let qkv = x[0].clone().reshape(shape);
                flat(norm_heads(qkv, x[1].clone(), x[2].clone(), heads, 1e-5))
            },
            &|x| {
                let (qkv, gammas) = (x[0].clone().reshape(shape), [1, 2].map(|i| x[i].clone()));
                let [q, k] = gammas;
                flat(reference::norm_heads(qkv, q, k, heads, 1e-5))
            },
        );
    }
}

#[test]
fn activations() {
    let Some(device) = gpu() else { return };
    for n in [1, 255, 257, 1003] {
        // Away from 0, where the slopes of some have a step.
        let x: Vec<f32> = normal(&format!("x {n}"), n)
            .into_iter()
            .map(|x| 2.0 * x + 0.6_f32.copysign(x))
            .collect();
        for kind in [
            ActivationFunction::Gelu,
            ActivationFunction::GeluTanh,
            ActivationFunction::Relu,
            ActivationFunction::ReluSquared,
        ] {
            agree(
                &format!("{kind:?} of {n}"),
                &device,
                std::slice::from_ref(&x),
                &|x| activation(x[0].clone(), kind),
                &|x| reference::activation(x[0].clone(), kind),
            );
        }
        agree(
            &format!("SwiGLU of {n}"),
            &device,
            &[x, normal(&format!("up {n}"), n)],
            &|x| swiglu(x[0].clone(), x[1].clone()),
            &|x| reference::swiglu(x[0].clone(), x[1].clone()),
        );
    }
}

#[test]
fn rotations() {
    let Some(device) = gpu() else { return };
    for (batch, pos, n_heads, n_kv_heads, d_head, half) in [
        (1, 1, 1, 1, 2, 1),
        (2, 5, 4, 2, 10, 5),
        (3, 13, 3, 1, 7, 2),
        (1, 31, 2, 2, 64, 32),
    ] {
        let heads = HeadCounts {
            n_heads,
            n_kv_heads,
        };
        let shape = [batch, pos, (n_heads + 2 * n_kv_heads) * d_head];
        let angles = normal("angles", pos * half);
        let table = |f: fn(f32) -> f32, device: &Device| {
            let numbers: Vec<f32> = angles.iter().map(|x| f(*x)).collect();
            tensor::<2>(&numbers, [pos, half], device)
        };
        agree(
            &format!("rotation of {shape:?}, {heads:?}, {half} angles"),
            &device,
            &[normal("qkv", shape.iter().product())],
            &|x| {
                let device = x[0].device();
                let (cos, sin) = (table(f32::cos, &device), table(f32::sin, &device));
                flat(rotate_heads(
                    x[0].clone().reshape(shape),
                    &RotaryTables { cos, sin },
                    heads,
                ))
            },
            &|x| {
                let device = x[0].device();
                let (cos, sin) = (table(f32::cos, &device), table(f32::sin, &device));
                flat(reference::rotate_heads(
                    x[0].clone().reshape(shape),
                    cos,
                    sin,
                    heads,
                ))
            },
        );
    }
}

#[test]
fn losses() {
    let Some(device) = gpu() else { return };
    for (n, vocab, weighted, turned) in [
        (1, 3, false, false),
        (5, 65, true, false),
        (33, 7, false, true),
        (300, 401, true, false),
    ] {
        let weights: Vec<f32> = normal("weights", n)
            .iter()
            .enumerate()
            .map(|(i, x)| if i % 3 == 1 { 0.0 } else { x.abs() + 0.1 })
            .collect();
        let targets: Vec<i64> = (0..n).map(|i| (i * 7 % vocab) as i64).collect();
        let parts = |x: &Tensor<1>| {
            let targets = TensorData::new(targets.clone(), [n]);
            (
                matrix(x, [n, vocab], turned),
                Tensor::<1, Int>::from_data(targets, &x.device()),
                weighted.then(|| tensor::<1>(&weights, [n], &x.device().inner())),
            )
        };
        agree(
            &format!("cross-entropy of [{n}, {vocab}], weighted {weighted}"),
            &device,
            &[normal("logits", n * vocab)],
            &|x| {
                let (logits, targets, weights) = parts(&x[0]);
                cross_entropy(logits, targets, weights)
            },
            &|x| {
                let (logits, targets, weights) = parts(&x[0]);
                reference::cross_entropy(logits, targets, weights)
            },
        );
    }
}
