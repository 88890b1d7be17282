//! A call of attention: its tensors, their layout and sizes, and what it gives.

use super::super::tensor::{contiguous, floats, shaped};
use super::layout::{Rows, SizesLaunch};
use crate::attention::WIDEST_FUSED_HEAD;
use crate::{HeadCounts, Lens};
use burn::tensor::DType;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

/// Threads of a cube.
pub(super) const UNITS: usize = 64;
/// Most rows of a tile.
const TILE: usize = 32;
/// Bytes of two tiles: the memory that every device gives a cube.
const TILE_BYTES: usize = 16_384;

/// Layout and sizes of q, k and v.
#[derive(Clone, Debug)]
pub(crate) struct AttentionCall {
    pub(super) tensors: [CubeTensor; 3],
    pub(super) rows: [Rows; 3],
    pub(super) batch: usize,
    pub(super) heads: HeadCounts,
    pub(super) n_query: usize,
    pub(super) n_key: usize,
    pub(super) d_head: usize,
    pub(super) causal: bool,
    pub(super) bias: Option<CubeTensor>,
    pub(super) lens: Option<Lens>,
}

impl AttentionCall {
    /// Return true if the kernels take heads of this width on the device of a tensor.
    pub(crate) fn fits(near: &CubeTensor, d_head: usize) -> bool {
        let hardware = &near.client.properties().hardware;
        (1..=WIDEST_FUSED_HEAD).contains(&d_head)
            && hardware.max_units_per_cube as usize >= UNITS
            && hardware.max_shared_memory_size >= TILE_BYTES
            && hardware.max_bindings >= 11
    }

    /// Use q, k and v side by side in `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`.
    pub(crate) fn of_qkv(
        qkv: CubeTensor,
        bias: Option<CubeTensor>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> Self {
        let qkv = contiguous(qkv);
        let [batch, pos, width] = shaped(&qkv);
        let d_head = heads.d_head(width);
        let HeadCounts {
            n_heads,
            n_kv_heads,
        } = heads;
        Self {
            rows: [0, n_heads, n_heads + n_kv_heads]
                .map(|first| Rows::columns(first * d_head, pos, width, d_head)),
            tensors: [qkv.clone(), qkv.clone(), qkv],
            batch,
            heads,
            n_query: pos,
            n_key: pos,
            d_head,
            causal,
            bias: bias.map(contiguous),
            lens,
        }
    }

    /// Use q `[batch, query, n_heads·d_head]`, and k and v side by side in
    /// `[batch, key, 2·n_kv_heads·d_head]`.
    pub(crate) fn of_q_and_kv(
        q: CubeTensor,
        kv: CubeTensor,
        heads: HeadCounts,
        lens: Option<Lens>,
    ) -> Self {
        let (q, kv) = (contiguous(q), contiguous(kv));
        let ([batch, n_query, width], [_, n_key, kv_width]) = (shaped(&q), shaped(&kv));
        let d_head = width / heads.n_heads;
        Self {
            rows: [
                Rows::columns(0, n_query, width, d_head),
                Rows::columns(0, n_key, kv_width, d_head),
                Rows::columns(heads.n_kv_heads * d_head, n_key, kv_width, d_head),
            ],
            tensors: [q, kv.clone(), kv],
            batch,
            heads,
            n_query,
            n_key,
            d_head,
            causal: false,
            bias: None,
            lens,
        }
    }

    /// Use q `[batch, n_heads, query, d_head]`, and k and v `[batch, n_kv_heads, key, d_head]`,
    /// with any strides.
    pub(crate) fn of_parts(
        qkv: [CubeTensor; 3],
        bias: Option<CubeTensor>,
        causal: bool,
        lens: Option<Lens>,
    ) -> Self {
        let ([batch, n_heads, n_query, d_head], [_, n_kv_heads, n_key, _]) =
            (shaped(&qkv[0]), shaped(&qkv[1]));
        // Only the axes before d_head may be strided.
        let tensors = qkv.map(|x| match x.meta.strides()[3] {
            1 => x,
            _ => contiguous(x),
        });
        Self {
            rows: tensors.each_ref().map(Rows::strided),
            tensors,
            batch,
            heads: HeadCounts {
                n_heads,
                n_kv_heads,
            },
            n_query,
            n_key,
            d_head,
            causal,
            bias: bias.map(contiguous),
            lens,
        }
    }

    pub(super) fn sizes(&self) -> SizesLaunch {
        SizesLaunch::new(
            self.batch,
            self.heads.n_heads,
            self.heads.n_kv_heads,
            self.n_query,
            self.n_key,
            1.0 / (self.d_head as f32).sqrt(),
        )
    }

    /// Return the number of rows of a tile.
    pub(super) fn tile(&self) -> usize {
        let most = TILE_BYTES / (2 * size_of::<f32>() * self.d_head);
        TILE.min(1 << most.ilog2())
    }

    pub(super) fn bias_argument(&self) -> SequenceArg<Box<[f32]>> {
        self.bias.iter().map(floats).collect()
    }

    /// Return the lengths on the device, if the sequences are padded.
    pub(super) fn lens_argument(&self) -> SequenceArg<Box<[u32]>> {
        let lens = self.lens.iter().map(|lens| {
            let lens: Vec<u32> = lens.iter().map(|len| *len as u32).collect();
            let handle = self.tensors[0]
                .client
                .create_from_slice(bytemuck::cast_slice(&lens));
            let near = &self.tensors[0];
            let shape = [lens.len()].into();
            let (client, device) = (near.client.clone(), near.device.clone());
            CubeTensor::new_contiguous(client, device, shape, handle, DType::U32).into_buffer_arg()
        });
        lens.collect()
    }
}

/// Buffers for the gradients.
pub(super) struct Gradients {
    pub(super) dq: CubeTensor,
    /// One for the keys and one for the values, or one for both.
    pub(super) dkv: Vec<CubeTensor>,
    /// Of dq, dk and dv.
    pub(super) rows: [Rows; 3],
}

/// Results of the forward pass, for the backward pass.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub z: CubeTensor,
    pub log_sum_exp: CubeTensor,
}
