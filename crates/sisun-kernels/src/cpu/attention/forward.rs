//! The forward pass.

use super::bias::BiasWindow;
use super::pack::Head;
use super::pass::Forward;
use super::rows::{Part, RowsMut};
use super::softmax::{add, exp_and_accumulate, hide, raise_maximum};
use super::{
    HeadRows, KEY_BLOCK, LN_2, LOG2_E, PARALLEL_WORK, QUERY_BLOCK, Rows, STRIP, Shape, decode,
    for_each,
};
use crate::cpu::product::{Left, Product};
use crate::cpu::scratch::{LINE, Scratch, cut, padded};
use crate::cpu::simd::arch;
use crate::cpu::threads::n_threads;
use pulp::Simd;

/// Keys whose scores enter the softmax together, several blocks: their scores with a block of
/// queries are 32 KB. More would not fit in the L1 cache; fewer would mean more updates of the
/// maximum.
const KEY_CHUNK: usize = 2 * KEY_BLOCK;

/// Compute `z = softmax(q·kᵀ/√d_head + bias)·v`, leaving hidden keys out, and the `log_sum_exp` of
/// the scores for [`super::backward`].
///
/// # Shapes
/// - `q`: `[batch, n_heads, query, d_head]`, `k` and `v`: `[batch, n_kv_heads, key, d_head]`, in
///   any layout
/// - `bias`: `[n_key + n_query − 1, head]`; row `o` is added where
///   `query − key = o − (n_query − 1)`, the query counted from the first key
/// - `lens`: `[batch]`, from 1 to `key`: later keys of the sequence are hidden
/// - `z`: `[batch, query, head, d_head]`
/// - `log_sum_exp`: `[batch, head, query]`
///
/// # Panics
/// If the sizes contradict each other or the data.
#[allow(clippy::too_many_arguments)]
pub(crate) fn forward(
    shape: &Shape,
    q: HeadRows<'_>,
    k: HeadRows<'_>,
    v: HeadRows<'_>,
    bias: Option<&[f32]>,
    lens: Option<&[usize]>,
    z: &mut [f32],
    log_sum_exp: &mut [f32],
) {
    if shape.is_empty() {
        return;
    }
    shape.check(q, k, v, bias, z, log_sum_exp);
    let Shape {
        batch,
        n_heads,
        n_kv_heads,
        n_query,
        n_key,
        d_head,
        ..
    } = *shape;
    let sizes = [batch, n_heads, n_query];
    let [z] = RowsMut::split(
        z,
        [Part {
            rows: shape.z_rows(),
            sizes,
            width: d_head,
        }],
    );
    let rows = Rows {
        offset: 0,
        batch_stride: n_heads * n_query,
        head_stride: n_query,
        pos_stride: 1,
    };
    let [log_sum_exp] = RowsMut::split(
        log_sum_exp,
        [Part {
            rows,
            sizes,
            width: 1,
        }],
    );
    let pass = Forward {
        shape: *shape,
        lens,
        q,
        k,
        v,
        bias,
        z: &z,
        log_sum_exp: &log_sum_exp,
    };

    let threads = if shape.work() < PARALLEL_WORK {
        1
    } else {
        n_threads()
    };
    let tasks = batch * n_kv_heads;
    for_each(threads > 1 && tasks > 1, tasks, |task| {
        let (batch, kv_head) = (task / n_kv_heads, task % n_kv_heads);
        if n_query == 1 {
            return decode::kv_head(&pass, batch, kv_head);
        }
        let (keys_len, values_len) = (
            n_key.next_multiple_of(KEY_BLOCK) * d_head,
            n_key * padded(d_head),
        );
        let mut lent = Scratch::new(padded(keys_len) + values_len);
        let mut scratch = lent.floats();
        let (keys, values) = (cut(&mut scratch, keys_len), scratch);
        pack(&pass, batch, kv_head, keys, values);
        let n_blocks = n_query.div_ceil(QUERY_BLOCK);
        // When there are few heads per thread, the threads share each head block by block.
        for_each(
            threads > 1 && tasks < 4 * threads,
            shape.group() * n_blocks,
            |item| {
                let head = kv_head * shape.group() + item / n_blocks;
                // The last blocks see the most keys. They start first, so that no long block runs
                // alone at the end.
                let first = (n_blocks - 1 - item % n_blocks) * QUERY_BLOCK;
                query_block(&pass, batch, head, first, keys, values);
            },
        );
    });
}

/// Copy the keys (transposed in blocks of [`KEY_BLOCK`]) and the values of a head.
#[pulp::with_simd(pack = arch())]
#[inline(always)]
fn pack_with_simd<S: Simd>(
    simd: S,
    pass: &Forward<'_>,
    batch: usize,
    head: usize,
    keys: &mut [f32],
    values: &mut [f32],
) {
    let Shape { n_key, d_head, .. } = pass.shape;
    Head {
        from: pass.k,
        batch,
        head,
        d_head,
    }
    .transposed(simd, 0..n_key, keys);
    Head {
        from: pass.v,
        batch,
        head,
        d_head,
    }
    .rows(0..n_key, 1.0, values);
}

/// Process the block of queries of one head that starts at `first`, with the keys and values as
/// [`pack`] laid them out.
#[pulp::with_simd(query_block = arch())]
#[inline(always)]
fn query_block_with_simd<S: Simd>(
    simd: S,
    pass: &Forward<'_>,
    batch: usize,
    head: usize,
    first: usize,
    keys: &[f32],
    values: &[f32],
) {
    let shape = &pass.shape.of_sequence(pass.lens, batch);
    let (d_head, width) = (shape.d_head, padded(shape.d_head));
    let rows = QUERY_BLOCK.min(shape.n_query - first);
    let n_seen = shape.visible(first + rows - 1, 0);
    let window = BiasWindow::new(shape, first, rows, 0, n_seen);
    let bias_len = if pass.bias.is_some() { window.len() } else { 0 };
    let len = rows * (2 * width + KEY_CHUNK + LINE) + padded(rows) + padded(bias_len);
    let mut lent = Scratch::new(len);
    let mut scratch = lent.floats();
    let query = cut(&mut scratch, rows * width);
    let out = cut(&mut scratch, rows * width);
    let scores = cut(&mut scratch, rows * KEY_CHUNK);
    let sums = cut(&mut scratch, rows * LINE);
    let maxima = &mut cut(&mut scratch, rows)[..rows];
    let biases = scratch;
    // Scaling q costs d_head multiplications per query; scaling the scores would cost n_key.
    let factor = shape.scale() * LOG2_E;
    Head {
        from: pass.q,
        batch,
        head,
        d_head,
    }
    .rows(first..first + rows, factor, query);
    if let Some(bias) = pass.bias {
        window.gather(bias, shape.n_heads, head, LOG2_E, biases);
    }
    sums.fill(0.0);
    // Finite, so that −∞ among the scores is never subtracted from −∞.
    maxima.fill(f32::MIN);
    for key in (0..n_seen).step_by(KEY_CHUNK) {
        let n_keys = KEY_CHUNK.min(n_seen - key);
        let strip = if shape.visible(first, key) < n_keys {
            STRIP
        } else {
            rows
        };
        for start in (0..rows).step_by(strip) {
            let strip = strip.min(rows - start);
            let columns = shape.visible(first + start + strip - 1, key).min(n_keys);
            if columns == 0 {
                continue;
            }
            let out = &mut out[start * width..][..strip * width];
            let scores = &mut scores[start * KEY_CHUNK..][..strip * KEY_CHUNK];
            for block in (0..columns).step_by(KEY_BLOCK) {
                Product {
                    rows: strip,
                    inner: d_head,
                    columns: padded(KEY_BLOCK.min(columns - block)),
                    left: Left {
                        data: &query[start * width..],
                        row_stride: width,
                        inner_stride: 1,
                    },
                    right: &keys[(key + block) * d_head..],
                    right_stride: KEY_BLOCK,
                    out: &mut scores[block..],
                    out_stride: KEY_CHUNK,
                    accumulate: false,
                }
                .run(simd);
            }
            // Two loops, so that the long dependency chains of the maxima of different rows
            // overlap.
            for row in 0..strip {
                let scores = &mut scores[row * KEY_CHUNK..][..padded(columns)];
                let query = start + row;
                if pass.bias.is_some() {
                    add(&mut scores[..columns], &biases[window.start(query) + key..]);
                }
                hide(simd, scores, shape.visible(first + query, key).min(columns));
                let earlier = (
                    &mut sums[query * LINE..][..LINE],
                    &mut out[row * width..][..width],
                );
                raise_maximum(simd, scores, &mut maxima[query], earlier);
            }
            for row in 0..strip {
                let query = start + row;
                let scores = &mut scores[row * KEY_CHUNK..][..padded(columns)];
                exp_and_accumulate(
                    simd,
                    scores,
                    maxima[query],
                    &mut sums[query * LINE..][..LINE],
                );
            }
            Product {
                rows: strip,
                inner: columns,
                columns: width,
                left: Left {
                    data: scores,
                    row_stride: KEY_CHUNK,
                    inner_stride: 1,
                },
                right: &values[key * width..],
                right_stride: width,
                out,
                out_stride: width,
                accumulate: key > 0,
            }
            .run(simd);
        }
    }
    for row in 0..rows {
        let sum = simd.reduce_sum_f32s(S::as_simd_f32s(&sums[row * LINE..]).0[0]);
        let normalizer = 1.0 / sum;
        // SAFETY: each block of queries of each head is processed once, so the rows of this block
        // are requested only here.
        #[allow(unsafe_code)]
        let (z, log_sum_exp) = unsafe {
            (
                pass.z.row(batch, head, first + row),
                pass.log_sum_exp.row(batch, head, first + row),
            )
        };
        for (z, x) in z.iter_mut().zip(&out[row * width..]) {
            *z = x * normalizer;
        }
        log_sum_exp[0] = (maxima[row] + sum.log2()) * LN_2;
    }
}
