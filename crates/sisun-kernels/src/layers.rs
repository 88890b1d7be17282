//! The operations other than attention.

use crate::assert_shape;
use crate::backend::Kernels;
use crate::options::{ActivationFunction, MatmulPrecision};
use burn::backend::Dispatch;
use burn::tensor::{Int, Tensor};

/// Compute `y = x·W + b`.
///
/// # Shapes
/// - `x`: `[batch, pos, d_in]`
/// - `weight`: `[d_in, d_out]`
/// - `bias`: `[d_out]`
/// - result: `[batch, pos, d_out]`
pub fn linear(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    precision: MatmulPrecision,
) -> Tensor<3> {
    let ([_, _, d_in], [_, d_out]) = (x.dims(), weight.dims());
    assert_shape!(weight, [d_in, d_out]);
    if let Some(bias) = &bias {
        assert_shape!(bias, [d_out]);
    }
    affine(x, weight, bias, false, precision)
}

/// Compute `y = x·Wᵀ`: the output head that shares its weights with the embedding.
///
/// # Shapes
/// - `x`: `[batch, pos, d_in]`
/// - `weight`: `[d_out, d_in]`
/// - result: `[batch, pos, d_out]`
pub fn linear_transposed(x: Tensor<3>, weight: Tensor<2>, precision: MatmulPrecision) -> Tensor<3> {
    let ([_, _, d_in], [d_out, _]) = (x.dims(), weight.dims());
    assert_shape!(weight, [d_out, d_in]);
    affine(x, weight, None, true, precision)
}

fn affine(
    x: Tensor<3>,
    weight: Tensor<2>,
    bias: Option<Tensor<1>>,
    transposed: bool,
    precision: MatmulPrecision,
) -> Tensor<3> {
    let [batch, pos, d_in] = x.dims();
    let d_out = weight.dims()[usize::from(!transposed)];
    // One product of all rows at once instead of one per sequence.
    let x = x.reshape([batch * pos, d_in]).into_dispatch();
    let y = Dispatch::linear(
        x,
        weight.into_dispatch(),
        bias.into(),
        transposed,
        precision,
    );
    Tensor::<2>::from_dispatch(y).reshape([batch, pos, d_out])
}

/// Compute layer norm: `(x − mean(x)) / √(var(x) + ε) ⊙ γ + β` (Ba et al. 2016, equation 4).
///
/// # Shapes
/// - `x` and the result: `[.., d]`
/// - `gamma`, `beta`: `[d]`
pub fn layer_norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Option<Tensor<1>>,
    epsilon: f64,
) -> Tensor<D> {
    norm(x, gamma, beta, epsilon, true)
}

/// Compute RMS norm: `x / √(mean(x²) + ε) ⊙ γ` (Zhang and Sennrich 2019, equation 4).
///
/// # Shapes
/// - `x` and the result: `[.., d]`
/// - `gamma`: `[d]`
pub fn rms_norm<const D: usize>(x: Tensor<D>, gamma: Tensor<1>, epsilon: f64) -> Tensor<D> {
    norm(x, gamma, None, epsilon, false)
}

fn norm<const D: usize>(
    x: Tensor<D>,
    gamma: Tensor<1>,
    beta: Option<Tensor<1>>,
    epsilon: f64,
    centred: bool,
) -> Tensor<D> {
    let shape = x.dims();
    let d = shape[D - 1];
    assert_shape!(gamma, [d]);
    let rows = x
        .reshape([shape[..D - 1].iter().product(), d])
        .into_dispatch();
    let y = Dispatch::norm(rows, gamma.into_dispatch(), beta.into(), epsilon, centred);
    Tensor::<2>::from_dispatch(y).reshape(shape)
}

/// Compute `activation(x)` of each element.
pub fn activation<const D: usize>(x: Tensor<D>, activation: ActivationFunction) -> Tensor<D> {
    let shape = x.dims();
    Tensor::<1>::from_dispatch(Dispatch::activation(
        x.flatten::<1>(0, D - 1).into_dispatch(),
        activation,
    ))
    .reshape(shape)
}

/// Compute `silu(gate) ⊙ up` with `silu(x) = x·σ(x)`: the gated half of SwiGLU (Shazeer 2020,
/// equation 6).
pub fn swiglu<const D: usize>(gate: Tensor<D>, up: Tensor<D>) -> Tensor<D> {
    let shape = gate.dims();
    assert_eq!(up.dims(), shape, "shape of `up`");
    let [gate, up] = [gate, up].map(|x| x.flatten::<1>(0, D - 1).into_dispatch());
    Tensor::<1>::from_dispatch(Dispatch::swiglu(gate, up)).reshape(shape)
}

/// Return the rows of `weight` at the indices `tokens`.
///
/// # Shapes
/// - `weight`: `[vocab, d_model]`
/// - `tokens`: `[batch, pos]`, each below `vocab`
/// - result: `[batch, pos, d_model]`
pub fn embedding(weight: Tensor<2>, tokens: Tensor<2, Int>) -> Tensor<3> {
    Tensor::from_dispatch(Dispatch::embedding(
        weight.into_dispatch(),
        tokens.into_dispatch(),
    ))
}

/// Round `x` to bfloat16 (to nearest, ties to even) and store it as bfloat16. [`linear`],
/// [`linear_transposed`] and [`embedding`] accept such weights, without a gradient.
pub fn in_bf16<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    Tensor::from_dispatch(Dispatch::in_bf16(x.into_dispatch()))
}

/// Compute the average cross-entropy of the targets in nats:
/// `−Σ wᵢ·log softmax(logitsᵢ)[targetᵢ] / Σ wᵢ`.
///
/// # Shapes
/// - `logits`: `[n, vocab]`
/// - `targets`: `[n]`
/// - `weights`: `[n]`, 1 for every position if absent; their sum must not be 0
/// - result: `[1]`
pub fn cross_entropy(
    logits: Tensor<2>,
    targets: Tensor<1, Int>,
    weights: Option<Tensor<1>>,
) -> Tensor<1> {
    let [n, _] = logits.dims();
    assert_shape!(targets, [n]);
    if let Some(weights) = &weights {
        assert_shape!(weights, [n]);
    }
    Tensor::from_dispatch(Dispatch::cross_entropy(
        logits.into_dispatch(),
        targets.into_dispatch(),
        weights.into(),
    ))
}
