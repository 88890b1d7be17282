//! One optimizer step of one parameter.

use crate::options::{AdamW, Muon, NEWTON_SCHULZ};
use burn::tensor::Tensor;

/// Apply AdamW (Loshchilov and Hutter 2019, algorithm 2) with PyTorch's order of operations.
///
/// `p ← p(1 − lr·λ)`, `m ← β₁m + (1−β₁)g`, `v ← β₂v + (1−β₂)g²`,
/// `p ← p − lr · m/(1−β₁ᵗ) / (√(v/(1−β₂ᵗ)) + ε)`. Return `(p, m, v)`, all of `p`'s shape.
pub fn adamw_step<const D: usize>(
    param: Tensor<D>,
    gradient: Tensor<D>,
    first: Tensor<D>,
    second: Tensor<D>,
    config: &AdamW,
) -> (Tensor<D>, Tensor<D>, Tensor<D>) {
    let first = first * config.beta1 + gradient.clone() * (1.0 - config.beta1);
    let second = second * config.beta2 + gradient.square() * (1.0 - config.beta2);
    let correction1 = 1.0 - config.beta1.powf(config.step as f64);
    let correction2 = 1.0 - config.beta2.powf(config.step as f64);
    let denominator = second.clone().sqrt() * (1.0 / correction2.sqrt()) + config.epsilon;
    let update = first.clone() / denominator * (config.lr / correction1);
    (
        param * (1.0 - config.lr * config.weight_decay) - update,
        first,
        second,
    )
}

/// Apply Muon (Jordan 2024): momentum with Nesterov's look-ahead, made orthogonal.
///
/// `m ← μm + g`, `p ← p(1 − lr·λ) − lr·√max(1, d_out/d_in)·orthogonal(g + μm)`. Return `(p, m)`.
///
/// # Shapes
/// - all: `[d_in, d_out]`
pub fn muon_step(
    param: Tensor<2>,
    gradient: Tensor<2>,
    momentum: Tensor<2>,
    config: &Muon,
) -> (Tensor<2>, Tensor<2>) {
    let [d_in, d_out] = param.dims();
    let momentum = momentum * config.momentum + gradient.clone();
    let update = orthogonal(gradient + momentum.clone() * config.momentum);
    let scale = (d_out as f64 / d_in as f64).max(1.0).sqrt();
    (
        param * (1.0 - config.lr * config.weight_decay) - update * (config.lr * scale),
        momentum,
    )
}

/// Move every singular value close to 1 by five Newton–Schulz steps `X ← aX + (bA + cA²)X`,
/// `A = XXᵀ`.
fn orthogonal(gradient: Tensor<2>) -> Tensor<2> {
    let [a, b, c] = NEWTON_SCHULZ.coefficients;
    let [rows, columns] = gradient.dims();
    // The products are smallest when the shorter side comes first.
    let x = if rows > columns {
        gradient.transpose()
    } else {
        gradient
    };
    let norm = x.clone().square().sum().sqrt() + 1e-7;
    let mut x = x / norm.unsqueeze();
    for _ in 0..NEWTON_SCHULZ.steps {
        let gram = x.clone().matmul(x.clone().transpose());
        let polynomial = gram.clone() * b + gram.clone().matmul(gram) * c;
        x = x.clone() * a + polynomial.matmul(x);
    }
    if rows > columns { x.transpose() } else { x }
}
