//! `GPTNeoXConfig`: layer norm with rotary positions.

use super::file::{File, activation, plain};
use super::rope::RopeKeys;
use crate::HfError;
use serde::Deserialize;
use sisun_config::ModelConfig;

#[derive(Deserialize)]
pub(super) struct Neox {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    max_position_embeddings: usize,
    hidden_act: String,
    layer_norm_eps: f64,
    tie_word_embeddings: bool,
    attention_bias: bool,
    use_parallel_residual: bool,
    rotary_pct: f64,
    rotary_emb_base: f64,
}

impl Neox {
    pub(super) fn model(self, file: &File<'_>, rope: RopeKeys) -> Result<ModelConfig, HfError> {
        // Other families have these settings under the common keys, this one under keys of its own.
        let rope = rope.at_the_top(self.rotary_emb_base, self.rotary_pct);
        let plain = plain(
            self.vocab_size,
            self.hidden_size,
            self.num_hidden_layers,
            self.num_attention_heads,
            self.max_position_embeddings,
        );
        // Errors in the sizes are reported when the whole model is checked.
        let d_head = self.hidden_size / self.num_attention_heads.max(1);
        Ok(ModelConfig {
            n_kv_heads: Some(self.num_attention_heads),
            d_ff: Some(self.intermediate_size),
            attention_bias: Some(self.attention_bias),
            tied_head: self.tie_word_embeddings,
            parallel_residual: self.use_parallel_residual,
            position: rope.position(file, d_head, self.max_position_embeddings)?,
            norm_eps: self.layer_norm_eps,
            ffn: activation(file, "hidden_act", &self.hidden_act)?,
            ..plain
        })
    }
}
