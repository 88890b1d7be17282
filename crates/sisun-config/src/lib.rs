//! Sisun's configuration: TOML read through serde, `--set` overrides, validation, and the random streams
//! that a configuration's seed stands for. No tensors here: this crate builds in seconds.

mod data;
mod draft;
mod error;
mod finetune;
mod lfs;
mod model;
mod position;
pub mod randomness;
mod read;
mod rope_scaling;
mod train;

pub use data::{DataConfig, Documents, Normalize, TokenizerConfig};
pub use draft::{Base, Draft};
pub use error::ConfigError;
pub use finetune::{FinetuneConfig, LoraConfig};
pub use lfs::check_pointer;
pub use model::{Ffn, ModelConfig, Norm, NormPlacement, Position};
pub use read::{apply_override, from_value, read_table, set};
pub use rope_scaling::RopeScaling;
pub use train::{AttendConfig, OptimizerKind, Precision, SampleConfig, Schedule, TrainConfig, WindowOrder};

use error::check;
use serde::{Deserialize, Serialize};

/// A whole experiment: what is read, how it becomes tokens, the model, and its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the experiment; the run directory is `runs/NAME`. Default: the file's name.
    pub name: String,
    /// The model that training starts from. Left out: random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finetune: Option<FinetuneConfig>,
    /// The text.
    pub data: DataConfig,
    /// The tokenizer.
    pub tokenizer: TokenizerConfig,
    /// The network.
    pub model: ModelConfig,
    /// The loop.
    pub train: TrainConfig,
    /// What the model writes during and after training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleConfig>,
    /// Whose attention maps are written after training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attend: Option<AttendConfig>,
}

impl Config {
    /// Checks every key against its range.
    ///
    /// # Errors
    /// The first key that is out of range, with its value and what would be accepted.
    pub fn validate(&self) -> Result<(), ConfigError> {
        Self::check_name(&self.name)?;
        self.data.validate()?;
        self.tokenizer.validate()?;
        self.model.validate()?;
        self.train.validate()?;
        if let Some(finetune) = &self.finetune {
            finetune.validate(&self.model)?;
        }
        if let Some(sample) = &self.sample {
            sample.validate()?;
        }
        if let Some(attend) = &self.attend {
            check(!attend.text.is_empty(), "attend.text", "\"\"", "must hold at least one character")?;
        }
        Ok(())
    }

    /// How the weights are trained low-rank, if they are.
    pub fn lora(&self) -> Option<LoraConfig> {
        self.finetune.as_ref()?.lora
    }

    pub(crate) fn check_name(name: &str) -> Result<(), ConfigError> {
        let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
        check(plain, "name", format!("{name:?}"), "must be a plain folder name")
    }

    /// The configuration as TOML, every default written out.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("plain structs of numbers and strings always serialise")
    }
}
