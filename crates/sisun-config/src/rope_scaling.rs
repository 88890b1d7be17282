//! RoPE for contexts longer than those of training.

use crate::ConfigError;
use crate::error::Problems;
use serde::{Deserialize, Serialize};

/// How rotary frequencies change so that a model reads `factor` times the context it was trained
/// on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum RopeScaling {
    /// Position interpolation: all frequencies divided by the factor (Chen et al. 2023).
    Linear {
        /// New context over trained context.
        factor: f64,
    },
    /// A larger base, `base·factor^(r/(r−2))`: high frequencies stay, low ones are divided
    /// ("NTK-aware", bloc97 2023).
    Ntk {
        /// New context over trained context.
        factor: f64,
    },
    /// NTK that grows with the sequence: `n` tokens past the trained context `L` have the factor
    /// `factor·n/L − (factor − 1)`, shorter sequences none (emozilla 2023).
    Dynamic {
        /// How fast the base grows.
        factor: f64,
        /// The trained context.
        original_context_len: usize,
    },
    /// High frequencies stay, low ones are divided, those between are mixed (Peng et al. 2023).
    Yarn {
        /// New context over trained context.
        factor: f64,
        /// The trained context.
        original_context_len: usize,
        /// Pairs stay that turn more often than this within the trained context. Default: 32.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beta_fast: Option<f64>,
        /// Pairs are divided that turn less often than this. Default: 1.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        beta_slow: Option<f64>,
        /// What queries and keys grow by. Default: `0.1·ln(factor) + 1`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attention_factor: Option<f64>,
        /// Whether mixing begins and ends at whole pairs.
        #[serde(default = "yes", skip_serializing_if = "is_yes")]
        truncate: bool,
    },
    /// Short wavelengths stay, long ones are divided, those between are mixed (LLaMA 3.1,
    /// Grattafiori et al. 2024).
    Llama3 {
        /// New context over trained context.
        factor: f64,
        /// The trained context.
        original_context_len: usize,
        /// Pairs are divided that turn less often than this within the trained context.
        low_freq_factor: f64,
        /// Pairs stay that turn more often than this.
        high_freq_factor: f64,
    },
}

impl RopeScaling {
    /// YaRN as its paper has it.
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

    /// New context over trained context.
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
