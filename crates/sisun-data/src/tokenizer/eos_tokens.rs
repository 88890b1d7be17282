//! The tokens that end a text, as the files beside a tokenizer name them.

use super::hf_tokenizer::HfTokenizer;
use crate::DataError;
use serde_json::{Map, Value, json};
use sisun_files::{RunDir, is_file};
use std::{collections::HashSet, path::Path};

/// The file with the generation settings of a `transformers` model, among them the tokens at which
/// it stops.
pub const GENERATION_CONFIG: &str = "generation_config.json";

/// The files that name such tokens and the key of each, in the order in which they are read.
const FILES: [(&str, &str); 4] = [
    (GENERATION_CONFIG, "eos_token_id"),
    ("config.json", "eos_token_id"),
    ("tokenizer_config.json", "eos_token"),
    ("special_tokens_map.json", "eos_token"),
];

/// Return the tokens that end a text, given those that `by_name` marks and the files in `dir`:
/// `generation_config.json`, `config.json`, `tokenizer_config.json` and `special_tokens_map.json`,
/// in this order, each if it is there. The name decides only where no file names a token. The
/// files of the pretrained model, in [`RunDir::sidecars`], add theirs.
///
/// # Errors
/// [`DataError::EosTokenFile`]: a file that is malformed. [`DataError::Io`].
pub(super) fn read_eos_token_ids(
    tokenizer: &HfTokenizer,
    by_name: &[u32],
    dir: &Path,
) -> Result<Vec<u32>, DataError> {
    let (here, pretrained) = (
        named_in(dir, tokenizer)?,
        named_in(&RunDir::new(dir).sidecars(), tokenizer)?,
    );
    let mut ids = if here.is_empty() {
        by_name.to_vec()
    } else {
        here
    };
    ids.extend(pretrained);
    let mut seen = HashSet::new();
    ids.retain(|id| seen.insert(*id));
    Ok(ids)
}

/// Write a `generation_config.json` that names `eos_token_ids`.
pub(super) fn generation_config(eos_token_ids: &[u32]) -> Vec<u8> {
    format!("{:#}\n", json!({ "eos_token_id": eos_token_ids })).into_bytes()
}

/// Return the tokens that the files in a directory name.
fn named_in(dir: &Path, tokenizer: &HfTokenizer) -> Result<Vec<u32>, DataError> {
    let mut eos_token_ids = Vec::new();
    for (name, key) in FILES {
        let path = dir.join(name);
        if !is_file(&path).map_err(DataError::io(&path))? {
            continue;
        }
        let bad = |problem: String| DataError::EosTokenFile {
            path: path.clone(),
            problem,
        };
        let bytes = std::fs::read(&path).map_err(DataError::io(&path))?;
        let file: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        let ids = match (key, file.get(key).unwrap_or(&Value::Null)) {
            ("eos_token_id", value) => parse_ids(value).ok_or_else(|| {
                bad(format!(
                    "{key} = {value}: expected the number of a token, or a list of them"
                ))
            })?,
            (_, token) => {
                let name = token
                    .as_str()
                    .or(token.get("content").and_then(Value::as_str));
                name.and_then(|name| tokenizer.token_to_id(name))
                    .into_iter()
                    .collect()
            }
        };
        eos_token_ids.extend(ids);
    }
    Ok(eos_token_ids)
}

/// Read one id or a list of ids; `null` is an empty list.
fn parse_ids(value: &Value) -> Option<Vec<u32>> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(ids) => ids.iter().map(id).collect(),
        one => id(one).map(|id| vec![id]),
    }
}
