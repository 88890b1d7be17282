//! Conversion of a TOML file and its `--set` overrides to a checked [`Config`].

use crate::checked::Checked;
use crate::encoding::Encoded;
use crate::former::{FormerKey, rename_former_keys};
use crate::lfs::check_pointer;
use crate::overrides::apply_overrides;
use crate::{
    Config, ConfigError, DataConfig, LoraConfig, ModelConfig, Shape, TokenizerConfig, TrainConfig,
    plain_words,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::LazyLock;
use toml::{Table, Value};

/// The keys of [`ModelFile`].
pub(crate) static MODEL_FILE: LazyLock<Shape> = LazyLock::new(Shape::of::<ModelFile>);

/// The keys of `[model]`.
pub(crate) static MODEL: LazyLock<Shape> = LazyLock::new(Shape::of::<ModelConfig>);

/// The parts of a model-only file that `sisun info` needs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    tokenizer: Option<TokenizerConfig>,
    pub(crate) model: ModelConfig,
}

/// A model as described by a file, with the tokens that the file says it reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its name: the one stated in the file, else the file's name.
    pub name: String,
    /// Its configuration.
    pub model: ModelConfig,
    /// The tokenizer, if the file describes one.
    pub tokenizer: Option<TokenizerConfig>,
    /// The text, if the file names one.
    pub data: Option<DataConfig>,
    /// Training settings, if the file has them.
    pub train: Option<TrainConfig>,
    /// Low-rank adapters that are trained instead of the weights, if the file has them.
    pub lora: Option<LoraConfig>,
}

impl From<Config> for Described {
    fn from(config: Config) -> Self {
        let lora = config.lora();
        let Config {
            name,
            model,
            tokenizer,
            data,
            train,
            ..
        } = config;
        Self {
            name,
            model,
            tokenizer: Some(tokenizer),
            data: Some(data),
            train: Some(train),
            lora,
        }
    }
}

impl Described {
    /// Read the `[model]` of a file: of a whole experiment, or of a file that describes only a
    /// model.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        let (mut table, _) = read_table(path)?;
        if ["train", "data"]
            .iter()
            .any(|part| table.contains_key(*part))
        {
            return Config::read(path, overrides).map(Self::from);
        }
        apply_overrides(&mut table, overrides)?;
        let file: ModelFile = from_value("", Value::Table(table), &MODEL_FILE)?;
        let mut model = file.model;
        model.validate()?;
        file.tokenizer
            .as_ref()
            .map_or(Ok(()), TokenizerConfig::validate)?;
        model.resolve();
        let stem = path
            .file_stem()
            .map_or_else(|| "model".into(), |s| s.to_string_lossy().into_owned());
        Ok(Self {
            name: file.name.unwrap_or(stem),
            model,
            tokenizer: file.tokenizer,
            data: None,
            train: None,
            lora: None,
        })
    }
}

impl ModelConfig {
    /// Return the same configuration with `overrides` (`model.n_layers=12`) merged into it.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn with(self, overrides: &[String]) -> Result<Self, ConfigError> {
        let model =
            Value::try_from(self).expect("plain structs of numbers and strings always serialise");
        let mut table = Table::from_iter([("model".to_owned(), model)]);
        apply_overrides(&mut table, overrides)?;
        let file: ModelFile = from_value("", Value::Table(table), &MODEL_FILE)?;
        file.model.validate()?;
        Ok(file.model)
    }

    /// Read a bare `[model]` table without its header, as stored in weights files.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let (table, _) = parse_table(Path::new("model configuration"), text)?;
        let model: Self = from_value("model", Value::Table(table), &MODEL)?;
        model.validate()?;
        Ok(model)
    }
}

/// Read a TOML file, and return the keys given by former names, which are renamed.
///
/// # Errors
/// If the file cannot be read or is not TOML, or if a key is given by both of its names.
pub fn read_table(path: &Path) -> Result<(Table, Vec<FormerKey>), ConfigError> {
    let unreadable = |source| ConfigError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(|source| match source.kind() {
        ErrorKind::IsADirectory => ConfigError::Folder {
            path: path.to_owned(),
        },
        _ => unreadable(source),
    })?;
    check_pointer(&bytes).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| ConfigError::NotUtf8 {
        path: path.to_owned(),
        remedy: Encoded::of_text(error.as_bytes()).remedy(path),
    })?;
    parse_table(path, &text)
}

pub(crate) fn parse_table(path: &Path, text: &str) -> Result<(Table, Vec<FormerKey>), ConfigError> {
    let mut table = text
        .parse()
        .map_err(|error: toml::de::Error| ConfigError::Syntax {
            path: path.to_owned(),
            message: format!(
                "{}{}",
                error.to_string().trim_end(),
                syntax_remedy(&error, text)
            ),
        })?;
    let former = rename_former_keys(&mut table)?;
    Ok((table, former))
}

/// Suggest a correction where the parser only reports the text that it could not read.
fn syntax_remedy(error: &toml::de::Error, text: &str) -> String {
    let line = error.span().and_then(|at| {
        let start = text.get(..at.start)?.rfind('\n').map_or(0, |end| end + 1);
        text.get(start..)?.lines().next()
    });
    let Some(line) = line else {
        return String::new();
    };
    let message = error.message();
    let words = line.trim().trim_end_matches(',');
    if message.contains("duplicate key") {
        let name = line.split('=').next().unwrap_or(line).trim();
        return match name.starts_with('[') {
            true => format!("\n{name} stands twice: put all its keys below one of them"),
            false => format!("\n{name} stands twice: keep one of them"),
        };
    }
    if message.contains("extra comma") {
        return "\na comma stands there without a value before it: remove it".to_owned();
    }
    if line.trim().ends_with(',') && words.contains('=') {
        return format!("\na setting ends with its line, without a comma: {words}");
    }
    let Some((key, value)) = line
        .split_once('=')
        .map(|(key, value)| (key.trim(), value.trim()))
    else {
        return match line.split_once(':') {
            Some((key, value)) => format!(
                "\na setting is written with `=`: {} = {}",
                key.trim(),
                value.trim()
            ),
            None => String::new(),
        };
    };
    let first = value
        .trim_start_matches('[')
        .trim_start()
        .chars()
        .next()
        .unwrap_or(' ');
    match value {
        "True" | "False" => format!("\nwrite {key} = {}", value.to_lowercase()),
        _ if first.is_alphabetic() || "“”‘’".contains(first) => {
            "\ntext is written in straight quotes, as in name = \"my-model\"; numbers, true and false are not".to_owned()
        }
        _ if first == '"' && value.contains('\\') => {
            "\na backslash in double quotes begins a special character: write the text in single quotes, or each \\ as \\\\".to_owned()
        }
        _ if first == '.' => format!("\na number begins with a digit: write {key} = 0{value}"),
        _ if first.is_ascii_digit() => "\na number is written without thousands separators, as in 1000000 or 1_000_000".to_owned(),
        _ => String::new(),
    }
}

/// Read a TOML value, found at the key `at`, as settings of this shape.
///
/// # Errors
/// All problems in it: keys that are missing or unknown, values of the wrong type.
pub fn from_value<T: DeserializeOwned>(
    at: &str,
    mut value: Value,
    shape: &Shape,
) -> Result<T, ConfigError> {
    ConfigError::all(Checked::of(at, &mut value, shape).problems)?;
    read_value(value)
}

/// Read a value that has been checked.
pub(crate) fn read_value<T: DeserializeOwned>(value: Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        let key = if path == "." {
            "configuration".to_owned()
        } else {
            path
        };
        ConfigError::Invalid {
            key,
            message: plain_words(error.inner().message()),
        }
    })
}
