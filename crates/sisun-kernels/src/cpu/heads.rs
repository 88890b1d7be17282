//! Operations on the query and key heads inside one fused projection: rotation and normalisation.

use super::buffer::Buffer;
use super::norm::{self, Norm};
use super::threads::{for_rows, for_rows2, sum_over_rows};

/// Layout of the fused projection of one position: query heads, key heads, value heads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QkvShape {
    pub n_heads: usize,
    pub n_kv_heads: usize,
    pub d_head: usize,
}

impl QkvShape {
    pub(crate) fn width(self) -> usize {
        (self.n_heads + 2 * self.n_kv_heads) * self.d_head
    }
}

/// Rotate the first `2·half` dimensions of every query and key head by the angles of its position,
/// dimension `i` with dimension `i + half`; `backwards` rotates by the negative angles, which
/// computes the gradient.
///
/// # Shapes
/// - `x` and the result: `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`
/// - `cos`, `sin`: `[pos, half]`
pub(crate) fn rotate(
    x: &[f32],
    qkv_shape: QkvShape,
    cos: &[f32],
    sin: &[f32],
    half: usize,
    backwards: bool,
) -> Buffer {
    let width = qkv_shape.width();
    let mut y = Buffer::uncleared(x.len());
    if half == 0 {
        y.copy_from_slice(x);
        return y;
    }
    let n_pos = cos.len() / half;
    let transposed = (qkv_shape.n_heads + qkv_shape.n_kv_heads) * qkv_shape.d_head;
    for_rows(&mut y, width, 2 * width, |first, y| {
        y.copy_from_slice(&x[first * width..][..y.len()]);
        for (i, row) in y.chunks_exact_mut(width).enumerate() {
            let at = (first + i) % n_pos * half;
            let (cos, sin) = (&cos[at..][..half], &sin[at..][..half]);
            for head in row[..transposed].chunks_exact_mut(qkv_shape.d_head) {
                let (low, high) = head.split_at_mut(half);
                for (((a, b), cos), sin) in low.iter_mut().zip(high).zip(cos).zip(sin) {
                    let sin = if backwards { -sin } else { *sin };
                    (*a, *b) = (*a * cos - *b * sin, *b * cos + *a * sin);
                }
            }
        }
    });
    y
}

/// Apply the RMS norm to every query head and every key head, leaving value heads unchanged. Return
/// the result and the moments of each head.
///
/// # Shapes
/// - `x` and the result: as for [`rotate`]
/// - moments: `[batch, pos, n_heads + n_kv_heads, 2]`
pub(crate) fn norm(
    x: &[f32],
    qkv_shape: QkvShape,
    gamma_q: Norm<'_>,
    gamma_k: Norm<'_>,
) -> (Buffer, Buffer) {
    let (width, n_normed) = (qkv_shape.width(), qkv_shape.n_heads + qkv_shape.n_kv_heads);
    let mut y = Buffer::uncleared(x.len());
    let mut moments = Buffer::uncleared(x.len() / width * n_normed * 2);
    let [queries, keys] = [qkv_shape.n_heads, qkv_shape.n_kv_heads].map(|n| n * qkv_shape.d_head);
    for_rows2(
        (&mut y, width),
        (&mut moments, n_normed * 2),
        8 * width,
        |first, y, moments| {
            let rows = y
                .chunks_exact_mut(width)
                .zip(moments.chunks_exact_mut(n_normed * 2));
            for ((y, moments), x) in rows.zip(x[first * width..].chunks_exact(width)) {
                let (moments_q, moments_k) = moments.split_at_mut(qkv_shape.n_heads * 2);
                norm::forward_rows(&mut y[..queries], moments_q, &x[..queries], gamma_q, None);
                norm::forward_rows(
                    &mut y[queries..][..keys],
                    moments_k,
                    &x[queries..][..keys],
                    gamma_k,
                    None,
                );
                y[queries + keys..].copy_from_slice(&x[queries + keys..]);
            }
        },
    );
    (y, moments)
}

/// Return the gradients of [`norm`]: that of `x`, and those of both γ in one row of `4·d_head`
/// (each followed by the unused sums that would be the gradient of a β).
pub(crate) fn norm_backward(
    dy: &[f32],
    x: &[f32],
    moments: &[f32],
    qkv_shape: QkvShape,
    gamma_q: Norm<'_>,
    gamma_k: Norm<'_>,
) -> (Buffer, Buffer) {
    let (width, n_normed) = (qkv_shape.width(), qkv_shape.n_heads + qkv_shape.n_kv_heads);
    let mut dx = Buffer::uncleared(x.len());
    let [queries, keys] = [qkv_shape.n_heads, qkv_shape.n_kv_heads].map(|n| n * qkv_shape.d_head);
    let n_sums = 4 * qkv_shape.d_head;
    let sums = sum_over_rows(
        (&mut dx, width),
        x.len() / width,
        n_sums,
        12 * width,
        |first, dx, sums| {
            let (sums_q, sums_k) = sums.split_at_mut(n_sums / 2);
            for (i, dx) in dx.chunks_exact_mut(width).enumerate() {
                let (dy, x) = (
                    &dy[(first + i) * width..][..width],
                    &x[(first + i) * width..][..width],
                );
                let (moments_q, moments_k) = moments[(first + i) * n_normed * 2..][..n_normed * 2]
                    .split_at(qkv_shape.n_heads * 2);
                norm::backward_rows(
                    &mut dx[..queries],
                    sums_q,
                    &dy[..queries],
                    &x[..queries],
                    moments_q,
                    gamma_q,
                );
                let k = queries..queries + keys;
                norm::backward_rows(
                    &mut dx[k.clone()],
                    sums_k,
                    &dy[k.clone()],
                    &x[k],
                    moments_k,
                    gamma_k,
                );
                dx[queries + keys..].copy_from_slice(&dy[queries + keys..]);
            }
        },
    );
    (dx, sums)
}
