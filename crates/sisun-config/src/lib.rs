//! Sisun's configuration: TOML read through serde, `--set` overrides, validation, and the random
//! streams derived from a configuration's seed. This crate does not use tensors and builds in
//! seconds.

mod aliases;
mod checked;
mod choice_aliases;
mod data;
mod describe;
#[cfg(test)]
mod description_tests;
mod encoding;
mod error;
mod error_kind;
mod experiment;
mod finetune;
mod foreign_settings;
#[cfg(test)]
mod foreign_tests;
mod former;
mod given_text;
mod home;
mod idle;
mod keys;
mod lfs;
mod meant;
mod model;
mod nearest;
mod overrides;
mod pairs;
mod partial_config;
mod position;
pub mod randomness;
mod read;
mod rope_scaling;
mod rules;
pub mod schema;
#[cfg(test)]
mod schema_tests;
mod seq2seq;
mod seq2seq_experiment;
mod settings;
mod shape;
pub mod shell;
#[cfg(test)]
mod tests;
mod train;
mod unknown_key;
mod usual;
mod words;

pub use data::{DataConfig, Documents, Normalize, TokenizerConfig};
pub use encoding::Encoded;
pub use error::ConfigError;
pub use error_kind::ErrorKind;
pub use experiment::Experiment;
pub use finetune::{FinetuneConfig, LoraConfig};
pub use foreign_settings::StartOption;
pub use former::FormerKey;
pub use given_text::{as_from_a_file, with_line_feeds};
pub use home::sources as home_sources;
pub use keys::{EXPERIMENT, SEQ2SEQ};
pub use lfs::check_pointer;
pub use meant::is_foreign;
pub use model::{Ffn, ModelConfig, Norm, NormPlacement, Position};
pub use nearest::{did_you_mean, free_path, nearest_path};
pub use overrides::{apply_override, apply_overrides, set};
pub use pairs::PairsConfig;
pub use partial_config::{PartialConfig, PretrainedSpec};
pub use read::{Described, from_value, read_table};
pub use rope_scaling::RopeScaling;
pub use seq2seq::{
    Context, EncoderDecoderConfig, RecurrentConfig, RecurrentEncoder, Seq2SeqConfig,
};
pub use seq2seq_experiment::{
    PairAttendConfig, PairSampleConfig, PairTokenizersConfig, Seq2SeqExperiment,
};
pub use settings::{Setting, SettingsTable};
pub use shape::{Bound, Choice, Key, Kind, Limits, Shape};
pub use train::{
    AttendConfig, OptimizerKind, Precision, SampleConfig, Schedule, TrainConfig, WindowOrder,
};
pub use unknown_key::{key_meant, unknown_key};
pub use words::{plain_system_words, plain_words};

use error::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A whole experiment: the text, the tokenizer, the model, and its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Name of the experiment. The run directory is `runs/NAME`. Default: the file's name.
    #[schemars(extend("example" = "my-model"))]
    pub name: String,
    /// The model from which training starts. Default: random weights.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finetune: Option<FinetuneConfig>,
    /// The text.
    pub data: DataConfig,
    /// The tokenizer.
    pub tokenizer: TokenizerConfig,
    /// The network.
    pub model: ModelConfig,
    /// The training loop.
    pub train: TrainConfig,
    /// Samples to generate during and after training. Default: no samples.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<SampleConfig>,
    /// The text whose attention maps are written after training. Default: no maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attend: Option<AttendConfig>,
}

impl Config {
    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        problems.take(Self::check_name(&self.name));
        problems.take(self.data.validate());
        problems.take(self.tokenizer.validate());
        let model = self.model.validate();
        let sound = model.is_ok();
        problems.take(model);
        problems.take(self.train.validate());
        if let Some(finetune) = self.finetune.as_ref().filter(|_| sound) {
            problems.take(finetune.validate(&self.model));
        }
        if let Some(sample) = &self.sample {
            problems.take(sample.validate());
        }
        if let Some(attend) = &self.attend {
            problems.check(
                !attend.text.is_empty(),
                "attend.text",
                "\"\"",
                "must hold at least one character",
            );
        }
        problems.end()
    }

    /// Return the settings of low-rank adapters, if they are used.
    pub fn lora(&self) -> Option<LoraConfig> {
        self.finetune.as_ref()?.lora
    }

    pub(crate) fn check_name(name: &str) -> Result<(), ConfigError> {
        let plain = !name.is_empty() && !name.contains(['/', '\\', '\0']) && !name.starts_with('.');
        let mut problems = Problems::default();
        problems.check(
            plain,
            "name",
            format!("{name:?}"),
            "must be a plain folder name",
        );
        problems.end()
    }
}
