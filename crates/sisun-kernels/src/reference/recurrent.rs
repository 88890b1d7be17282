//! Recurrent cells as loops of Burn operations.

use super::attention::{HIDDEN_SCORE, padding};
use crate::options::Cell;
use crate::recurrent::AdditiveAttention;
use burn::tensor::{Device, Tensor, TensorData, activation};

/// Compute [`crate::recurrent()`].
pub fn recurrent(
    cell: Cell,
    gates: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    initial: Tensor<2>,
    lens: Option<&[usize]>,
    reverse: bool,
) -> Tensor<3> {
    let [_, pos, _] = gates.dims();
    let device = gates.device().inner();
    let (mut state, mut states) = (initial, vec![None; pos]);
    for step in 0..pos {
        let at = if reverse { pos - 1 - step } else { step };
        let next = cell_step(
            cell,
            element(&gates, at),
            weight.clone(),
            bias.clone(),
            state.clone(),
        );
        state = match lens.filter(|lens| lens.iter().any(|len| *len <= at)) {
            Some(lens) => {
                let real = real(lens, at, &device);
                let kept = real.clone().neg().add_scalar(1.0);
                next * real + state * kept
            }
            None => next,
        };
        states[at] = Some(state.clone().unsqueeze_dim(1));
    }
    Tensor::cat(states.into_iter().flatten().collect(), 1)
}

/// Compute [`crate::attentive_recurrent`], the states and contexts side by side.
///
/// # Shapes
/// - result: `[batch, pos, d_state + d_value]`
pub fn attentive_recurrent(
    cell: Cell,
    gates: Tensor<3>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    initial: Tensor<2>,
    attention: AdditiveAttention,
) -> Tensor<3> {
    let ([_, pos, _], [d_hidden, _]) = (gates.dims(), weight.dims());
    let AdditiveAttention {
        keys,
        values,
        query,
        score,
        context,
        lens,
    } = attention;
    let (mut state, mut results) = (initial, Vec::with_capacity(pos));
    for at in 0..pos {
        let hidden = state.clone().narrow(1, 0, d_hidden);
        let queries = hidden.matmul(query.clone()).unsqueeze_dim(1); // [batch, 1, d_score]
        let scores = additive_scores(queries, keys.clone(), score.clone(), lens.as_deref());
        let weights = activation::softmax(scores, 2); // [batch, 1, source]
        let found: Tensor<2> = weights.matmul(values.clone()).squeeze_dim(1);
        let gates = element(&gates, at) + found.clone().matmul(context.clone());
        state = cell_step(cell, gates, weight.clone(), bias.clone(), state);
        results.push(Tensor::cat(vec![state.clone(), found], 1).unsqueeze_dim(1));
    }
    Tensor::cat(results, 1)
}

/// Compute the scores `v·tanh(queryₜ + keyⱼ)` (Bahdanau et al. 2015, appendix A.1.2), with hidden
/// keys at [`HIDDEN_SCORE`].
///
/// # Shapes
/// - `queries`: `[batch, target, d_score]`
/// - `keys`: `[batch, source, d_score]`
/// - `score`: v, `[d_score]`
/// - `lens`: number of real keys of each sequence, `[batch]`
/// - result: `[batch, target, source]`
pub fn additive_scores(
    queries: Tensor<3>,
    keys: Tensor<3>,
    score: Tensor<1>,
    lens: Option<&[usize]>,
) -> Tensor<3> {
    let ([batch, target, d_score], [_, source, _]) = (queries.dims(), keys.dims());
    let device = queries.device().inner();
    let pairs: Tensor<4> = queries.unsqueeze_dim::<4>(2) + keys.unsqueeze_dim::<4>(1);
    let scores = pairs
        .tanh()
        .reshape([batch * target * source, d_score])
        .matmul(score.reshape([d_score, 1]))
        .reshape([batch, target, source]);
    match lens {
        Some(lens) => scores.mask_fill(
            padding(lens, source, &device)
                .reshape([batch, 1, source])
                .expand([batch, target, source]),
            HIDDEN_SCORE,
        ),
        None => scores,
    }
}

/// Compute the state after one element.
///
/// # Shapes
/// - `gates`: `[batch, n_gates·d_hidden]`
/// - `state` and the result: `[batch, d_state]`
fn cell_step(
    cell: Cell,
    gates: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    state: Tensor<2>,
) -> Tensor<2> {
    let [d_hidden, _] = weight.dims();
    let part = |x: &Tensor<2>, i: usize| x.clone().narrow(1, i * d_hidden, d_hidden);
    let hidden = part(&state, 0);
    let own = hidden.clone().matmul(weight) + bias.unsqueeze();
    match cell {
        Cell::Gru => {
            let sum = |i| activation::sigmoid(part(&gates, i) + part(&own, i));
            let (r, z) = (sum(0), sum(1));
            let n = (part(&gates, 2) + r * part(&own, 2)).tanh();
            n.clone() + z * (hidden - n)
        }
        Cell::Lstm => {
            let all = gates + own;
            let gate = |i| activation::sigmoid(part(&all, i));
            let (i, f, g, o) = (gate(0), gate(1), part(&all, 2).tanh(), gate(3));
            let memory = f * part(&state, 1) + i * g;
            Tensor::cat(vec![o * memory.clone().tanh(), memory], 1)
        }
    }
}

fn element(x: &Tensor<3>, at: usize) -> Tensor<2> {
    x.clone().narrow(1, at, 1).squeeze_dim(1)
}

/// Return 1 for each sequence that has an element at this position, 0 for the others, `[batch, 1]`.
fn real(lens: &[usize], at: usize, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = lens
        .iter()
        .map(|len| f32::from(u8::from(at < *len)))
        .collect();
    Tensor::from_data(TensorData::new(values, [lens.len(), 1]), device)
}
