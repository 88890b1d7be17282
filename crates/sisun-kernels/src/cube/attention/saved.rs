//! The values that attention saves for its gradients.

use super::super::tensor::uncleared;
use super::backward::backward;
use super::call::{AttentionCall, Gradients, Results};
use super::layout::Rows;
use crate::recorded::SavedForBackward;
use burn::backend::{Cube, TensorMetadata};
use burn_cubecl::tensor::CubeTensor;

/// Saved values of self-attention: one gradient for q, k and v together, and one for the bias.
#[derive(Clone, Debug)]
pub(crate) struct SelfAttentionSaved {
    pub call: AttentionCall,
    pub results: Results,
}

impl SavedForBackward<Cube, 2> for SelfAttentionSaved {
    fn gradients(self, dz: CubeTensor, wanted: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let qkv = &self.call.tensors[0];
        let dqkv = uncleared(qkv, qkv.shape());
        let to = Gradients {
            dq: dqkv.clone(),
            dkv: vec![dqkv.clone()],
            rows: self.call.rows,
        };
        let dbias = backward(&self.call, &self.results, dz, &to, wanted[1]);
        [Some(dqkv), dbias]
    }
}

/// Saved values of attention with q in one projection, and k and v in another.
#[derive(Clone, Debug)]
pub(crate) struct CrossAttentionSaved {
    pub call: AttentionCall,
    pub results: Results,
}

impl SavedForBackward<Cube, 2> for CrossAttentionSaved {
    fn gradients(self, dz: CubeTensor, _: [bool; 2]) -> [Option<CubeTensor>; 2] {
        let [dq, dkv] = [0, 1].map(|i| {
            let of = &self.call.tensors[i];
            uncleared(of, of.shape())
        });
        let to = Gradients {
            dq: dq.clone(),
            dkv: vec![dkv.clone()],
            rows: self.call.rows,
        };
        backward(&self.call, &self.results, dz, &to, false);
        [Some(dq), Some(dkv)]
    }
}

/// Saved values of attention with separate q, k and v.
#[derive(Clone, Debug)]
pub(crate) struct AttentionSaved {
    pub call: AttentionCall,
    pub results: Results,
}

impl SavedForBackward<Cube, 4> for AttentionSaved {
    fn gradients(self, dz: CubeTensor, wanted: [bool; 4]) -> [Option<CubeTensor>; 4] {
        let [dq, dk, dv] = self
            .call
            .tensors
            .each_ref()
            .map(|of| uncleared(of, of.shape()));
        let to = Gradients {
            rows: [&dq, &dk, &dv].map(Rows::strided),
            dq: dq.clone(),
            dkv: vec![dk.clone(), dv.clone()],
        };
        let dbias = backward(&self.call, &self.results, dz, &to, wanted[3]);
        [Some(dq), Some(dk), Some(dv), dbias]
    }
}
