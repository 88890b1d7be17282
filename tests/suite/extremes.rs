//! Inputs at the limits of `f32`: no kernel may turn them into a NaN or an infinity, forward or
//! backward.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_kernels::optimizer::{AdamW, Muon, adamw_step, muon_step};
use sisun_kernels::{
    ActivationFunction, AttentionOptions, activation, attention, cross_entropy, layer_norm,
    rms_norm, swiglu,
};
use sisun_tests::compare::{assert_close, tensor, values};
use sisun_tests::devices::{everywhere, wgpu};

fn devices() -> Vec<(String, Device)> {
    everywhere()
        .into_iter()
        .chain(wgpu("the tests of extreme inputs"))
        .collect()
}

/// Check `f(x)`, and check that its gradient is finite.
fn check<const D: usize>(
    what: &str,
    x: Tensor<D>,
    expected: &[f32],
    f: impl Fn(Tensor<D>) -> Tensor<1>,
) {
    let x = x.autodiff().require_grad();
    let y = f(x.clone());
    let gradient = values(x.grad(&y.clone().sum().backward()).unwrap());
    assert_close(what, &values(y), expected, 1e-4);
    assert!(
        gradient.iter().all(|g| g.is_finite()),
        "{what}: gradient {gradient:?}"
    );
}

#[test]
fn attention_to_one_key_alone() {
    for (name, device) in devices() {
        // Scores of ±4e6/√2: each query attends only to the visible key in its direction.
        let q = tensor(&[2e3, 0.0, 0.0, 2e3, -2e3, 0.0], [1, 1, 3, 2], &device);
        let v = tensor(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 1, 3, 2], &device).autodiff();
        let expected = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        check(&name, q, &expected, |q| {
            let options = AttentionOptions {
                causal: true,
                bias: None,
                dropout: 0.0,
                lens: None,
            };
            attention(q.clone(), q, v.clone(), &options).flatten(0, 3)
        });
    }
}

#[test]
fn losses_of_certain_predictions() {
    for (name, device) in devices() {
        let logits = tensor(&[1e4, 0.0, -1e4, 1e4, 0.0, -1e4], [2, 3], &device);
        let targets = |at: [i64; 2]| -> Tensor<1, Int> {
            Tensor::from_data(TensorData::new(at.to_vec(), [2]), &device)
        };
        check(&name, logits.clone(), &[0.0], |x| {
            cross_entropy(x, targets([0, 0]), None)
        });
        check(&name, logits, &[1e4], |x| {
            cross_entropy(x, targets([1, 1]), None)
        });
    }
}

#[test]
fn norms_of_rows_without_variance() {
    for (name, device) in devices() {
        let ones = tensor(&[1.0; 3], [3], &device).autodiff();
        for row in [[0.0; 3], [1e3; 3]] {
            let x = tensor(&row, [1, 3], &device);
            check(&name, x, &[1.0; 3], |x| {
                layer_norm(x, ones.clone(), Some(ones.clone()), 1e-5).flatten(0, 1)
            });
        }
        check(&name, tensor(&[0.0; 3], [1, 3], &device), &[0.0; 3], |x| {
            rms_norm(x, ones.clone(), 1e-6).flatten(0, 1)
        });
        let large = tensor(&[1e15, -1e15, 1e15], [1, 3], &device);
        check(&name, large, &[1.0, -1.0, 1.0], |x| {
            rms_norm(x, ones.clone(), 1e-6).flatten(0, 1)
        });
    }
}

#[test]
fn activations_far_from_zero() {
    for (name, device) in devices() {
        let x = || tensor(&[-1e4, -30.0, 0.0, 30.0, 1e4], [5], &device);
        let right = [0.0, 0.0, 0.0, 30.0, 1e4];
        check(&format!("GELU on {name}"), x(), &right, |x| {
            activation(x, ActivationFunction::Gelu)
        });
        check(&format!("GELU by tanh on {name}"), x(), &right, |x| {
            activation(x, ActivationFunction::GeluTanh)
        });
        check(&format!("ReLU on {name}"), x(), &right, |x| {
            activation(x, ActivationFunction::Relu)
        });
        check(&format!("SwiGLU on {name}"), x(), &right, |x| {
            swiglu(x.clone(), x.ones_like())
        });
    }
}

/// A parameter whose gradient is always 0 does not move, except for weight decay.
#[test]
fn optimizers_without_a_gradient() {
    for (name, device) in devices() {
        let (weight, zero) = (
            tensor(&[1.0; 6], [2, 3], &device),
            tensor(&[0.0; 6], [2, 3], &device),
        );
        let options = AdamW {
            lr: 0.1,
            beta1: 0.9,
            beta2: 0.95,
            epsilon: 1e-8,
            weight_decay: 0.5,
            step: 1,
        };
        let (after, ..) = adamw_step(
            weight.clone(),
            zero.clone(),
            zero.clone(),
            zero.clone(),
            &options,
        );
        assert_close(&name, &values(after), &[0.95; 6], 1e-6);
        let options = Muon {
            lr: 0.1,
            momentum: 0.95,
            weight_decay: 0.5,
        };
        let (after, _) = muon_step(weight, zero.clone(), zero, &options);
        assert_close(&name, &values(after), &[0.95; 6], 1e-6);
    }
}
