//! Masked multi-head self-attention (Vaswani et al. 2017, §3.2.2).

use crate::ModelError;
use crate::capture::Activation;
use crate::cross_attention::Memory;
use crate::edit::edits_any;
use crate::forward::Pass;
use crate::heads::{HeadAccess, INSIDE};
use crate::layers::{Linear, NormLayer};
use crate::params::Params;
use burn::module::Module;
use burn::tensor::Tensor;
use sisun_config::ModelConfig;
use sisun_kernels::{self as kernels, AttentionOptions, HeadCounts, RotaryTables};

/// The attention sublayer of a block.
#[derive(Module, Debug)]
pub struct SelfAttention {
    /// `[d_model, (n_heads + 2·n_kv_heads)·d_head]`: the columns of all query heads, then the key
    /// heads, then the value heads.
    pub qkv: Linear,
    /// `[n_heads·d_head, d_model]`.
    pub o: Linear,
    /// Norm of each query head.
    pub q_norm: Option<NormLayer>,
    /// Norm of each key head.
    pub k_norm: Option<NormLayer>,
    #[module(skip)]
    heads: HeadCounts,
    /// Factor on the queries that cancels the division of the scores by √d_head, if the model does
    /// not scale its scores.
    #[module(skip)]
    q_factor: Option<f64>,
    #[module(skip)]
    dropout: f64,
}

/// Positions and masking of one forward pass, the same in all layers.
#[derive(Clone, Debug)]
pub struct AttentionContext {
    /// Rotation angles of queries and keys, if the model has rotary positions.
    pub rotation: Option<RotaryTables>,
    /// Mask, score bias and dropout.
    pub attention: AttentionOptions,
    /// The other sequence that blocks with cross-attention read.
    pub memory: Option<Memory>,
    /// Position of the first token of the pass in its sequence: the number of cached tokens.
    pub start: usize,
}

impl AttentionContext {
    /// Create a context without positions or dropout; `causal` hides keys after the query.
    pub fn without_positions(causal: bool) -> Self {
        Self {
            rotation: None,
            attention: AttentionOptions {
                causal,
                bias: None,
                dropout: 0.0,
                lens: None,
            },
            memory: None,
            start: 0,
        }
    }
}

impl SelfAttention {
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
        let width = (config.n_heads + 2 * config.kv_heads()) * d_head;
        let bias = config.has_attention_bias();
        let mut head_norm = |which: &str| {
            config
                .qk_norm
                .then(|| NormLayer::rms(source, &format!("{name}.{which}"), d_head, config))
                .transpose()
        };
        Ok(Self {
            q_norm: head_norm("q_norm")?,
            k_norm: head_norm("k_norm")?,
            qkv: Linear::new(
                source,
                &format!("{name}.qkv"),
                [d_model, width],
                bias,
                config.init_std,
            )?,
            o: Linear::new(
                source,
                &format!("{name}.o"),
                [config.n_heads * d_head, d_model],
                bias,
                config.residual_std(),
            )?,
            heads: HeadCounts {
                n_heads: config.n_heads,
                n_kv_heads: config.kv_heads(),
            },
            q_factor: (!config.scaled_scores).then(|| (d_head as f64).sqrt()),
            dropout: config.dropout,
        })
    }

    /// Return the output of attention before it is added to the residual stream. `layer` labels the
    /// captured activations.
    ///
    /// # Shapes
    /// - `x` and the result: `[batch, pos, d_model]`
    pub fn forward(
        &self,
        layer: usize,
        x: Tensor<3>,
        context: &AttentionContext,
        pass: &mut Pass<'_>,
    ) -> Tensor<3> {
        let qkv = self.qkv.forward(x, pass.precision);
        let qkv = match (&self.q_norm, &self.k_norm) {
            (Some(q), Some(k)) => {
                kernels::norm_heads(qkv, q.weight.val(), k.weight.val(), self.heads, q.epsilon)
            }
            _ => qkv,
        };
        let qkv = match &context.rotation {
            Some(tables) => kernels::rotate_heads(qkv, tables, self.heads),
            None => qkv,
        };
        let z = self.attend(layer, qkv, context, pass);
        let out = self.o.forward(z, pass.precision);
        let out = pass.at(Activation::AttnOut, layer, context.start, out);
        kernels::dropout(out, pass.dropout(self.dropout))
    }

    /// Return `z`, edited and captured.
    ///
    /// # Shapes
    /// - `qkv`: `[batch, pos, (n_heads + 2·n_kv_heads)·d_head]`
    /// - result: `[batch, pos, n_heads·d_head]`
    fn attend(
        &self,
        layer: usize,
        qkv: Tensor<3>,
        context: &AttentionContext,
        pass: &mut Pass<'_>,
    ) -> Tensor<3> {
        let options = &context.attention;
        let mut access = HeadAccess {
            edits: pass.edits,
            capture: pass.capture.as_deref_mut(),
            layer,
            start: context.start,
            heads: self.heads,
        };
        if pass.cache.is_none()
            && access.capture.is_none()
            && self.q_factor.is_none()
            && !edits_any(access.edits, layer, &INSIDE)
        {
            let z = kernels::self_attention(qkv, self.heads, options);
            return access.outputs(z);
        }
        let [q, k, v] = self.heads.split(qkv); // [batch, head, pos, d_head]
        let q = access.queries(q);
        let q = match self.q_factor {
            Some(factor) => q * factor,
            None => q,
        };
        let (k, v) = access.keys_and_values(context.start, k, v);
        let (k, v) = match &mut pass.cache {
            Some(cache) => cache.extend(layer, k, v),
            None => (k, v),
        };
        let z = access.attend(q, k, v, options);
        access.outputs(z)
    }
}
