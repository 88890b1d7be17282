//! `LlamaConfig`, and those of its kin: Mistral, Qwen2 and Qwen3.

use super::rope::RopeKeys;
use super::{File, plain};
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
    #[serde(default)]
    num_key_value_heads: Option<usize>,
    #[serde(default)]
    head_dim: Option<usize>,
    #[serde(default = "silu")]
    hidden_act: String,
    max_position_embeddings: usize,
    #[serde(default = "rms_epsilon")]
    rms_norm_eps: f64,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    /// Null is none.
    #[serde(default = "window")]
    sliding_window: Option<usize>,
    #[serde(default)]
    use_sliding_window: bool,
    /// Layers before the first with a window.
    #[serde(default = "before_windows")]
    max_window_layers: usize,
    #[serde(default)]
    layer_types: Option<Vec<String>>,
}

impl Llama {
    pub(super) fn model(self, file: &File<'_>, family: Family, rope: RopeKeys) -> Result<ModelConfig, HfError> {
        let ungated = family == Family::Llama && self.mlp_bias;
        let ffn = match self.hidden_act.as_str() {
            "silu" | "swish" => Ffn::Swiglu,
            // Whether the gate is what makes these of it is seen when the weights are there.
            "relu" => Ffn::ReluSquared,
            "gelu" if ungated => Ffn::Gelu,
            "gelu_new" | "gelu_pytorch_tanh" if ungated => Ffn::GeluTanh,
            other => return file.unsupported("hidden_act", format!("{other:?}"), "supported is silu"),
        };
        self.check_window(file, family)?;
        let n_heads = self.num_attention_heads;
        let d_head = match family {
            Family::Qwen3 => Some(self.head_dim.unwrap_or(128)),
            _ => self.head_dim,
        };
        // What is wrong with the sizes is told when the whole model is checked.
        let usual = self.hidden_size / n_heads.max(1);
        let (attention_bias, ffn_bias) = match family {
            Family::Llama => (self.attention_bias, self.mlp_bias),
            Family::Qwen2 => (true, false),
            Family::Qwen3 => (self.attention_bias, false),
            _ => (false, false),
        };
        let rope = rope.whole(file)?;
        Ok(ModelConfig {
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
            ..plain(self.vocab_size, self.hidden_size, self.num_hidden_layers, n_heads, self.max_position_embeddings)
        })
    }

    /// A window that hides what is far away is not supported; one as long as the context hides nothing.
    fn check_window(&self, file: &File<'_>, family: Family) -> Result<(), HfError> {
        let kinds = self.layer_types.as_ref().filter(|_| family != Family::Llama);
        let windowed = match (family, kinds) {
            (Family::Mistral, _) => true,
            (Family::Qwen2 | Family::Qwen3, Some(kinds)) => kinds.iter().any(|kind| kind == "sliding_attention"),
            (Family::Qwen2 | Family::Qwen3, None) => {
                self.use_sliding_window && self.max_window_layers < self.num_hidden_layers
            }
            _ => false,
        };
        if let Some(window) = self.sliding_window.filter(|window| windowed && *window < self.max_position_embeddings) {
            return file.unsupported("sliding_window", window, "every layer has to see the whole text (null)");
        }
        let known = ["full_attention", "sliding_attention"];
        match kinds.into_iter().flatten().find(|kind| !known.contains(&kind.as_str())) {
            Some(kind) => file.unsupported("layer_types", format!("{kind:?}"), "supported is full_attention"),
            None => Ok(()),
        }
    }
}

fn window() -> Option<usize> {
    Some(4096)
}

fn before_windows() -> usize {
    28
}

fn silu() -> String {
    "silu".to_owned()
}

fn rms_epsilon() -> f64 {
    1e-6
}
