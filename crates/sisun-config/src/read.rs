//! From a TOML file and its `--set` overrides to a checked [`Config`].

use crate::lfs::check_pointer;
use crate::{Config, ConfigError, Draft, ModelConfig};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use toml::{Table, Value};

/// What `sisun info` needs of a file that describes a model and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ModelFile {
    #[serde(default)]
    name: Option<String>,
    pub(crate) model: ModelConfig,
}

impl Config {
    /// Reads an experiment, merges `overrides` (`train.lr_max=3e-4`) into it, and checks every key.
    ///
    /// # Errors
    /// [`ConfigError`]: the file, the key, the value and the remedy.
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self, ConfigError> {
        Draft::read(path, overrides)?.finish()
    }

    /// Reads an experiment from TOML text, as a run directory's `config.toml` holds it.
    ///
    /// # Errors
    /// As [`Config::read`]; `path` only names the text in messages.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        Draft::parse(path, text)?.finish()
    }
}

impl ModelConfig {
    /// Reads the `[model]` of a file: of a whole experiment, or of one that describes only a model.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<(String, Self), ConfigError> {
        let mut table = read_table(path)?;
        if table.contains_key("train") {
            return Config::read(path, overrides).map(|config| (config.name, config.model));
        }
        for given in overrides {
            apply_override(&mut table, given)?;
        }
        let file: ModelFile = from_value(Value::Table(table))?;
        let mut model = file.model;
        model.validate()?;
        model.resolve();
        let stem = path.file_stem().map_or_else(|| "model".into(), |s| s.to_string_lossy().into_owned());
        Ok((file.name.unwrap_or(stem), model))
    }

    /// The same configuration with `overrides` (`model.n_layers=12`) merged into it.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn with(self, overrides: &[String]) -> Result<Self, ConfigError> {
        let model = Value::try_from(self).expect("plain structs of numbers and strings always serialise");
        let mut table = Table::from_iter([("model".to_owned(), model)]);
        for given in overrides {
            apply_override(&mut table, given)?;
        }
        let file: ModelFile = from_value(Value::Table(table))?;
        file.model.validate()?;
        Ok(file.model)
    }

    /// Reads a bare `[model]` table without its header, as weights files carry it.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let model: Self = from_value(Value::Table(parse_table(Path::new("model configuration"), text)?))?;
        model.validate()?;
        Ok(model)
    }
}

/// Reads a TOML file.
///
/// # Errors
/// A file that cannot be read or is no TOML.
pub fn read_table(path: &Path) -> Result<Table, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    check_pointer(text.as_bytes()).map_err(unreadable)?;
    parse_table(path, &text)
}

pub(crate) fn parse_table(path: &Path, text: &str) -> Result<Table, ConfigError> {
    text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        message: error.to_string().trim_end().to_owned(),
    })
}

/// Merges `a.b=value` into the table. A value that is not TOML (`rope`, `runs/x`) is taken as a string.
///
/// # Errors
/// Text of another form, or a key inside of something that is no table.
pub fn apply_override(table: &mut Table, given: &str) -> Result<(), ConfigError> {
    let bad = || ConfigError::BadOverride { given: given.to_owned() };
    let (key, value) = given.split_once('=').ok_or_else(bad)?;
    if key.trim().split('.').any(str::is_empty) {
        return Err(bad());
    }
    let value = format!("v = {value}")
        .parse::<Table>()
        .ok()
        .and_then(|mut parsed| parsed.remove("v"))
        .unwrap_or_else(|| Value::String(value.trim().to_owned()));
    set(table, key.trim(), value).map_err(|key| ConfigError::NotATable { given: given.to_owned(), key })
}

/// Puts a value at `a.b.c`, with the tables on the way. On failure returns the part of the key that is no table.
///
/// # Errors
/// A part of the key that names something other than a table.
pub fn set(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let (tables, last) = key.rsplit_once('.').map_or(("", key), |(tables, last)| (tables, last));
    let mut at = table;
    for part in tables.split('.').filter(|part| !part.is_empty()) {
        let entry = at.entry(part.to_owned()).or_insert_with(|| Value::Table(Table::new()));
        // `model.position.base=500` on `position = "rope"` means its table form.
        if let (Value::String(kind), "position") = (&entry, part) {
            *entry = Value::Table(Table::from_iter([("kind".to_owned(), Value::String(kind.clone()))]));
        }
        at = entry.as_table_mut().ok_or_else(|| part.to_owned())?;
    }
    at.insert(last.to_owned(), value);
    Ok(())
}

/// Reads a TOML value as settings.
///
/// # Errors
/// A key that is unknown, with the nearest known one, or a value of the wrong kind.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner().message())
    })
}

/// Turns serde's sentence about an unknown field into a key and its nearest neighbour.
fn explain(path: &str, message: &str) -> ConfigError {
    let path = if path == "." { "" } else { path };
    // The field may hold backticks itself; the known ones after it never do.
    let unknown = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.rsplit_once("`, expected ").or_else(|| rest.rsplit_once("`, there are no fields")));
    let Some((field, expected)) = unknown else {
        let key = if path.is_empty() { "configuration" } else { path };
        // Serde names our types.
        let message = match message.split_once("expected struct ") {
            Some((before, _)) => format!("{before}expected a table"),
            None => message.replace('\n', " ").trim().to_owned(),
        };
        return ConfigError::Invalid { key: key.to_owned(), message };
    };
    let parent = path.strip_suffix(field).unwrap_or(path).trim_end_matches('.');
    let full = |name: &str| if parent.is_empty() { name.to_owned() } else { format!("{parent}.{name}") };
    let known: Vec<String> = expected.split('`').skip(1).step_by(2).map(full).collect();
    let key = full(field);
    let suggestion = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, &key), name))
        .filter(|(distance, name)| *distance <= 2.max(name.len() - parent.len()) / 2)
        .min()
        .map(|(_, name)| name.clone());
    ConfigError::UnknownKey { key, suggestion, known }
}
