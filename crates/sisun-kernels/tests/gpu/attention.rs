//! Attention of a sequence to itself, to another, and of separate queries, keys and values.

#![allow(clippy::type_complexity)] // rows of a table

use super::{agree, flat, gpu, normal};
use burn::tensor::Tensor;
use sisun_kernels::{
    AttentionOptions, HeadCounts, attention, cross_attention, reference, self_attention,
};

#[test]
fn attentions() {
    let Some(device) = gpu() else { return };
    let cases: [(
        usize,
        usize,
        usize,
        usize,
        usize,
        bool,
        bool,
        Option<&[usize]>,
    ); 8] = [
        (1, 1, 1, 1, 1, true, false, None),
        (2, 7, 2, 2, 5, true, false, None),
        (1, 65, 4, 2, 8, true, true, None),
        (2, 33, 3, 1, 7, false, true, None),
        (3, 40, 2, 1, 16, false, false, Some(&[1, 40, 17])),
        (2, 70, 2, 1, 10, true, true, Some(&[33, 70])),
        (1, 130, 1, 1, 64, true, false, None),
        (1, 9, 1, 1, 130, true, false, None),
    ];
    for (batch, pos, n_heads, n_kv_heads, d_head, causal, biased, lens) in cases {
        let heads = HeadCounts {
            n_heads,
            n_kv_heads,
        };
        let shape = [batch, pos, (n_heads + 2 * n_kv_heads) * d_head];
        let mut inputs = vec![normal(&format!("qkv {pos}"), shape.iter().product())];
        inputs.extend(biased.then(|| normal("bias", (2 * pos - 1) * n_heads)));
        let options = |x: &[Tensor<1>]| AttentionOptions {
            causal,
            bias: x
                .get(1)
                .map(|bias| bias.clone().reshape([2 * pos - 1, n_heads])),
            dropout: 0.0,
            lens: lens.map(Into::into),
        };
        agree(
            &format!("{heads:?} of {shape:?}, causal {causal}, bias {biased}, lengths {lens:?}"),
            &device,
            &inputs,
            &|x| {
                flat(self_attention(
                    x[0].clone().reshape(shape),
                    heads,
                    &options(x),
                ))
            },
            &|x| {
                flat(reference::self_attention(
                    x[0].clone().reshape(shape),
                    heads,
                    &options(x),
                ))
            },
        );
    }
}

#[test]
fn attentions_of_parts() {
    let Some(device) = gpu() else { return };
    // Queries of the end of a cached sequence; one query has a kernel of its own without autodiff.
    let cases: [(
        usize,
        usize,
        usize,
        usize,
        usize,
        usize,
        bool,
        Option<&[usize]>,
    ); 6] = [
        (1, 1, 1, 1, 1, 1, false, None),
        (2, 1, 300, 4, 2, 10, true, None),
        (3, 1, 70, 2, 2, 64, false, Some(&[70, 1, 33])),
        (1, 5, 37, 2, 1, 7, true, None),
        (2, 66, 67, 3, 3, 8, true, None),
        (1, 1, 9, 1, 1, 200, false, None),
    ];
    for (batch, n_query, n_key, n_heads, n_kv_heads, d_head, biased, lens) in cases {
        let lens_of_inputs = [
            batch * n_heads * n_query * d_head,
            batch * n_kv_heads * n_key * d_head,
            batch * n_kv_heads * n_key * d_head,
            (n_key + n_query - 1) * n_heads,
        ];
        let inputs: Vec<Vec<f32>> = lens_of_inputs[..3 + usize::from(biased)]
            .iter()
            .enumerate()
            .map(|(i, n)| normal(&format!("input {i} of {n_key}"), *n))
            .collect();
        // As a projection and as a cache lay them out.
        let parts = |x: &[Tensor<1>]| {
            let q = x[0]
                .clone()
                .reshape([batch, n_query, n_heads, d_head])
                .swap_dims(1, 2);
            let kv = |i: usize| x[i].clone().reshape([batch, n_kv_heads, n_key, d_head]);
            (q, kv(1), kv(2))
        };
        let options = |x: &[Tensor<1>]| AttentionOptions {
            causal: true,
            bias: x
                .get(3)
                .map(|bias| bias.clone().reshape([n_key + n_query - 1, n_heads])),
            dropout: 0.0,
            lens: lens.map(Into::into),
        };
        agree(
            &format!("{n_query} queries, {n_key} keys, {n_heads} of {d_head}, lengths {lens:?}"),
            &device,
            &inputs,
            &|x| {
                let (q, k, v) = parts(x);
                flat(attention(q, k, v, &options(x)))
            },
            &|x| {
                let (q, k, v) = parts(x);
                flat(reference::attention(q, k, v, &options(x)))
            },
        );
    }
}

#[test]
fn cross_attentions() {
    let Some(device) = gpu() else { return };
    let cases: [(usize, usize, usize, usize, usize, usize, Option<&[usize]>); 3] = [
        (1, 3, 5, 1, 1, 3, None),
        (2, 7, 70, 4, 2, 8, Some(&[70, 9])),
        (2, 65, 3, 2, 2, 16, None),
    ];
    for (batch, n_query, n_key, n_heads, n_kv_heads, d_head, lens) in cases {
        let heads = HeadCounts {
            n_heads,
            n_kv_heads,
        };
        let shapes = [
            [batch, n_query, n_heads * d_head],
            [batch, n_key, 2 * n_kv_heads * d_head],
        ];
        let inputs = shapes.map(|shape| normal(&format!("{shape:?}"), shape.iter().product()));
        let parts = |x: &[Tensor<1>]| [0, 1].map(|i| x[i].clone().reshape(shapes[i]));
        let options = AttentionOptions {
            causal: false,
            bias: None,
            dropout: 0.0,
            lens: lens.map(Into::into),
        };
        agree(
            &format!("{n_query} queries, {n_key} keys, {heads:?} of {d_head}, lengths {lens:?}"),
            &device,
            &inputs,
            &|x| {
                let [q, kv] = parts(x);
                flat(cross_attention(q, kv, heads, &options))
            },
            &|x| {
                let [q, kv] = parts(x);
                flat(reference::cross_attention(q, kv, heads, &options))
            },
        );
    }
}
