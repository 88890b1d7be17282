//! Attention on the CPU.

use super::steps::qkv_shape;
use super::tensor::{contiguous, floats, shaped, tensor};
use crate::cpu::Buffer;
use crate::cpu::attention::{Gradients, HeadRows, Rows, Shape, backward, forward};
use crate::recorded::SavedForBackward;
use crate::{HeadCounts, Lens};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::{Flex, TensorMetadata};
use burn::tensor::DType;

/// Layout and sizes of q, k and v.
#[derive(Clone, Debug)]
pub(super) struct AttentionCall {
    tensors: [FlexTensor; 3],
    /// Index in each tensor's memory from which its rows count: a contiguous view may start later.
    starts: [usize; 3],
    rows: [Rows; 3],
    shape: Shape,
    bias: Option<FlexTensor>,
    lens: Option<Lens>,
}

impl AttentionCall {
    /// Use q, k and v side by side in `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`.
    pub(super) fn of_qkv(
        qkv: &FlexTensor,
        bias: Option<FlexTensor>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> Self {
        let (qkv, [batch, pos, width]) = (contiguous(qkv), shaped(qkv));
        let d_head = qkv_shape(&qkv, heads).d_head;
        let HeadCounts {
            n_heads,
            n_kv_heads,
        } = heads;
        let rows = [0, n_heads, n_heads + n_kv_heads]
            .map(|first| Rows::columns(first * d_head, pos, width, d_head));
        let shape = Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query: pos,
            n_key: pos,
            n_real: pos,
            d_head,
            causal,
        };
        Self {
            starts: [qkv.layout().start_offset(); 3],
            tensors: [qkv.clone(), qkv.clone(), qkv],
            rows,
            shape,
            bias: bias.as_ref().map(contiguous),
            lens,
        }
    }

    /// Use q `[batch, query, n_heads·d_head]`, and k and v side by side in
    /// `[batch, key, 2·n_kv_heads·d_head]`.
    pub(super) fn of_q_and_kv(
        q: &FlexTensor,
        kv: &FlexTensor,
        heads: HeadCounts,
        lens: Option<Lens>,
    ) -> Self {
        let (q, kv) = (contiguous(q), contiguous(kv));
        let ([batch, n_query, width], [_, n_key, kv_width]) = (shaped(&q), shaped(&kv));
        let HeadCounts {
            n_heads,
            n_kv_heads,
        } = heads;
        let d_head = width / n_heads;
        let rows = [
            Rows::columns(0, n_query, width, d_head),
            Rows::columns(0, n_key, kv_width, d_head),
            Rows::columns(n_kv_heads * d_head, n_key, kv_width, d_head),
        ];
        let shape = Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            n_real: n_key,
            d_head,
            causal: false,
        };
        Self {
            starts: [&q, &kv, &kv].map(|x| x.layout().start_offset()),
            tensors: [q, kv.clone(), kv],
            rows,
            shape,
            bias: None,
            lens,
        }
    }

    /// Use q `[batch, n_heads, query, d_head]`, and k and v `[batch, n_kv_heads, key, d_head]`,
    /// with any strides.
    pub(super) fn of_parts(
        qkv: [&FlexTensor; 3],
        bias: Option<FlexTensor>,
        causal: bool,
        lens: Option<Lens>,
    ) -> Self {
        let ([batch, n_heads, n_query, d_head], [_, n_kv_heads, n_key, _]) =
            (shaped(qkv[0]), shaped(qkv[1]));
        // Only the axes before d_head may be strided.
        let tensors = qkv.map(|x| {
            if x.layout().strides()[3] == 1 {
                x.clone()
            } else {
                contiguous(&x.to_contiguous())
            }
        });
        let rows = tensors.each_ref().map(|x| {
            let stride = |axis: usize| {
                usize::try_from(x.layout().strides()[axis]).expect("heads are never flipped")
            };
            let offset = x.layout().start_offset();
            Rows {
                offset,
                batch_stride: stride(0),
                head_stride: stride(1),
                pos_stride: stride(2),
            }
        });
        let shape = Shape {
            batch,
            n_heads,
            n_kv_heads,
            n_query,
            n_key,
            n_real: n_key,
            d_head,
            causal,
        };
        Self {
            starts: [0; 3], // in the rows' own offsets
            tensors,
            rows,
            shape,
            bias: bias.as_ref().map(contiguous),
            lens,
        }
    }

    fn vectors(&self) -> [HeadRows<'_>; 3] {
        [0, 1, 2].map(|i| HeadRows {
            data: &self.tensors[i].storage()[self.starts[i]..],
            rows: self.rows[i],
        })
    }

    /// Return `z` `[batch, query, n_heads·d_head]` and the log-sum-exp `[batch, head, query]`.
    pub(super) fn forward(&self) -> (FlexTensor, FlexTensor) {
        let Shape {
            batch,
            n_heads,
            n_query,
            d_head,
            ..
        } = self.shape;
        let mut z = Buffer::uncleared(batch * n_query * n_heads * d_head);
        let mut log_sum_exp = Buffer::uncleared(batch * n_heads * n_query);
        let [q, k, v] = self.vectors();
        forward(
            &self.shape,
            q,
            k,
            v,
            self.bias.as_ref().map(floats),
            self.lens.as_deref(),
            &mut z,
            &mut log_sum_exp,
        );
        (
            tensor(z, [batch, n_query, n_heads * d_head]),
            tensor(log_sum_exp, [batch, n_heads, n_query]),
        )
    }

    fn backward(
        &self,
        kept: &Results,
        dz: &FlexTensor,
        dqkv: &mut [f32],
        to: [Rows; 3],
    ) -> Option<FlexTensor> {
        let [q, k, v] = self.vectors();
        let mut dbias = self
            .bias
            .as_ref()
            .map(|bias| Buffer::zeros(floats(bias).len())); // stays 0 if the batch is empty
        let dz = contiguous(dz);
        let [to_q, to_k, to_v] = to;
        backward(
            &self.shape,
            q,
            k,
            v,
            self.bias.as_ref().map(floats),
            self.lens.as_deref(),
            floats(&kept.z),
            floats(&dz),
            floats(&kept.log_sum_exp),
            Gradients {
                data: dqkv,
                q: to_q,
                k: to_k,
                v: to_v,
            },
            dbias.as_deref_mut(),
        );
        let shape = self.bias.as_ref().map(TensorMetadata::shape);
        dbias.zip(shape).map(|(dbias, shape)| tensor(dbias, shape))
    }
}

/// Results of the forward pass, for the backward pass.
#[derive(Clone, Debug)]
pub(super) struct Results {
    pub z: FlexTensor,
    pub log_sum_exp: FlexTensor,
}

/// Saved values of self-attention: one gradient for q, k and v together, and one for the bias.
#[derive(Clone, Debug)]
pub(super) struct SelfAttentionSaved {
    pub call: AttentionCall,
    pub results: Results,
}

impl SavedForBackward<Flex, 2> for SelfAttentionSaved {
    fn gradients(self, dz: FlexTensor, _: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let qkv = &self.call.tensors[0];
        let mut dqkv = Buffer::uncleared(floats(qkv).len());
        let dbias = self
            .call
            .backward(&self.results, &dz, &mut dqkv, self.call.rows);
        [Some(tensor(dqkv, qkv.shape())), dbias]
    }
}

/// Saved values of attention with q in one projection, and k and v in another.
#[derive(Clone, Debug)]
pub(super) struct CrossAttentionSaved {
    pub call: AttentionCall,
    pub results: Results,
}

impl SavedForBackward<Flex, 2> for CrossAttentionSaved {
    fn gradients(self, dz: FlexTensor, _: [bool; 2]) -> [Option<FlexTensor>; 2] {
        let sizes = [0, 1].map(|i| shaped::<3>(&self.call.tensors[i]));
        let lens = sizes.map(|size| size.iter().product::<usize>());
        let [q, k, v] = self.call.rows;
        // One buffer: the gradient of q's projection, then that of the other.
        let after_q = |rows: Rows| Rows {
            offset: rows.offset + lens[0],
            ..rows
        };
        let mut all = Buffer::uncleared(lens.iter().sum());
        self.call
            .backward(&self.results, &dz, &mut all, [q, after_q(k), after_q(v)]);
        let n = all.len();
        let all = tensor(all, [n]);
        [0, 1].map(|i| {
            let strides = Layout::contiguous(sizes[i].into()).strides().to_vec();
            let layout = Layout::new(sizes[i].into(), strides, i * lens[0]);
            Some(FlexTensor::from_arc(all.data_arc(), layout, DType::F32))
        })
    }
}

/// Saved values of attention with separate q, k and v.
#[derive(Clone, Debug)]
pub(super) struct AttentionSaved {
    pub call: AttentionCall,
    pub results: Results,
}

impl SavedForBackward<Flex, 4> for AttentionSaved {
    fn gradients(self, dz: FlexTensor, _: [bool; 4]) -> [Option<FlexTensor>; 4] {
        let sizes = self.call.tensors.each_ref().map(shaped::<4>);
        // One buffer for all three, each part `[batch, head, pos, d_head]`.
        let lens = sizes.map(|size| size.iter().product::<usize>());
        let offsets = [0, lens[0], lens[0] + lens[1]];
        let to = [0, 1, 2].map(|i| {
            let [_, n_heads, n_pos, d_head] = sizes[i];
            Rows {
                offset: offsets[i],
                batch_stride: n_heads * n_pos * d_head,
                head_stride: n_pos * d_head,
                pos_stride: d_head,
            }
        });
        let mut all = Buffer::uncleared(lens.iter().sum());
        let dbias = self.call.backward(&self.results, &dz, &mut all, to);
        let n = all.len();
        let all = tensor(all, [n]);
        let part = |i: usize| {
            let strides = Layout::contiguous(sizes[i].into()).strides().to_vec();
            let layout = Layout::new(sizes[i].into(), strides, offsets[i]);
            Some(FlexTensor::from_arc(all.data_arc(), layout, DType::F32))
        };
        [part(0), part(1), part(2), dbias]
    }
}
