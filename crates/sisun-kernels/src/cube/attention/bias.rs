//! The gradient of the score bias by offset.

use super::super::tensor::{floats, len, per_element, uncleared};
use super::call::{AttentionCall, Results};
use super::layout::{Rows, Sizes, real_keys};
use burn::backend::TensorMetadata;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Write the gradient of the bias, a thread for each offset and head.
#[cube(launch)]
fn attention_backward_bias(
    q: &[f32],
    k: &[f32],
    v: &[f32],
    bias: &[f32],
    lens: Sequence<Box<[u32]>>,
    dz: &[f32],
    log_sum_exp: &[f32],
    products: &[f32],
    dbias: &mut [f32],
    q_rows: Rows,
    k_rows: Rows,
    v_rows: Rows,
    sizes: Sizes,
    #[comptime] d_head: usize,
    #[comptime] causal: bool,
) {
    let at = ABSOLUTE_POS;
    if at < dbias.len() {
        let head = at % sizes.n_heads;
        let offset = at / sizes.n_heads;
        let kv_head = head / (sizes.n_heads / sizes.n_kv_heads);
        let mut sum = 0.0f32;
        for batch in 0..sizes.batch {
            let real = real_keys(&lens, batch, sizes.n_key);
            for query in 0..sizes.n_query {
                // key = query + n_key − 1 − offset
                let beyond = query + sizes.n_key;
                if beyond > offset {
                    let key = beyond - 1 - offset;
                    if key < sizes.visible(query, real, causal) {
                        let q_start = q_rows.start(batch, head, query);
                        let k_start = k_rows.start(batch, kv_head, key);
                        let v_start = v_rows.start(batch, kv_head, key);
                        let z_start =
                            ((batch * sizes.n_query + query) * sizes.n_heads + head) * d_head;
                        let row = (batch * sizes.n_heads + head) * sizes.n_query + query;
                        let mut score = 0.0f32;
                        let mut dweight = 0.0f32;
                        for i in 0..d_head {
                            score += q[q_start + i] * sizes.scale * k[k_start + i];
                            dweight += dz[z_start + i] * v[v_start + i];
                        }
                        let weight = (score + bias[at] - log_sum_exp[row]).exp();
                        sum += weight * (dweight - products[row]);
                    }
                }
            }
        }
        dbias[at] = sum;
    }
}

/// Return the gradient of the bias.
pub(super) fn bias_gradient(
    call: &AttentionCall,
    bias: &CubeTensor,
    results: &Results,
    dz: &CubeTensor,
    products: &CubeTensor,
) -> CubeTensor {
    let dbias = uncleared(bias, bias.shape());
    let [q, k, v] = &call.tensors;
    let [q_rows, k_rows, v_rows] = call.rows.map(Rows::argument);
    let (count, dim) = per_element(&q.client, len(&dbias));
    attention_backward_bias::launch(
        &q.client,
        count,
        dim,
        floats(q),
        floats(k),
        floats(v),
        floats(bias),
        call.lens_argument(),
        floats(dz),
        floats(&results.log_sum_exp),
        floats(products),
        floats(&dbias),
        q_rows,
        k_rows,
        v_rows,
        call.sizes(),
        call.d_head,
        call.causal,
    );
    dbias
}
