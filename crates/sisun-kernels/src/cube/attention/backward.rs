//! The backward pass. With the weight `w = exp(score − log-sum-exp)` of a pair and the product
//! `D = dz·z` of its query: `dscore = w·(dz·v − D)`, `dq = Σ dscore·k/√d_head`,
//! `dk = Σ dscore·q/√d_head`, `dv = Σ w·dz`, `dbias = Σ dscore`.

use super::super::tensor::{contiguous, cubes, floats, uncleared, units_of};
use super::bias::bias_gradient;
use super::call::{AttentionCall, Gradients, Results, UNITS};
use super::layout::{Rows, Sizes, real_keys};
use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Write the gradients of the queries, and the product D of each.
#[cube(launch)]
fn attention_backward_queries(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    bias: Sequence<Box<[f32]>>,
    lens: Sequence<Box<[u32]>>,
    z: &[f32],
    dz: &[f32],
    log_sum_exp: &[f32],
    products: &mut [f32],
    dq: &mut [f32],
    q_rows: Rows,
    k_rows: Rows,
    v_rows: Rows,
    dq_rows: Rows,
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
        let own = min(query, sizes.n_query - 1);
        let real = real_keys(&lens, batch, sizes.n_key);
        let visible = sizes.visible(own, real, causal);
        let last = min(block * UNITS + UNITS, sizes.n_query) - 1;
        let end = sizes.visible(last, real, causal);

        let mut query_row = Array::<f32>::new(d_head);
        let mut dz_row = Array::<f32>::new(d_head);
        let mut sum = Array::<f32>::new(d_head);
        let start = q_rows.start(batch, head, own);
        let z_start = ((batch * sizes.n_query + own) * sizes.n_heads + head) * d_head;
        let mut product = 0.0f32;
        for i in 0..d_head {
            query_row[i] = q[start + i] * sizes.scale;
            dz_row[i] = dz[z_start + i];
            product += dz_row[i] * z[z_start + i];
            sum[i] = 0.0f32;
        }
        let row = (batch * sizes.n_heads + head) * sizes.n_query + own;
        let log_sum_exp = log_sum_exp[row];
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
                let mut dweight = 0.0f32;
                for i in 0..d_head {
                    score += query_row[i] * keys[j * d_head + i];
                    dweight += dz_row[i] * values[j * d_head + i];
                }
                #[unroll]
                for part in 0..bias.len() {
                    score += bias[part][sizes.bias(own, first + j, head)];
                }
                let dscore = (score - log_sum_exp).exp() * (dweight - product);
                for i in 0..d_head {
                    sum[i] += dscore * keys[j * d_head + i];
                }
            }
            sync_cube();
            first += tile;
        }
        if query < sizes.n_query {
            let to = dq_rows.start(batch, head, query);
            for i in 0..d_head {
                dq[to + i] = sum[i] * sizes.scale;
            }
            products[row] = product;
        }
    }
}

/// Write the gradients of the keys and values, to one buffer or to one each; those of padding are
/// 0.
#[cube(launch)]
fn attention_backward_keys(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    bias: Sequence<Box<[f32]>>,
    lens: Sequence<Box<[u32]>>,
    dz: &[f32],
    log_sum_exp: &[f32],
    products: &[f32],
    mut dkv: Sequence<Box<[f32]>>,
    q_rows: Rows,
    k_rows: Rows,
    v_rows: Rows,
    dk_rows: Rows,
    dv_rows: Rows,
    sizes: Sizes,
    #[comptime] d_head: usize,
    #[comptime] tile: usize,
    #[comptime] causal: bool,
) {
    let blocks = sizes.n_key.div_ceil(UNITS);
    let block = CUBE_POS % blocks;
    let kv_head = CUBE_POS / blocks % sizes.n_kv_heads;
    let batch = CUBE_POS / blocks / sizes.n_kv_heads;
    if batch < sizes.batch {
        let mut queries = Shared::<[f32]>::new_slice(tile * d_head);
        let mut dzs = Shared::<[f32]>::new_slice(tile * d_head);
        let group = sizes.n_heads / sizes.n_kv_heads;
        let unit = UNIT_POS as usize;
        let key = block * UNITS + unit;
        // Threads beyond the last key repeat it and write nothing.
        let own = min(key, sizes.n_key - 1);
        let real = real_keys(&lens, batch, sizes.n_key);
        let before = sizes.n_key - sizes.n_query;
        // The first query that sees a key of the block, and the first that sees this one.
        let mut begin = 0;
        let mut first_seen = 0;
        if comptime!(causal) {
            begin = max(block * UNITS, before) - before;
            first_seen = max(own, before) - before;
        }
        if own >= real {
            first_seen = sizes.n_query;
        }

        let mut key_row = Array::<f32>::new(d_head);
        let mut value_row = Array::<f32>::new(d_head);
        let mut dkey = Array::<f32>::new(d_head);
        let mut dvalue = Array::<f32>::new(d_head);
        let k_start = k_rows.start(batch, kv_head, own);
        let v_start = v_rows.start(batch, kv_head, own);
        for i in 0..d_head {
            key_row[i] = k[k_start + i];
            value_row[i] = v[v_start + i];
            dkey[i] = 0.0f32;
            dvalue[i] = 0.0f32;
        }
        for member in 0..group {
            let head = kv_head * group + member;
            let mut first = begin;
            while first < sizes.n_query {
                let mut at = unit;
                while at < tile * d_head {
                    let query = min(first + at / d_head, sizes.n_query - 1);
                    queries[at] = q[q_rows.start(batch, head, query) + at % d_head] * sizes.scale;
                    dzs[at] = dz[((batch * sizes.n_query + query) * sizes.n_heads + head) * d_head
                        + at % d_head];
                    at += UNITS;
                }
                sync_cube();
                let from = min(tile, max(first_seen, first) - first);
                let to = min(tile, sizes.n_query - first);
                let mut j = from;
                while j < to {
                    let query = first + j;
                    let row = (batch * sizes.n_heads + head) * sizes.n_query + query;
                    let mut score = 0.0f32;
                    let mut dweight = 0.0f32;
                    for i in 0..d_head {
                        score += queries[j * d_head + i] * key_row[i];
                        dweight += dzs[j * d_head + i] * value_row[i];
                    }
                    #[unroll]
                    for part in 0..bias.len() {
                        score += bias[part][sizes.bias(query, own, head)];
                    }
                    let weight = (score - log_sum_exp[row]).exp();
                    let dscore = weight * (dweight - products[row]);
                    for i in 0..d_head {
                        // The queries are scaled already.
                        dkey[i] += dscore * queries[j * d_head + i];
                        dvalue[i] += weight * dzs[j * d_head + i];
                    }
                    j += 1;
                }
                sync_cube();
                first += tile;
            }
        }
        if key < sizes.n_key {
            let to = dk_rows.start(batch, kv_head, key);
            let dk = dkv.index_mut(0);
            for i in 0..d_head {
                dk[to + i] = dkey[i];
            }
            let to = dv_rows.start(batch, kv_head, key);
            let last = comptime!(dkv.len() - 1);
            let dv = dkv.index_mut(last);
            for i in 0..d_head {
                dv[to + i] = dvalue[i];
            }
        }
    }
}

/// Write the gradients of q, k and v, and return that of the bias if it is `wanted`.
pub(super) fn backward(
    call: &AttentionCall,
    results: &Results,
    dz: CubeTensor,
    to: &Gradients,
    wanted: bool,
) -> Option<CubeTensor> {
    let dz = contiguous(dz);
    let products = uncleared(&dz, results.log_sum_exp.shape());
    launch_queries(call, results, &dz, &products, to);
    launch_keys(call, results, &dz, &products, to);
    let bias = call.bias.as_ref().filter(|_| wanted)?;
    Some(bias_gradient(call, bias, results, &dz, &products))
}

fn launch_queries(
    call: &AttentionCall,
    results: &Results,
    dz: &CubeTensor,
    products: &CubeTensor,
    to: &Gradients,
) {
    let [q, k, v] = &call.tensors;
    let [q_rows, k_rows, v_rows] = call.rows.map(Rows::argument);
    let blocks = call.n_query.div_ceil(UNITS);
    attention_backward_queries::launch(
        &q.client,
        cubes(&q.client, call.batch * call.heads.n_heads * blocks),
        units_of(UNITS),
        floats(q),
        floats(k),
        floats(v),
        call.bias_argument(),
        call.lens_argument(),
        floats(&results.z),
        floats(dz),
        floats(&results.log_sum_exp),
        floats(products),
        floats(&to.dq),
        q_rows,
        k_rows,
        v_rows,
        to.rows[0].argument(),
        call.sizes(),
        call.d_head,
        call.tile(),
        call.causal,
    );
}

fn launch_keys(
    call: &AttentionCall,
    results: &Results,
    dz: &CubeTensor,
    products: &CubeTensor,
    to: &Gradients,
) {
    let [q, k, v] = &call.tensors;
    let [q_rows, k_rows, v_rows] = call.rows.map(Rows::argument);
    let blocks = call.n_key.div_ceil(UNITS);
    attention_backward_keys::launch(
        &q.client,
        cubes(&q.client, call.batch * call.heads.n_kv_heads * blocks),
        units_of(UNITS),
        floats(q),
        floats(k),
        floats(v),
        call.bias_argument(),
        call.lens_argument(),
        floats(dz),
        floats(&results.log_sum_exp),
        floats(products),
        to.dkv.iter().map(floats).collect(),
        q_rows,
        k_rows,
        v_rows,
        to.rows[1].argument(),
        to.rows[2].argument(),
        call.sizes(),
        call.d_head,
        call.tile(),
        call.causal,
    );
}
