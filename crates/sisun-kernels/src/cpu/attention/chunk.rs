//! The backward pass of a block of queries against a chunk of keys.

use super::bias::BiasWindow;
use super::pack::Head;
use super::pass::Backward;
use super::softmax::{add, hide};
use super::{KEY_BLOCK, LOG2_E, STRIP, Shape};
use crate::cpu::math::exp2;
use crate::cpu::product::{Left, Product, dot};
use crate::cpu::scratch::{Scratch, cut, padded};
use pulp::Simd;

/// A chunk of keys and values of one head, with the sums of their gradients.
///
/// # Shapes
/// - `keys_transposed`, `values_transposed`: `[block, d_head, KEY_BLOCK]`
/// - `keys`, `dk`, `dv`: `[key, padded(d_head)]`
pub(super) struct Chunk<'a> {
    pub(super) first: usize,
    pub(super) len: usize,
    pub(super) keys_transposed: &'a [f32],
    pub(super) values_transposed: &'a [f32],
    pub(super) keys: &'a [f32],
    pub(super) dk: &'a mut [f32],
    pub(super) dv: &'a mut [f32],
}

/// A block of queries of one head, with its working memory.
///
/// # Shapes
/// - `query`, `dz`, `dq`: `[rows, padded(d_head)]`, `query` times scale and log2 e
/// - `log_sum_exp` (to base two), `dot` (`rowsum(dz ∘ z)`): `[rows]`
/// - `p`, `ds`: `[rows, KEY_BLOCK]`
/// - `biases`, `dbiases`: windows
struct Block<'a> {
    first: usize,
    rows: usize,
    query: &'a mut [f32],
    dz: &'a mut [f32],
    dq: &'a mut [f32],
    log_sum_exp: &'a mut [f32],
    dot: &'a mut [f32],
    p: &'a mut [f32],
    ds: &'a mut [f32],
    biases: &'a mut [f32],
    dbiases: &'a mut [f32],
}

impl Chunk<'_> {
    /// Process one block of queries against all keys of the chunk.
    #[inline(always)]
    pub(super) fn query_block<S: Simd>(
        &mut self,
        simd: S,
        pass: &Backward<'_>,
        [batch, head, first]: [usize; 3],
        rows: usize,
    ) {
        let Shape {
            d_head,
            n_query,
            n_heads,
            ..
        } = pass.shape;
        let width = padded(d_head);
        let shape = pass.shape.of_sequence(pass.lens, batch);
        let n_keys = shape.visible(first + rows - 1, self.first).min(self.len);
        let window = BiasWindow::new(&shape, first, rows, self.first, n_keys);
        let window_len = |is_some| if is_some { padded(window.len()) } else { 0 };
        let (bias_len, dbias_len) = (
            window_len(pass.bias.is_some()),
            window_len(pass.dbias.is_some()),
        );
        let len = rows * (3 * width + 2 * KEY_BLOCK) + 2 * padded(rows) + bias_len + dbias_len;
        let mut lent = Scratch::new(len);
        let mut scratch = lent.floats();
        let mut block = Block {
            first,
            rows,
            query: cut(&mut scratch, rows * width),
            dz: cut(&mut scratch, rows * width),
            dq: cut(&mut scratch, rows * width),
            log_sum_exp: &mut cut(&mut scratch, rows)[..rows],
            dot: &mut cut(&mut scratch, rows)[..rows],
            p: cut(&mut scratch, rows * KEY_BLOCK),
            ds: cut(&mut scratch, rows * KEY_BLOCK),
            biases: cut(&mut scratch, bias_len),
            dbiases: cut(&mut scratch, dbias_len),
        };
        let positions = first..first + rows;
        let scale = pass.shape.scale();
        Head {
            from: pass.q,
            batch,
            head,
            d_head,
        }
        .rows(positions.clone(), scale * LOG2_E, block.query);
        Head {
            from: pass.dz,
            batch,
            head,
            d_head,
        }
        .rows(positions.clone(), 1.0, block.dz);
        let log_sum_exp = &pass.log_sum_exp[(batch * n_heads + head) * n_query + first..];
        for (row, pos) in positions.clone().enumerate() {
            block.log_sum_exp[row] = log_sum_exp[row] * LOG2_E;
            let z = Head {
                from: pass.z,
                batch,
                head,
                d_head,
            }
            .at(pos);
            block.dot[row] = dot(simd, &block.dz[row * width..][..width], z);
        }
        if let Some(bias) = pass.bias {
            window.gather(bias, n_heads, head, LOG2_E, block.biases);
        }
        block.dbiases.fill(0.0);
        block.dq.fill(0.0);
        for key in (0..n_keys).step_by(KEY_BLOCK) {
            self.key_block(
                simd,
                &shape,
                &mut block,
                window,
                key,
                KEY_BLOCK.min(n_keys - key),
            );
        }
        for (row, pos) in positions.enumerate() {
            // SAFETY: every key head is processed by one thread, which requests the rows of its
            // query heads one at a time.
            #[allow(unsafe_code)]
            let dq = unsafe { pass.dq.row(batch, head, pos) };
            if self.first == 0 {
                dq.fill(0.0);
            }
            for (out, x) in dq.iter_mut().zip(&block.dq[row * width..]) {
                *out += x * scale;
            }
        }
        if let Some(dbias) = &pass.dbias {
            // SAFETY: as above; each head has its own row, and one is requested at a time.
            #[allow(unsafe_code)]
            let dbias = unsafe { dbias.row(batch, head, 0) };
            for (i, x) in block.dbiases[..window.len()].iter().enumerate() {
                dbias[window.row(i)] += x;
            }
        }
    }

    /// Process one block of queries against `n_keys` keys of the chunk, starting at `key`.
    #[inline(always)]
    fn key_block<S: Simd>(
        &mut self,
        simd: S,
        shape: &Shape,
        block: &mut Block<'_>,
        window: BiasWindow,
        key: usize,
        n_keys: usize,
    ) {
        let (d_head, width) = (shape.d_head, padded(shape.d_head));
        let visible = |row: usize| {
            shape
                .visible(block.first + row, self.first + key)
                .min(n_keys)
        };
        let on_diagonal = visible(0) < n_keys;
        let strip = if on_diagonal { STRIP } else { block.rows };
        for start in (0..block.rows).step_by(strip) {
            let strip = strip.min(block.rows - start);
            let columns = visible(start + strip - 1);
            if columns == 0 {
                continue;
            }
            let p = &mut block.p[start * KEY_BLOCK..][..strip * KEY_BLOCK];
            let ds = &mut block.ds[start * KEY_BLOCK..][..strip * KEY_BLOCK];
            for (left, right, out) in [
                (&*block.query, self.keys_transposed, &mut *p),
                (&*block.dz, self.values_transposed, &mut *ds),
            ] {
                Product {
                    rows: strip,
                    inner: d_head,
                    columns: padded(columns),
                    left: Left {
                        data: &left[start * width..],
                        row_stride: width,
                        inner_stride: 1,
                    },
                    right: &right[key * d_head..],
                    right_stride: KEY_BLOCK,
                    out,
                    out_stride: KEY_BLOCK,
                    accumulate: false,
                }
                .run(simd);
            }
            for (row, (p, ds)) in p
                .chunks_exact_mut(KEY_BLOCK)
                .zip(ds.chunks_exact_mut(KEY_BLOCK))
                .enumerate()
            {
                let query = start + row;
                let (p, ds) = (&mut p[..padded(columns)], &mut ds[..padded(columns)]);
                let bias_start = window.start(query) + key;
                if !block.biases.is_empty() {
                    add(&mut p[..columns], &block.biases[bias_start..]);
                }
                hide(simd, p, visible(query));
                differentiate(simd, p, ds, block.log_sum_exp[query], block.dot[query]);
                if !block.dbiases.is_empty() {
                    add(&mut block.dbiases[bias_start..], &ds[..visible(query)]);
                }
            }
            Product {
                rows: strip,
                inner: columns,
                columns: width,
                left: Left {
                    data: ds,
                    row_stride: KEY_BLOCK,
                    inner_stride: 1,
                },
                right: &self.keys[key * width..],
                right_stride: width,
                out: &mut block.dq[start * width..],
                out_stride: width,
                accumulate: true,
            }
            .run(simd);
        }
        let strip = if on_diagonal { STRIP } else { n_keys };
        for start in (0..n_keys).step_by(strip) {
            // The first query that sees a key of the strip. Its row and all later ones were
            // computed at least to the end of the strip, because `padded` rounds any number of
            // columns past the start of the strip up to its end.
            let query = (0..block.rows)
                .find(|&row| visible(row) > start)
                .unwrap_or(block.rows - 1);
            let queries = block.rows - query;
            for (left, right, out) in [
                (&*block.p, &*block.dz, &mut *self.dv),
                (&*block.ds, &*block.query, &mut *self.dk),
            ] {
                Product {
                    rows: strip.min(n_keys - start),
                    inner: queries,
                    columns: width,
                    left: Left {
                        data: &left[query * KEY_BLOCK + start..],
                        row_stride: 1,
                        inner_stride: KEY_BLOCK,
                    },
                    right: &right[query * width..],
                    right_stride: width,
                    out: &mut out[(key + start) * width..],
                    out_stride: width,
                    accumulate: true,
                }
                .run(simd);
            }
        }
    }
}

/// Turn the scores of a query (to base two) into probabilities, and the gradient of the
/// probabilities into the gradient of the scores: `p = 2^(p − log_sum_exp)`, `ds = p ∘ (ds − dot)`.
/// The exponent is clamped to at most 0, which only rounding of huge scores could exceed.
#[inline(always)]
fn differentiate<S: Simd>(simd: S, p: &mut [f32], ds: &mut [f32], log_sum_exp: f32, dot: f32) {
    let (log_sum_exp, dot, zero) = (
        simd.splat_f32s(log_sum_exp),
        simd.splat_f32s(dot),
        simd.splat_f32s(0.0),
    );
    for (p, ds) in S::as_mut_simd_f32s(p)
        .0
        .iter_mut()
        .zip(S::as_mut_simd_f32s(ds).0)
    {
        *p = exp2(simd, simd.min_f32s(zero, simd.sub_f32s(*p, log_sum_exp)));
        *ds = simd.mul_f32s(*p, simd.sub_f32s(*ds, dot));
    }
}
