//! The forward pass of a single query against many keys. Its speed is limited by memory bandwidth,
//! so keys and values are read once, in place.

use super::bias::BiasWindow;
use super::pack::Head;
use super::pass::Forward;
use super::softmax::{add, exp_and_accumulate, hide, raise_maximum};
use super::{KEY_BLOCK, LN_2, LOG2_E, Shape};
use crate::cpu::product::{Left, Product, dot};
use crate::cpu::scratch::{LINE, Scratch, cut, padded};
use crate::cpu::simd::arch;
use pulp::Simd;

/// Process the query heads of one key head.
#[pulp::with_simd(kv_head = arch())]
#[inline(always)]
pub(super) fn kv_head_with_simd<S: Simd>(
    simd: S,
    pass: &Forward<'_>,
    batch: usize,
    kv_head: usize,
) {
    let shape = &pass.shape.of_sequence(pass.lens, batch);
    let Shape {
        n_real,
        d_head,
        n_heads,
        ..
    } = *shape;
    let (group, width) = (shape.group(), padded(d_head));
    let heads = kv_head * group;
    let whole = d_head / S::F32_LANES * S::F32_LANES;
    let len = group * (2 * width + KEY_BLOCK + LINE) + padded(group) + KEY_BLOCK;
    let mut lent = Scratch::new(len);
    let mut scratch = lent.floats();
    let query = cut(&mut scratch, group * width);
    let out = cut(&mut scratch, group * width);
    let scores = cut(&mut scratch, group * KEY_BLOCK);
    let sums = cut(&mut scratch, group * LINE);
    let maxima = &mut cut(&mut scratch, group)[..group];
    let biases = scratch;
    for (head, query) in query.chunks_exact_mut(width).enumerate() {
        let head = Head {
            from: pass.q,
            batch,
            head: heads + head,
            d_head,
        };
        head.rows(0..1, shape.scale() * LOG2_E, query);
    }
    out.fill(0.0);
    sums.fill(0.0);
    maxima.fill(f32::MIN);
    for key in (0..n_real).step_by(KEY_BLOCK) {
        let n_keys = KEY_BLOCK.min(n_real - key);
        for i in 0..n_keys {
            let x = Head {
                from: pass.k,
                batch,
                head: kv_head,
                d_head,
            }
            .at(key + i);
            for (query, scores) in query
                .chunks_exact(width)
                .zip(scores.chunks_exact_mut(KEY_BLOCK))
            {
                scores[i] = dot(simd, query, x);
            }
        }
        for (head, scores) in scores.chunks_exact_mut(KEY_BLOCK).enumerate() {
            if let Some(bias) = pass.bias {
                BiasWindow::new(shape, 0, 1, key, n_keys).gather(
                    bias,
                    n_heads,
                    heads + head,
                    LOG2_E,
                    biases,
                );
                add(&mut scores[..n_keys], biases);
            }
            hide(simd, scores, n_keys);
            let sums = &mut sums[head * LINE..][..LINE];
            raise_maximum(
                simd,
                scores,
                &mut maxima[head],
                (&mut *sums, &mut out[head * width..][..width]),
            );
            exp_and_accumulate(simd, scores, maxima[head], sums);
        }
        Product {
            rows: group,
            inner: n_keys,
            columns: whole,
            left: Left {
                data: scores,
                row_stride: KEY_BLOCK,
                inner_stride: 1,
            },
            right: pass.v.from(batch, kv_head, key),
            right_stride: pass.v.rows.pos_stride,
            out,
            out_stride: width,
            accumulate: true,
        }
        .run(simd);
        for i in 0..if whole < d_head { n_keys } else { 0 } {
            let value = &Head {
                from: pass.v,
                batch,
                head: kv_head,
                d_head,
            }
            .at(key + i)[whole..];
            for (out, scores) in out
                .chunks_exact_mut(width)
                .zip(scores.chunks_exact(KEY_BLOCK))
            {
                for (out, x) in out[whole..].iter_mut().zip(value) {
                    *out += scores[i] * x;
                }
            }
        }
    }
    for (head, out) in out.chunks_exact(width).enumerate() {
        let sum = simd.reduce_sum_f32s(S::as_simd_f32s(&sums[head * LINE..]).0[0]);
        let normalizer = 1.0 / sum;
        // SAFETY: every key head is processed once, and its query heads with it.
        #[allow(unsafe_code)]
        let (z, log_sum_exp) = unsafe {
            (
                pass.z.row(batch, heads + head, 0),
                pass.log_sum_exp.row(batch, heads + head, 0),
            )
        };
        for (z, x) in z.iter_mut().zip(out) {
            *z = x * normalizer;
        }
        log_sum_exp[0] = (maxima[head] + sum.log2()) * LN_2;
    }
}
