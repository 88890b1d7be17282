//! The backward pass.

use super::attend::{Sums, gradient};
use super::forward::{for_parts, take};
use super::weights::{add_product, gather, laid_out_len, lay_out_transposed, spread};
use super::{Arguments, AttentionShape, Kept, Shape, cell};
use crate::cpu::scratch::{Scratch, cut, padded};
use crate::cpu::simd::arch;
use crate::cpu::threads::rows_a_task;
use crate::cpu::{Buffer, Matrix, MatrixProduct, matmul, sum_rows};
use crate::{Cell, MatmulPrecision};
use pulp::Simd;

/// The gradients of the arguments, in their shapes; those of the attention are empty without it.
pub(crate) struct Gradients {
    pub gates: Buffer,
    pub weight: Buffer,
    pub bias: Buffer,
    pub initial: Buffer,
    pub keys: Buffer,
    pub values: Buffer,
    pub query: Buffer,
    pub score: Buffer,
    pub context: Buffer,
}

/// The gradients of some sequences, from number `first` on.
///
/// # Shapes
/// - `own`: of the state's part of the gates, `[n, pos, width]`
/// - `queries`: `[n, pos, d_score]`
/// - `score`: of each sequence, `[n, d_score]`
struct Part<'a> {
    first: usize,
    n: usize,
    gates: &'a mut [f32],
    own: &'a mut [f32],
    initial: &'a mut [f32],
    queries: &'a mut [f32],
    keys: &'a mut [f32],
    values: &'a mut [f32],
    score: &'a mut [f32],
}

/// The transposed weights, see [`lay_out_transposed`].
struct Weights<'a> {
    state: &'a [f32],
    query: &'a [f32],
    context: &'a [f32],
}

/// Compute the gradients of [`super::forward`], with those of its results, `[batch, pos, d_result]`.
///
/// The states are those of a chain: with `da` and `du` the gradients of a step's two parts of the
/// gates, the last h gets `du·weightᵀ` and what the cell passes on directly. Then
/// `dweight = Σ hᵀ·du`, and with attention `dcontext = Σ cᵀ·da` and `dquery = Σ hᵀ·dq`, each a single
/// product over all steps of all sequences.
pub(crate) fn backward(
    shape: &Shape,
    arguments: &Arguments<'_>,
    results: &Kept<'_>,
    dresult: &[f32],
) -> Gradients {
    let Shape {
        batch,
        pos,
        d_hidden,
        ..
    } = *shape;
    let AttentionShape {
        n_source,
        d_score,
        d_value,
    } = shape.attention.unwrap_or_default();
    let (n_gates, width) = (shape.n_gates(), shape.width());
    let rows = batch * pos;
    let mut gates = Buffer::uncleared(rows * width);
    let mut own = Buffer::uncleared(rows * width);
    let mut initial = Buffer::zeros(batch * shape.d_state());
    let mut queries = Buffer::uncleared(rows * d_score);
    let mut keys = Buffer::zeros(batch * n_source * d_score);
    let mut values = Buffer::zeros(batch * n_source * d_value);
    let mut scores = Buffer::zeros(batch * d_score);
    if rows * d_hidden > 0 {
        let lens = [
            n_gates * padded(d_hidden) * padded(d_hidden),
            laid_out_len(padded(d_score), 1, d_hidden),
            n_gates * padded(d_hidden) * padded(d_value),
        ];
        let mut lent = Scratch::new(lens.iter().sum());
        let mut scratch = lent.floats();
        let [state, query, context] = lens.map(|len| cut(&mut scratch, len));
        lay_out_transposed(arguments.weight, n_gates, d_hidden, state);
        if let Some(attention) = &arguments.attention {
            lay_out_transposed(attention.query, 1, d_score, query);
            lay_out_transposed(attention.context, n_gates, d_hidden, context);
        }
        let weights = Weights {
            state,
            query,
            context,
        };
        let rows = rows_a_task(batch, 2 * shape.cost());
        let mut rest = [
            &mut gates[..],
            &mut own[..],
            &mut initial[..],
            &mut queries[..],
            &mut keys[..],
            &mut values[..],
            &mut scores[..],
        ];
        let parts = (0..batch).step_by(rows).map(|first| {
            let n = rows.min(batch - first);
            let widths = [
                pos * width,
                pos * width,
                shape.d_state(),
                pos * d_score,
                n_source * d_score,
                n_source * d_value,
                d_score,
            ];
            let mut widths = widths.into_iter();
            let [gates, own, initial, queries, keys, values, score] = rest
                .each_mut()
                .map(|rest| take(rest, n * widths.next().unwrap_or_default()));
            Part {
                first,
                n,
                gates,
                own,
                initial,
                queries,
                keys,
                values,
                score,
            }
        });
        for_parts(parts.collect(), |part| {
            sequences(shape, arguments, results, &weights, dresult, part)
        });
    }
    let (hidden, contexts) = earlier(shape, arguments, results);
    let summed = |left: &[f32], inner: usize, right: &[f32], columns: usize| {
        let mut out = Buffer::uncleared(inner * columns);
        let product = MatrixProduct::new(
            Matrix::row_major(left, rows, inner).transpose(),
            Matrix::row_major(right, rows, columns),
            MatmulPrecision::Float32,
        );
        matmul(product, &mut out, columns);
        out
    };
    Gradients {
        weight: summed(&hidden, d_hidden, &own, width),
        bias: sum_rows(&own, width),
        query: summed(&hidden, d_hidden, &queries, d_score),
        context: summed(&contexts, d_value, &gates, width),
        score: sum_rows(&scores, d_score),
        gates,
        initial,
        keys,
        values,
    }
}

/// Return the h that each step started from, `[batch, pos, d_hidden]`, and its context,
/// `[batch, pos, d_value]`.
fn earlier(shape: &Shape, arguments: &Arguments<'_>, results: &Kept<'_>) -> (Buffer, Buffer) {
    let Shape {
        batch,
        pos,
        d_hidden,
        ..
    } = *shape;
    let d_value = shape.attention.unwrap_or_default().d_value;
    let mut hidden = Buffer::uncleared(batch * pos * d_hidden);
    let mut contexts = Buffer::uncleared(batch * pos * d_value);
    for row in 0..batch {
        for step in 0..pos {
            let at = row * pos + shape.at(step);
            hidden[at * d_hidden..][..d_hidden]
                .copy_from_slice(&before(shape, arguments, results, row, step)[..d_hidden]);
            contexts[at * d_value..][..d_value].copy_from_slice(
                &results.states[at * shape.d_result() + shape.d_state()..][..d_value],
            );
        }
    }
    (hidden, contexts)
}

/// Return the state that a step of a sequence started from.
#[inline(always)]
fn before<'a>(
    shape: &Shape,
    arguments: &Arguments<'a>,
    results: &Kept<'a>,
    row: usize,
    step: usize,
) -> &'a [f32] {
    let d_state = shape.d_state();
    match step.checked_sub(1) {
        Some(last) => {
            let at = row * shape.pos + shape.at(last);
            &results.states[at * shape.d_result()..][..d_state]
        }
        None => &arguments.initial[row * d_state..][..d_state],
    }
}

#[pulp::with_simd(sequences = arch())]
#[inline(always)]
fn sequences_with_simd<S: Simd>(
    simd: S,
    shape: &Shape,
    arguments: &Arguments<'_>,
    results: &Kept<'_>,
    weights: &Weights<'_>,
    dresult: &[f32],
    part: Part<'_>,
) {
    let Shape { pos, d_hidden, .. } = *shape;
    let Part { first, n, .. } = part;
    let AttentionShape {
        n_source,
        d_score,
        d_value,
    } = shape.attention.unwrap_or_default();
    let (width, h_width, all) = (shape.width(), padded(d_hidden), shape.padded_width());
    let (q_width, c_width) = (padded(d_score), padded(d_value));
    let len = n * (2 * h_width + 2 * all + q_width + c_width) + 3 * h_width + padded(n_source);
    let mut lent = Scratch::new(len);
    let mut scratch = lent.floats();
    let dhidden = cut(&mut scratch, n * h_width);
    let dcells = cut(&mut scratch, n * h_width);
    let da = cut(&mut scratch, n * all);
    let du = cut(&mut scratch, n * all);
    let dquery = cut(&mut scratch, n * q_width);
    let dcontext = cut(&mut scratch, n * c_width);
    let last = cut(&mut scratch, h_width);
    let c_last = cut(&mut scratch, h_width);
    let c_next = cut(&mut scratch, h_width);
    let dweights = scratch;
    dhidden.fill(0.0);
    dcells.fill(0.0);
    for step in (0..pos).rev() {
        let at = shape.at(step);
        for row in 0..n {
            let sequence = first + row;
            let place = sequence * pos + at;
            let dresult = &dresult[place * shape.d_result()..][..shape.d_result()];
            let dh = &mut dhidden[row * h_width..][..h_width];
            let dc = &mut dcells[row * h_width..][..h_width];
            add(dh, &dresult[..d_hidden]);
            if shape.cell == Cell::Lstm {
                add(dc, &dresult[d_hidden..2 * d_hidden]);
            }
            let (da, du) = (&mut da[row * all..][..all], &mut du[row * all..][..all]);
            if arguments.lens.is_some_and(|lens| at >= lens[sequence]) {
                da.fill(0.0);
                du.fill(0.0);
                continue;
            }
            let saved = &results.saved[place * 4 * h_width..][..4 * h_width];
            let state = before(shape, arguments, results, sequence, step);
            match shape.cell {
                Cell::Gru => {
                    spread(state, d_hidden, last);
                    cell::gru_gradient(simd, saved, last, dh, da, du);
                }
                Cell::Lstm => {
                    spread(&state[d_hidden..], d_hidden, c_last);
                    let next = &results.states[place * shape.d_result() + d_hidden..];
                    spread(&next[..d_hidden], d_hidden, c_next);
                    cell::lstm_gradient(simd, saved, [c_next, c_last], dh, dc, da);
                    du.copy_from_slice(da);
                }
            }
        }
        add_product(simd, [n, all, h_width], (du, all), weights.state, dhidden);
        for row in 0..n {
            let to = (row * pos + at) * width;
            gather(
                &da[row * all..][..all],
                d_hidden,
                &mut part.gates[to..][..width],
            );
            gather(
                &du[row * all..][..all],
                d_hidden,
                &mut part.own[to..][..width],
            );
        }
        let Some(attention) = &arguments.attention else {
            continue;
        };
        for (row, dcontext) in dcontext.chunks_exact_mut(c_width).enumerate() {
            let place = ((first + row) * pos + at) * shape.d_result() + shape.d_state();
            spread(&dresult[place..][..d_value], d_value, dcontext);
        }
        add_product(
            simd,
            [n, all, c_width],
            (da, all),
            weights.context,
            dcontext,
        );
        dquery.fill(0.0);
        for row in 0..n {
            let sequence = first + row;
            let place = sequence * pos + at;
            let len = attention.lens.map_or(n_source, |lens| lens[sequence]);
            let dquery = &mut dquery[row * q_width..][..d_score];
            gradient(
                simd,
                &results.queries[place * d_score..][..d_score],
                attention.score,
                &attention.keys[sequence * n_source * d_score..],
                &attention.values[sequence * n_source * d_value..],
                &results.weights[place * n_source..][..len],
                &dcontext[row * c_width..][..d_value],
                &mut dweights[..len],
                dquery,
                Sums {
                    keys: &mut part.keys[row * n_source * d_score..],
                    values: &mut part.values[row * n_source * d_value..],
                    score: &mut part.score[row * d_score..][..d_score],
                },
            );
            part.queries[(row * pos + at) * d_score..][..d_score].copy_from_slice(dquery);
        }
        let sizes = [n, q_width, h_width];
        add_product(simd, sizes, (dquery, q_width), weights.query, dhidden);
    }
    for row in 0..n {
        let to = &mut part.initial[row * shape.d_state()..][..shape.d_state()];
        let (h, c) = to.split_at_mut(d_hidden);
        gather(&dhidden[row * h_width..][..h_width], d_hidden, h);
        gather(&dcells[row * h_width..][..h_width], d_hidden, c);
    }
}

fn add(to: &mut [f32], x: &[f32]) {
    to.iter_mut().zip(x).for_each(|(to, x)| *to += x);
}
