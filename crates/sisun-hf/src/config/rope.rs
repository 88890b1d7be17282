//! Rotary positions in `config.json`, with the keys of `transformers` 4 (`rope_theta`,
//! `rope_scaling`) and of 5 (`rope_parameters`).

use super::file::File;
use crate::{HfError, json};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use sisun_config::{Position, RopeScaling};

const KINDS: &str = "supported are default, linear, dynamic, llama3 and yarn";

/// The top-level keys of `config.json`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct RopeKeys {
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default)]
    rope_scaling: Option<Settings>,
    #[serde(default)]
    rope_parameters: Option<Settings>,
    #[serde(default)]
    original_max_position_embeddings: Option<usize>,
    #[serde(default)]
    partial_rotary_factor: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
struct Settings {
    #[serde(default)]
    rope_type: Option<String>,
    /// The earlier name of the key in `transformers`.
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    rope_theta: Option<f64>,
    #[serde(default)]
    factor: Option<f64>,
    #[serde(default)]
    original_max_position_embeddings: Option<usize>,
    #[serde(default)]
    low_freq_factor: Option<f64>,
    #[serde(default)]
    high_freq_factor: Option<f64>,
    #[serde(default)]
    beta_fast: Option<f64>,
    #[serde(default)]
    beta_slow: Option<f64>,
    #[serde(default)]
    attention_factor: Option<f64>,
    #[serde(default)]
    mscale: Option<f64>,
    #[serde(default)]
    mscale_all_dim: Option<f64>,
    /// Missing means true, null means false.
    #[serde(default, deserialize_with = "given")]
    truncate: Option<Option<bool>>,
    #[serde(default)]
    partial_rotary_factor: Option<f64>,
}

/// Deserialize a key that is present, even if it is null.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<bool>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl RopeKeys {
    /// Read the keys. They are not flattened into the family's keys, because errors would then not
    /// name the key.
    pub(super) fn read(file: &File<'_>, text: &[u8]) -> Result<Self, HfError> {
        #[derive(Deserialize)]
        struct Raw {
            #[serde(default)]
            rope_scaling: Value,
            #[serde(default)]
            rope_parameters: Value,
        }
        let raw: Raw = json::parse(file.0, text)?;
        for (key, settings) in [
            ("rope_scaling", raw.rope_scaling),
            ("rope_parameters", raw.rope_parameters),
        ] {
            let plain = settings
                .as_object()
                .map(|settings| !settings.values().any(Value::is_object));
            if !plain.unwrap_or(settings.is_null()) {
                return file.unsupported(
                    key,
                    settings,
                    "supported is one object of settings for all layers",
                );
            }
        }
        json::parse(file.0, text)
    }

    /// Set the top-level base and rotated fraction.
    pub(super) fn at_the_top(mut self, base: f64, fraction: f64) -> Self {
        self.rope_theta = Some(base);
        self.partial_rotary_factor = Some(fraction);
        self
    }

    /// Return the settings unchanged, if all dimensions of each head are rotated.
    pub(super) fn whole(self, file: &File<'_>) -> Result<Self, HfError> {
        match self
            .settings()
            .partial_rotary_factor
            .or(self.partial_rotary_factor)
            .filter(|fraction| *fraction != 1.0)
        {
            Some(fraction) => file.unsupported(
                "partial_rotary_factor",
                fraction,
                "all of each head has to be turned",
            ),
            None => Ok(self),
        }
    }

    /// Return the settings, from the older key if both exist and it is not empty.
    fn settings(&self) -> Settings {
        let older = self
            .rope_scaling
            .as_ref()
            .filter(|settings| **settings != Settings::default());
        older
            .or(self.rope_parameters.as_ref())
            .cloned()
            .unwrap_or_default()
    }

    /// Return the position encoding.
    pub(super) fn position(
        &self,
        file: &File<'_>,
        d_head: usize,
        context_len: usize,
    ) -> Result<Position, HfError> {
        let settings = self.settings();
        let base = settings.rope_theta.or(self.rope_theta).unwrap_or(10_000.0);
        let scaling = scaling(file, &settings, self, context_len)?;
        let fraction = settings
            .partial_rotary_factor
            .or(self.partial_rotary_factor)
            .unwrap_or(1.0);
        // A fraction out of range is reported by its name when the whole model is checked.
        if !(0.0..=1.0).contains(&fraction) {
            return Ok(Position::Rope {
                base,
                fraction,
                scaling,
            });
        }
        let turned = (d_head as f64 * fraction) as usize;
        if !turned.is_multiple_of(2) {
            let problem = format!(
                "RoPE turns pairs of dimensions, but {turned} of the {d_head} of a head are to be turned"
            );
            return Err(HfError::Json {
                path: file.0.to_owned(),
                problem,
            });
        }
        Ok(Position::Rope {
            base,
            fraction: turned as f64 / d_head.max(1) as f64,
            scaling,
        })
    }
}

fn scaling(
    file: &File<'_>,
    settings: &Settings,
    keys: &RopeKeys,
    context_len: usize,
) -> Result<Option<RopeScaling>, HfError> {
    let kind = settings
        .rope_type
        .as_deref()
        .or(settings.kind.as_deref())
        .unwrap_or("default");
    let needed = |key: &str, value: Option<f64>| {
        let problem = || format!("rope scaling {kind:?} needs a {key}");
        value.ok_or_else(|| HfError::Json {
            path: file.0.to_owned(),
            problem: problem(),
        })
    };
    let original = keys
        .original_max_position_embeddings
        .or(settings.original_max_position_embeddings);
    let original_context_len = original.unwrap_or(context_len);
    Ok(Some(match kind {
        "default" => return Ok(None),
        "linear" => RopeScaling::Linear {
            factor: needed("factor", settings.factor)?,
        },
        // This scaling depends on the maximum length of the model, not on its trained context.
        "dynamic" => RopeScaling::Dynamic {
            factor: needed("factor", settings.factor)?,
            original_context_len: context_len,
        },
        "llama3" => RopeScaling::Llama3 {
            factor: needed("factor", settings.factor)?,
            original_context_len,
            low_freq_factor: needed("low_freq_factor", settings.low_freq_factor)?,
            high_freq_factor: needed("high_freq_factor", settings.high_freq_factor)?,
        },
        "yarn" => yarn(settings, context_len, original_context_len),
        other => return file.unsupported("rope_type", format!("{other:?}"), KINDS),
    }))
}

fn yarn(settings: &Settings, context_len: usize, original_context_len: usize) -> RopeScaling {
    let factor = settings
        .factor
        .unwrap_or(context_len as f64 / original_context_len as f64);
    // `transformers` treats 0 as unset.
    let set = |value: Option<f64>| value.filter(|value| *value != 0.0);
    let grown = |by: f64| 0.1 * by * factor.ln() + 1.0;
    let by_scales = match (set(settings.mscale), set(settings.mscale_all_dim)) {
        (Some(scale), Some(all)) => Some(grown(scale) / grown(all)),
        _ => None,
    };
    RopeScaling::Yarn {
        factor,
        original_context_len,
        beta_fast: set(settings.beta_fast),
        beta_slow: set(settings.beta_slow),
        attention_factor: settings.attention_factor.or(by_scales),
        truncate: settings
            .truncate
            .is_none_or(|truncate| truncate.unwrap_or(false)),
    }
}
