//! `LlamaConfig` and related classes: Mistral, Qwen2 and Qwen3.

use super::file::{File, plain};
use super::rope::RopeKeys;
use crate::HfError;
use crate::family::Family;
use serde::Deserialize;
use sisun_config::{Ffn, ModelConfig, Norm};

#[derive(Deserialize)]
pub(super) struct Llama {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    hidden_act: String,
    max_position_embeddings: usize,
    rms_norm_eps: f64,
    tie_word_embeddings: bool,
    attention_bias: bool,
    mlp_bias: bool,
    /// Null means no window.
    sliding_window: Option<usize>,
    use_sliding_window: bool,
    /// Number of layers before the first with a window.
    max_window_layers: usize,
    layer_types: Option<Vec<String>>,
}

impl Llama {
    /// Return the model and, if some of its layers have a limited window, the number of tokens that
    /// they see: its context ends there.
    pub(super) fn model(
        self,
        file: &File<'_>,
        family: Family,
        rope: RopeKeys,
    ) -> Result<(ModelConfig, Option<usize>), HfError> {
        let ungated = family == Family::Llama && self.mlp_bias;
        let ffn = match self.hidden_act.as_str() {
            "silu" | "swish" => Ffn::Swiglu,
            // `relu` with a gate equal to `up` is relu², and `gelu` with an `up` of 1 is GELU; the
            // weights are checked for this later.
            "relu" => Ffn::ReluSquared,
            "gelu" if ungated => Ffn::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" if ungated => Ffn::GeluTanh,
            other => {
                return file.unsupported("hidden_act", format!("{other:?}"), "supported is silu");
            }
        };
        let window = self.window(file, family)?;
        let n_heads = self.num_attention_heads;
        let d_head = match family {
            Family::Qwen3 => Some(self.head_dim.unwrap_or(128)),
            _ => self.head_dim,
        };
        // Errors in the sizes are reported when the whole model is checked.
        let usual = self.hidden_size / n_heads.max(1);
        let (attention_bias, ffn_bias) = match family {
            Family::Llama => (self.attention_bias, self.mlp_bias),
            Family::Qwen2 => (true, false),
            Family::Qwen3 => (self.attention_bias, false),
            _ => (false, false),
        };
        let rope = rope.whole(file)?;
        let context_len = window.map_or(self.max_position_embeddings, |window| {
            window.min(self.max_position_embeddings)
        });
        let model = ModelConfig {
            n_kv_heads: Some(self.num_key_value_heads.unwrap_or(n_heads)),
            d_head: d_head.filter(|d_head| d_head.checked_mul(n_heads) != Some(self.hidden_size)),
            d_ff: Some(self.intermediate_size),
            bias: false,
            attention_bias: Some(attention_bias),
            ffn_bias: Some(ffn_bias),
            tied_head: self.tie_word_embeddings,
            position: rope.position(file, d_head.unwrap_or(usual), self.max_position_embeddings)?,
            norm: Norm::Rms,
            norm_eps: self.rms_norm_eps,
            ffn,
            qk_norm: family == Family::Qwen3,
            ..plain(
                self.vocab_size,
                self.hidden_size,
                self.num_hidden_layers,
                n_heads,
                context_len,
            )
        };
        Ok((model, window))
    }

    /// Return the number of tokens that the layers with a window see, if any have one that is
    /// shorter than the context. As in `transformers`, a query sees itself and the `window − 1`
    /// tokens before it: in a text of `window` tokens nothing is hidden.
    fn window(&self, file: &File<'_>, family: Family) -> Result<Option<usize>, HfError> {
        let kinds = self
            .layer_types
            .as_ref()
            .filter(|_| family != Family::Llama);
        let known = ["full_attention", "sliding_attention"];
        if let Some(kind) = kinds
            .into_iter()
            .flatten()
            .find(|kind| !known.contains(&kind.as_str()))
        {
            return file.unsupported(
                "layer_types",
                format!("{kind:?}"),
                "supported are full_attention and sliding_attention",
            );
        }
        let windowed = match (family, kinds) {
            (Family::Mistral, _) => true,
            (Family::Qwen2 | Family::Qwen3, _) if !self.use_sliding_window => false,
            (Family::Qwen2 | Family::Qwen3, Some(kinds)) => {
                kinds.iter().any(|kind| kind == "sliding_attention")
            }
            (Family::Qwen2 | Family::Qwen3, None) => {
                self.max_window_layers < self.num_hidden_layers
            }
            _ => false,
        };
        match self
            .sliding_window
            .filter(|window| windowed && *window < self.max_position_embeddings)
        {
            Some(0) => file.unsupported(
                "sliding_window",
                0,
                "a query has to see itself at least (null is no window)",
            ),
            window => Ok(window),
        }
    }
}
