//! Counting parameters, memory and floating-point operations of a model without building it.

use serde::Serialize;
use sisun_config::{Ffn, LoraConfig, ModelConfig, Norm, NormPlacement, OptimizerKind, Position};

/// Parameter counts by component, and the memory and compute derived from them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Token embedding.
    pub embedding: u64,
    /// Learned positions, or T5's biases.
    pub position: u64,
    /// Weight matrices of all attention blocks: q, k, v and o.
    pub attention_weights: u64,
    /// Biases of the attention blocks and the norms of queries and keys.
    pub attention_other: u64,
    /// Weight matrices of all feed-forward networks.
    pub ffn_weights: u64,
    /// Biases of the feed-forward networks.
    pub ffn_other: u64,
    /// Norms.
    pub norms: u64,
    /// Output head; 0 if tied to the embedding.
    pub head: u64,
    /// Total number of parameters.
    pub total: u64,
    /// Floating-point operations of a forward pass per token at full context; causal attention
    /// counts half.
    pub forward_flops_per_token: u64,
    /// Floating-point operations of forward and backward pass per token; the backward pass costs
    /// twice the forward pass.
    pub training_flops_per_token: u64,
    /// Bytes of the weights in float32.
    pub weight_bytes: u64,
    /// Number of trainable parameters.
    pub trained: u64,
    /// Bytes of weights, gradients and optimizer state in float32, without activations.
    pub training_bytes: u64,
    /// Bytes of keys and values in float32 at full context.
    pub kv_cache_bytes: u64,
}

impl Count {
    /// Count the parameters of a configuration. Without `vocab_size`, embedding and head count as
    /// 0.
    pub fn of(config: &ModelConfig) -> Self {
        // The product of three sizes can overflow 64 bits.
        let n = |x: usize| x as u128;
        let (d, layers, heads, kv) = (
            n(config.d_model),
            n(config.n_layers),
            n(config.n_heads),
            n(config.kv_heads()),
        );
        let (d_head, ff, vocab) = (
            n(config.d_head()),
            n(config.ff_width()),
            n(config.vocab_size.unwrap_or(0)),
        );
        let context = n(config.context_len);
        let (attention_bias, ffn_bias) = (
            u128::from(config.has_attention_bias()),
            u128::from(config.has_ffn_bias()),
        );
        let qkv_width = (heads + 2 * kv) * d_head;
        let norm_width = d * (1 + u128::from(config.bias && config.norm == Norm::Layer));
        let ffn_halves = u128::from(config.ffn != Ffn::None);
        let into_ff = if config.ffn == Ffn::Swiglu { 2 } else { 1 };

        let embedding = vocab * d;
        let position = match config.position {
            Position::Learned => context * d,
            Position::T5Bias { buckets, .. } => n(buckets) * heads,
            Position::None | Position::Sinusoidal | Position::Rope { .. } | Position::Alibi => 0,
        };
        let attention_weights = layers * (d * qkv_width + heads * d_head * d);
        let attention_other =
            layers * (attention_bias * (qkv_width + d) + u128::from(config.qk_norm) * 2 * d_head);
        let ffn_weights = layers * (into_ff + 1) * d * ff;
        let ffn_other = layers * ffn_bias * ffn_halves * (into_ff * ff + d);
        let norms = norm_width
            * (layers * (1 + ffn_halves) + u128::from(config.norm_placement == NormPlacement::Pre));
        let head = if config.tied_head { 0 } else { d * vocab };
        let total = embedding
            + position
            + attention_weights
            + attention_other
            + ffn_weights
            + ffn_other
            + norms
            + head;

        // One multiplication and one addition per weight, and per query–key pair in q·k and
        // pattern·v.
        let keys = if config.causal {
            context.div_ceil(2)
        } else {
            context
        };
        let forward =
            2 * (attention_weights + ffn_weights + d * vocab) + layers * 4 * keys * heads * d_head;
        let told = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        Self {
            embedding: told(embedding),
            position: told(position),
            attention_weights: told(attention_weights),
            attention_other: told(attention_other),
            ffn_weights: told(ffn_weights),
            ffn_other: told(ffn_other),
            norms: told(norms),
            head: told(head),
            total: told(total),
            forward_flops_per_token: told(forward),
            training_flops_per_token: told(3 * forward),
            weight_bytes: told(4 * total),
            trained: told(total),
            training_bytes: told(16 * total),
            kv_cache_bytes: told(4 * layers * 2 * kv * d_head * context),
        }
    }
}

impl Count {
    /// Count as [`Count::of`], with the state of this optimizer: AdamW stores two values per
    /// parameter, Muon one per weight of the blocks' matrices. With `lora`, all weights are in
    /// memory but only the factors are trained, `rank·(d_in + d_out)` parameters for a matrix
    /// `[d_in, d_out]`.
    pub fn of_training(
        config: &ModelConfig,
        optimizer: OptimizerKind,
        lora: Option<LoraConfig>,
    ) -> Self {
        let count = Self::of(config);
        let n = |x: usize| x as u128;
        let total = u128::from(count.total);
        let (trained, in_matrices, added) = match lora {
            None => (
                total,
                u128::from(count.attention_weights) + u128::from(count.ffn_weights),
                0,
            ),
            Some(LoraConfig { rank, .. }) => {
                let (d, ff) = (n(config.d_model), n(config.ff_width()));
                let width = n(config.n_heads) * n(config.d_head());
                let qkv = width + 2 * n(config.kv_heads()) * n(config.d_head());
                let ffn = match config.ffn {
                    Ffn::None => 0,
                    Ffn::Swiglu => 3 * (d + ff),
                    _ => 2 * (d + ff),
                };
                let factors = n(rank) * n(config.n_layers) * ((d + qkv) + (width + d) + ffn);
                (factors, factors, factors)
            }
        };
        let by_muon = if optimizer == OptimizerKind::Muon {
            in_matrices
        } else {
            0
        };
        let numbers = total + added + trained + by_muon + 2 * (trained - by_muon);
        let told = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        Self {
            trained: told(trained),
            training_bytes: told(4 * numbers),
            ..count
        }
    }
}

/// Format `1234567` as `1,234,567`.
pub fn thousands(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| std::str::from_utf8(group).expect("digits are ASCII"))
        .collect();
    groups.join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::{Count, thousands};
    use sisun_config::ModelConfig;

    #[test]
    fn what_passes_64_bits_is_not_wrapped() {
        let n = 1_u64 << 24;
        let settings = format!(
            "vocab_size = {n}\nd_model = {n}\nn_layers = {n}\nn_heads = {n}\nd_ff = {n}\ncontext_len = {n}\nposition = 'none'"
        );
        let count = Count::of(&ModelConfig::parse(&settings).unwrap());
        assert_eq!(
            (count.embedding, count.attention_weights, count.total),
            (1 << 48, u64::MAX, u64::MAX)
        );
    }

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1000, 57_982_058_496].map(thousands),
            ["0", "999", "1,000", "57,982,058,496"]
        );
    }
}
