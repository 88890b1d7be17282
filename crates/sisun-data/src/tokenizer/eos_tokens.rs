//! Which tokens end a text: what the files beside a tokenizer say, or else its names for such
//! tokens.

use crate::{DataError, Tokenizer};
use serde_json::{Map, Value, json};
use sisun_files::is_file;
use std::{collections::HashSet, path::Path};

/// The special token that ends a document (GPT-2's).
pub const END_OF_TEXT: &str = "<|endoftext|>";
/// Where in a run directory the files lie that came with the model that it began from.
pub const COMPANIONS: &str = "hf";
/// How a model of `transformers` writes, the tokens at which it stops among it.
pub const GENERATION: &str = "generation_config.json";

/// What other families call the token that ends a text, in the order they are looked for.
const NAMES: [&str; 6] = [
    END_OF_TEXT,
    "<|end_of_text|>",
    "</s>",
    "<eos>",
    "<|eos|>",
    "[EOS]",
];
/// The files that name such tokens, and by which key, in the order they are asked.
const FILES: [(&str, &str); 4] = [
    (GENERATION, "eos_token_id"),
    ("config.json", "eos_token_id"),
    ("tokenizer_config.json", "eos_token"),
    ("special_tokens_map.json", "eos_token"),
];

impl Tokenizer {
    /// The token that ends a text, such as `<|endoftext|>` or `</s>`: it follows each document of a
    /// training text.
    pub fn end_of_text(&self) -> Option<u32> {
        self.eos_token_ids
            .iter()
            .copied()
            .find(|&id| self.knows(id))
    }

    /// Every token at which a text that a model writes is over, [`Tokenizer::end_of_text`] first.
    pub fn eos_token_ids(&self) -> &[u32] {
        &self.eos_token_ids
    }

    /// The token that ends a text by its name alone.
    pub(crate) fn named_end(inner: &tokenizers::Tokenizer) -> Option<u32> {
        NAMES.iter().find_map(|name| inner.token_to_id(name))
    }

    /// The same, ending texts as the files in a directory say: `generation_config.json`,
    /// `config.json`, `tokenizer_config.json` and `special_tokens_map.json`, in this order, each if
    /// it is there. Where none says anything, the token's name has to. In a run directory what came
    /// with the model that it began from ends texts as well.
    ///
    /// # Errors
    /// [`DataError::Ends`]: a file that cannot be read, or says something else.
    pub(crate) fn ending_as_in(mut self, dir: &Path) -> Result<Self, DataError> {
        let (here, came_along) = (said(dir, &self)?, said(&dir.join(COMPANIONS), &self)?);
        if !here.is_empty() {
            self.eos_token_ids = here;
        }
        self.eos_token_ids.extend(came_along);
        let mut seen = HashSet::new();
        self.eos_token_ids.retain(|id| seen.insert(*id));
        Ok(self)
    }

    /// A `generation_config.json` for beside the tokenizer, unless the tokenizer alone says which
    /// tokens end a text.
    pub fn generation_config(&self) -> Option<Vec<u8>> {
        let by_name: Vec<u32> = Self::named_end(&self.inner).into_iter().collect();
        (self.eos_token_ids != by_name)
            .then(|| format!("{:#}\n", json!({ "eos_token_id": self.eos_token_ids })).into_bytes())
    }
}

/// The tokens that the files in a directory name.
fn said(dir: &Path, tokenizer: &Tokenizer) -> Result<Vec<u32>, DataError> {
    let mut eos_token_ids = Vec::new();
    for (name, key) in FILES {
        let path = dir.join(name);
        if !is_file(&path).map_err(DataError::io(&path))? {
            continue;
        }
        let bad = |problem: String| DataError::Ends {
            path: path.clone(),
            problem,
        };
        let bytes = std::fs::read(&path).map_err(DataError::io(&path))?;
        let file: Map<String, Value> =
            serde_json::from_slice(&bytes).map_err(|error| bad(error.to_string()))?;
        let ids = match (key, file.get(key).unwrap_or(&Value::Null)) {
            ("eos_token_id", value) => ids(value).ok_or_else(|| {
                bad(format!(
                    "{key} = {value}: expected the number of a token, or a list of them"
                ))
            })?,
            (_, token) => {
                let name = token
                    .as_str()
                    .or(token.get("content").and_then(Value::as_str));
                name.and_then(|name| tokenizer.inner.token_to_id(name))
                    .into_iter()
                    .collect()
            }
        };
        eos_token_ids.extend(ids);
    }
    Ok(eos_token_ids)
}

/// One number, or a list of them.
fn ids(value: &Value) -> Option<Vec<u32>> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(ids) => ids.iter().map(id).collect(),
        one => id(one).map(|id| vec![id]),
    }
}
