//! Optimizer updates compared with NumPy (`peers/reference_optimizers.py`).

use burn::tensor::{Device, Tensor};
use serde::Deserialize;
use serde_json::Value;
use sisun_kernels::optimizer::{AdamW, Muon, adamw_step, muon_step};
use sisun_tests::compare::{assert_close, tensor, values};
use sisun_tests::devices::{everywhere, wgpu};
use sisun_tests::fixtures;

type Matrix = Vec<Vec<f64>>;

#[derive(Deserialize)]
struct Trajectory {
    shape: [usize; 2],
    lr: f64,
    weight_decay: f64,
    weight: Matrix,
    grads: Vec<Matrix>,
    after: Vec<Matrix>,
    #[serde(flatten)]
    more: serde_json::Map<String, Value>,
}

impl Trajectory {
    fn constant(&self, name: &str) -> f64 {
        self.more[name].as_f64().unwrap()
    }

    fn matrix(&self, matrix: &Matrix, device: &Device) -> Tensor<2> {
        tensor(&flat(matrix), self.shape, device)
    }
}

fn flat(matrix: &Matrix) -> Vec<f32> {
    matrix.iter().flatten().map(|x| *x as f32).collect()
}

fn fixture(name: &str) -> Value {
    let all: Value = serde_json::from_str(&fixtures::text("optimizers.json")).unwrap();
    all[name].clone()
}

fn devices() -> Vec<(String, Device)> {
    everywhere()
        .into_iter()
        .chain(wgpu("the comparison of optimizer steps with float64"))
        .collect()
}

#[test]
fn adamw() {
    let reference = Trajectory::deserialize(fixture("adamw")).unwrap();
    for (name, device) in devices() {
        let mut weight = reference.matrix(&reference.weight, &device);
        let (mut first, mut second) = (weight.zeros_like(), weight.zeros_like());
        for (i, (gradient, after)) in reference.grads.iter().zip(&reference.after).enumerate() {
            let config = AdamW {
                lr: reference.lr,
                beta1: reference.constant("beta1"),
                beta2: reference.constant("beta2"),
                epsilon: reference.constant("eps"),
                weight_decay: reference.weight_decay,
                step: i as u64 + 1,
            };
            let gradient = reference.matrix(gradient, &device);
            (weight, first, second) = adamw_step(weight, gradient, first, second, &config);
            // An update changes a weight by about 1e-2.
            assert_close(
                &format!("{name}, step {}", i + 1),
                &values(weight.clone()),
                &flat(after),
                1e-6,
            );
        }
        assert_eq!(reference.after.len(), 5);
    }
}

#[test]
fn muon_of_wide_and_tall_matrices() {
    let references = Vec::<Trajectory>::deserialize(fixture("muon")).unwrap();
    let shapes: Vec<_> = references.iter().map(|reference| reference.shape).collect();
    assert_eq!(shapes, [[3, 5], [5, 3]]);
    for (name, device) in devices() {
        for reference in &references {
            let mut weight = reference.matrix(&reference.weight, &device);
            let mut momentum = weight.zeros_like();
            let config = Muon {
                lr: reference.lr,
                momentum: reference.constant("momentum"),
                weight_decay: reference.weight_decay,
            };
            for (i, (gradient, after)) in reference.grads.iter().zip(&reference.after).enumerate() {
                (weight, momentum) = muon_step(
                    weight,
                    reference.matrix(gradient, &device),
                    momentum,
                    &config,
                );
                // Five Newton–Schulz iterations amplify the rounding of the smallest singular
                // values.
                let what = format!("{name}, {:?}, step {}", reference.shape, i + 1);
                assert_close(&what, &values(weight.clone()), &flat(after), 5e-6);
            }
            assert_eq!(reference.after.len(), 5);
        }
    }
}
