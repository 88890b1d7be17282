//! Scaled dot-product attention (Vaswani et al. 2017, equation 1), with grouped keys and values.

use super::heads::merge_heads;
use crate::{AttentionOptions, HeadCounts, assert_shape, dropout};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData, activation};

/// The score of a hidden key. Finite, because WGSL does not guarantee infinities; its softmax is
/// exactly 0 in `f32`.
pub const HIDDEN_SCORE: f32 = -1e30;

/// Compute [`crate::attention()`].
pub fn attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    options: &AttentionOptions,
) -> Tensor<4> {
    mix(dropout(pattern(scores(q, k, options)), options.dropout), v)
}

/// Compute [`crate::self_attention`].
pub fn self_attention(qkv: Tensor<3>, heads: HeadCounts, options: &AttentionOptions) -> Tensor<3> {
    let [q, k, v] = heads.split(qkv);
    merge_heads(attention(q, k, v, options))
}

/// Compute [`crate::cross_attention`].
pub fn cross_attention(
    q: Tensor<3>,
    kv: Tensor<3>,
    heads: HeadCounts,
    options: &AttentionOptions,
) -> Tensor<3> {
    let [q, k, v] = heads.split_apart(q, kv);
    merge_heads(attention(q, k, v, options))
}

/// Compute `q·kᵀ/√d_head + bias`, with hidden keys at [`HIDDEN_SCORE`].
///
/// # Shapes
/// - `q`: `[batch, n_heads, query, d_head]`
/// - `k`: `[batch, n_kv_heads, key, d_head]`
/// - result: `[batch, n_heads, query, key]`
pub fn scores(q: Tensor<4>, k: Tensor<4>, options: &AttentionOptions) -> Tensor<4> {
    let [batch, n_heads, n_query, d_head] = q.dims();
    let [_, n_kv_heads, n_key, _] = k.dims();
    assert_shape!(k, [batch, n_kv_heads, n_key, d_head]);
    assert!(
        n_heads.is_multiple_of(n_kv_heads),
        "{n_heads} query heads cannot share {n_kv_heads} key heads"
    );
    let group = n_heads / n_kv_heads;
    let device = q.device().inner();
    // Scaling q costs d_head multiplications per query; scaling the scores would cost n_key.
    let q = q * (1.0 / (d_head as f64).sqrt());
    // The query heads that share a key head are rows of one product.
    let scores = q
        .reshape([batch, n_kv_heads, group * n_query, d_head])
        .matmul(k.swap_dims(2, 3))
        .reshape([batch, n_heads, n_query, n_key]); // [batch, head, query, key]
    let scores = match &options.bias {
        Some(bias) => {
            assert_shape!(bias, [n_key + n_query - 1, n_heads]);
            scores + bias_by_pair(bias.clone(), n_query, n_key)
        }
        None => scores,
    };
    let scores = match &options.lens {
        Some(lens) => scores.mask_fill(
            padding(lens, n_key, &device)
                .reshape([batch, 1, 1, n_key])
                .expand([batch, n_heads, n_query, n_key]),
            HIDDEN_SCORE,
        ),
        None => scores,
    };
    if options.causal && n_query > 1 {
        assert!(
            n_key >= n_query,
            "{n_query} queries cannot stand at the end of {n_key} keys"
        );
        let hidden =
            Tensor::<2, Bool>::tril_mask([n_query, n_key], (n_key - n_query) as i64, &device);
        scores.mask_fill(
            hidden
                .unsqueeze::<4>()
                .expand([batch, n_heads, n_query, n_key]),
            HIDDEN_SCORE,
        )
    } else {
        scores
    }
}

/// Return true at the positions of each sequence that are padding.
///
/// # Shapes
/// - result: `[batch, pos]`
pub(crate) fn padding(lens: &[usize], n_pos: usize, device: &Device) -> Tensor<2, Bool> {
    let flags: Vec<bool> = lens
        .iter()
        .flat_map(|len| (0..n_pos).map(move |pos| pos >= *len))
        .collect();
    Tensor::from_data(TensorData::new(flags, [lens.len(), n_pos]), device)
}

/// Compute the softmax over the keys.
///
/// # Shapes
/// - `scores` and the result: `[batch, head, query, key]`
pub fn pattern(scores: Tensor<4>) -> Tensor<4> {
    activation::softmax(scores, 3)
}

/// Compute the weighted sum of the values, `pattern·v`.
///
/// # Shapes
/// - `pattern`: `[batch, n_heads, query, key]`
/// - `v`: `[batch, n_kv_heads, key, d_head]`
/// - result: `[batch, n_heads, query, d_head]`
pub fn mix(pattern: Tensor<4>, v: Tensor<4>) -> Tensor<4> {
    let [batch, n_heads, n_query, n_key] = pattern.dims();
    let [_, n_kv_heads, _, d_head] = v.dims();
    assert_shape!(v, [batch, n_kv_heads, n_key, d_head]);
    pattern
        .reshape([batch, n_kv_heads, n_heads / n_kv_heads * n_query, n_key])
        .matmul(v)
        .reshape([batch, n_heads, n_query, d_head])
}

/// Spread a bias by offset over all pairs of query and key.
///
/// # Shapes
/// - `bias`: `[n_key + n_query − 1, head]`
/// - result: `[1, head, query, key]`
fn bias_by_pair(bias: Tensor<2>, n_query: usize, n_key: usize) -> Tensor<4> {
    let [_, n_heads] = bias.dims();
    let first = n_key - n_query;
    // Row of the pair: (first + query − key) + (n_query − 1), where query and key each count from
    // their own first.
    let rows: Vec<i64> = (0..n_query)
        .flat_map(|query| {
            (0..n_key).map(move |key| (first + query + n_query - 1) as i64 - key as i64)
        })
        .collect();
    let rows =
        Tensor::<1, Int>::from_data(TensorData::new(rows, [n_query * n_key]), &bias.device());
    bias.select(0, rows)
        .reshape([n_query, n_key, n_heads])
        .permute([2, 0, 1])
        .unsqueeze()
}
