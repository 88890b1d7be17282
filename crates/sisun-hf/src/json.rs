//! Reading of JSON files, with the key in every error.

use crate::HfError;
use serde::Deserializer;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sisun_config::{check_pointer, plain_words};
use std::path::Path;

/// Read a JSON file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, HfError> {
    let failed = |source| HfError::Io {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::read(path).map_err(failed)?;
    check_pointer(&bytes).map_err(failed)?;
    Ok(bytes)
}

/// Parse JSON; errors name `path`.
pub(crate) fn parse<T: DeserializeOwned>(path: &Path, json: &[u8]) -> Result<T, HfError> {
    read_from(path, &mut serde_json::Deserializer::from_slice(json))
}

/// Convert JSON that has been parsed; errors name `path`.
pub(crate) fn of_value<T: DeserializeOwned>(path: &Path, value: Value) -> Result<T, HfError> {
    read_from(path, value)
}

fn read_from<'de, T, D>(path: &Path, json: D) -> Result<T, HfError>
where
    T: DeserializeOwned,
    D: Deserializer<'de, Error = serde_json::Error>,
{
    serde_path_to_error::deserialize(json).map_err(|error| {
        let key = error.path().to_string();
        let message = plain_words(&error.inner().to_string());
        let problem = if key == "." || key == "?" {
            message
        } else {
            format!("{key}: {message}")
        };
        HfError::Json {
            path: path.to_owned(),
            problem,
        }
    })
}
