//! `config.json`: what `transformers` calls the parts of a model, and what we call them. What a file leaves out is what
//! `GPT2Config` and `LlamaConfig` take for it.

use crate::rope::{self, RopeKeys};
use crate::{HfError, json};
use serde::Deserialize;
use serde::de::IgnoredAny;
use sisun_config::{Ffn, ModelConfig, Norm, NormPlacement, Position};
use std::path::Path;

const FAMILIES: &str = "supported are GPT2LMHeadModel and LlamaForCausalLM";

/// Which model of `transformers`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Gpt2,
    Llama,
}

/// What `config.json` says.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) family: Family,
    pub(crate) model: ModelConfig,
}

/// The keys that every model has.
#[derive(Deserialize)]
struct Any {
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    model_type: Option<String>,
    #[serde(default)]
    quantization_config: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Gpt2 {
    vocab_size: usize,
    n_positions: usize,
    n_embd: usize,
    n_layer: usize,
    n_head: usize,
    #[serde(default)]
    n_inner: Option<usize>,
    #[serde(default = "gelu_new")]
    activation_function: String,
    #[serde(default = "gpt2_epsilon")]
    layer_norm_epsilon: f64,
    #[serde(default = "yes")]
    scale_attn_weights: bool,
    #[serde(default)]
    scale_attn_by_inverse_layer_idx: bool,
    #[serde(default)]
    add_cross_attention: bool,
    #[serde(default = "yes")]
    tie_word_embeddings: bool,
}

#[derive(Deserialize)]
struct Llama {
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
    #[serde(default = "llama_epsilon")]
    rms_norm_eps: f64,
    #[serde(default)]
    tie_word_embeddings: bool,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(flatten)]
    rope: RopeKeys,
}

impl Described {
    /// Reads `config.json`.
    pub(crate) fn read(path: &Path) -> Result<Self, HfError> {
        let text = json::read(path)?;
        let any: Any = json::parse(path, &text)?;
        let family = any.family(path)?;
        if any.quantization_config.is_some() {
            return Err(HfError::Unsupported {
                path: path.to_owned(),
                key: "quantization_config",
                value: "{…}".to_owned(),
                supported: "take a copy of the model in float32, float16 or bfloat16",
            });
        }
        let model = match family {
            Family::Gpt2 => json::parse::<Gpt2>(path, &text)?.model(path)?,
            Family::Llama => json::parse::<Llama>(path, &text)?.model(path)?,
        };
        model.validate().map_err(|source| HfError::Config { path: path.to_owned(), source })?;
        Ok(Self { family, model })
    }
}

impl Any {
    fn family(&self, path: &Path) -> Result<Family, HfError> {
        let named = self.architectures.as_ref().and_then(|names| names.first());
        let (key, value) = match (named, &self.model_type) {
            (Some(name), _) => ("architectures", name.as_str()),
            (None, Some(kind)) => ("model_type", kind.as_str()),
            (None, None) => {
                let problem = format!("neither architectures nor model_type says which model this is; {FAMILIES}");
                return Err(HfError::Json { path: path.to_owned(), problem });
            }
        };
        match value {
            // The second is the same without its head, which is the embedding.
            "GPT2LMHeadModel" | "GPT2Model" | "gpt2" => Ok(Family::Gpt2),
            "LlamaForCausalLM" | "llama" => Ok(Family::Llama),
            other => Err(HfError::Unsupported {
                path: path.to_owned(),
                key,
                value: format!("{other:?}"),
                supported: FAMILIES,
            }),
        }
    }
}

impl Gpt2 {
    fn model(self, path: &Path) -> Result<ModelConfig, HfError> {
        let unsupported = |key, value: &str, supported| {
            Err(HfError::Unsupported { path: path.to_owned(), key, value: value.to_owned(), supported })
        };
        if self.scale_attn_by_inverse_layer_idx {
            return unsupported("scale_attn_by_inverse_layer_idx", "true", "every layer has to scale its scores alike");
        }
        if self.add_cross_attention {
            return unsupported("add_cross_attention", "true", "models of one sequence are");
        }
        let ffn = match self.activation_function.as_str() {
            "gelu_new" | "gelu_pytorch_tanh" => Ffn::GeluTanh,
            "gelu" => Ffn::Gelu,
            "relu" => Ffn::Relu,
            "relu2" => Ffn::ReluSquared,
            other => {
                let known = "supported are gelu_new, gelu_pytorch_tanh, gelu, relu and relu2";
                return unsupported("activation_function", &format!("{other:?}"), known);
            }
        };
        Ok(ModelConfig {
            n_kv_heads: Some(self.n_head),
            // Where 4·n_embd is too large, so is n_embd, which is told by its name.
            d_ff: Some(self.n_inner.unwrap_or(self.n_embd.saturating_mul(4))),
            tied_head: self.tie_word_embeddings,
            norm_eps: self.layer_norm_epsilon,
            scaled_scores: self.scale_attn_weights,
            ffn,
            ..plain(self.vocab_size, self.n_embd, self.n_layer, self.n_head, self.n_positions)
        })
    }
}

impl Llama {
    fn model(self, path: &Path) -> Result<ModelConfig, HfError> {
        let unsupported =
            |key, value, supported| Err(HfError::Unsupported { path: path.to_owned(), key, value, supported });
        if !matches!(self.hidden_act.as_str(), "silu" | "swish") {
            return unsupported("hidden_act", format!("{:?}", self.hidden_act), "supported is silu");
        }
        if let Some(head_dim) = self.head_dim
            && head_dim.checked_mul(self.num_attention_heads) != Some(self.hidden_size)
        {
            return unsupported("head_dim", head_dim.to_string(), "it has to be hidden_size / num_attention_heads");
        }
        Ok(ModelConfig {
            n_kv_heads: Some(self.num_key_value_heads.unwrap_or(self.num_attention_heads)),
            d_ff: Some(self.intermediate_size),
            bias: false,
            attention_bias: Some(self.attention_bias),
            ffn_bias: Some(self.mlp_bias),
            tied_head: self.tie_word_embeddings,
            position: rope::position(path, &self.rope, self.max_position_embeddings)?,
            norm: Norm::Rms,
            norm_eps: self.rms_norm_eps,
            ffn: Ffn::Swiglu,
            ..plain(
                self.vocab_size,
                self.hidden_size,
                self.num_hidden_layers,
                self.num_attention_heads,
                self.max_position_embeddings,
            )
        })
    }
}

/// A model of these sizes, everything else as in GPT-2.
fn plain(vocab_size: usize, d_model: usize, n_layers: usize, n_heads: usize, context_len: usize) -> ModelConfig {
    ModelConfig {
        vocab_size: Some(vocab_size),
        d_model,
        n_layers,
        n_heads,
        n_kv_heads: None,
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
        norm_eps: gpt2_epsilon(),
        ffn: Ffn::GeluTanh,
        residual: true,
        qk_norm: false,
        causal: true,
        scaled_scores: true,
        init_std: 0.02,
    }
}

fn yes() -> bool {
    true
}

fn gelu_new() -> String {
    "gelu_new".to_owned()
}

fn silu() -> String {
    "silu".to_owned()
}

fn gpt2_epsilon() -> f64 {
    1e-5
}

fn llama_epsilon() -> f64 {
    1e-6
}
