//! The residual stream of a model on a text, and what is added to it.

use crate::LanguageModel;
use crate::attention_maps::Token;
use crate::error::InferError;
use burn::tensor::Tensor;
use sisun_config::{ModelConfig, NormPlacement};
use sisun_model::{Activation, Capture, Pass};
use std::collections::BTreeMap;

/// Captured activations of one text, by name and layer, and the logits.
pub(crate) struct Recording {
    found: BTreeMap<(Activation, usize), Vec<f32>>,
    /// Logits of each position, or of the last only, `[1, pos, vocab]`.
    pub(crate) logits: Tensor<3>,
}

impl Recording {
    /// Return an activation of a layer; `None` if the model lacks it.
    pub(crate) fn get(&self, name: Activation, layer: usize) -> Option<&[f32]> {
        self.found.get(&(name, layer)).map(Vec::as_slice)
    }
}

impl LanguageModel {
    /// Run the model on tokens and record activations of all layers and heads, and the logits of
    /// every position or of the last only.
    pub(crate) fn record(
        &self,
        tokens: &[Token],
        names: &[Activation],
        all_logits: bool,
    ) -> Recording {
        let config = self.model.config();
        let layers: Vec<usize> = (0..config.n_layers).collect();
        let heads: Vec<usize> = (0..config.n_heads).collect();
        let mut capture = Capture::new(names, &layers, &heads);
        let ids = self.batch_of(tokens.iter().map(|token| token.id));
        let pass = Pass::capturing(&mut capture);
        let logits = match all_logits {
            true => self.model.forward(ids, pass),
            false => self.model.forward_last(ids, pass).unsqueeze_dim(1),
        };
        let found = capture.into_found().into_iter();
        Recording {
            found: found
                .map(|one| ((one.name, one.layer), one.values))
                .collect(),
            logits,
        }
    }
}

/// Check that the residual stream of a model is the sum of what its parts add.
///
/// # Errors
/// [`InferError::NoSum`] without residual connections, and with norms after the sums.
pub(crate) fn check_sum(what: &'static str, config: &ModelConfig) -> Result<(), InferError> {
    match config.norm_placement {
        NormPlacement::Pre => check_residual(what, config),
        NormPlacement::Post => Err(InferError::NoSum {
            what,
            why: "its norms come after the sums (model.norm_placement = \"post\"): each rescales all that was added before, so the parts do not add up to the logits",
        }),
    }
}

/// Check that a model has a residual stream.
///
/// # Errors
/// [`InferError::NoSum`] without residual connections.
pub(crate) fn check_residual(what: &'static str, config: &ModelConfig) -> Result<(), InferError> {
    match config.residual {
        true => Ok(()),
        false => Err(InferError::NoSum {
            what,
            why: "it has no residual connections (model.residual = false): each layer replaces what the layers before wrote",
        }),
    }
}
