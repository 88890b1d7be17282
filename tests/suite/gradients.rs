//! Gradients of every kernel and of whole models compared with finite differences.
//!
//! The slope of `f(x) = Σ r·y(x)`, with fixed random `r`, along a random direction `u` is
//! `⟨∇f, u⟩`, and by the five-point rule `(8(f₁ − f₋₁) − (f₂ − f₋₂)) / 12h` with `fₖ = f(x + khu)`.
//! `y` is `f32` and only the sum is `f64`: a shorter step amplifies the rounding of `y`, a longer
//! one the fourth-order error of the rule. The steps here are the best within a factor of ten and
//! leave errors below 3e-4 of `|∇f|` for kernels and 7e-4 for models. A wrong sign or factor of a
//! single entry among `n` changes the slope by about `1/√n` of `|∇f|`, 3e-2 and more.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_kernels::{
    ActivationFunction, AttentionOptions, HeadCounts, MatmulPrecision, activation, attention,
    cross_entropy, embedding, layer_norm, linear, linear_transposed, norm_heads, rms_norm,
    rotate_heads, self_attention, swiglu,
};
use sisun_model::weights::HostTensors;
use sisun_model::{Pass, position};
use sisun_tests::compare::{largest_difference, normal, tensor, values};
use sisun_tests::devices::{cpu, everywhere, wgpu};
use sisun_tests::fixtures::Forward;
use sisun_tests::models::{gradients, with_weights};

/// Step length, and the tolerance of a slope along `u` of length `√n` relative to `|∇f|`.
pub(crate) struct Rule {
    pub(crate) step: f64,
    pub(crate) tolerance: f64,
}

const KERNEL: Rule = Rule {
    step: 0.1,
    tolerance: 5e-4,
};
/// Two layers of large weights have more curvature: shorter steps.
pub(crate) const MODEL: Rule = Rule {
    step: 0.015,
    tolerance: 2e-3,
};
const DIRECTIONS: usize = 3;

fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| f64::from(*a) * f64::from(*b))
        .sum()
}

/// Compare `gradient` with the slopes of `f` at `at`.
pub(crate) fn check_slopes(
    what: &str,
    at: &[f32],
    gradient: &[f32],
    rule: &Rule,
    f: impl Fn(&[f32]) -> f64,
) {
    let typical = dot(gradient, gradient).sqrt() / (at.len() as f64).sqrt();
    assert!(
        typical > 0.0 && typical.is_finite(),
        "{what}: a gradient of {typical} tells nothing"
    );
    for n in 0..DIRECTIONS {
        let mut direction = normal(&format!("{what} direction {n}"), at.len());
        let length = dot(&direction, &direction).sqrt() as f32;
        direction
            .iter_mut()
            .for_each(|u| *u *= (at.len() as f32).sqrt() / length);
        let h = rule.step / (at.len() as f64).sqrt();
        let f = |k: f64| {
            f(&at
                .iter()
                .zip(&direction)
                .map(|(x, u)| x + (k * h) as f32 * u)
                .collect::<Vec<_>>())
        };
        let slope = (8.0 * (f(1.0) - f(-1.0)) - (f(2.0) - f(-2.0))) / (12.0 * h);
        let error =
            (slope - dot(gradient, &direction)).abs() / (typical * (at.len() as f64).sqrt());
        assert!(
            error < rule.tolerance,
            "{what}: slope {slope}, gradient says {}",
            dot(gradient, &direction)
        );
    }
}

/// Check the gradients of `f` with respect to each input; inputs and gradients are flat tensors.
fn check(what: &str, device: &Device, inputs: &[Vec<f32>], f: impl Fn(&[Tensor<1>]) -> Tensor<1>) {
    let on = |device: &Device, inputs: &[Vec<f32>]| -> Vec<Tensor<1>> {
        inputs
            .iter()
            .map(|values| tensor(values, [values.len()], device))
            .collect()
    };
    let leaves: Vec<_> = on(&device.clone().autodiff(), inputs)
        .into_iter()
        .map(Tensor::require_grad)
        .collect();
    let out = f(&leaves);
    let [n] = out.dims();
    let mix = normal(&format!("{what} mix"), n);
    let gradients = (out * tensor(&mix, [n], device)).sum().backward();
    for (i, leaf) in leaves.iter().enumerate() {
        let what = format!("{what}, input {i}");
        let gradient = values(
            leaf.grad(&gradients)
                .unwrap_or_else(|| panic!("{what} has no gradient")),
        );
        check_slopes(&what, &inputs[i], &gradient, &KERNEL, |at| {
            let mut inputs = inputs.to_vec();
            inputs[i] = at.to_vec();
            dot(&values(f(&on(device, &inputs))), &mix)
        });
    }
}

/// Check on every CPU backend with normal inputs of these sizes.
fn check_normal(what: &str, sizes: &[usize], f: impl Fn(&[Tensor<1>]) -> Tensor<1>) {
    for (name, device) in everywhere() {
        let inputs: Vec<Vec<f32>> = sizes
            .iter()
            .enumerate()
            .map(|(i, n)| normal(&format!("{what} {i}"), *n))
            .collect();
        check(&format!("{what} on {name}"), &device, &inputs, &f);
    }
}

fn flat<const D: usize>(x: Tensor<D>) -> Tensor<1> {
    x.flatten(0, D - 1)
}

#[test]
fn linear_maps() {
    check_normal("linear", &[2 * 5 * 7, 7 * 11, 11], |x| {
        let (x, weight, bias) = (
            x[0].clone().reshape([2, 5, 7]),
            x[1].clone().reshape([7, 11]),
            x[2].clone(),
        );
        flat(linear(x, weight, Some(bias), MatmulPrecision::Float32))
    });
    check_normal("linear without bias", &[3 * 7, 7 * 2], |x| {
        flat(linear(
            x[0].clone().reshape([1, 3, 7]),
            x[1].clone().reshape([7, 2]),
            None,
            MatmulPrecision::Float32,
        ))
    });
    check_normal("tied head", &[2 * 5 * 7, 11 * 7], |x| {
        flat(linear_transposed(
            x[0].clone().reshape([2, 5, 7]),
            x[1].clone().reshape([11, 7]),
            MatmulPrecision::Float32,
        ))
    });
}

#[test]
fn norms() {
    check_normal("layer norm", &[2 * 5 * 7, 7, 7], |x| {
        flat(layer_norm(
            x[0].clone().reshape([2, 5, 7]),
            x[1].clone(),
            Some(x[2].clone()),
            1e-5,
        ))
    });
    check_normal("layer norm without bias", &[5 * 13, 13], |x| {
        flat(layer_norm(
            x[0].clone().reshape([5, 13]),
            x[1].clone(),
            None,
            1e-5,
        ))
    });
    check_normal("RMS norm", &[2 * 5 * 7, 7], |x| {
        flat(rms_norm(
            x[0].clone().reshape([2, 5, 7]),
            x[1].clone(),
            1e-6,
        ))
    });
    check_normal("RMS norm of heads", &[2 * 3 * 5 * 7, 7], |x| {
        flat(rms_norm(
            x[0].clone().reshape([2, 3, 5, 7]),
            x[1].clone(),
            1e-6,
        ))
    });
}

#[test]
fn activations() {
    check_normal("GELU", &[211], |x| {
        activation(x[0].clone(), ActivationFunction::Gelu)
    });
    check_normal("GELU by tanh", &[211], |x| {
        activation(x[0].clone(), ActivationFunction::GeluTanh)
    });
    check_normal("SwiGLU", &[211, 211], |x| {
        swiglu(x[0].clone(), x[1].clone())
    });
    for (name, device) in everywhere() {
        // Steps must not cross the kink at 0.
        let away = normal("away from 0", 211)
            .into_iter()
            .map(|x| x + 0.5 * x.signum())
            .collect::<Vec<f32>>();
        for kind in [ActivationFunction::Relu, ActivationFunction::ReluSquared] {
            let inputs = std::slice::from_ref(&away);
            check(&format!("{kind:?} on {name}"), &device, inputs, |x| {
                activation(x[0].clone(), kind)
            });
        }
    }
}

/// Six query heads over three key heads of 10 dimensions.
const HEADS: HeadCounts = HeadCounts {
    n_heads: 6,
    n_kv_heads: 3,
};
const FUSED: [usize; 3] = [2, 5, 12 * 10];

#[test]
fn rotations() {
    for dims in [10, 4] {
        let what = format!("RoPE of {dims} dimensions");
        check_normal(&what, &[FUSED.iter().product()], |x| {
            let tables = position::rope::tables(
                3..8,
                &position::rope::Frequencies::new(dims, 100.0, None, 1),
                &x[0].device().inner(),
            );
            flat(rotate_heads(x[0].clone().reshape(FUSED), &tables, HEADS))
        });
    }
}

#[test]
fn norms_of_heads() {
    check_normal("norm of heads", &[FUSED.iter().product(), 10, 10], |x| {
        flat(norm_heads(
            x[0].clone().reshape(FUSED),
            x[1].clone(),
            x[2].clone(),
            HEADS,
            1e-6,
        ))
    });
}

#[test]
fn self_attentions() {
    for causal in [true, false] {
        check_normal(
            &format!("self-attention, causal {causal}"),
            &[FUSED.iter().product(), 9 * 6],
            |x| {
                let bias = Some(x[1].clone().reshape([9, 6]));
                flat(self_attention(
                    x[0].clone().reshape(FUSED),
                    HEADS,
                    &AttentionOptions {
                        causal,
                        bias,
                        dropout: 0.0,
                        lens: None,
                    },
                ))
            },
        );
    }
}

#[test]
fn attentions() {
    // [query heads, key heads, queries, keys]: plain, grouped, the end of a cache, and more than
    // one block of queries.
    for [n_heads, n_kv, n_query, n_key] in
        [[3, 3, 7, 7], [6, 2, 5, 5], [4, 1, 3, 11], [2, 2, 67, 67]]
    {
        for causal in [true, false] {
            for biased in [true, false] {
                let what = format!(
                    "attention {:?}, causal {causal}, bias {biased}",
                    [n_heads, n_kv, n_query, n_key]
                );
                let d = 5;
                let offsets = n_key + n_query - 1;
                let mut sizes = vec![
                    2 * n_heads * n_query * d,
                    2 * n_kv * n_key * d,
                    2 * n_kv * n_key * d,
                ];
                sizes.extend(biased.then_some(offsets * n_heads));
                check_normal(&what, &sizes, |x| {
                    let bias = x
                        .get(3)
                        .map(|bias| bias.clone().reshape([offsets, n_heads]));
                    flat(attention(
                        x[0].clone().reshape([2, n_heads, n_query, d]),
                        x[1].clone().reshape([2, n_kv, n_key, d]),
                        x[2].clone().reshape([2, n_kv, n_key, d]),
                        &AttentionOptions {
                            causal,
                            bias,
                            dropout: 0.0,
                            lens: None,
                        },
                    ))
                });
            }
        }
    }
}

#[test]
fn embeddings() {
    // Token 2 occurs three times and token 4 never: gradients add up, and the row of 4 has none.
    let tokens = |device: &Device| -> Tensor<2, Int> {
        Tensor::from_data(TensorData::new(vec![2_i64, 0, 2, 1, 3, 2], [2, 3]), device)
    };
    check_normal("embedding", &[5 * 7], |x| {
        flat(embedding(
            x[0].clone().reshape([5, 7]),
            tokens(&x[0].device()),
        ))
    });
    let weight = tensor(&normal("embedding", 35), [5, 7], &cpu().autodiff()).require_grad();
    let gradients = embedding(weight.clone(), tokens(&weight.device()))
        .sum()
        .backward();
    let rows: Vec<f32> = [1.0, 1.0, 3.0, 1.0, 0.0]
        .into_iter()
        .flat_map(|row| [row; 7])
        .collect();
    assert_eq!(values(weight.grad(&gradients).unwrap()), rows);
}

#[test]
fn cross_entropies() {
    let targets = |device: &Device| -> Tensor<1, Int> {
        Tensor::from_data(TensorData::new(vec![2_i64, 0, 12, 1, 3], [5]), device)
    };
    check_normal("cross-entropy", &[5 * 13], |x| {
        cross_entropy(x[0].clone().reshape([5, 13]), targets(&x[0].device()), None)
    });
    check_normal("weighted cross-entropy", &[5 * 13], |x| {
        let weights = tensor(&[0.0, 1.0, 0.5, 0.0, 2.0], [5], &x[0].device().inner());
        cross_entropy(
            x[0].clone().reshape([5, 13]),
            targets(&x[0].device()),
            Some(weights),
        )
    });
    // Equal logits: every class but the target contributes 1/13 of the position's share.
    let logits: Tensor<2> = tensor(&[0.0; 26], [2, 13], &cpu().autodiff()).require_grad();
    let targets = Tensor::from_data(TensorData::new(vec![4_i64, 7], [2]), &logits.device());
    let weights = tensor(&[3.0, 1.0], [2], &cpu());
    let loss = cross_entropy(logits.clone(), targets, Some(weights));
    assert!((values(loss.clone())[0] - 13.0_f32.ln()).abs() < 1e-6);
    let gradient = values(logits.grad(&loss.backward()).unwrap());
    let share = |i: usize| if i < 13 { 0.75 } else { 0.25 };
    let target = |i: usize| if i == 4 || i == 20 { 1.0 } else { 0.0 };
    let expected: Vec<f32> = (0..26)
        .map(|i| share(i) * (1.0 / 13.0 - target(i)))
        .collect();
    assert!(largest_difference(&gradient, &expected) < 1e-7);
}

/// Compute `Σ r·logits` and its gradient with respect to every parameter.
fn logits_and_gradients(fixture: &Forward, device: &Device) -> (Vec<f32>, HostTensors) {
    let model = with_weights(
        &fixture.config,
        &fixture.weights,
        &device.clone().autodiff(),
    );
    let logits = model.forward(fixture.tokens(&model.device()), Pass::default());
    let shape = logits.dims();
    let mix = normal("whole model", shape.iter().product());
    let backward = (logits * tensor(&mix, shape, device)).sum().backward();
    (mix, gradients(&model, &backward))
}

#[test]
fn whole_models() {
    let chosen = [
        "learned",
        "sinusoidal",
        "gqa_rope",
        "alibi_6_heads",
        "t5_bias",
        "post_norm",
        "post_norm_rms",
        "qk_norm_rope",
        "no_residual",
        "untied_head",
        "not_causal",
        "unscaled_scores",
        "llama",
    ];
    for name in chosen {
        let fixture = Forward::named(name);
        let (mix, gradients) = logits_and_gradients(&fixture, &cpu());
        assert!(
            gradients.keys().eq(fixture.weights.keys()),
            "{name}: every parameter has a gradient"
        );
        for (parameter, (_, gradient)) in &gradients {
            let at = &fixture.weights[parameter].1;
            check_slopes(
                &format!("{name}: {parameter}"),
                at,
                gradient,
                &MODEL,
                |at| {
                    let mut weights = fixture.weights.clone();
                    weights.get_mut(parameter).unwrap().1 = at.to_vec();
                    let model = with_weights(&fixture.config, &weights, &cpu());
                    dot(
                        &values(model.forward(fixture.tokens(&cpu()), Pass::default())),
                        &mix,
                    )
                },
            );
        }
    }
}

/// Return the largest difference of gradients between two backends, relative to the largest
/// gradient of the same parameter.
fn disagreement(fixture: &Forward, a: &Device, b: &Device) -> f32 {
    let [a, b] = [a, b].map(|device| logits_and_gradients(fixture, device).1);
    assert!(a.keys().eq(b.keys()));
    let part = |name: &String| {
        let size = a[name].1.iter().fold(0.0_f32, |size, g| size.max(g.abs()));
        largest_difference(&a[name].1, &b[name].1) / size
    };
    a.keys().map(part).fold(0.0, f32::max)
}

#[test]
fn backends_agree() {
    for fixture in Forward::all() {
        let [(_, a), (name, b)] = <[_; 2]>::try_from(everywhere()).unwrap();
        let largest = disagreement(&fixture, &a, &b);
        assert!(
            largest < 2e-5,
            "{}: gradients on {name} differ by {largest:e}",
            fixture.name
        );
    }
}

#[test]
fn wgpu_agrees() {
    let Some((name, device)) = wgpu("the comparison of gradients") else {
        return;
    };
    for variant in ["learned", "gqa_rope", "t5_bias", "llama"] {
        let largest = disagreement(&Forward::named(variant), &cpu(), &device);
        assert!(
            largest < 1e-4,
            "{variant}: gradients on {name} differ by {largest:e}"
        );
    }
}
