//! Masked multi-head self-attention (Vaswani et al. 2017, §3.2.2).

use crate::ModelError;
use crate::capture::Activation;
use crate::forward::Pass;
use crate::layers::{Linear, NormLayer};
use crate::params::Params;
use burn::module::Module;
use burn::tensor::Tensor;
use sisun_config::ModelConfig;
use sisun_kernels::{self as kernels, Attention, RotaryTables};

/// The attention half of a block.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// `[d_model, (n_heads + 2·n_kv_heads)·d_head]`: the columns of all query heads, then of the keys', then of the values'.
    pub qkv: Linear,
    /// `[n_heads·d_head, d_model]`.
    pub o: Linear,
    /// Over each query head.
    pub q_norm: Option<NormLayer>,
    /// Over each key head.
    pub k_norm: Option<NormLayer>,
    #[module(skip)]
    n_heads: usize,
    #[module(skip)]
    n_kv_heads: usize,
    #[module(skip)]
    dropout: f64,
}

/// What all layers of one forward pass share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub rotation: Option<RotaryTables>,
    pub attention: Attention,
}

impl SelfAttention {
    pub(crate) fn new(source: &mut dyn Params, name: &str, config: &ModelConfig) -> Result<Self, ModelError> {
        let (d_model, d_head) = (config.d_model, config.d_head());
        let width = (config.n_heads + 2 * config.kv_heads()) * d_head;
        let mut head_norm = |which: &str| {
            config.qk_norm.then(|| NormLayer::rms(source, &format!("{name}.{which}"), d_head, config)).transpose()
        };
        Ok(Self {
            q_norm: head_norm("q_norm")?,
            k_norm: head_norm("k_norm")?,
            qkv: Linear::new(source, &format!("{name}.qkv"), [d_model, width], config.bias, config.init_std)?,
            o: Linear::new(source, &format!("{name}.o"), [d_model, d_model], config.bias, config.residual_std())?,
            n_heads: config.n_heads,
            n_kv_heads: config.kv_heads(),
            dropout: config.dropout,
        })
    }

    /// # Shapes
    /// - `x` and the result: `[batch, pos, d_model]`
    pub(crate) fn forward(&self, layer: usize, x: Tensor<3>, shared: &Shared, pass: &mut Pass<'_>) -> Tensor<3> {
        let [batch, pos, d_model] = x.dims();
        let d_head = d_model / self.n_heads;
        let qkv = self.qkv.forward(x).reshape([batch, pos, self.n_heads + 2 * self.n_kv_heads, d_head]);
        let mut heads = [self.n_heads, self.n_kv_heads, self.n_kv_heads].into_iter().scan(0, |first, n| {
            *first += n;
            Some(qkv.clone().narrow(2, *first - n, n).swap_dims(1, 2)) // [batch, head, pos, d_head]
        });
        let mut next = || heads.next().expect("three parts: q, k and v");
        let (q, k, v) = (next(), next(), next());
        let turn = |x: Tensor<4>, norm: &Option<NormLayer>| {
            let x = match norm {
                Some(norm) => norm.forward(x),
                None => x,
            };
            match &shared.rotation {
                Some(tables) => kernels::rotate_halves(x, tables),
                None => x,
            }
        };
        let q = turn(q, &self.q_norm);
        let k = turn(k, &self.k_norm);
        let (k, v) = match &mut pass.cache {
            Some(cache) => cache.extend(layer, k, v),
            None => (k, v),
        };
        let z = self.attend(layer, q, k, v, &shared.attention, pass);
        let z = z.swap_dims(1, 2).reshape([batch, pos, d_model]);
        let out = self.o.forward(z);
        pass.keep(Activation::AttnOut, layer, &out);
        kernels::dropout(out, pass.dropout(self.dropout))
    }

    /// # Shapes
    /// - `q`: `[batch, n_heads, query, d_head]`
    /// - `k`, `v`: `[batch, n_kv_heads, key, d_head]`
    /// - result: `[batch, n_heads, query, d_head]`
    fn attend(
        &self,
        layer: usize,
        q: Tensor<4>,
        k: Tensor<4>,
        v: Tensor<4>,
        how: &Attention,
        pass: &mut Pass<'_>,
    ) -> Tensor<4> {
        let group = self.n_heads / self.n_kv_heads;
        if let Some(capture) = &mut pass.capture {
            capture.keep_heads(Activation::Q, layer, &q, 1);
            capture.keep_heads(Activation::K, layer, &k, group);
            capture.keep_heads(Activation::V, layer, &v, group);
            // Only these two need the [query, key] tensors, which the plain pass need not build.
            if capture.wants(Activation::Scores, layer) || capture.wants(Activation::Pattern, layer) {
                let scores = kernels::attention::scores(q.clone(), k.clone(), how);
                capture.keep_scores(layer, &scores);
                capture.keep_heads(Activation::Pattern, layer, &kernels::attention::pattern(scores), 1);
            }
        }
        let z = kernels::attention(q, k, v, how);
        if let Some(capture) = &mut pass.capture {
            capture.keep_heads(Activation::Z, layer, &z, 1);
        }
        z
    }
}
