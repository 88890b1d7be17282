//! Parsing of `config.json` that is common to all families.

use crate::HfError;
use sisun_config::{Ffn, ModelConfig, Norm, NormPlacement, Position};
use std::path::Path;

/// The path of a file, for errors about unsupported settings.
pub(super) struct File<'p>(pub(super) &'p Path);

impl File<'_> {
    pub(super) fn unsupported<T>(
        &self,
        key: &'static str,
        value: impl std::fmt::Display,
        supported: &'static str,
    ) -> Result<T, HfError> {
        Err(HfError::Unsupported {
            path: self.0.to_owned(),
            key,
            value: value.to_string(),
            supported,
        })
    }
}

/// Return an activation without a gate, given its name in `transformers`.
pub(super) fn activation(file: &File<'_>, key: &'static str, name: &str) -> Result<Ffn, HfError> {
    Ok(match name {
        "gelu_new" | "gelu_pytorch_tanh" | "gelu_fast" => Ffn::GeluTanh,
        "gelu" => Ffn::Gelu,
        "relu" => Ffn::Relu,
        "relu2" => Ffn::ReluSquared,
        other => {
            let known = "supported are gelu_new, gelu_pytorch_tanh, gelu, relu and relu2";
            return file.unsupported(key, format!("{other:?}"), known);
        }
    })
}

/// Return a model of these sizes, with the other settings of GPT-2.
pub(super) fn plain(
    vocab_size: usize,
    d_model: usize,
    n_layers: usize,
    n_heads: usize,
    context_len: usize,
) -> ModelConfig {
    ModelConfig {
        vocab_size: Some(vocab_size),
        d_model,
        n_layers,
        n_heads,
        n_kv_heads: None,
        d_head: None,
        d_ff: None,
        context_len,
        dropout: 0.0,
        bias: true,
        attention_bias: None,
        ffn_bias: None,
        tied_head: true,
        position: Position::Learned,
        norm: Norm::Layer,
        norm_placement: NormPlacement::Pre,
        norm_eps: 1e-5,
        ffn: Ffn::GeluTanh,
        residual: true,
        parallel_residual: false,
        qk_norm: false,
        causal: true,
        scaled_scores: true,
        init_std: 0.02,
    }
}
