//! The model classes of `transformers` that Sisun supports.

/// A family of models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Gpt2,
    Neox,
    Llama,
    Mistral,
    Qwen2,
    Qwen3,
}

/// The list of supported classes in error messages.
pub(crate) const FAMILIES: &str = "supported are GPT2LMHeadModel, LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM and GPTNeoXForCausalLM";

impl Family {
    const ALL: [Self; 6] = [
        Self::Gpt2,
        Self::Neox,
        Self::Llama,
        Self::Mistral,
        Self::Qwen2,
        Self::Qwen3,
    ];

    /// Return the family for a name in `architectures` or `model_type`, ignoring case, since early
    /// conversions say `LLaMAForCausalLM`. The model without its head (`LlamaModel`) is accepted as
    /// well: the weights show whether there is a head.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| {
            let whole = family.architecture();
            let stem = whole
                .strip_suffix("ForCausalLM")
                .or(whole.strip_suffix("LMHeadModel"))
                .unwrap_or(whole);
            [whole, family.model_type(), &format!("{stem}Model")]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        })
    }

    /// Return its name in `architectures`.
    pub(crate) fn architecture(self) -> &'static str {
        match self {
            Self::Gpt2 => "GPT2LMHeadModel",
            Self::Neox => "GPTNeoXForCausalLM",
            Self::Llama => "LlamaForCausalLM",
            Self::Mistral => "MistralForCausalLM",
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Qwen3 => "Qwen3ForCausalLM",
        }
    }

    /// Return its name in `model_type`.
    pub(crate) fn model_type(self) -> &'static str {
        match self {
            Self::Gpt2 => "gpt2",
            Self::Neox => "gpt_neox",
            Self::Llama => "llama",
            Self::Mistral => "mistral",
            Self::Qwen2 => "qwen2",
            Self::Qwen3 => "qwen3",
        }
    }

    /// Return the prefix of the names of all tensors except the head's.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Gpt2 => "transformer.",
            Self::Neox => "gpt_neox.",
            Self::Llama | Self::Mistral | Self::Qwen2 | Self::Qwen3 => "model.",
        }
    }

    /// Return the embedding's name.
    pub(crate) fn embedding(self) -> &'static str {
        match self {
            Self::Gpt2 => "wte",
            Self::Neox => "embed_in",
            Self::Llama | Self::Mistral | Self::Qwen2 | Self::Qwen3 => "embed_tokens",
        }
    }

    /// Return the output head's name.
    pub(crate) fn head(self) -> &'static str {
        match self {
            Self::Neox => "embed_out",
            _ => "lm_head",
        }
    }

    /// Return true for the unused tensors that old files hold for each layer: the causal mask,
    /// RoPE's frequencies.
    pub(crate) fn ignores(self, name: &str) -> bool {
        let ends: &[&str] = match self {
            Self::Gpt2 => &[".attn.bias", ".attn.masked_bias"],
            Self::Neox => &[
                ".attention.bias",
                ".attention.masked_bias",
                ".rotary_emb.inv_freq",
            ],
            Self::Llama | Self::Mistral | Self::Qwen2 | Self::Qwen3 => &[".rotary_emb.inv_freq"],
        };
        ends.iter().any(|end| name.ends_with(end))
    }

    /// Replace the names of Sisun's keys in a message by those of `config.json`.
    pub(crate) fn in_its_words(self, message: &str) -> String {
        let gpt2 = self == Self::Gpt2;
        let word = |gpt2s: &'static str, others: &'static str| if gpt2 { gpt2s } else { others };
        let epsilon = if self == Self::Neox {
            "layer_norm_eps"
        } else {
            word("layer_norm_epsilon", "rms_norm_eps")
        };
        let words = [
            ("model.vocab_size", "vocab_size"),
            ("model.d_model", word("n_embd", "hidden_size")),
            ("d_model", word("n_embd", "hidden_size")),
            ("model.n_layers", word("n_layer", "num_hidden_layers")),
            ("model.n_heads", word("n_head", "num_attention_heads")),
            ("n_heads", word("n_head", "num_attention_heads")),
            ("model.n_kv_heads", "num_key_value_heads"),
            ("model.d_head", "head_dim"),
            ("model.d_ff", word("n_inner", "intermediate_size")),
            (
                "model.context_len",
                word("n_positions", "max_position_embeddings"),
            ),
            ("model.norm_eps", epsilon),
            ("model.position.base", "rope_theta"),
            ("model.position.fraction", "partial_rotary_factor"),
            (
                "model.position.scaling.original_context_len",
                "rope_parameters.original_max_position_embeddings",
            ),
            ("model.position.scaling.", "rope_parameters."),
        ];
        // In one pass, because the replacements contain some of the names to be replaced.
        let (mut told, mut rest) = (String::new(), message);
        while let Some(first) = rest.chars().next() {
            let within = told.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.');
            let word = words
                .iter()
                .find(|(ours, _)| !within && rest.starts_with(ours));
            let (step, theirs) = match word {
                Some((ours, theirs)) => (ours.len(), *theirs),
                None => (first.len_utf8(), &rest[..first.len_utf8()]),
            };
            told.push_str(theirs);
            rest = &rest[step..];
        }
        told
    }
}
