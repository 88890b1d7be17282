//! `config.json` of an exported model, with keys that `transformers` 4 and 5 both read.

use crate::family::Family;
use serde_json::{Map, Value, json};
use sisun_config::{Ffn, ModelConfig, Position, RopeScaling};

/// The special tokens of the tokenizer.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    /// Token that begins a text.
    pub(crate) begin: Option<u32>,
    /// Tokens that end a text.
    pub(crate) eos_token_ids: Vec<u32>,
}

/// Format `eos_token_id`: null, one number, or a list.
pub(crate) fn end(eos_token_ids: &[u32]) -> Value {
    match eos_token_ids {
        [] => Value::Null,
        [end] => json!(end),
        eos_token_ids => json!(eos_token_ids),
    }
}

/// Return the `config.json` of a model that `family` can represent.
pub(crate) fn write(family: Family, model: &ModelConfig, ids: &Ids, dtype: &str) -> Value {
    let mut config = json!({
        "architectures": [family.architecture()],
        "model_type": family.model_type(),
        "vocab_size": model.vocab_size,
        "tie_word_embeddings": model.tied_head,
        "bos_token_id": ids.begin,
        "eos_token_id": end(&ids.eos_token_ids),
        "pad_token_id": null,
        // Version 5 accepts at most 1.
        "initializer_range": model.init_std.min(1.0),
        "use_cache": true,
        "dtype": dtype,
    });
    let of_family = match family {
        Family::Gpt2 => gpt2(model),
        Family::Neox => neox(model),
        Family::Llama | Family::Mistral | Family::Qwen2 | Family::Qwen3 => llama(family, model),
    };
    let rope = match model.position {
        Position::Rope { base, scaling, .. } => rope(base, turned(model), scaling),
        _ => Value::Null,
    };
    let both = [of_family, rope];
    let more = both.into_iter().filter_map(|value| {
        if let Value::Object(keys) = value {
            Some(keys)
        } else {
            None
        }
    });
    if let Value::Object(config) = &mut config {
        more.for_each(|keys: Map<String, Value>| config.extend(keys));
    }
    config
}

fn gpt2(model: &ModelConfig) -> Value {
    json!({
        "n_positions": model.context_len,
        "n_embd": model.d_model,
        "n_layer": model.n_layers,
        "n_head": model.n_heads,
        "n_inner": model.ff_width(),
        "activation_function": activation(model.ffn),
        "layer_norm_epsilon": model.norm_eps,
        "scale_attn_weights": model.scaled_scores,
        "embd_pdrop": model.dropout,
        "attn_pdrop": model.dropout,
        "resid_pdrop": model.dropout,
    })
}

fn neox(model: &ModelConfig) -> Value {
    json!({
        "max_position_embeddings": positions(model),
        "hidden_size": model.d_model,
        "num_hidden_layers": model.n_layers,
        "num_attention_heads": model.n_heads,
        "intermediate_size": model.ff_width(),
        "hidden_act": activation(model.ffn),
        "layer_norm_eps": model.norm_eps,
        "attention_bias": model.has_attention_bias(),
        "use_parallel_residual": model.parallel_residual,
        "hidden_dropout": model.dropout,
        "attention_dropout": model.dropout,
        // The names in version 4.
        "rotary_pct": turned(model),
        "rotary_emb_base": match model.position { Position::Rope { base, .. } => base, _ => 10_000.0 },
    })
}

fn llama(family: Family, model: &ModelConfig) -> Value {
    let mut config = json!({
        "max_position_embeddings": positions(model),
        "hidden_size": model.d_model,
        "num_hidden_layers": model.n_layers,
        "num_attention_heads": model.n_heads,
        "num_key_value_heads": model.kv_heads(),
        "head_dim": model.d_head(),
        "intermediate_size": model.ff_width(),
        "hidden_act": match model.ffn {
            Ffn::Swiglu => "silu",
            // `relu(x)·x` is `relu(x)²`.
            Ffn::ReluSquared => "relu",
            other => activation(other),
        },
        "rms_norm_eps": model.norm_eps,
        "attention_bias": model.has_attention_bias(),
        "attention_dropout": model.dropout,
    });
    if family == Family::Llama {
        config["mlp_bias"] = model.has_ffn_bias().into();
    }
    config
}

/// Return the number of positions at which scaling by length begins.
fn positions(model: &ModelConfig) -> usize {
    match model.position {
        Position::Rope {
            scaling:
                Some(RopeScaling::Dynamic {
                    original_context_len,
                    ..
                }),
            ..
        } => original_context_len,
        _ => model.context_len,
    }
}

/// Return the rotated fraction of each head. `transformers` multiplies it by the head's width and
/// truncates the product to a whole number.
fn turned(model: &ModelConfig) -> f64 {
    let (turned, width) = (model.rotary_dims(), model.d_head() as f64);
    let share = turned as f64 / width;
    if (share * width) as usize == turned {
        share
    } else {
        (turned as f64 + 0.5) / width
    }
}

pub(crate) fn activation(ffn: Ffn) -> &'static str {
    match ffn {
        Ffn::GeluTanh => "gelu_new",
        Ffn::Relu => "relu",
        Ffn::ReluSquared => "relu2",
        Ffn::Gelu | Ffn::Swiglu | Ffn::None => "gelu",
    }
}

/// Return `rope_theta` and `rope_scaling` for version 4, and `rope_parameters` for version 5.
fn rope(base: f64, fraction: f64, scaling: Option<RopeScaling>) -> Value {
    let settings = match scaling {
        // The export has folded the effect of a fixed factor into the base.
        None | Some(RopeScaling::Ntk { .. }) => json!({ "rope_type": "default" }),
        Some(RopeScaling::Linear { factor }) => json!({ "rope_type": "linear", "factor": factor }),
        Some(RopeScaling::Dynamic { factor, .. }) => {
            json!({ "rope_type": "dynamic", "factor": factor })
        }
        Some(RopeScaling::Llama3 {
            factor,
            original_context_len,
            low_freq_factor,
            high_freq_factor,
        }) => json!({
            "rope_type": "llama3",
            "factor": factor,
            "original_max_position_embeddings": original_context_len,
            "low_freq_factor": low_freq_factor,
            "high_freq_factor": high_freq_factor,
        }),
        Some(RopeScaling::Yarn {
            factor,
            original_context_len,
            beta_fast,
            beta_slow,
            attention_factor,
            truncate,
        }) => {
            let mut settings = json!({
                "rope_type": "yarn",
                "factor": factor,
                "original_max_position_embeddings": original_context_len,
                "truncate": truncate,
            });
            let set = [
                ("beta_fast", beta_fast),
                ("beta_slow", beta_slow),
                ("attention_factor", attention_factor),
            ];
            for (key, value) in set
                .into_iter()
                .filter_map(|(key, value)| Some((key, value?)))
            {
                settings[key] = value.into();
            }
            settings
        }
    };
    let older = if settings["rope_type"] == "default" {
        Value::Null
    } else {
        settings.clone()
    };
    let mut parameters = settings;
    parameters["rope_theta"] = base.into();
    if fraction < 1.0 {
        parameters["partial_rotary_factor"] = fraction.into();
    }
    json!({ "rope_theta": base, "rope_scaling": older, "rope_parameters": parameters })
}
