//! Attention of one sequence to another (Vaswani et al. 2017, §3.2.3).

use crate::ModelError;
use crate::capture::Activation;
use crate::edit::edits_any;
use crate::forward::Pass;
use crate::heads::{HeadAccess, INSIDE};
use crate::layers::{Linear, NormLayer};
use crate::params::Params;
use burn::module::Module;
use burn::tensor::Tensor;
use sisun_config::ModelConfig;
use sisun_kernels::{self as kernels, AttentionOptions, HeadCounts, Lens, MatmulPrecision};

/// The attention sublayer of a decoder's block that reads the encoder's output. It hides only
/// padding, and has no positions: those are in the output that it reads.
#[derive(Module, Debug)]
pub struct CrossAttention {
    /// Queries, `[d_model, n_heads·d_head]`.
    pub q: Linear,
    /// Keys and values, `[d_model, 2·n_kv_heads·d_head]`: the columns of all key heads, then the
    /// value heads.
    pub kv: Linear,
    /// `[n_heads·d_head, d_model]`.
    pub o: Linear,
    /// Norm of each query head.
    pub q_norm: Option<NormLayer>,
    /// Norm of each key head.
    pub k_norm: Option<NormLayer>,
    #[module(skip)]
    heads: HeadCounts,
    #[module(skip)]
    d_head: usize,
    #[module(skip)]
    dropout: f64,
}

/// The sequences that a decoder reads, as the keys and values of each of its layers.
#[derive(Clone, Debug)]
pub struct Memory {
    /// For each layer, `[batch, source, 2·n_kv_heads·d_head]`.
    pub layers: Vec<Tensor<3>>,
    /// Number of real positions of each sequence; `None` if none is padded.
    pub lens: Option<Lens>,
}

impl CrossAttention {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        let (d_model, d_head) = (config.d_model, config.d_head());
        let (width, kv_width) = (config.n_heads * d_head, 2 * config.kv_heads() * d_head);
        let (bias, std) = (config.has_attention_bias(), config.init_std);
        let mut head_norm = |which: &str| {
            config
                .qk_norm
                .then(|| NormLayer::rms(source, &format!("{name}.{which}"), d_head, config))
                .transpose()
        };
        let (q_norm, k_norm) = (head_norm("q_norm")?, head_norm("k_norm")?);
        let mut linear = |which: &str, shape, std| {
            Linear::new(source, &format!("{name}.{which}"), shape, bias, std)
        };
        Ok(Self {
            q: linear("q", [d_model, width], std)?,
            kv: linear("kv", [d_model, kv_width], std)?,
            o: linear("o", [width, d_model], config.residual_std())?,
            q_norm,
            k_norm,
            heads: HeadCounts {
                n_heads: config.n_heads,
                n_kv_heads: config.kv_heads(),
            },
            d_head,
            dropout: config.dropout,
        })
    }

    /// Return the keys and values of an encoder's output, which stay the same at every step.
    ///
    /// # Shapes
    /// - `encoded`: `[batch, source, d_model]`
    /// - result: `[batch, source, 2·n_kv_heads·d_head]`
    pub fn keys_and_values(&self, encoded: Tensor<3>, precision: MatmulPrecision) -> Tensor<3> {
        let kv = self.kv.forward(encoded, precision);
        let Some(norm) = &self.k_norm else {
            return kv;
        };
        let [batch, n_key, width] = kv.dims();
        let keys = norm.forward(kv.clone().narrow(2, 0, width / 2).reshape([
            batch,
            n_key,
            self.heads.n_kv_heads,
            self.d_head,
        ]));
        let keys = keys.reshape([batch, n_key, width / 2]);
        Tensor::cat(vec![keys, kv.narrow(2, width / 2, width / 2)], 2)
    }

    /// Return the output of attention before it is added to the residual stream. `layer` labels the
    /// edited and captured activations, `start` is the position of the first query.
    ///
    /// # Shapes
    /// - `x` and the result: `[batch, target, d_model]`
    pub fn forward(
        &self,
        layer: usize,
        x: Tensor<3>,
        memory: &Memory,
        start: usize,
        pass: &mut Pass<'_>,
    ) -> Tensor<3> {
        let [batch, n_query, _] = x.dims();
        let q = self.q.forward(x, pass.precision);
        let q = match &self.q_norm {
            Some(norm) => {
                let heads = q.reshape([batch, n_query, self.heads.n_heads, self.d_head]);
                norm.forward(heads)
                    .reshape([batch, n_query, self.heads.n_heads * self.d_head])
            }
            None => q,
        };
        let kv = memory.layers[layer].clone();
        let options = AttentionOptions {
            causal: false,
            bias: None,
            dropout: pass.dropout(self.dropout),
            lens: memory.lens.clone(),
        };
        let mut access = HeadAccess {
            edits: pass.cross_edits,
            capture: pass.cross_capture.as_deref_mut(),
            layer,
            start,
            heads: self.heads,
        };
        let z = match access.capture.is_some() || edits_any(access.edits, layer, &INSIDE) {
            true => {
                let [q, k, v] = self.heads.split_apart(q, kv);
                let q = access.queries(q);
                let (k, v) = access.keys_and_values(0, k, v);
                access.attend(q, k, v, &options)
            }
            false => kernels::cross_attention(q, kv, self.heads, &options),
        };
        let z = access.outputs(z);
        let out = self.o.forward(z, pass.precision);
        let mut of_cross = Pass {
            capture: pass.cross_capture.as_deref_mut(),
            edits: pass.cross_edits,
            ..Pass::default()
        };
        let out = of_cross.at(Activation::AttnOut, layer, start, out);
        kernels::dropout(out, pass.dropout(self.dropout))
    }
}
