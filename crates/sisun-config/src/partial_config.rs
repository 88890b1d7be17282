//! A configuration that may still lack the settings that its base model determines.

use crate::checked::Checked;
use crate::keys::{EXPERIMENT, FINETUNED, SEQ2SEQ};
use crate::overrides::apply_overrides;
use crate::read::{MODEL_FILE, ModelFile, from_value, parse_table, read_table, read_value};
use crate::rules::shown;
use crate::{
    Config, ConfigError, FinetuneConfig, FormerKey, ModelConfig, Position, Seq2SeqExperiment,
    Shape, TokenizerConfig,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use toml::{Table, Value};

/// Keys of `[model]` without a default.
const NEEDED: [&str; 5] = ["d_model", "n_layers", "n_heads", "context_len", "position"];
/// Other keys that a run's `config.toml` states, and that a handwritten file rarely does.
const RESOLVED: [&str; 3] = ["vocab_size", "norm_eps", "init_std"];
/// Keys of `[model]` that may differ from the base model's.
const OWN: [&str; 2] = ["context_len", "dropout"];

/// Settings that a configuration takes from its base model.
#[derive(Clone, Debug, PartialEq)]
pub struct PretrainedSpec {
    /// Path of the base model, for messages.
    pub path: PathBuf,
    /// Its configuration.
    pub model: ModelConfig,
    /// Path of its `tokenizer.json`.
    pub tokenizer: PathBuf,
    /// Settings of that tokenizer, if the base is a run that records them.
    pub made: Option<TokenizerConfig>,
}

/// An experiment as stated by its file and the overrides. With `[finetune]`,
/// [`PartialConfig::complete`] turns it into a [`Config`]; otherwise [`PartialConfig::finish`]
/// does.
#[derive(Clone, Debug)]
pub struct PartialConfig {
    table: Table,
    former_keys: Vec<FormerKey>,
}

/// The keys of [`FinetuneFile`].
static FINETUNE_FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<FinetuneFile>);

/// The keys of [`TokenizerFile`].
static TOKENIZER_FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<TokenizerFile>);

#[derive(Deserialize, JsonSchema)]
struct FinetuneFile {
    finetune: FinetuneConfig,
}

#[derive(Deserialize, JsonSchema)]
struct TokenizerFile {
    tokenizer: TokenizerConfig,
}

impl Config {
    /// Read an experiment, merge `overrides` (`train.lr_max=3e-4`) into it, and check every key.
    ///
    /// # Errors
    /// [`ConfigError`]: the file, the key, the value and the remedy.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        PartialConfig::read(path, overrides)?.finish()
    }

    /// Read an experiment from TOML text, such as a run directory's `config.toml`.
    ///
    /// # Errors
    /// As [`Config::read`]; `path` only names the text in messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        PartialConfig::parse(path, text)?.finish()
    }
}

impl PartialConfig {
    /// Read an experiment and merge `overrides` (`train.lr_max=3e-4`) into it.
    ///
    /// # Errors
    /// If the file cannot be read or is not TOML, if an override is malformed, or if the file is a
    /// comparison.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        let (mut table, mut former_keys) = read_table(path)?;
        if !table.contains_key("name") {
            let stem = path
                .file_stem()
                .map_or_else(|| "run".into(), |s| s.to_string_lossy().into_owned());
            table.insert("name".to_owned(), Value::String(stem));
        }
        former_keys.extend(apply_overrides(&mut table, overrides)?);
        Self::from_table(table, former_keys)
    }

    /// Read an experiment from TOML text; `path` only names the text in messages.
    ///
    /// # Errors
    /// As [`PartialConfig::read`].
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let (table, former_keys) = parse_table(path, text)?;
        Self::from_table(table, former_keys)
    }

    fn from_table(table: Table, former_keys: Vec<FormerKey>) -> Result<Self, ConfigError> {
        if table.contains_key("tracks") {
            return Err(ConfigError::Comparison);
        }
        if table.contains_key("seq2seq") && table.contains_key("model") {
            let message = "a file describes one model: a language model in [model], or a \
                           sequence-to-sequence model in [seq2seq]; remove one"
                .to_owned();
            return Err(ConfigError::Invalid {
                key: "seq2seq".to_owned(),
                message,
            });
        }
        Ok(Self { table, former_keys })
    }

    /// Return true if the file describes a sequence-to-sequence model and no language model.
    pub fn is_seq2seq(&self) -> bool {
        let has = |key: &str| self.table.contains_key(key);
        has("seq2seq") || (has("pairs") && !has("model") && !has("data"))
    }

    /// Check every key of a sequence-to-sequence experiment.
    ///
    /// # Errors
    /// The key, the value and the remedy; also if the file describes a language model.
    pub fn finish_seq2seq(self) -> Result<Seq2SeqExperiment, ConfigError> {
        match self.is_seq2seq() {
            true => read_whole(self.table, &SEQ2SEQ, Seq2SeqExperiment::validate),
            false => Err(ConfigError::Invalid {
                key: "model".to_owned(),
                message: "describes a language model, where a sequence-to-sequence model, \
                          [seq2seq], is expected"
                    .to_owned(),
            }),
        }
    }

    /// Return the keys that were given by a former name.
    pub fn former_keys(&self) -> &[FormerKey] {
        &self.former_keys
    }

    /// Return the experiment's name, a plain folder name.
    ///
    /// # Errors
    /// If the name is not a plain folder name.
    pub fn name(&self) -> Result<&str, ConfigError> {
        match self.table.get("name") {
            Some(Value::String(name)) => Config::check_name(name).map(|()| name.as_str()),
            other => {
                let value = other.map_or_else(|| "nothing".to_owned(), shown);
                let rule = "expected text, a plain folder name in quotes".to_owned();
                Err(ConfigError::Wrong {
                    key: "name".to_owned(),
                    value,
                    rule,
                })
            }
        }
    }

    /// Return the path of the base model, if the experiment is a fine-tuning.
    ///
    /// # Errors
    /// If `[finetune]` cannot be read.
    pub fn base(&self) -> Result<Option<PathBuf>, ConfigError> {
        let Some(finetune) = self.table.get("finetune") else {
            return Ok(None);
        };
        let table = Table::from_iter([("finetune".to_owned(), finetune.clone())]);
        // Report every other error before looking for the base model.
        let shape = if self.is_complete() {
            &*EXPERIMENT
        } else {
            &*FINETUNED
        };
        ConfigError::all(Checked::of("", &mut Value::Table(self.table.clone()), shape).problems)?;
        let file: FinetuneFile = from_value("", Value::Table(table), &FINETUNE_FILE)?;
        Ok(Some(file.finetune.model))
    }

    /// Return true if the configuration is complete by itself, as a run's `config.toml` is.
    pub fn is_complete(&self) -> bool {
        let stated = |key: &str| {
            self.table
                .get("model")
                .and_then(|model| model.get(key))
                .is_some()
        };
        self.table.contains_key("tokenizer")
            && NEEDED.iter().chain(&RESOLVED).all(|key| stated(key))
    }

    /// Return the stated tokenizer settings, if any.
    ///
    /// # Errors
    /// If `[tokenizer]` cannot be read.
    pub fn tokenizer(&self) -> Result<Option<TokenizerConfig>, ConfigError> {
        let Some(stated) = self.table.get("tokenizer") else {
            return Ok(None);
        };
        let table = Table::from_iter([("tokenizer".to_owned(), stated.clone())]);
        Ok(Some(
            from_value::<TokenizerFile>("", Value::Table(table), &TOKENIZER_FILE)?.tokenizer,
        ))
    }

    /// Take `[tokenizer]` and the missing keys of `[model]` from the base model, and check every
    /// key.
    ///
    /// # Errors
    /// If a key contradicts the base model, or as [`PartialConfig::finish`].
    pub fn complete(mut self, base: &PretrainedSpec) -> Result<Config, ConfigError> {
        let tokenizer = TokenizerConfig::File {
            path: base.tokenizer.clone(),
        };
        if let Some(stated) = self.tokenizer()? {
            // A run's own file records the path of the tokenizer; another base model has another
            // path.
            let followed = self.is_complete() && matches!(stated, TokenizerConfig::File { .. });
            let same = stated == tokenizer || base.made.as_ref() == Some(&stated);
            if !same && !followed {
                let message = format!(
                    "the model in {} brings its own; leave [tokenizer] out",
                    base.path.display()
                );
                return Err(ConfigError::Invalid {
                    key: "tokenizer".to_owned(),
                    message,
                });
            }
        }
        let model = self
            .table
            .remove("model")
            .unwrap_or_else(|| Value::Table(Table::new()));
        let Value::Table(stated) = model else {
            let rule = "expected a table".to_owned();
            return Err(ConfigError::Wrong {
                key: "model".to_owned(),
                value: shown(&model),
                rule,
            });
        };
        self.table
            .insert("model".to_owned(), Value::Table(merged(stated, base)?));
        let tokenizer = Value::try_from(&tokenizer).map_err(|_| ConfigError::Invalid {
            key: "finetune.model".to_owned(),
            message: format!(
                "the path {} is not UTF-8, which TOML has to be; rename it",
                base.tokenizer.display()
            ),
        })?;
        self.table.insert("tokenizer".to_owned(), tokenizer);
        self.finish()
    }

    /// Check every key.
    ///
    /// # Errors
    /// The key, the value and the remedy; also if there is a `[finetune]` whose base model
    /// determines missing settings.
    pub fn finish(self) -> Result<Config, ConfigError> {
        if self.is_seq2seq() {
            return Err(ConfigError::Invalid {
                key: "seq2seq".to_owned(),
                message: "describes a sequence-to-sequence model, where a language model, \
                          [model], is expected"
                    .to_owned(),
            });
        }
        if self.base()?.is_some() && !self.is_complete() {
            return Err(ConfigError::LeftToBase);
        }
        let mut config = read_whole(self.table, &EXPERIMENT, Config::validate)?;
        config.model.resolve();
        Ok(config)
    }
}

/// Read an experiment, or report all its errors: keys that are missing, unknown, of the wrong type
/// or out of range.
fn read_whole<C: DeserializeOwned>(
    table: Table,
    shape: &Shape,
    validate: fn(&C) -> Result<(), ConfigError>,
) -> Result<C, ConfigError> {
    let mut value = Value::Table(table);
    let Checked {
        mut problems,
        replaced,
        ..
    } = Checked::of("", &mut value, shape);
    let config = read_value::<C>(value);
    if let Ok(Err(error)) = config.as_ref().map(validate) {
        // Replacements of missing or wrong values say nothing about the file.
        let own = |problem: &ConfigError| {
            !matches!(problem, ConfigError::OutOfRange { key, rule, .. }
                if replaced.iter().any(|path| key.starts_with(path) || rule.contains(path)))
        };
        problems.extend(error.problems().into_iter().filter(own));
    }
    ConfigError::all(problems)?;
    config
}

/// Return the base model's `[model]` with the stated keys that may differ. All other stated keys
/// must agree with the base model.
fn merged(stated: Table, base: &PretrainedSpec) -> Result<Table, ConfigError> {
    let Value::Table(mut merged) = as_value(&base.model) else {
        unreachable!("a model is written as a table")
    };
    let read = |table: &Table| -> Result<ModelConfig, ConfigError> {
        let table = Table::from_iter([("model".to_owned(), Value::Table(table.clone()))]);
        Ok(from_value::<ModelFile>("", Value::Table(table), &MODEL_FILE)?.model)
    };
    for (key, value) in stated {
        let mut one = merged.clone();
        one.insert(key.clone(), value.clone());
        let model = read(&one)?;
        if OWN.contains(&key.as_str()) {
            merged = one;
        } else if spelled_out(&model) != spelled_out(&read(&merged)?) {
            let theirs = merged
                .get(&key)
                .map_or_else(|| "none".to_owned(), ToString::to_string);
            return Err(ConfigError::Contradicts {
                key: format!("model.{key}"),
                value: value.to_string(),
                theirs: format!("{} has {theirs}", base.path.display()),
            });
        }
    }
    let (own, table) = (read(&merged)?.context_len, base.model.context_len);
    if base.model.position == Position::Learned && own > table {
        let rule = format!(
            "is more than the {table} learned positions of the model in {}; at most so many can be trained",
            base.path.display()
        );
        return Err(ConfigError::OutOfRange {
            key: "model.context_len".to_owned(),
            value: own.to_string(),
            rule,
        });
    }
    Ok(merged)
}

/// Return the model with every default that depends on other keys in its field, so that equal
/// models compare equal.
fn spelled_out(model: &ModelConfig) -> ModelConfig {
    let mut model = model.clone();
    model.resolve();
    model.attention_bias = Some(model.has_attention_bias());
    model.ffn_bias = Some(model.has_ffn_bias());
    model
}

fn as_value(settings: &impl serde::Serialize) -> Value {
    Value::try_from(settings).expect("plain structs of numbers and strings always serialise")
}
