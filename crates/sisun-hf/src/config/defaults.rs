//! Defaults of a family's configuration class for keys that are missing from `config.json`
//! (`transformers` 5.23; compared with it by `tests/peers/reference_defaults.py`).

use crate::family::Family;
use serde_json::{Map, Value, json};

/// Fill the defaults into the missing keys of a file. A key with the value null is not missing.
pub(super) fn fill(family: Family, keys: &mut Map<String, Value>) {
    if family == Family::Gpt2 {
        for (ours, others) in GPT2_ALSO {
            if let (false, Some(value)) = (keys.contains_key(ours), keys.get(others).cloned()) {
                keys.insert(ours.to_owned(), value);
            }
        }
    }
    if let Value::Object(defaults) = defaults(family) {
        for (key, value) in defaults {
            keys.entry(key).or_insert(value);
        }
    }
}

/// Keys that `GPT2Config` also reads by the other families' names.
const GPT2_ALSO: [(&str, &str); 4] = [
    ("n_embd", "hidden_size"),
    ("n_positions", "max_position_embeddings"),
    ("n_head", "num_attention_heads"),
    ("n_layer", "num_hidden_layers"),
];

fn defaults(family: Family) -> Value {
    match family {
        Family::Gpt2 => json!({
            "vocab_size": 50257,
            "n_positions": 1024,
            "n_embd": 768,
            "n_layer": 12,
            "n_head": 12,
            "n_inner": null,
            "activation_function": "gelu_new",
            "layer_norm_epsilon": 1e-5,
            "scale_attn_weights": true,
            "scale_attn_by_inverse_layer_idx": false,
            "add_cross_attention": false,
            "tie_word_embeddings": true,
        }),
        Family::Neox => json!({
            "vocab_size": 50432,
            "hidden_size": 6144,
            "num_hidden_layers": 44,
            "num_attention_heads": 64,
            "intermediate_size": 24576,
            "hidden_act": "gelu",
            "max_position_embeddings": 2048,
            "layer_norm_eps": 1e-5,
            "tie_word_embeddings": false,
            "attention_bias": true,
            "use_parallel_residual": true,
            "rotary_pct": 0.25,
            "rotary_emb_base": 10000.0,
        }),
        Family::Llama => llama(32000, 11008, Value::Null, 2048),
        Family::Mistral => llama(32000, 14336, 8.into(), 4096 * 32),
        Family::Qwen2 | Family::Qwen3 => llama(151_936, 22016, 32.into(), 32768),
    }
}

/// Return the defaults of LLaMA and related families.
fn llama(
    vocab_size: usize,
    intermediate_size: usize,
    num_key_value_heads: Value,
    positions: usize,
) -> Value {
    json!({
        "vocab_size": vocab_size,
        "hidden_size": 4096,
        "intermediate_size": intermediate_size,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "num_key_value_heads": num_key_value_heads,
        "head_dim": null,
        "hidden_act": "silu",
        "max_position_embeddings": positions,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": false,
        "attention_bias": false,
        "mlp_bias": false,
        // LLaMA has no window, and Qwen only if the file says so.
        "sliding_window": 4096,
        "use_sliding_window": false,
        "max_window_layers": 28,
        "layer_types": null,
    })
}
