//! Neurons: the hidden units of feed-forward networks, what activates them and what they write.

use crate::component::two_numbers;
use crate::matrix::Matrix;
use crate::top::largest_of;
use crate::unembedding::TOKENS_TOGETHER;
use crate::{Index, InferError, LanguageModel};
use burn::module::Param;
use burn::tensor::Tensor;
use serde::{Serialize, Serializer};
use sisun_config::{Ffn, NormPlacement};
use sisun_kernels::{self as kernels, ActivationFunction, MatmulPrecision};
use sisun_model::{Activation, Capture, Linear, Pass, to_host};
use std::fmt;
use std::str::FromStr;

/// A neuron, by its layer and its number: `1.200`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeuronName {
    /// Layer, counted from 0.
    pub layer: usize,
    /// Neuron of the layer's feed-forward network, counted from 0.
    pub neuron: usize,
}

impl fmt::Display for NeuronName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.neuron)
    }
}

impl Serialize for NeuronName {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// A neuron as a user names it, counted from 0 or from the end: `1.200`, `last.-1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeuronIndex {
    /// Layer.
    pub layer: Index,
    /// Neuron.
    pub neuron: Index,
}

impl FromStr for NeuronIndex {
    type Err = InferError;

    fn from_str(given: &str) -> Result<Self, InferError> {
        let [layer, neuron] = two_numbers("neuron", given)?;
        Ok(Self { layer, neuron })
    }
}

/// A token whose logit a neuron changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WrittenLogit {
    /// Token id.
    pub id: u32,
    /// Readable text.
    pub text: String,
    /// Change of the logit for an activation of 1, without the final norm.
    pub logit: f32,
}

/// The tokens whose logits a neuron changes most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NeuronOutput {
    /// Largest increases, largest first.
    pub raises: Vec<WrittenLogit>,
    /// Largest decreases, largest first.
    pub lowers: Vec<WrittenLogit>,
}

impl LanguageModel {
    /// Return the neuron that a user names.
    ///
    /// # Errors
    /// [`InferError::NoSuch`], or [`InferError::Lacks`] without feed-forward networks.
    pub fn neuron(&self, asked: NeuronIndex) -> Result<NeuronName, InferError> {
        let config = self.model.config();
        if config.ffn == Ffn::None {
            return Err(InferError::Lacks {
                what: "neurons",
                why: "its blocks have no feed-forward network (model.ffn = \"none\")",
            });
        }
        Ok(NeuronName {
            layer: asked.layer.among("layer", config.n_layers)?,
            neuron: asked.neuron.among("neuron", config.ff_width())?,
        })
    }

    /// Check that the model has a neuron.
    ///
    /// # Errors
    /// As for [`LanguageModel::neuron`].
    pub fn check_neuron(&self, name: NeuronName) -> Result<(), InferError> {
        let asked = NeuronIndex {
            layer: Index::FromStart(name.layer),
            neuron: Index::FromStart(name.neuron),
        };
        self.neuron(asked).map(|_| ())
    }

    /// Return the activation of a neuron at each token of a sequence: what its column of the second
    /// matrix is multiplied by.
    ///
    /// # Errors
    /// If the neuron does not exist, or the sequence is too long for the model.
    pub fn neuron_activations(
        &self,
        name: NeuronName,
        ids: &[u32],
    ) -> Result<Vec<f32>, InferError> {
        self.check_neuron(name)?;
        self.check_length(ids.len())?;
        let config = self.model.config();
        let read = match config.parallel_residual {
            true => Activation::ResidPre,
            false => Activation::ResidMid,
        };
        let mut capture = Capture::new(&[read], &[name.layer], &[]);
        let batch = self.batch_of(ids.iter().copied());
        self.model
            .forward_last(batch, Pass::capturing(&mut capture));
        let block = &self.model.blocks[name.layer];
        let found = capture.into_found().into_iter().next();
        let (Some(found), Some(ffn)) = (found, &block.ffn) else {
            return Ok(Vec::new());
        };
        let x = Matrix::new(ids.len(), config.d_model, found.values);
        let x = x.tensor(&self.model.device());
        let x = match (config.norm_placement, &block.norm_ffn) {
            (NormPlacement::Pre, Some(norm)) => norm.forward(x),
            _ => x,
        };
        let before = |linear: &Linear| one_output(linear, x.clone(), name.neuron);
        let up = before(&ffn.up);
        let activations = match &ffn.gate {
            Some(gate) => kernels::swiglu(before(gate), up),
            None => kernels::activation(up, function(config.ffn)),
        };
        Ok(to_host(activations).1)
    }

    /// Return the tokens whose logits a neuron raises and lowers most, through the head alone.
    ///
    /// # Errors
    /// If the neuron does not exist.
    pub fn neuron_output(&self, name: NeuronName, top: usize) -> Result<NeuronOutput, InferError> {
        self.check_neuron(name)?;
        let ffn = self.model.blocks[name.layer].ffn.as_ref();
        let down = ffn.map(|ffn| Matrix::of(ffn.down.weight.val().narrow(0, name.neuron, 1)));
        let column = down.map(|down| down.transposed().factor());
        let mut logits = Vec::with_capacity(self.rows());
        for first in (0..self.rows()).step_by(TOKENS_TOGETHER) {
            let count = TOKENS_TOGETHER.min(self.rows() - first);
            let rows = self.head_rows(first, count);
            logits.extend(
                column
                    .iter()
                    .flat_map(|column| rows.times_factor(column).values),
            );
        }
        let written = |id: usize| WrittenLogit {
            id: id as u32,
            text: self.tokenizer.token_text(id as u32),
            logit: logits[id],
        };
        let lowered: Vec<f32> = logits.iter().map(|logit| -logit).collect();
        let listed = |values: &[f32]| largest_of(values, top).into_iter().map(written).collect();
        Ok(NeuronOutput {
            raises: listed(&logits),
            lowers: listed(&lowered),
        })
    }
}

/// Apply one column of a linear layer.
///
/// # Shapes
/// - `x`: `[batch, pos, d_in]`
/// - result: `[batch, pos, 1]`
fn one_output(linear: &Linear, x: Tensor<3>, column: usize) -> Tensor<3> {
    let weight = Matrix::of(linear.weight.val().narrow(1, column, 1));
    let weight = weight.tensor(&x.device()).squeeze_dim::<2>(0);
    let bias = linear.bias.as_ref().map(Param::val);
    let bias = bias.map(|bias| bias.narrow(0, column, 1));
    kernels::linear(x, weight, bias, MatmulPrecision::Float32)
}

fn function(ffn: Ffn) -> ActivationFunction {
    match ffn {
        Ffn::GeluTanh => ActivationFunction::GeluTanh,
        Ffn::Relu => ActivationFunction::Relu,
        Ffn::ReluSquared => ActivationFunction::ReluSquared,
        Ffn::Gelu | Ffn::Swiglu | Ffn::None => ActivationFunction::Gelu,
    }
}
