//! The position-wise feed-forward network (Vaswani et al. 2017, §3.3).

use crate::ModelError;
use crate::layers::Linear;
use crate::params::Params;
use burn::module::Module;
use burn::tensor::Tensor;
use sisun_config::{Ffn, ModelConfig};
use sisun_kernels::{self as kernels, ActivationFunction, MatmulPrecision};

/// `down(activation(up x))`, or `down(silu(gate x) ⊙ up x)` with a gate.
#[derive(Module, Debug)]
pub struct FeedForward {
    /// `[d_model, d_ff]`.
    pub up: Linear,
    /// `[d_model, d_ff]`, SwiGLU only.
    pub gate: Option<Linear>,
    /// `[d_ff, d_model]`.
    pub down: Linear,
    #[module(skip)]
    kind: Ffn,
}

impl FeedForward {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        let (wide, narrow) = (
            [config.d_model, config.ff_width()],
            [config.ff_width(), config.d_model],
        );
        let (bias, std) = (config.has_ffn_bias(), config.init_std);
        Ok(Self {
            up: Linear::new(source, &format!("{name}.up"), wide, bias, std)?,
            gate: (config.ffn == Ffn::Swiglu)
                .then(|| Linear::new(source, &format!("{name}.gate"), wide, bias, std))
                .transpose()?,
            down: Linear::new(
                source,
                &format!("{name}.down"),
                narrow,
                bias,
                config.residual_std(),
            )?,
            kind: config.ffn,
        })
    }

    /// # Shapes
    /// - `x` and the result: `[batch, pos, d_model]`
    pub fn forward(&self, x: Tensor<3>, precision: MatmulPrecision) -> Tensor<3> {
        let hidden = match &self.gate {
            Some(gate) => kernels::swiglu(
                gate.forward(x.clone(), precision),
                self.up.forward(x, precision),
            ),
            None => kernels::activation(self.up.forward(x, precision), self.activation()),
        };
        self.down.forward(hidden, precision)
    }

    fn activation(&self) -> ActivationFunction {
        match self.kind {
            Ffn::GeluTanh => ActivationFunction::GeluTanh,
            Ffn::Relu => ActivationFunction::Relu,
            Ffn::ReluSquared => ActivationFunction::ReluSquared,
            Ffn::Gelu | Ffn::Swiglu | Ffn::None => ActivationFunction::Gelu,
        }
    }
}
