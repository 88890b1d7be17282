//! One block: attention, in a decoder with an encoder also attention to that, then the feed-forward
//! network, each with its norm and residual connection.

use crate::ModelError;
use crate::attention::{AttentionContext, SelfAttention};
use crate::capture::Activation;
use crate::cross_attention::CrossAttention;
use crate::ffn::FeedForward;
use crate::forward::Pass;
use crate::layers::NormLayer;
use crate::params::Params;
use burn::module::Module;
use burn::tensor::Tensor;
use sisun_config::{Ffn, ModelConfig, NormPlacement};
use sisun_kernels as kernels;

/// One block of the stack.
#[derive(Module, Debug)]
pub struct Block {
    /// Norm of the attention sublayer.
    pub norm_attn: NormLayer,
    /// Attention.
    pub attn: SelfAttention,
    /// Norm of the cross-attention sublayer.
    pub norm_cross: Option<NormLayer>,
    /// Attention to another sequence; `None` in a model without an encoder.
    pub cross: Option<CrossAttention>,
    /// Norm of the feed-forward sublayer.
    pub norm_ffn: Option<NormLayer>,
    /// Feed-forward network; `None` in an attention-only model.
    pub ffn: Option<FeedForward>,
    #[module(skip)]
    placement: NormPlacement,
    #[module(skip)]
    residual: bool,
    #[module(skip)]
    parallel: bool,
    #[module(skip)]
    dropout: f64,
}

impl Block {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        let has_ffn = config.ffn != Ffn::None;
        Ok(Self {
            norm_attn: NormLayer::new(source, &format!("{name}.norm_attn"), config)?,
            attn: SelfAttention::new(source, &format!("{name}.attn"), config)?,
            norm_cross: None,
            cross: None,
            norm_ffn: has_ffn
                .then(|| NormLayer::new(source, &format!("{name}.norm_ffn"), config))
                .transpose()?,
            ffn: has_ffn
                .then(|| FeedForward::new(source, &format!("{name}.ffn"), config))
                .transpose()?,
            placement: config.norm_placement,
            residual: config.residual,
            parallel: config.parallel_residual,
            dropout: config.dropout,
        })
    }

    /// Like [`Block::new`], with attention to another sequence between the two others.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn with_cross_attention(
        source: &mut dyn Params,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            norm_cross: Some(NormLayer::new(
                source,
                &format!("{name}.norm_cross"),
                config,
            )?),
            cross: Some(CrossAttention::new(
                source,
                &format!("{name}.cross"),
                config,
            )?),
            ..Self::new(source, name, config)?
        })
    }

    /// Return the residual stream after the block. `layer` is the index of the block.
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
        let start = context.start;
        let x = pass.at(Activation::ResidPre, layer, start, x);
        let attended = self.sublayer(x.clone(), &self.norm_attn, |x| {
            self.attn.forward(layer, x, context, pass)
        });
        let attended = match (&self.norm_cross, &self.cross, &context.memory) {
            (Some(norm), Some(cross), Some(memory)) => self.sublayer(attended, norm, |x| {
                cross.forward(layer, x, memory, start, pass)
            }),
            _ => attended,
        };
        let x = match (&self.norm_ffn, &self.ffn) {
            (Some(norm), Some(ffn)) => {
                let attended = match self.parallel {
                    true => attended,
                    false => pass.at(Activation::ResidMid, layer, start, attended),
                };
                let mut ffn = |x| {
                    let out = ffn.forward(x, pass.precision);
                    let out = pass.at(Activation::MlpOut, layer, start, out);
                    kernels::dropout(out, pass.dropout(self.dropout))
                };
                if self.parallel {
                    attended + ffn(norm.forward(x))
                } else {
                    self.sublayer(attended, norm, ffn)
                }
            }
            _ => attended,
        };
        pass.at(Activation::ResidPost, layer, start, x)
    }

    /// Compute `x + f(norm(x))`, or `norm(x + f(x))` in a post-norm block; without residual
    /// connections omit `x +`.
    fn sublayer(
        &self,
        x: Tensor<3>,
        norm: &NormLayer,
        f: impl FnOnce(Tensor<3>) -> Tensor<3>,
    ) -> Tensor<3> {
        let add = |x: Tensor<3>, y: Tensor<3>| if self.residual { x + y } else { y };
        match self.placement {
            NormPlacement::Pre => add(x.clone(), f(norm.forward(x))),
            NormPlacement::Post => norm.forward(add(x.clone(), f(x))),
        }
    }
}
