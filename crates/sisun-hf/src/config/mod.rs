//! `config.json`: translation from the terms of `transformers` to Sisun's. Missing keys have the
//! defaults of the family's configuration class.

mod defaults;
mod file;
mod gpt2;
mod llama;
mod neox;
mod rope;
mod write;

pub(crate) use write::{Ids, activation, end, write};

use crate::family::{FAMILIES, Family};
use crate::{HfError, json};
use file::File;
use rope::RopeKeys;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use sisun_config::ModelConfig;
use std::path::Path;

/// The contents of `config.json`.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub(crate) family: Family,
    pub(crate) model: ModelConfig,
    /// Number of tokens that layers with a sliding window see, if that is less than the whole
    /// context.
    pub(crate) window: Option<usize>,
}

/// The keys that every model has.
#[derive(Deserialize)]
struct Any {
    #[serde(default)]
    architectures: Option<Vec<String>>,
    #[serde(default)]
    model_type: Option<String>,
    #[serde(default)]
    quantization_config: Option<IgnoredAny>,
    #[serde(default = "yes")]
    is_causal: bool,
}

impl Described {
    /// Read `config.json`.
    pub(crate) fn read(path: &Path) -> Result<Self, HfError> {
        let text = json::read(path)?;
        let any: Any = json::parse(path, &text)?;
        let file = File(path);
        let family = any.family(path)?;
        if any.quantization_config.is_some() {
            let remedy = "take a copy of the model in float32, float16 or bfloat16";
            return file.unsupported("quantization_config", "{…}", remedy);
        }
        if !any.is_causal {
            return file.unsupported("is_causal", false, "later tokens have to be hidden");
        }
        let mut keys: Map<String, Value> = json::parse(path, &text)?;
        defaults::fill(family, &mut keys);
        let keys = Value::Object(keys);
        let (model, window) = match family {
            Family::Gpt2 => (
                json::of_value::<gpt2::Gpt2>(path, keys)?.model(&file)?,
                None,
            ),
            Family::Neox => (
                json::of_value::<neox::Neox>(path, keys)?
                    .model(&file, RopeKeys::read(&file, &text)?)?,
                None,
            ),
            Family::Llama | Family::Mistral | Family::Qwen2 | Family::Qwen3 => json::of_value::<
                llama::Llama,
            >(
                path, keys
            )?
            .model(&file, family, RopeKeys::read(&file, &text)?)?,
        };
        model.validate().map_err(|error| {
            let problem = family.in_its_words(&error.to_string());
            HfError::Config {
                path: path.to_owned(),
                problem,
            }
        })?;
        Ok(Self {
            family,
            model,
            window,
        })
    }
}

impl Any {
    fn family(&self, path: &Path) -> Result<Family, HfError> {
        let named = self.architectures.as_ref().and_then(|names| names.first());
        let (key, value) = match (named, &self.model_type) {
            (Some(name), _) => ("architectures", name.as_str()),
            (None, Some(kind)) => ("model_type", kind.as_str()),
            (None, None) => {
                let problem = format!(
                    "neither architectures nor model_type says which model this is; {FAMILIES}"
                );
                return Err(HfError::Json {
                    path: path.to_owned(),
                    problem,
                });
            }
        };
        match Family::named(value) {
            // If two known families are named, `transformers` goes by the type.
            Some(family) => Ok(self
                .model_type
                .as_deref()
                .and_then(Family::named)
                .unwrap_or(family)),
            None if value.starts_with("Marian") || value.starts_with("Pegasus") => {
                File(path).unsupported(
                    key,
                    format!("{value:?}"),
                    "an encoder–decoder, which transformers opens and Sisun does not read back; if Sisun exported it, name the run that it was exported from",
                )
            }
            None => File(path).unsupported(key, format!("{value:?}"), FAMILIES),
        }
    }
}

fn yes() -> bool {
    true
}
