//! Attention of one query to each sequence's keys: the threads of a cube share the keys of a head.

use super::super::reduce::{largest_of_cube, sum_of_cube};
use super::super::tensor::{cubes, floats, uncleared, units_of};
use super::call::AttentionCall;
use super::forward::forward;
use super::layout::{Rows, Sizes, real_keys};
use crate::reference::HIDDEN_SCORE;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Threads of a cube.
const UNITS: usize = 256;

#[cube(launch)]
fn attention_of_one_query(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    bias: Sequence<Box<[f32]>>,
    lens: Sequence<Box<[u32]>>,
    scores: &mut [f32],
    z: &mut [f32],
    q_rows: Rows,
    k_rows: Rows,
    v_rows: Rows,
    sizes: Sizes,
    #[comptime] d_head: usize,
) {
    let head = CUBE_POS % sizes.n_heads;
    let batch = CUBE_POS / sizes.n_heads;
    if batch < sizes.batch {
        let mut shared = Shared::<[f32]>::new_slice(UNITS);
        let kv_head = head / (sizes.n_heads / sizes.n_kv_heads);
        let unit = UNIT_POS as usize;
        let real = real_keys(&lens, batch, sizes.n_key);
        let own_scores = CUBE_POS * sizes.n_key;
        let q_start = q_rows.start(batch, head, 0);

        // A thread reads no scores but those that it writes.
        let mut largest = f32::new(HIDDEN_SCORE);
        let mut key = unit;
        while key < real {
            let k_start = k_rows.start(batch, kv_head, key);
            let mut score = 0.0f32;
            for i in 0..d_head {
                score += q[q_start + i] * sizes.scale * k[k_start + i];
            }
            #[unroll]
            for part in 0..bias.len() {
                score += bias[part][sizes.bias(0, key, head)];
            }
            scores[own_scores + key] = score;
            largest = max(largest, score);
            key += UNITS;
        }
        let largest = largest_of_cube(largest, &mut shared);
        let mut weights = 0.0f32;
        let mut sum = 0.0f32;
        let groups = UNITS / d_head;
        let group = unit / d_head;
        let column = unit % d_head;
        let mut first = 0;
        while first < real {
            let mut weight = 0.0f32;
            if first + unit < real {
                weight = (scores[own_scores + first + unit] - largest).exp();
            }
            weights += weight;
            shared[unit] = weight;
            sync_cube();
            if group < groups {
                let n = min(UNITS, real - first);
                let mut j = group;
                while j < n {
                    sum += shared[j] * v[v_rows.start(batch, kv_head, first + j) + column];
                    j += groups;
                }
            }
            sync_cube();
            first += UNITS;
        }
        let weights = sum_of_cube(weights, &mut shared);
        shared[unit] = sum;
        sync_cube();
        if unit < d_head {
            let mut all = 0.0f32;
            for group in 0..groups {
                all += shared[group * d_head + unit];
            }
            z[(batch * sizes.n_heads + head) * d_head + unit] = all / weights;
        }
    }
}

/// Return `z` `[batch, query, n_heads·d_head]`, without what a gradient needs.
pub(crate) fn result(call: &AttentionCall) -> CubeTensor {
    match call.n_query == 1 && fits(call) {
        true => launch(call),
        false => forward(call).z,
    }
}

/// Return true if a cube can compute a head of this width.
fn fits(call: &AttentionCall) -> bool {
    let hardware = &call.tensors[0].client.properties().hardware;
    call.d_head <= UNITS && hardware.max_units_per_cube as usize >= UNITS
}

fn launch(call: &AttentionCall) -> CubeTensor {
    let [q, k, v] = &call.tensors;
    let [q_rows, k_rows, v_rows] = call.rows.map(Rows::argument);
    let n = call.batch * call.heads.n_heads;
    let scores = uncleared(q, [n, call.n_key]);
    let z = uncleared(q, [call.batch, 1, call.heads.n_heads * call.d_head]);
    attention_of_one_query::launch(
        &q.client,
        cubes(&q.client, n),
        units_of(UNITS),
        floats(q),
        floats(k),
        floats(v),
        call.bias_argument(),
        call.lens_argument(),
        floats(&scores),
        floats(&z),
        q_rows,
        k_rows,
        v_rows,
        call.sizes(),
        call.d_head,
    );
    z
}
