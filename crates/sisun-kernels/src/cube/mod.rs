//! The GPU's own versions of the operations, with and without autodiff: kernels in CubeCL, each one
//! launch where the composition is many.
//!
//! All compute in float32 and sum in a fixed order, so that a run repeats to the bit on one device.
//! Operations that are not here run as their composition.

#![allow(clippy::too_many_arguments)] // a kernel takes each buffer and size by itself

mod activation;
mod attention;
mod head_norm;
mod heads;
mod loss;
mod norm;
mod optimizer;
mod reduce;
mod tensor;

use crate::backend::{Kernels, Lift, Optional, TensorList};
use crate::options::AdamW;
use crate::recorded::record;
use crate::reference::merge_heads;
use crate::{ActivationFunction, AttentionOptions, HeadCounts, Lens, reference};
use attention::{AttentionCall, AttentionSaved, CrossAttentionSaved, SelfAttentionSaved};
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, Cube};
use burn_cubecl::tensor::CubeTensor;
use tensor::shaped;

impl Kernels for Cube {
    fn norm(
        x: CubeTensor,
        gamma: CubeTensor,
        beta: Optional<Self>,
        epsilon: f64,
        centred: bool,
    ) -> CubeTensor {
        norm::forward(x, gamma, beta.get(), epsilon, centred).0
    }

    fn activation(x: CubeTensor, activation: ActivationFunction) -> CubeTensor {
        activation::forward(x, activation).0
    }

    fn swiglu(gate: CubeTensor, up: CubeTensor) -> CubeTensor {
        activation::swiglu(gate, up).0
    }

    fn norm_heads(
        qkv: CubeTensor,
        gamma_q: CubeTensor,
        gamma_k: CubeTensor,
        heads: HeadCounts,
        epsilon: f64,
    ) -> CubeTensor {
        head_norm::forward(qkv, gamma_q, gamma_k, heads, epsilon).0
    }

    fn rotate_heads(
        qkv: CubeTensor,
        cos: CubeTensor,
        sin: CubeTensor,
        heads: HeadCounts,
    ) -> CubeTensor {
        heads::forward(qkv, cos, sin, heads).0
    }

    fn self_attention(
        qkv: CubeTensor,
        bias: Optional<Self>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> CubeTensor {
        if !AttentionCall::fits(&qkv, width_of_heads(&qkv, heads)) {
            let options = options::<Self>(bias, causal, lens);
            let z = reference::self_attention(Self::lift(qkv), heads, &options);
            return Self::lower(z);
        }
        attention::result(&AttentionCall::of_qkv(qkv, bias.get(), heads, causal, lens))
    }

    fn attention(
        q: CubeTensor,
        k: CubeTensor,
        v: CubeTensor,
        bias: Optional<Self>,
        causal: bool,
        lens: Option<Lens>,
    ) -> CubeTensor {
        let [_, _, _, d_head] = shaped(&q);
        if !AttentionCall::fits(&q, d_head) {
            let options = options::<Self>(bias, causal, lens);
            let [q, k, v] = [q, k, v].map(Self::lift);
            return Self::lower(merge_heads(reference::attention(q, k, v, &options)));
        }
        attention::result(&AttentionCall::of_parts(
            [q, k, v],
            bias.get(),
            causal,
            lens,
        ))
    }

    fn cross_attention(
        q: CubeTensor,
        kv: CubeTensor,
        heads: HeadCounts,
        lens: Option<Lens>,
    ) -> CubeTensor {
        let [_, _, width] = shaped(&q);
        if !AttentionCall::fits(&q, width / heads.n_heads) {
            let options = options::<Self>(Optional::Absent, false, lens);
            let z = reference::cross_attention(Self::lift(q), Self::lift(kv), heads, &options);
            return Self::lower(z);
        }
        attention::result(&AttentionCall::of_q_and_kv(q, kv, heads, lens))
    }

    fn cross_entropy(
        logits: CubeTensor,
        targets: CubeTensor,
        weights: Optional<Self>,
    ) -> CubeTensor {
        loss::forward(logits, targets, weights.get()).0
    }

    fn adamw(
        params: TensorList<Self>,
        gradients: TensorList<Self>,
        first: TensorList<Self>,
        second: TensorList<Self>,
        scale: CubeTensor,
        configs: Vec<AdamW>,
    ) -> (Vec<CubeTensor>, Vec<CubeTensor>, Vec<CubeTensor>) {
        optimizer::adamw(params.0, gradients.0, first.0, second.0, scale, &configs)
    }

    fn add_lists(sums: TensorList<Self>, list: TensorList<Self>) -> Vec<CubeTensor> {
        optimizer::add_lists(sums.0, list.0)
    }

    fn global_norm(tensors: TensorList<Self>) -> CubeTensor {
        optimizer::global_norm(tensors.0)
    }
}

type Tracked = FloatTensor<Autodiff<Cube>>;

impl Kernels for Autodiff<Cube> {
    fn norm(
        x: Tracked,
        gamma: Tracked,
        beta: Optional<Self>,
        epsilon: f64,
        centred: bool,
    ) -> Tracked {
        let near = x.primitive().clone();
        let (beta, has_beta) = given(beta, &near);
        let nodes = [x.node(), gamma.node(), beta.node()];
        let (y, saved) = norm::forward(
            x.into_primitive(),
            gamma.into_primitive(),
            has_beta.then(|| beta.into_primitive()),
            epsilon,
            centred,
        );
        record(nodes, y, || saved)
    }

    fn activation(x: Tracked, activation: ActivationFunction) -> Tracked {
        let nodes = [x.node()];
        let (y, saved) = activation::forward(x.into_primitive(), activation);
        record(nodes, y, || saved)
    }

    fn swiglu(gate: Tracked, up: Tracked) -> Tracked {
        let nodes = [gate.node(), up.node()];
        let (y, saved) = activation::swiglu(gate.into_primitive(), up.into_primitive());
        record(nodes, y, || saved)
    }

    fn norm_heads(
        qkv: Tracked,
        gamma_q: Tracked,
        gamma_k: Tracked,
        heads: HeadCounts,
        epsilon: f64,
    ) -> Tracked {
        let nodes = [qkv.node(), gamma_q.node(), gamma_k.node()];
        let [qkv, gamma_q, gamma_k] = [qkv, gamma_q, gamma_k].map(Tracked::into_primitive);
        let (y, saved) = head_norm::forward(qkv, gamma_q, gamma_k, heads, epsilon);
        record(nodes, y, || saved)
    }

    fn rotate_heads(qkv: Tracked, cos: Tracked, sin: Tracked, heads: HeadCounts) -> Tracked {
        let nodes = [qkv.node()];
        let (cos, sin) = (cos.into_primitive(), sin.into_primitive());
        let (y, saved) = heads::forward(qkv.into_primitive(), cos, sin, heads);
        record(nodes, y, || saved)
    }

    fn self_attention(
        qkv: Tracked,
        bias: Optional<Self>,
        heads: HeadCounts,
        causal: bool,
        lens: Option<Lens>,
    ) -> Tracked {
        if !AttentionCall::fits(qkv.primitive(), width_of_heads(qkv.primitive(), heads)) {
            let options = options::<Self>(bias, causal, lens);
            let z = reference::self_attention(Self::lift(qkv), heads, &options);
            return Self::lower(z);
        }
        let (bias, has_bias) = given(bias, qkv.primitive());
        let nodes = [qkv.node(), bias.node()];
        let bias = has_bias.then(|| bias.into_primitive());
        let call = AttentionCall::of_qkv(qkv.into_primitive(), bias, heads, causal, lens);
        let results = attention::forward(&call);
        record(nodes, results.z.clone(), || SelfAttentionSaved {
            call,
            results,
        })
    }

    fn attention(
        q: Tracked,
        k: Tracked,
        v: Tracked,
        bias: Optional<Self>,
        causal: bool,
        lens: Option<Lens>,
    ) -> Tracked {
        let [_, _, _, d_head] = shaped(q.primitive());
        if !AttentionCall::fits(q.primitive(), d_head) {
            let options = options::<Self>(bias, causal, lens);
            let [q, k, v] = [q, k, v].map(Self::lift);
            return Self::lower(merge_heads(reference::attention(q, k, v, &options)));
        }
        let (bias, has_bias) = given(bias, q.primitive());
        let nodes = [q.node(), k.node(), v.node(), bias.node()];
        let bias = has_bias.then(|| bias.into_primitive());
        let parts = [q, k, v].map(Tracked::into_primitive);
        let call = AttentionCall::of_parts(parts, bias, causal, lens);
        let results = attention::forward(&call);
        record(nodes, results.z.clone(), || AttentionSaved {
            call,
            results,
        })
    }

    fn cross_attention(q: Tracked, kv: Tracked, heads: HeadCounts, lens: Option<Lens>) -> Tracked {
        let [_, _, width] = shaped(q.primitive());
        if !AttentionCall::fits(q.primitive(), width / heads.n_heads) {
            let options = options::<Self>(Optional::Absent, false, lens);
            let z = reference::cross_attention(Self::lift(q), Self::lift(kv), heads, &options);
            return Self::lower(z);
        }
        let nodes = [q.node(), kv.node()];
        let (q, kv) = (q.into_primitive(), kv.into_primitive());
        let call = AttentionCall::of_q_and_kv(q, kv, heads, lens);
        let results = attention::forward(&call);
        record(nodes, results.z.clone(), || CrossAttentionSaved {
            call,
            results,
        })
    }

    fn cross_entropy(
        logits: Tracked,
        targets: IntTensor<Self>,
        weights: Optional<Self>,
    ) -> Tracked {
        let nodes = [logits.node()];
        let weights = weights.get().map(Tracked::into_primitive);
        let (loss, saved) = loss::forward(logits.into_primitive(), targets, weights);
        record(nodes, loss, || saved)
    }
}

fn width_of_heads(qkv: &CubeTensor, heads: HeadCounts) -> usize {
    let [_, _, width] = shaped(qkv);
    heads.d_head(width)
}

/// Return the options of a composition.
fn options<B: Lift>(bias: Optional<B>, causal: bool, lens: Option<Lens>) -> AttentionOptions {
    AttentionOptions {
        causal,
        bias: bias.lift(),
        dropout: 0.0,
        lens,
    }
}

/// Return the tensor and true, or, if absent, a constant of any content and false, which takes its
/// place in the graph.
fn given(x: Optional<Autodiff<Cube>>, near: &CubeTensor) -> (Tracked, bool) {
    match x.get() {
        Some(x) => (x, true),
        None => (Tracked::new(tensor::uncleared(near, [1])), false),
    }
}
