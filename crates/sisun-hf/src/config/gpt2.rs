//! `GPT2Config`.

use super::file::{File, activation, plain};
use crate::HfError;
use serde::Deserialize;
use sisun_config::ModelConfig;

#[derive(Deserialize)]
pub(super) struct Gpt2 {
    vocab_size: usize,
    n_positions: usize,
    n_embd: usize,
    n_layer: usize,
    n_head: usize,
    n_inner: Option<usize>,
    activation_function: String,
    layer_norm_epsilon: f64,
    scale_attn_weights: bool,
    scale_attn_by_inverse_layer_idx: bool,
    add_cross_attention: bool,
    tie_word_embeddings: bool,
}

impl Gpt2 {
    pub(super) fn model(self, file: &File<'_>) -> Result<ModelConfig, HfError> {
        if self.scale_attn_by_inverse_layer_idx {
            let supported = "every layer has to scale its scores alike";
            return file.unsupported("scale_attn_by_inverse_layer_idx", true, supported);
        }
        if self.add_cross_attention {
            return file.unsupported("add_cross_attention", true, "models of one sequence are");
        }
        Ok(ModelConfig {
            n_kv_heads: Some(self.n_head),
            // If 4·n_embd is too large, so is n_embd, which is reported by its name.
            d_ff: Some(self.n_inner.unwrap_or(self.n_embd.saturating_mul(4))),
            tied_head: self.tie_word_embeddings,
            norm_eps: self.layer_norm_epsilon,
            scaled_scores: self.scale_attn_weights,
            ffn: activation(file, "activation_function", &self.activation_function)?,
            ..plain(
                self.vocab_size,
                self.n_embd,
                self.n_layer,
                self.n_head,
                self.n_positions,
            )
        })
    }
}
