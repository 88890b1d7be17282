//! RoPE for contexts longer than those of training.

use crate::ConfigError;
use crate::error::Problems;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Change of the rotary frequencies that lets a model read `factor` times the context it was
/// trained on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RopeScaling {
    /// Position interpolation: all frequencies divided by the factor (Chen et al. 2023).
    Linear {
        /// Ratio of the new context to the trained one.
        #[schemars(range(min = 1.0, max = 1e6), extend("example" = 4.0))]
        factor: f64,
    },
    /// A larger base, `base·factor^(r/(r−2))`: high frequencies are kept, low ones are divided
    /// ("NTK-aware", bloc97 2023).
    Ntk {
        /// Ratio of the new context to the trained one.
        #[schemars(range(min = 1.0, max = 1e6), extend("example" = 4.0))]
        factor: f64,
    },
    /// NTK that grows with the sequence: for `n` tokens, more than the trained context `L`, the
    /// factor is `factor·n/L − (factor − 1)`; shorter sequences are not scaled (emozilla 2023).
    Dynamic {
        /// Rate at which the base grows.
        #[schemars(range(min = 1.0, max = 1e6), extend("example" = 4.0))]
        factor: f64,
        /// The trained context.
        #[schemars(range(min = 1, max = 16_777_216), extend("example" = 2048, "unit" = "tokens"))]
        original_context_len: usize,
    },
    /// High frequencies are kept, low ones divided, and those between interpolated (Peng et al.
    /// 2023).
    Yarn {
        /// Ratio of the new context to the trained one.
        #[schemars(range(min = 1.0, max = 1e6), extend("example" = 4.0))]
        factor: f64,
        /// The trained context.
        #[schemars(range(min = 1, max = 16_777_216), extend("example" = 2048, "unit" = "tokens"))]
        original_context_len: usize,
        /// Rotations within the trained context above which a pair is kept. Default: 32.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1e-6, max = 1e6), extend("example" = 32.0, "unit" = "rotations"))]
        beta_fast: Option<f64>,
        /// Rotations within the trained context below which a pair is divided. Default: 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1e-6, max = 1e6), extend("example" = 1.0, "unit" = "rotations"))]
        beta_slow: Option<f64>,
        /// Factor of queries and keys. Default: `0.1 ln(factor) + 1`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(range(min = 1e-6, max = 1e6), extend("example" = 1.1))]
        attention_factor: Option<f64>,
        /// Round the limits of the interpolation to whole pairs.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        #[schemars(extend("default" = true))]
        truncate: bool,
    },
    /// Short wavelengths are kept, long ones divided, and those between interpolated (LLaMA 3.1,
    /// Grattafiori et al. 2024).
    Llama3 {
        /// Ratio of the new context to the trained one.
        #[schemars(range(min = 1.0, max = 1e6), extend("example" = 4.0))]
        factor: f64,
        /// The trained context.
        #[schemars(range(min = 1, max = 16_777_216), extend("example" = 2048, "unit" = "tokens"))]
        original_context_len: usize,
        /// Rotations within the trained context below which a pair of dimensions is divided.
        #[schemars(range(min = 1e-6, max = 1e6), extend("example" = 1.0, "unit" = "rotations"))]
        low_freq_factor: f64,
        /// Rotations within the trained context above which a pair of dimensions is kept, more than
        /// `low_freq_factor`.
        #[schemars(range(min = 1e-6, max = 1e6), extend("example" = 4.0, "unit" = "rotations"))]
        high_freq_factor: f64,
    },
}

impl RopeScaling {
    /// Return YaRN with the settings of its paper.
    pub fn yarn(factor: f64, original_context_len: usize) -> Self {
        Self::Yarn {
            factor,
            original_context_len,
            beta_fast: None,
            beta_slow: None,
            attention_factor: None,
            truncate: true,
        }
    }

    /// Return the ratio of the new context to the trained one.
    pub fn factor(&self) -> f64 {
        match *self {
            Self::Linear { factor }
            | Self::Ntk { factor }
            | Self::Dynamic { factor, .. }
            | Self::Yarn { factor, .. }
            | Self::Llama3 { factor, .. } => factor,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        let factor = self.factor();
        let rule = "must be from 1 to 1000000";
        problems.check(
            (1.0..=1e6).contains(&factor),
            "model.position.scaling.factor",
            factor,
            rule,
        );
        if let Self::Dynamic {
            original_context_len: len,
            ..
        }
        | Self::Yarn {
            original_context_len: len,
            ..
        }
        | Self::Llama3 {
            original_context_len: len,
            ..
        } = *self
        {
            let key = "model.position.scaling.original_context_len";
            problems.check(
                (1..=1 << 24).contains(&len),
                key,
                len,
                "must be from 1 to 16777216",
            );
        }
        let mut positive = |key: &str, value: f64| {
            let key = format!("model.position.scaling.{key}");
            problems.check(
                (1e-6..=1e6).contains(&value),
                &key,
                value,
                "must be from 0.000001 to 1000000",
            );
        };
        match *self {
            Self::Yarn {
                beta_fast,
                beta_slow,
                attention_factor,
                ..
            } => {
                let set = [
                    ("beta_fast", beta_fast),
                    ("beta_slow", beta_slow),
                    ("attention_factor", attention_factor),
                ];
                for (key, value) in set {
                    value.into_iter().for_each(|value| positive(key, value));
                }
            }
            Self::Llama3 {
                low_freq_factor: low,
                high_freq_factor: high,
                ..
            } => {
                positive("low_freq_factor", low);
                positive("high_freq_factor", high);
                let rule = format!("must be above low_freq_factor = {low}");
                problems.check(
                    high > low,
                    "model.position.scaling.high_freq_factor",
                    high,
                    rule,
                );
            }
            Self::Linear { .. } | Self::Ntk { .. } | Self::Dynamic { .. } => {}
        }
        problems.end()
    }
}

fn yes() -> bool {
    true
}

fn is_yes(set: &bool) -> bool {
    *set
}
