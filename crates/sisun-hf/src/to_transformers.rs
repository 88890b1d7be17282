//! Conversion of Sisun's models to equivalent models of `transformers`.

use crate::HfError;
use crate::family::Family;
use sisun_config::{Ffn, ModelConfig, Norm, NormPlacement, Position, RopeScaling};
use sisun_model::Transformer;
use sisun_model::to_host;
use sisun_model::weights::HostTensors;

/// A model that one of the classes of `transformers` computes.
#[derive(Debug)]
pub(crate) struct TransformersModel {
    pub(crate) family: Family,
    pub(crate) config: ModelConfig,
    /// Tensors by Sisun's names. Biases that Sisun's model does not have are missing: they are
    /// zero.
    pub(crate) tensors: HostTensors,
}

impl TransformersModel {
    /// Convert a model. With rotary positions and RMS norm it becomes a LLaMA (with QK-norm, a
    /// Qwen3), with rotary positions and layer norm a GPT-NeoX. All others become a GPT-2, whose
    /// position table holds learned positions unchanged, sinusoidal ones precomputed, and zeros if
    /// there are none.
    ///
    /// # Errors
    /// Each setting that no class supports.
    pub(crate) fn of(model: &Transformer) -> Result<Self, HfError> {
        let config = model.config();
        let family = match (config.position, config.norm) {
            (Position::Rope { .. }, Norm::Rms) if config.qk_norm => Family::Qwen3,
            (Position::Rope { .. }, Norm::Rms) => Family::Llama,
            (Position::Rope { .. }, Norm::Layer) => Family::Neox,
            // The last two are refused below.
            (
                Position::None
                | Position::Learned
                | Position::Sinusoidal
                | Position::Alibi
                | Position::T5Bias { .. },
                Norm::Rms | Norm::Layer,
            ) => Family::Gpt2,
        };
        let problems = problems(family, config);
        if !problems.is_empty() {
            return Err(HfError::NoCounterpart { problems });
        }
        let mut stock = Self {
            family,
            config: config.clone(),
            tensors: model.to_host(),
        };
        if let Position::Rope { base, scaling, .. } = &mut stock.config.position
            && let Some(RopeScaling::Ntk { factor }) = *scaling
        {
            let r = config.rotary_dims() as f64;
            // A single pair has no lower frequency to divide.
            *base *= if r > 2.0 {
                factor.powf(r / (r - 2.0))
            } else {
                1.0
            };
            *scaling = None;
        }
        if matches!(family, Family::Gpt2 | Family::Neox) {
            stock.share_no_keys();
            stock.config.bias = true;
            stock.config.ffn_bias = None;
            stock.config.attention_bias =
                (family == Family::Neox).then(|| config.has_attention_bias());
        }
        if family == Family::Llama && matches!(config.ffn, Ffn::Gelu | Ffn::GeluTanh) {
            stock.config.ffn_bias = Some(true);
        }
        if family == Family::Gpt2 && config.position != Position::Learned {
            let (n, d) = (config.context_len, config.d_model);
            let table = model
                .added_positions(n)
                .map_or_else(|| vec![0.0; n * d], |rows| to_host(rows).1);
            stock
                .tensors
                .insert("position.weight".to_owned(), (vec![n, d], table));
            stock.config.position = Position::Learned;
        }
        Ok(stock)
    }

    /// Give each query head its own copy of the keys and values that it reads.
    fn share_no_keys(&mut self) {
        let (heads, kv, d_head) = (
            self.config.n_heads,
            self.config.kv_heads(),
            self.config.d_head(),
        );
        if heads == kv {
            return;
        }
        let read = |first: usize| (0..heads).map(move |head| first + head / (heads / kv));
        let order: Vec<usize> = (0..heads)
            .chain(read(heads))
            .chain(read(heads + kv))
            .collect();
        let fused = self
            .tensors
            .iter_mut()
            .filter(|(name, _)| name.contains(".attn.qkv."));
        for (_, (shape, values)) in fused {
            let row = |row: &[f32]| -> Vec<f32> {
                order
                    .iter()
                    .flat_map(|head| &row[head * d_head..(head + 1) * d_head])
                    .copied()
                    .collect()
            };
            *values = values
                .chunks_exact((heads + 2 * kv) * d_head)
                .flat_map(row)
                .collect();
            if let Some(width) = shape.last_mut() {
                *width = 3 * heads * d_head;
            }
        }
        self.config.n_kv_heads = Some(heads);
    }

    /// Give the model a separate head, equal to the embedding.
    pub(crate) fn untie(&mut self) {
        let (d, vocab) = (self.config.d_model, self.config.vocab_size.unwrap_or(0));
        if let (true, Some((_, embedding))) =
            (self.config.tied_head, self.tensors.get("embed.weight"))
        {
            let head = (0..d)
                .flat_map(|of| embedding.iter().skip(of).step_by(d).copied())
                .collect();
            self.tensors
                .insert("head.weight".to_owned(), (vec![d, vocab], head));
            self.config.tied_head = false;
        }
    }
}

/// Return every setting that the family does not support.
fn problems(family: Family, config: &ModelConfig) -> Vec<String> {
    let common = [
        (
            config.norm_placement == NormPlacement::Post,
            "model.norm_placement = \"post\": theirs stand before",
        ),
        (
            !config.residual,
            "model.residual = false: theirs always add",
        ),
        (
            !config.causal,
            "model.causal = false: theirs hide later tokens",
        ),
        (
            config.parallel_residual && family != Family::Neox,
            "model.parallel_residual = true: only GPT-NeoX has it, with RoPE and layer norm",
        ),
        (
            config.ffn == Ffn::None,
            "model.ffn = \"none\": each of their blocks has a feed-forward network",
        ),
    ];
    let gelu = matches!(config.ffn, Ffn::Gelu | Ffn::GeluTanh);
    let own: &[(bool, &str)] = match (config.position, family) {
        (Position::Alibi, _) => &[(
            true,
            "model.position = \"alibi\": no model that Sisun writes lowers scores by distance",
        )],
        (Position::T5Bias { .. }, _) => &[(
            true,
            "model.position = \"t5_bias\": no model that Sisun writes adds to scores by distance",
        )],
        (
            Position::None | Position::Learned | Position::Sinusoidal | Position::Rope { .. },
            Family::Gpt2,
        ) => &[
            (
                config.norm == Norm::Rms,
                "model.norm = \"rms\": without RoPE only GPT-2 is left, which has layer norm",
            ),
            (
                config.ffn == Ffn::Swiglu,
                "model.ffn = \"swiglu\": GPT-2 has no gate",
            ),
            (config.qk_norm, "model.qk_norm = true: GPT-2 has none"),
            (
                config.d_head.is_some(),
                "model.d_head: GPT-2's heads are d_model / n_heads wide",
            ),
        ],
        (
            Position::None | Position::Learned | Position::Sinusoidal | Position::Rope { .. },
            Family::Neox,
        ) => &[
            (
                config.ffn == Ffn::Swiglu,
                "model.ffn = \"swiglu\" with layer norm: GPT-NeoX has no gate; model.norm = \"rms\" makes a LLaMA",
            ),
            (
                config.qk_norm,
                "model.qk_norm = true with layer norm: GPT-NeoX has none; model.norm = \"rms\" makes a Qwen3",
            ),
            (
                !config.scaled_scores,
                "model.scaled_scores = false: GPT-NeoX divides by √d_head",
            ),
            (
                config.d_head.is_some(),
                "model.d_head: GPT-NeoX's heads are d_model / n_heads wide",
            ),
        ],
        (
            Position::None | Position::Learned | Position::Sinusoidal | Position::Rope { .. },
            Family::Llama | Family::Mistral | Family::Qwen2 | Family::Qwen3,
        ) => &[
            (
                config.ffn == Ffn::Relu,
                "model.ffn = \"relu\" with RMS norm: LLaMA's has a gate",
            ),
            (
                config.rotary_dims() != config.d_head(),
                "model.position.fraction: LLaMA turns all of each head",
            ),
            (
                !config.scaled_scores,
                "model.scaled_scores = false: LLaMA divides by √d_head",
            ),
            (
                family == Family::Llama && !config.d_model.is_multiple_of(config.n_heads),
                "model.d_model: LLaMA's has to be divisible by the number of heads",
            ),
            (
                // Qwen3 has no bias from which to make a gate of 1.
                family == Family::Qwen3 && (config.has_ffn_bias() || gelu),
                "model.qk_norm = true: Qwen3's feed-forward network has no biases and only \"swiglu\" or \"relu_squared\"",
            ),
        ],
    };
    let wrong = |(wrong, problem): &(bool, &str)| wrong.then(|| (*problem).to_owned());
    common.iter().chain(own).filter_map(wrong).collect()
}
