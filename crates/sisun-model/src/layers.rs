//! Layers with parameters; each calls one kernel.

use crate::ModelError;
use crate::params::{Init, Params, matrix, param};
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};
use sisun_config::{ModelConfig, Norm};
use sisun_kernels::{self as kernels, MatmulPrecision};

/// `y = x·W + b`.
#[derive(Module, Debug)]
pub struct Linear {
    /// `[d_in, d_out]`.
    pub weight: Param<Tensor<2>>,
    /// `[d_out]`.
    pub bias: Option<Param<Tensor<1>>>,
}

impl Linear {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        [d_in, d_out]: [usize; 2],
        bias: bool,
        std: f64,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            weight: matrix(
                source,
                &format!("{name}.weight"),
                [d_in, d_out],
                Init::Normal(std),
            )?,
            bias: bias
                .then(|| param(source, &format!("{name}.bias"), [d_out], Init::Zeros))
                .transpose()?,
        })
    }

    /// # Shapes
    /// - `x`: `[batch, pos, d_in]`
    /// - result: `[batch, pos, d_out]`
    pub fn forward(&self, x: Tensor<3>, precision: MatmulPrecision) -> Tensor<3> {
        let bias = self.bias.as_ref().map(Param::val);
        let Some(adapter) = self.weight.adapter() else {
            return kernels::linear(x, self.weight.val(), bias, precision);
        };
        // `x·W + s·(x·A)·B` rather than `x·(W + s·A·B)`: neither the merged matrix nor its gradient
        // is materialised.
        let low = kernels::linear(x.clone(), adapter.a.val(), None, precision);
        let added = kernels::linear(low, adapter.b.val(), None, precision) * adapter.scale;
        kernels::linear(x, self.weight.base(), bias, precision) + added
    }
}

/// An embedding table with a row per token.
#[derive(Module, Debug)]
pub struct Embedding {
    /// `[vocab, d_model]`.
    pub weight: Param<Tensor<2>>,
}

impl Embedding {
    /// Request the parameters, whose names begin with `name`, from `source`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        shape: [usize; 2],
        std: f64,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            weight: matrix(source, &format!("{name}.weight"), shape, Init::Normal(std))?,
        })
    }

    /// # Shapes
    /// - `tokens`: `[batch, pos]`
    /// - result: `[batch, pos, d_model]`
    pub fn forward(&self, tokens: Tensor<2, Int>) -> Tensor<3> {
        kernels::embedding(self.weight.val(), tokens)
    }

    /// Apply the output head tied to these weights: `x·Eᵀ` (Press and Wolf 2017).
    ///
    /// # Shapes
    /// - `x`: `[batch, pos, d_model]`
    /// - result: `[batch, pos, vocab]`
    pub fn as_head(&self, x: Tensor<3>, precision: MatmulPrecision) -> Tensor<3> {
        kernels::linear_transposed(x, self.weight.val(), precision)
    }
}

/// Layer norm or RMS norm over the last axis.
#[derive(Module, Debug)]
pub struct NormLayer {
    /// γ, `[d]`.
    pub weight: Param<Tensor<1>>,
    /// β, `[d]`; `None` in an RMS norm.
    pub bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    norm: Norm,
    #[module(skip)]
    pub(crate) epsilon: f64,
}

impl NormLayer {
    /// Create the norm that the configuration selects, over `d_model`.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn new(
        source: &mut dyn Params,
        name: &str,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        let bias = config.bias && config.norm == Norm::Layer;
        Ok(Self {
            bias: bias
                .then(|| {
                    param(
                        source,
                        &format!("{name}.bias"),
                        [config.d_model],
                        Init::Zeros,
                    )
                })
                .transpose()?,
            norm: config.norm,
            ..Self::rms(source, name, config.d_model, config)?
        })
    }

    /// Create an RMS norm over `width` dimensions.
    ///
    /// # Errors
    /// If the source cannot provide a parameter.
    pub fn rms(
        source: &mut dyn Params,
        name: &str,
        width: usize,
        config: &ModelConfig,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            weight: param(source, &format!("{name}.weight"), [width], Init::Ones)?,
            bias: None,
            norm: Norm::Rms,
            epsilon: config.norm_eps,
        })
    }

    /// # Shapes
    /// - `x` and the result: `[.., d]`
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        match self.norm {
            Norm::Layer => kernels::layer_norm(
                x,
                self.weight.val(),
                self.bias.as_ref().map(Param::val),
                self.epsilon,
            ),
            Norm::Rms => kernels::rms_norm(x, self.weight.val(), self.epsilon),
        }
    }
}
