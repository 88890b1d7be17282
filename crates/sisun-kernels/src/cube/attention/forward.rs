//! The forward pass.

use super::super::tensor::{cubes, floats, uncleared, units_of};
use super::call::{AttentionCall, Results, UNITS};
use super::layout::{Rows, Sizes, real_keys};
use crate::reference::HIDDEN_SCORE;
use cubecl::prelude::*;

#[cube(launch)]
fn attention_forward(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    bias: Sequence<Box<[f32]>>,
    lens: Sequence<Box<[u32]>>,
    z: &mut [f32],
    log_sum_exp: &mut [f32],
    q_rows: Rows,
    k_rows: Rows,
    v_rows: Rows,
    sizes: Sizes,
    #[comptime] d_head: usize,
    #[comptime] tile: usize,
    #[comptime] causal: bool,
) {
    let blocks = sizes.n_query.div_ceil(UNITS);
    let block = CUBE_POS % blocks;
    let head = CUBE_POS / blocks % sizes.n_heads;
    let batch = CUBE_POS / blocks / sizes.n_heads;
    if batch < sizes.batch {
        let mut keys = Shared::<[f32]>::new_slice(tile * d_head);
        let mut values = Shared::<[f32]>::new_slice(tile * d_head);
        let kv_head = head / (sizes.n_heads / sizes.n_kv_heads);
        let unit = UNIT_POS as usize;
        let query = block * UNITS + unit;
        // Threads beyond the last query repeat it and write nothing.
        let own = min(query, sizes.n_query - 1);
        let real = real_keys(&lens, batch, sizes.n_key);
        let visible = sizes.visible(own, real, causal);
        let last = min(block * UNITS + UNITS, sizes.n_query) - 1;
        let end = sizes.visible(last, real, causal);

        let mut query_row = Array::<f32>::new(d_head);
        let mut sum = Array::<f32>::new(d_head);
        let start = q_rows.start(batch, head, own);
        for i in 0..d_head {
            query_row[i] = q[start + i] * sizes.scale;
            sum[i] = 0.0f32;
        }
        let mut largest = f32::new(HIDDEN_SCORE);
        let mut weights = 0.0f32;
        let mut first = 0;
        while first < end {
            let mut at = unit;
            while at < tile * d_head {
                let key = min(first + at / d_head, sizes.n_key - 1);
                keys[at] = k[k_rows.start(batch, kv_head, key) + at % d_head];
                values[at] = v[v_rows.start(batch, kv_head, key) + at % d_head];
                at += UNITS;
            }
            sync_cube();
            let n = min(tile, max(visible, first) - first);
            for j in 0..n {
                let mut score = 0.0f32;
                for i in 0..d_head {
                    score += query_row[i] * keys[j * d_head + i];
                }
                #[unroll]
                for part in 0..bias.len() {
                    score += bias[part][sizes.bias(own, first + j, head)];
                }
                let mut weight = 1.0f32;
                if score > largest {
                    let shrink = (largest - score).exp();
                    largest = score;
                    weights *= shrink;
                    for i in 0..d_head {
                        sum[i] *= shrink;
                    }
                } else {
                    weight = (score - largest).exp();
                }
                weights += weight;
                for i in 0..d_head {
                    sum[i] += weight * values[j * d_head + i];
                }
            }
            sync_cube();
            first += tile;
        }
        if query < sizes.n_query {
            let to = ((batch * sizes.n_query + query) * sizes.n_heads + head) * d_head;
            for i in 0..d_head {
                z[to + i] = sum[i] / weights;
            }
            log_sum_exp[(batch * sizes.n_heads + head) * sizes.n_query + query] =
                largest + weights.ln();
        }
    }
}

/// Return `z` `[batch, query, n_heads·d_head]` and the log-sum-exp `[batch, head, query]`.
pub(crate) fn forward(call: &AttentionCall) -> Results {
    let [q, k, v] = &call.tensors;
    let n_heads = call.heads.n_heads;
    let results = Results {
        z: uncleared(q, [call.batch, call.n_query, n_heads * call.d_head]),
        log_sum_exp: uncleared(q, [call.batch, n_heads, call.n_query]),
    };
    let [q_rows, k_rows, v_rows] = call.rows.map(Rows::argument);
    let blocks = call.n_query.div_ceil(UNITS);
    attention_forward::launch(
        &q.client,
        cubes(&q.client, call.batch * call.heads.n_heads * blocks),
        units_of(UNITS),
        floats(q),
        floats(k),
        floats(v),
        call.bias_argument(),
        call.lens_argument(),
        floats(&results.z),
        floats(&results.log_sum_exp),
        q_rows,
        k_rows,
        v_rows,
        call.sizes(),
        call.d_head,
        call.tile(),
        call.causal,
    );
    results
}
