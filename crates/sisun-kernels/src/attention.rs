//! Scaled dot-product attention (Vaswani et al. 2017, equation 1), with grouped keys and values.

use crate::assert_shape;
use crate::backend::Kernels;
use crate::options::{AttentionOptions, HeadCounts};
use crate::reference::{self, merge_heads};
use burn::backend::Dispatch;
use burn::tensor::Tensor;

pub use crate::reference::{HIDDEN_SCORE, mix, pattern, scores};

/// The widest head whose attention a GPU computes without the `[query, key]` tensor.
pub const WIDEST_FUSED_HEAD: usize = 256;

/// Compute `softmax(q·kᵀ/√d_head + bias)·v`, leaving hidden keys out.
///
/// With dropout this is the plain composition, which materialises the pattern.
///
/// # Shapes
/// - `q`: `[batch, n_heads, query, d_head]`
/// - `k`, `v`: `[batch, n_kv_heads, key, d_head]`; query head `h` reads key head
///   `h / (n_heads / n_kv_heads)`
/// - result `z`: `[batch, n_heads, query, d_head]`
pub fn attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    options: &AttentionOptions,
) -> Tensor<4> {
    let ([batch, n_heads, n_query, d_head], [_, n_kv_heads, n_key, _]) = (q.dims(), k.dims());
    assert_shape!(k, [batch, n_kv_heads, n_key, d_head]);
    assert_shape!(v, [batch, n_kv_heads, n_key, d_head]);
    check(
        HeadCounts {
            n_heads,
            n_kv_heads,
        },
        n_query,
        n_key,
        options,
    );
    if options.dropout > 0.0 {
        return reference::attention(q, k, v, options);
    }
    let (q, k, v) = (q.into_dispatch(), k.into_dispatch(), v.into_dispatch());
    let z = Tensor::<3>::from_dispatch(Dispatch::attention(
        q,
        k,
        v,
        options.bias.clone().into(),
        options.causal,
        options.lens.clone(),
    ));
    z.reshape([batch, n_query, n_heads, d_head]).swap_dims(1, 2)
}

/// Compute [`attention`] of a sequence to itself, with q, k and v side by side as one fused
/// projection returns them.
///
/// # Shapes
/// - `qkv`: `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`
/// - result `z`: `[batch, pos, n_heads·d_head]`
pub fn self_attention(qkv: Tensor<3>, heads: HeadCounts, options: &AttentionOptions) -> Tensor<3> {
    let [_, pos, width] = qkv.dims();
    heads.d_head(width); // panics unless the columns are whole heads
    check(heads, pos, pos, options);
    if options.dropout > 0.0 {
        let [q, k, v] = heads.split(qkv);
        return merge_heads(reference::attention(q, k, v, options));
    }
    Tensor::from_dispatch(Dispatch::self_attention(
        qkv.into_dispatch(),
        options.bias.clone().into(),
        heads,
        options.causal,
        options.lens.clone(),
    ))
}

/// Compute [`attention`] of a sequence to another one (Vaswani et al. 2017, §3.2.3), with the
/// queries of one projection and the keys and values side by side as another one returns them.
///
/// # Shapes
/// - `q`: `[batch, query, n_heads·d_head]`
/// - `kv`: `[batch, key, 2·n_kv_heads·d_head]`
/// - result `z`: `[batch, query, n_heads·d_head]`
pub fn cross_attention(
    q: Tensor<3>,
    kv: Tensor<3>,
    heads: HeadCounts,
    options: &AttentionOptions,
) -> Tensor<3> {
    let ([batch, n_query, width], [_, n_key, _]) = (q.dims(), kv.dims());
    let d_head = width / heads.n_heads;
    assert_shape!(q, [batch, n_query, heads.n_heads * d_head]);
    assert_shape!(kv, [batch, n_key, 2 * heads.n_kv_heads * d_head]);
    check(heads, n_query, n_key, options);
    if options.dropout > 0.0 || options.bias.is_some() || options.causal {
        let [q, k, v] = heads.split_apart(q, kv);
        return merge_heads(attention(q, k, v, options));
    }
    Tensor::from_dispatch(Dispatch::cross_attention(
        q.into_dispatch(),
        kv.into_dispatch(),
        heads,
        options.lens.clone(),
    ))
}

fn check(heads: HeadCounts, n_query: usize, n_key: usize, options: &AttentionOptions) {
    let HeadCounts {
        n_heads,
        n_kv_heads,
    } = heads;
    assert!(
        n_heads.is_multiple_of(n_kv_heads),
        "{n_heads} query heads cannot share {n_kv_heads} key heads"
    );
    assert!(
        !options.causal || n_key >= n_query,
        "{n_query} queries cannot stand at the end of {n_key} keys"
    );
    if let Some(bias) = &options.bias {
        assert_shape!(bias, [n_key + n_query - 1, n_heads]);
    }
}
