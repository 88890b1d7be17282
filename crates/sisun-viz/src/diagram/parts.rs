//! The parts of a model with their parameters.

use serde::Serialize;
use sisun_config::{Ffn, ModelConfig, Norm, NormPlacement, Position};

/// A part of a model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Part {
    /// Weight matrices: a name, rows and columns.
    pub matrices: Vec<(&'static str, usize, usize)>,
    /// Number of parameters that are in no matrix: biases, and the gains of norms.
    pub vectors: u64,
}

impl Part {
    /// Return the number of parameters.
    pub fn parameters(&self) -> u64 {
        let matrices = self.matrices.iter();
        matrices.fold(self.vectors, |sum, &(_, rows, columns)| {
            sum.saturating_add((rows as u64).saturating_mul(columns as u64))
        })
    }
}

/// The parts of one block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BlockParts {
    /// Norm of attention.
    pub norm_attn: Part,
    /// Attention.
    pub attention: Part,
    /// Norm of the feed-forward network.
    pub norm_ffn: Option<Part>,
    /// Feed-forward network.
    pub ffn: Option<Part>,
}

impl BlockParts {
    /// Return the number of parameters of one block.
    pub fn parameters(&self) -> u64 {
        let all = [Some(&self.norm_attn), Some(&self.attention)];
        let all = all
            .into_iter()
            .chain([self.norm_ffn.as_ref(), self.ffn.as_ref()]);
        all.flatten()
            .map(Part::parameters)
            .fold(0, u64::saturating_add)
    }
}

/// The parts of a decoder-only model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelParts {
    /// Token embedding.
    pub embedding: Part,
    /// Learned positions, or the table of T5's biases, which all blocks share; empty for other
    /// encodings.
    pub position: Part,
    /// One of the blocks, which have equal sizes.
    pub block: BlockParts,
    /// Number of blocks.
    pub n_layers: usize,
    /// Norm before the head; `None` with norms after the sums.
    pub norm_final: Option<Part>,
    /// Output head; without a matrix if it is the embedding.
    pub head: Part,
}

impl ModelParts {
    /// Return the parts of a configuration. Without `vocab_size`, embedding and head have no rows.
    pub fn of(config: &ModelConfig) -> Self {
        let (d, d_head) = (config.d_model, config.d_head());
        let (heads, kv, ff) = (config.n_heads, config.kv_heads(), config.ff_width());
        let vocab = config.vocab_size.unwrap_or(0);
        let has_bias = config.bias && config.norm == Norm::Layer;
        let norm = || Part {
            matrices: Vec::new(),
            vectors: d as u64 * if has_bias { 2 } else { 1 },
        };
        let biases = |has: bool, widths: &[usize]| match has {
            true => widths.iter().map(|&width| width as u64).sum(),
            false => 0,
        };
        let (q, k) = (heads * d_head, kv * d_head);
        let qk_norm = if config.qk_norm { 2 * d_head as u64 } else { 0 };
        let attention = Part {
            matrices: vec![("q", d, q), ("k", d, k), ("v", d, k), ("o", q, d)],
            vectors: qk_norm + biases(config.has_attention_bias(), &[q, k, k, d]),
        };
        let ffn = (config.ffn != Ffn::None).then(|| {
            let is_gated = config.ffn == Ffn::Swiglu;
            let into = [is_gated.then_some(("gate", d, ff)), Some(("up", d, ff))];
            let widths = if is_gated { &[ff, ff, d][..] } else { &[ff, d] };
            Part {
                matrices: into
                    .into_iter()
                    .flatten()
                    .chain([("down", ff, d)])
                    .collect(),
                vectors: biases(config.has_ffn_bias(), widths),
            }
        });
        let matrix = |name, rows, columns| Part {
            matrices: vec![(name, rows, columns)],
            vectors: 0,
        };
        Self {
            embedding: matrix("embedding", vocab, d),
            position: match config.position {
                Position::Learned => matrix("positions", config.context_len, d),
                Position::T5Bias { buckets, .. } => matrix("bias", buckets, heads),
                Position::None | Position::Sinusoidal | Position::Rope { .. } | Position::Alibi => {
                    Part::default()
                }
            },
            block: BlockParts {
                norm_attn: norm(),
                attention,
                norm_ffn: ffn.is_some().then(norm),
                ffn,
            },
            n_layers: config.n_layers,
            norm_final: (config.norm_placement == NormPlacement::Pre).then(norm),
            head: match config.tied_head {
                true => Part::default(),
                false => matrix("head", d, vocab),
            },
        }
    }

    /// Return the number of parameters of the model.
    pub fn parameters(&self) -> u64 {
        let blocks = (self.n_layers as u64).saturating_mul(self.block.parameters());
        let others = [
            Some(&self.embedding),
            Some(&self.position),
            self.norm_final.as_ref(),
            Some(&self.head),
        ];
        let others = others.into_iter().flatten().map(Part::parameters);
        others.fold(blocks, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::ModelParts;
    use sisun_config::ModelConfig;
    use sisun_model::Count;

    #[test]
    fn the_parts_have_all_parameters_of_every_variant() {
        let positions = ["none", "learned", "sinusoidal", "rope", "alibi", "t5_bias"];
        let variants = [
            "",
            "norm = 'rms'\nbias = false",
            "norm_placement = 'post'\nresidual = false",
            "n_kv_heads = 2\nqk_norm = true\nffn = 'swiglu'",
            "ffn = 'none'\ntied_head = false\ncausal = false",
            "parallel_residual = true\nattention_bias = false\nffn_bias = true\nbias = false",
            "d_head = 6\nd_ff = 20\ntied_head = false",
        ];
        for position in positions {
            for variant in variants {
                let text = format!(
                    "vocab_size = 50\nd_model = 32\nn_layers = 3\nn_heads = 4\ncontext_len = 20\nposition = '{position}'\n{variant}"
                );
                let config = ModelConfig::parse(&text).unwrap();
                let parts = ModelParts::of(&config);
                assert_eq!(parts.parameters(), Count::of(&config).total, "{text}");
            }
        }
    }
}
