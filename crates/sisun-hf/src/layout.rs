//! Which of their tensors make up each of our parameters.

use crate::HfError;
use crate::config::{Described, Family};
use crate::store::Store;
use safetensors::Dtype;
use sisun_config::ModelConfig;
use std::collections::{BTreeSet, HashMap};

/// One of our parameters: these tensors side by side along its last axis.
pub(crate) type Wanted = HashMap<String, Vec<Part>>;

/// One of their tensors.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Part {
    /// Its name in the file.
    pub(crate) name: String,
    /// Its shape in the file.
    pub(crate) shape: Vec<usize>,
    /// Whether it is stored `[d_out, d_in]`, as PyTorch's `Linear`, where ours is `[d_in, d_out]`.
    pub(crate) transposed: bool,
}

/// What the model wants of the store, once every tensor was found to fit.
pub(crate) fn check(described: &Described, store: &Store) -> Result<Wanted, HfError> {
    let fail = |problems| Err(HfError::Tensors { dir: store.dir.clone(), problems });
    let (layers, count) = (described.model.n_layers, store.names().count());
    // A list of what a billion layers lack would say nothing.
    if layers > count {
        return fail(vec![format!("{layers} layers are described, but there are only {count} tensors")]);
    }
    let (prefix, ignored): (_, fn(&str) -> bool) = match described.family {
        Family::Gpt2 => ("transformer.", is_mask),
        Family::Llama => ("model.", is_frequencies),
    };
    // Files of the model without its head have no prefix.
    let prefix = if store.names().any(|name| name.starts_with(prefix)) { prefix } else { "" };
    let wanted = match described.family {
        Family::Gpt2 => gpt2(&described.model, prefix),
        Family::Llama => llama(&described.model, prefix),
    };

    let mut problems = Vec::new();
    let parts: Vec<&Part> = wanted.values().flatten().collect();
    for Part { name, shape, .. } in &parts {
        match store.get(name) {
            None => problems.push(format!("{name}: missing, expected shape {shape:?}")),
            Some(found) if found.shape != *shape => {
                problems.push(format!("{name}: shape {:?}, expected {shape:?}", found.shape));
            }
            Some(found) if !matches!(found.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) => {
                problems.push(format!("{name}: numbers are {}, expected F32, F16 or BF16", found.dtype));
            }
            Some(_) => {}
        }
    }
    let known: BTreeSet<&str> = parts.iter().map(|part| part.name.as_str()).collect();
    let embedding = wanted.get("embed.weight").and_then(|parts| parts.first());
    for name in store.names().filter(|name| !known.contains(name) && !ignored(name)) {
        // A tied head may be stored a second time.
        let tied = described.model.tied_head && name == HEAD;
        match tied && embedding.is_some_and(|embedding| same(store, name, &embedding.name)) {
            true => {}
            false if tied => {
                problems.push(format!("{name}: differs from the embedding, though the head is tied to it"))
            }
            false => problems.push(format!("{name}: not part of this model")),
        }
    }
    problems.sort();
    if problems.is_empty() { Ok(wanted) } else { fail(problems) }
}

const HEAD: &str = "lm_head.weight";

fn same(store: &Store, one: &str, other: &str) -> bool {
    let (Some(one), Some(other)) = (store.get(one), store.get(other)) else { return false };
    (one.dtype, &one.shape) == (other.dtype, &other.shape) && store.bytes(one) == store.bytes(other)
}

/// The causal mask, which old GPT-2 files hold for each layer.
fn is_mask(name: &str) -> bool {
    name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias")
}

/// RoPE's frequencies, which old LLaMA files hold for each layer.
fn is_frequencies(name: &str) -> bool {
    name.ends_with(".rotary_emb.inv_freq")
}

fn whole(name: String, shape: &[usize]) -> Vec<Part> {
    vec![Part { name, shape: shape.to_vec(), transposed: false }]
}

fn turned(name: String, [d_out, d_in]: [usize; 2]) -> Part {
    Part { name, shape: vec![d_out, d_in], transposed: true }
}

/// GPT-2's `Conv1D` keeps its weights `[d_in, d_out]`, and q, k and v in one, as we do.
fn gpt2(config: &ModelConfig, prefix: &str) -> Wanted {
    let (d, ff, vocab) = (config.d_model, config.ff_width(), config.vocab_size.unwrap_or(0));
    let mut wanted = Wanted::new();
    let mut add = |ours: String, theirs: String, shape: &[usize]| wanted.insert(ours, whole(theirs, shape));
    add("embed.weight".to_owned(), format!("{prefix}wte.weight"), &[vocab, d]);
    add("position.weight".to_owned(), format!("{prefix}wpe.weight"), &[config.context_len, d]);
    let norms = |layer| [("norm_attn", format!("h.{layer}.ln_1")), ("norm_ffn", format!("h.{layer}.ln_2"))];
    for layer in 0..config.n_layers {
        for (ours, theirs) in norms(layer) {
            for kind in ["weight", "bias"] {
                add(format!("blocks.{layer}.{ours}.{kind}"), format!("{prefix}{theirs}.{kind}"), &[d]);
            }
        }
        for (ours, theirs, [d_in, d_out]) in [
            ("attn.qkv", "attn.c_attn", [d, 3 * d]),
            ("attn.o", "attn.c_proj", [d, d]),
            ("ffn.up", "mlp.c_fc", [d, ff]),
            ("ffn.down", "mlp.c_proj", [ff, d]),
        ] {
            let (ours, theirs) = (format!("blocks.{layer}.{ours}"), format!("{prefix}h.{layer}.{theirs}"));
            add(format!("{ours}.weight"), format!("{theirs}.weight"), &[d_in, d_out]);
            add(format!("{ours}.bias"), format!("{theirs}.bias"), &[d_out]);
        }
    }
    for kind in ["weight", "bias"] {
        add(format!("norm_final.{kind}"), format!("{prefix}ln_f.{kind}"), &[d]);
    }
    if !config.tied_head {
        wanted.insert("head.weight".to_owned(), vec![turned(HEAD.to_owned(), [vocab, d])]);
    }
    wanted
}

/// LLaMA's `Linear` keeps its weights `[d_out, d_in]`, and q, k and v apart.
fn llama(config: &ModelConfig, prefix: &str) -> Wanted {
    let (d, ff, vocab) = (config.d_model, config.ff_width(), config.vocab_size.unwrap_or(0));
    let kv = config.kv_heads() * config.d_head();
    let mut wanted = Wanted::new();
    wanted.insert("embed.weight".to_owned(), whole(format!("{prefix}embed_tokens.weight"), &[vocab, d]));
    for layer in 0..config.n_layers {
        let (ours, theirs) = (format!("blocks.{layer}"), format!("{prefix}layers.{layer}"));
        for (norm, of) in [("norm_attn", "input_layernorm"), ("norm_ffn", "post_attention_layernorm")] {
            wanted.insert(format!("{ours}.{norm}.weight"), whole(format!("{theirs}.{of}.weight"), &[d]));
        }
        let qkv = [("self_attn.q_proj", [d, d]), ("self_attn.k_proj", [kv, d]), ("self_attn.v_proj", [kv, d])];
        let (attention, ffn) = (config.has_attention_bias(), config.has_ffn_bias());
        for (name, parts, bias) in [
            ("attn.qkv", &qkv[..], attention),
            ("attn.o", &[("self_attn.o_proj", [d, d])], attention),
            ("ffn.gate", &[("mlp.gate_proj", [ff, d])], ffn),
            ("ffn.up", &[("mlp.up_proj", [ff, d])], ffn),
            ("ffn.down", &[("mlp.down_proj", [d, ff])], ffn),
        ] {
            let weights = parts.iter().map(|(of, shape)| turned(format!("{theirs}.{of}.weight"), *shape));
            wanted.insert(format!("{ours}.{name}.weight"), weights.collect());
            if bias {
                let biases = parts.iter().flat_map(|(of, [d_out, _])| whole(format!("{theirs}.{of}.bias"), &[*d_out]));
                wanted.insert(format!("{ours}.{name}.bias"), biases.collect());
            }
        }
    }
    wanted.insert("norm_final.weight".to_owned(), whole(format!("{prefix}norm.weight"), &[d]));
    if !config.tied_head {
        wanted.insert("head.weight".to_owned(), vec![turned(HEAD.to_owned(), [vocab, d])]);
    }
    wanted
}
