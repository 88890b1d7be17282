//! The backward pass.

use super::chunk::Chunk;
use super::pack::Head;
use super::pass::Backward;
use super::rows::{Part, RowsMut};
use super::{HeadRows, KEY_BLOCK, LN_2, PARALLEL_WORK, QUERY_BLOCK, Rows, Shape, for_each};
use crate::cpu::scratch::{Scratch, cut, padded};
use crate::cpu::simd::arch;
use crate::cpu::threads::n_threads;
use pulp::Simd;

/// Keys that all queries visit before moving on to the next: the copies and gradients of this many
/// stay in a core's cache, 5 · 128 KB with a `d_head` of 64.
const KEY_CHUNK: usize = 512;

/// Layout of the gradients of `q`, `k` and `v`: parts of one buffer, since all three may be columns
/// of one projection.
#[derive(Debug)]
pub(crate) struct Gradients<'a> {
    /// The buffer. Elements outside the vectors of the three parts are left alone.
    pub data: &'a mut [f32],
    /// The gradient of `q`.
    pub q: Rows,
    /// The gradient of `k`.
    pub k: Rows,
    /// The gradient of `v`.
    pub v: Rows,
}

/// Compute the gradients of [`super::forward`], overwriting the previous contents.
///
/// With `p = exp(q·kᵀ/√d_head + bias − log_sum_exp)`: `dv = pᵀ·dz`, and with the gradient of the
/// scores `ds = p ∘ (dz·vᵀ − rowsum(dz ∘ z))`: `dq = ds·k/√d_head`, `dk = dsᵀ·q/√d_head`, and
/// `dbias` sums `ds` over the sequences and the pairs with that offset (Dao et al. 2022, appendix
/// B.4).
///
/// # Shapes
/// - `q`, `k`, `v`, `bias`, `lens`, `z`, `log_sum_exp`: as in the forward pass; `dz` as `z`
/// - `gradients`: as `q`, `k` and `v`, in any layout
/// - `dbias`: as `bias`
///
/// # Panics
/// If the sizes contradict each other or the data, or if the gradients overlap.
#[allow(clippy::too_many_arguments)]
pub(crate) fn backward(
    shape: &Shape,
    q: HeadRows<'_>,
    k: HeadRows<'_>,
    v: HeadRows<'_>,
    bias: Option<&[f32]>,
    lens: Option<&[usize]>,
    z: &[f32],
    dz: &[f32],
    log_sum_exp: &[f32],
    gradients: Gradients<'_>,
    dbias: Option<&mut [f32]>,
) {
    if shape.is_empty() {
        return;
    }
    shape.check(q, k, v, bias, z, log_sum_exp);
    assert_eq!(dz.len(), z.len(), "dz is not as long as z");
    let Shape {
        batch,
        n_heads,
        n_kv_heads,
        n_query,
        n_key,
        d_head,
        ..
    } = *shape;
    let part = |rows, heads, n_pos| Part {
        rows,
        sizes: [batch, heads, n_pos],
        width: d_head,
    };
    let parts = [
        part(gradients.q, n_heads, n_query),
        part(gradients.k, n_kv_heads, n_key),
        part(gradients.v, n_kv_heads, n_key),
    ];
    let [dq, dk, dv] = RowsMut::split(gradients.data, parts);
    let [z, dz] = [z, dz].map(|data| HeadRows {
        data,
        rows: shape.z_rows(),
    });
    let n_offsets = n_key + n_query - 1;
    let by_sequence_len = if dbias.is_some() {
        batch * n_heads * n_offsets
    } else {
        0
    };
    let mut lent = Scratch::new(by_sequence_len);
    let by_sequence = lent.floats();
    by_sequence.fill(0.0);
    let rows = Rows {
        offset: 0,
        batch_stride: n_heads * n_offsets,
        head_stride: n_offsets,
        pos_stride: n_offsets,
    };
    let part = Part {
        rows,
        sizes: [batch, n_heads, 1],
        width: n_offsets,
    };
    let dbias_rows = dbias.is_some().then(|| {
        let [rows] = RowsMut::split(by_sequence, [part]);
        rows
    });
    let pass = Backward {
        shape: *shape,
        lens,
        q,
        k,
        v,
        bias,
        z,
        dz,
        log_sum_exp,
        dq,
        dk,
        dv,
        dbias: dbias_rows,
    };
    let tasks = batch * n_kv_heads;
    let parallel = shape.work() >= PARALLEL_WORK && tasks > 1 && n_threads() > 1;
    for_each(parallel, tasks, |task| {
        kv_head(&pass, task / n_kv_heads, task % n_kv_heads)
    });
    if let Some(dbias) = dbias {
        sum_over_sequences(by_sequence, n_heads, n_offsets, dbias);
    }
}

/// Sum `[batch, head, offset]` over the sequences, always in the same order, into `[offset, head]`.
fn sum_over_sequences(by_sequence: &[f32], n_heads: usize, n_offsets: usize, dbias: &mut [f32]) {
    assert_eq!(
        dbias.len(),
        n_offsets * n_heads,
        "dbias is not [n_key + n_query − 1, head]"
    );
    dbias.fill(0.0);
    for heads in by_sequence.chunks_exact(n_heads * n_offsets) {
        for (head, by_offset) in heads.chunks_exact(n_offsets).enumerate() {
            for (offset, x) in by_offset.iter().enumerate() {
                dbias[offset * n_heads + head] += x;
            }
        }
    }
}

/// Compute the gradients of one key head and of its query heads.
#[pulp::with_simd(kv_head = arch())]
#[inline(always)]
fn kv_head_with_simd<S: Simd>(simd: S, pass: &Backward<'_>, batch: usize, kv_head: usize) {
    let Shape {
        n_query,
        n_key,
        d_head,
        ..
    } = pass.shape;
    let shape = pass.shape.of_sequence(pass.lens, batch);
    let width = padded(d_head);
    let chunk = KEY_CHUNK.min(n_key.next_multiple_of(KEY_BLOCK));
    let mut lent = Scratch::new(chunk * (2 * d_head + 3 * width));
    let mut scratch = lent.floats();
    let keys_transposed = cut(&mut scratch, chunk * d_head);
    let values_transposed = cut(&mut scratch, chunk * d_head);
    let keys = cut(&mut scratch, chunk * width);
    let dk = cut(&mut scratch, chunk * width);
    let dv = cut(&mut scratch, chunk * width);
    for first in (0..n_key).step_by(KEY_CHUNK) {
        let positions = first..n_key.min(first + KEY_CHUNK);
        let k = Head {
            from: pass.k,
            batch,
            head: kv_head,
            d_head,
        };
        k.transposed(simd, positions.clone(), keys_transposed);
        k.rows(positions.clone(), 1.0, keys);
        let v = Head {
            from: pass.v,
            batch,
            head: kv_head,
            d_head,
        };
        v.transposed(simd, positions.clone(), values_transposed);
        dk.fill(0.0);
        dv.fill(0.0);
        let mut chunk = Chunk {
            first,
            len: positions.len(),
            keys_transposed,
            values_transposed,
            keys,
            dk,
            dv,
        };
        for head in kv_head * pass.shape.group()..(kv_head + 1) * pass.shape.group() {
            for query in (0..n_query).step_by(QUERY_BLOCK) {
                let rows = QUERY_BLOCK.min(n_query - query);
                if shape.visible(query + rows - 1, first) > 0 {
                    chunk.query_block(simd, pass, [batch, head, query], rows);
                }
            }
        }
        for (i, pos) in positions.enumerate() {
            // SAFETY: every key head is processed once, and every position in it by exactly one
            // chunk.
            #[allow(unsafe_code)]
            let (dk_row, dv_row) = unsafe {
                (
                    pass.dk.row(batch, kv_head, pos),
                    pass.dv.row(batch, kv_head, pos),
                )
            };
            // The queries that dk was multiplied with include the scale and log2 e.
            for (out, x) in dk_row.iter_mut().zip(&dk[i * width..]) {
                *out = x * LN_2;
            }
            dv_row.copy_from_slice(&dv[i * width..][..d_head]);
        }
    }
}
