//! Recurrent cells over whole sequences, alone and with additive attention.

use crate::assert_shape;
use crate::backend::Kernels;
use crate::options::{Cell, Lens};
use burn::backend::Dispatch;
use burn::tensor::Tensor;

pub use crate::reference::additive_scores;

/// Compute the states of a recurrent cell after each element of a sequence.
///
/// With `a = gates` (the input's part, `x·W_ih + b_ih`) and `u = h·weight + bias`, both divided into
/// parts of `d_hidden` columns:
/// - [`Cell::Gru`] (Cho et al. 2014, in the form of PyTorch's `nn.GRU`; parts r, z, n):
///   `r = σ(a_r + u_r)`, `z = σ(a_z + u_z)`, `n = tanh(a_n + r ⊙ u_n)`,
///   `h ← (1 − z) ⊙ n + z ⊙ h`.
/// - [`Cell::Lstm`] (Hochreiter and Schmidhuber 1997; Gers et al. 2000, as PyTorch's `nn.LSTM`;
///   parts i, f, g, o): `i, f, o = σ(a + u)`, `g = tanh(a_g + u_g)`, `c ← f ⊙ c + i ⊙ g`,
///   `h ← o ⊙ tanh(c)`.
///
/// Padding leaves the state as it is: the state at the last position is the one after the last real
/// element. With `reverse` the sequence is read from its last real element to its first, and the
/// state at the first position is the last one.
///
/// # Shapes
/// - `gates`: `[batch, pos, n_gates·d_hidden]`
/// - `weight`: `[d_hidden, n_gates·d_hidden]`, the transpose of PyTorch's `weight_hh`
/// - `bias`: `[n_gates·d_hidden]`, PyTorch's `bias_hh`
/// - `initial`: `[batch, d_state]`: h, with [`Cell::Lstm`] h and c side by side
/// - `lens`: `[batch]`, each at most `pos`
/// - result: `[batch, pos, d_state]`
pub fn recurrent(
    cell: Cell,
    gates: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    initial: Tensor<2>,
    lens: Option<Lens>,
    reverse: bool,
) -> Tensor<3> {
    let ([batch, pos, width], [d_hidden, _]) = (gates.dims(), weight.dims());
    assert_eq!(width, cell.n_gates() * d_hidden, "columns of `gates`");
    assert_shape!(weight, [d_hidden, width]);
    assert_shape!(bias, [width]);
    assert_shape!(initial, [batch, cell.n_states() * d_hidden]);
    check_lens(lens.as_ref(), batch, pos, 0);
    Tensor::from_dispatch(Dispatch::recurrent(
        cell,
        gates.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        initial.into_dispatch(),
        lens,
        reverse,
    ))
}

/// What the decoder of [`attentive_recurrent`] reads, and with which weights.
#[derive(Clone, Debug)]
pub struct AdditiveAttention {
    /// `U·hⱼ` of each source position, `[batch, source, d_score]`.
    pub keys: Tensor<3>,
    /// `hⱼ`, `[batch, source, d_value]`.
    pub values: Tensor<3>,
    /// W, `[d_hidden, d_score]`.
    pub query: Tensor<2>,
    /// v, `[d_score]`.
    pub score: Tensor<1>,
    /// The weight of the context in the gates, `[d_value, n_gates·d_hidden]`.
    pub context: Tensor<2>,
    /// Number of real positions of each source, `[batch]`, at least 1; `None` without padding.
    pub lens: Option<Lens>,
}

/// Compute the states of a recurrent cell that attends to another sequence before each step
/// (Bahdanau et al. 2015, §3.1 and equation 6): with the last state `s`,
/// `αⱼ = softmaxⱼ(v·tanh(s·W + keysⱼ))`, `c = Σⱼ αⱼ·valuesⱼ`, and the next state is that of
/// [`recurrent`] with the gates `gates + c·context`.
///
/// # Shapes
/// - `gates`, `weight`, `bias`, `initial`: as in [`recurrent`]
/// - results: the states `[batch, pos, d_state]` and the contexts c `[batch, pos, d_value]`
pub fn attentive_recurrent(
    cell: Cell,
    gates: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    initial: Tensor<2>,
    attention: &AdditiveAttention,
) -> (Tensor<3>, Tensor<3>) {
    let ([batch, _, width], [d_hidden, _]) = (gates.dims(), weight.dims());
    let d_state = cell.n_states() * d_hidden;
    let ([_, n_source, d_score], [_, _, d_value]) =
        (attention.keys.dims(), attention.values.dims());
    assert_eq!(width, cell.n_gates() * d_hidden, "columns of `gates`");
    assert_shape!(weight, [d_hidden, width]);
    assert_shape!(bias, [width]);
    assert_shape!(initial, [batch, d_state]);
    assert_shape!(attention.keys, [batch, n_source, d_score]);
    assert_shape!(attention.values, [batch, n_source, d_value]);
    assert_shape!(attention.query, [d_hidden, d_score]);
    assert_shape!(attention.score, [d_score]);
    assert_shape!(attention.context, [d_value, width]);
    check_lens(attention.lens.as_ref(), batch, n_source, 1);
    let AdditiveAttention {
        keys,
        values,
        query,
        score,
        context,
        lens,
    } = attention.clone();
    let both = Tensor::<3>::from_dispatch(Dispatch::attentive_recurrent(
        cell,
        gates.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        initial.into_dispatch(),
        keys.into_dispatch(),
        values.into_dispatch(),
        query.into_dispatch(),
        score.into_dispatch(),
        context.into_dispatch(),
        lens,
    ));
    (
        both.clone().narrow(2, 0, d_state),
        both.narrow(2, d_state, d_value),
    )
}

fn check_lens(lens: Option<&Lens>, batch: usize, pos: usize, least: usize) {
    if let Some(lens) = lens {
        assert_eq!(lens.len(), batch, "a length for each sequence");
        assert!(
            lens.iter().all(|len| (least..=pos).contains(len)),
            "lengths {lens:?} of sequences of {pos}"
        );
    }
}
