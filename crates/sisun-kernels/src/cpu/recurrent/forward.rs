//! The forward pass.

use super::attend::attend;
use super::weights::{add_product, gather, laid_out_len, lay_out, spread};
use super::{Arguments, AttentionShape, Shape, cell};
use crate::Cell;
use crate::cpu::Buffer;
use crate::cpu::scratch::{Scratch, cut, padded};
use crate::cpu::simd::arch;
use crate::cpu::threads::rows_a_task;
use pulp::Simd;
use rayon::prelude::*;

/// The results of a call, and what its backward pass needs.
///
/// # Shapes
/// - `states`: `[batch, pos, d_result]`: the state and the context
/// - `saved`: `[batch, pos, d_saved]`, written for real elements only
/// - `weights`: `[batch, pos, n_source]`, written for real keys only; empty without attention
/// - `queries`: `[batch, pos, d_score]`; empty without attention
pub(crate) struct Results {
    pub states: Buffer,
    pub saved: Buffer,
    pub weights: Buffer,
    pub queries: Buffer,
}

/// The results of some sequences, from number `first` on.
struct Part<'a> {
    first: usize,
    n: usize,
    states: &'a mut [f32],
    saved: &'a mut [f32],
    weights: &'a mut [f32],
    queries: &'a mut [f32],
}

/// The weights as the steps need them, see [`lay_out`].
struct Weights<'a> {
    state: &'a [f32],
    bias: &'a [f32],
    query: &'a [f32],
    context: &'a [f32],
}

/// Split `n` numbers off the front.
pub(super) fn take<'a>(rest: &mut &'a mut [f32], n: usize) -> &'a mut [f32] {
    rest.split_off_mut(..n)
        .expect("the parts are as long as the whole")
}

/// Call `run` with each part, in parallel if there are several.
pub(super) fn for_parts<T: Send>(parts: Vec<T>, run: impl Fn(T) + Sync) {
    if parts.len() == 1 {
        parts.into_iter().for_each(&run);
    } else {
        parts.into_par_iter().with_max_len(1).for_each(&run);
    }
}

/// Compute [`crate::recurrent()`] or [`crate::attentive_recurrent`].
pub(crate) fn forward(shape: &Shape, arguments: &Arguments<'_>) -> Results {
    let Shape { batch, pos, .. } = *shape;
    let of = |width: usize| Buffer::uncleared(batch * pos * width);
    let AttentionShape {
        n_source,
        d_score,
        d_value,
    } = shape.attention.unwrap_or_default();
    let mut results = Results {
        states: of(shape.d_result()),
        saved: of(shape.d_saved()),
        weights: of(n_source),
        queries: of(d_score),
    };
    if batch * pos * shape.d_hidden == 0 {
        return results;
    }
    let (gates, h) = (shape.n_gates(), shape.d_hidden);
    let lens = [
        laid_out_len(h, gates, h),
        laid_out_len(1, gates, h),
        laid_out_len(h, 1, d_score),
        laid_out_len(d_value, gates, h),
    ];
    let mut lent = Scratch::new(lens.iter().sum());
    let mut scratch = lent.floats();
    let [state, bias, query, context] = lens.map(|len| cut(&mut scratch, len));
    lay_out(arguments.weight, gates, h, state);
    lay_out(arguments.bias, gates, h, bias);
    if let Some(attention) = &arguments.attention {
        lay_out(attention.query, 1, d_score, query);
        lay_out(attention.context, gates, h, context);
    }
    let weights = Weights {
        state,
        bias,
        query,
        context,
    };
    let rows = rows_a_task(batch, shape.cost());
    let Results {
        states,
        saved,
        weights: attended,
        queries,
    } = &mut results;
    let mut rest = [
        &mut states[..],
        &mut saved[..],
        &mut attended[..],
        &mut queries[..],
    ];
    let parts = (0..batch).step_by(rows).map(|first| {
        let n = rows.min(batch - first);
        let widths = [shape.d_result(), shape.d_saved(), n_source, d_score];
        let mut widths = widths.into_iter();
        let [states, saved, weights, queries] = rest
            .each_mut()
            .map(|rest| take(rest, n * pos * widths.next().unwrap_or_default()));
        Part {
            first,
            n,
            states,
            saved,
            weights,
            queries,
        }
    });
    for_parts(parts.collect(), |part| {
        sequences(shape, arguments, &weights, part)
    });
    results
}

#[pulp::with_simd(sequences = arch())]
#[inline(always)]
fn sequences_with_simd<S: Simd>(
    simd: S,
    shape: &Shape,
    arguments: &Arguments<'_>,
    weights: &Weights<'_>,
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
    let len = n * (2 * h_width + 2 * all + q_width + c_width);
    let mut lent = Scratch::new(len);
    let mut scratch = lent.floats();
    let hidden = cut(&mut scratch, n * h_width);
    let cells = cut(&mut scratch, n * h_width);
    let own = cut(&mut scratch, n * all);
    let input = cut(&mut scratch, n * all);
    let query = cut(&mut scratch, n * q_width);
    let context = cut(&mut scratch, n * c_width);
    cells.fill(0.0);
    let initial = arguments.initial[first * shape.d_state()..].chunks_exact(shape.d_state());
    for (row, initial) in initial.take(n).enumerate() {
        let (h, c) = initial.split_at(d_hidden);
        spread(h, d_hidden, &mut hidden[row * h_width..][..h_width]);
        spread(c, d_hidden, &mut cells[row * h_width..][..h_width]);
    }
    for step in 0..pos {
        let at = shape.at(step);
        for (row, input) in input.chunks_exact_mut(all).enumerate() {
            let gates = &arguments.gates[((first + row) * pos + at) * width..][..width];
            spread(gates, d_hidden, input);
        }
        if let Some(attention) = &arguments.attention {
            query.fill(0.0);
            let sizes = [n, d_hidden, q_width];
            add_product(simd, sizes, (hidden, h_width), weights.query, query);
            context.fill(0.0);
            for row in 0..n {
                let source = first + row;
                let len = attention.lens.map_or(n_source, |lens| lens[source]);
                let query = &query[row * q_width..][..d_score];
                attend(
                    simd,
                    query,
                    attention.score,
                    &attention.keys[source * n_source * d_score..],
                    &attention.values[source * n_source * d_value..],
                    &mut part.weights[(row * pos + at) * n_source..][..len],
                    &mut context[row * c_width..][..d_value],
                );
                part.queries[(row * pos + at) * d_score..][..d_score].copy_from_slice(query);
            }
            let sizes = [n, d_value, all];
            add_product(simd, sizes, (context, c_width), weights.context, input);
        }
        for own in own.chunks_exact_mut(all) {
            own.copy_from_slice(&weights.bias[..all]);
        }
        let sizes = [n, d_hidden, all];
        add_product(simd, sizes, (hidden, h_width), weights.state, own);
        for row in 0..n {
            let h = &mut hidden[row * h_width..][..h_width];
            let c = &mut cells[row * h_width..][..h_width];
            let result = &mut part.states[(row * pos + at) * shape.d_result()..];
            if arguments.lens.is_none_or(|lens| at < lens[first + row]) {
                let (a, u) = (&input[row * all..][..all], &own[row * all..][..all]);
                let saved = &mut part.saved[(row * pos + at) * 4 * h_width..][..4 * h_width];
                match shape.cell {
                    Cell::Gru => cell::gru(simd, a, u, h, saved),
                    Cell::Lstm => cell::lstm(simd, a, u, h, c, saved),
                }
            }
            gather(h, d_hidden, &mut result[..d_hidden]);
            if shape.cell == Cell::Lstm {
                gather(c, d_hidden, &mut result[d_hidden..2 * d_hidden]);
            }
            result[shape.d_state()..][..d_value]
                .copy_from_slice(&context[row * c_width..][..d_value]);
        }
    }
}
