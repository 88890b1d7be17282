//! Settings of fine-tuning.

use crate::error::Problems;
use crate::home;
use crate::{ConfigError, Ffn, ModelConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `[finetune]`: training starts at the weights of another model, whose shape and tokenizer it
/// keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FinetuneConfig {
    /// The base model: a Hugging Face directory, a run, or one of its checkpoints. Relative paths
    /// start at the working directory; `~/` is the home directory.
    #[serde(deserialize_with = "home::path")]
    #[schemars(extend("example" = "models/gpt2"))]
    pub model: PathBuf,
    /// Low-rank adapters instead of the weights themselves. Default: every weight is trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lora: Option<LoraConfig>,
}

/// `[finetune.lora]`: each matrix `W` of the blocks is frozen and `alpha/rank·A·B` is added to it,
/// where `A` and `B` are trained (Hu et al. 2021, §4.1). Embeddings, norms, biases and the head are
/// frozen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoraConfig {
    /// Number of columns of `A` and rows of `B`, at most the smallest side of the blocks' matrices.
    #[serde(default = "default_rank")]
    #[schemars(range(min = 1), extend("unit" = "columns"))]
    pub rank: usize,
    /// Numerator of the factor `alpha / rank` of the change.
    #[serde(default = "default_alpha")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub alpha: f64,
}

impl LoraConfig {
    /// Return the factor of `A·B`.
    pub fn scale(&self) -> f64 {
        self.alpha / self.rank as f64
    }
}

impl FinetuneConfig {
    /// Check every key against its range, and the rank against the matrices of this model.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self, model: &ModelConfig) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        problems.check(
            !self.model.as_os_str().is_empty(),
            "finetune.model",
            "\"\"",
            "must name a directory",
        );
        let Some(LoraConfig { rank, alpha }) = self.lora else {
            return problems.end();
        };
        let attention = model.d_model.min(model.n_heads * model.d_head());
        let side = if model.ffn == Ffn::None {
            attention
        } else {
            attention.min(model.ff_width())
        };
        problems.check(
            (1..=side).contains(&rank),
            "finetune.lora.rank",
            rank,
            format!("must be from 1 to {side}, the smallest side of the blocks' matrices"),
        );
        let positive = alpha.is_finite() && alpha > 0.0;
        problems.check(
            positive,
            "finetune.lora.alpha",
            alpha,
            "must be a positive number",
        );
        problems.end()
    }
}

fn default_rank() -> usize {
    8
}

fn default_alpha() -> f64 {
    16.0
}
