//! Empty inputs give empty results and gradients of 0, even if the gradient's buffer held other
//! values.
//!
//! Burn's `reshape` treats a size of 0 specially, so compositions (and the functions at the crate
//! root) do not accept empty batches. These tests call the kernels directly.

use super::lift;
use burn::backend::Dispatch;
use burn::tensor::{Device, Gradients, Tensor};
use sisun_kernels::backend::Kernels;
use sisun_kernels::{ActivationFunction, HeadCounts, MatmulPrecision};
use sisun_tests::compare::values;

fn leaf<const D: usize>(shape: [usize; D]) -> Tensor<D> {
    Tensor::<D>::ones(shape, &Device::flex().autodiff()).require_grad()
}

/// Return buffers full of other values to the pool, in the lengths of the gradients here.
fn spoil() {
    for n in [4, 5, 7, 26, 35] {
        let x = Tensor::<1>::ones([n], &Device::flex()).into_dispatch();
        let lent: Vec<_> = (0..4)
            .map(|_| Dispatch::activation(x.clone(), ActivationFunction::Gelu))
            .collect();
        assert!(
            lent.into_iter()
                .all(|y| values(lift::<1>(y)).iter().all(|y| *y > 0.5))
        );
    }
}

/// Return the gradients of an empty result.
fn back<const D: usize>(y: Tensor<D>, shape: [usize; D]) -> Gradients {
    assert_eq!(y.dims(), shape);
    assert!(shape.contains(&0));
    spoil();
    y.sum().backward()
}

#[track_caller]
fn is_zero<const D: usize>(parameter: &Tensor<D>, gradients: &Gradients) {
    let gradient = values(parameter.grad(gradients).expect("a gradient"));
    assert!(
        !gradient.is_empty() && gradient.iter().all(|x| *x == 0.0),
        "{gradient:?}"
    );
}

#[test]
fn linear_maps() {
    for precision in [MatmulPrecision::Float32, MatmulPrecision::Bf16] {
        for transposed in [false, true] {
            let (weight, bias) = (leaf(if transposed { [7, 5] } else { [5, 7] }), leaf([7]));
            let given = Some(bias.clone()).into();
            let x = leaf([0, 5]).into_dispatch();
            let y = Dispatch::linear(
                x,
                weight.clone().into_dispatch(),
                given,
                transposed,
                precision,
            );
            let gradients = back(lift(y), [0, 7]);
            is_zero(&weight, &gradients);
            is_zero(&bias, &gradients);
        }
    }
}

#[test]
fn norms() {
    for centred in [false, true] {
        let (gamma, beta) = (leaf([7]), leaf([7]));
        let given = Some(beta.clone()).into();
        let y = Dispatch::norm(
            leaf([0, 7]).into_dispatch(),
            gamma.clone().into_dispatch(),
            given,
            1e-5,
            centred,
        );
        let gradients = back(lift(y), [0, 7]);
        is_zero(&gamma, &gradients);
        is_zero(&beta, &gradients);
    }
    let (of_q, of_k) = (leaf([4]), leaf([4]));
    let gammas = [&of_q, &of_k].map(|gamma| gamma.clone().into_dispatch());
    let [for_q, for_k] = gammas;
    let heads = HeadCounts {
        n_heads: 2,
        n_kv_heads: 1,
    };
    let y = Dispatch::norm_heads(leaf([0, 3, 16]).into_dispatch(), for_q, for_k, heads, 1e-5);
    let gradients = back(lift(y), [0, 3, 16]);
    is_zero(&of_q, &gradients);
    is_zero(&of_k, &gradients);
}

#[test]
fn activations() {
    for kind in [
        ActivationFunction::Gelu,
        ActivationFunction::GeluTanh,
        ActivationFunction::Relu,
        ActivationFunction::ReluSquared,
    ] {
        back::<1>(
            lift(Dispatch::activation(leaf([0]).into_dispatch(), kind)),
            [0],
        );
    }
    back::<1>(
        lift(Dispatch::swiglu(
            leaf([0]).into_dispatch(),
            leaf([0]).into_dispatch(),
        )),
        [0],
    );
}

/// Biases of 13 offsets for two heads, unused by any sequence.
#[test]
fn attentions() {
    let heads = HeadCounts {
        n_heads: 2,
        n_kv_heads: 1,
    };
    for causal in [false, true] {
        let bias = leaf([13, 2]);
        let given = Some(bias.clone()).into();
        let z =
            Dispatch::self_attention(leaf([0, 7, 16]).into_dispatch(), given, heads, causal, None);
        is_zero(&bias, &back(lift(z), [0, 7, 8]));

        let bias = leaf([13, 2]);
        let given = Some(bias.clone()).into();
        let (q, kv) = (leaf([0, 2, 4, 8]), leaf([0, 1, 10, 8]).into_dispatch());
        let z = Dispatch::attention(q.into_dispatch(), kv.clone(), kv, given, causal, None);
        is_zero(&bias, &back(lift(z), [0, 4, 16]));
    }
}
