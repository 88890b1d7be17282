//! What a training run needs: parameters, tokens, time and memory.

use crate::pace;
use serde_json::{Value, json};
use sisun_config::{Config, TrainConfig};
use sisun_data::Tokens;
use sisun_model::{Count, memory, thousands};

/// The needs of the steps that are left of a run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    parameters: u64,
    /// Tokens that the steps see.
    tokens: u64,
    /// Tokens of the text to learn from, if it was read.
    text: Option<u64>,
    memory_bytes: u64,
}

impl Needs {
    /// Return what the steps after `step` need.
    pub(crate) fn of(config: &Config, step: u64, text: Option<&Tokens>) -> Self {
        let TrainConfig {
            batch_size,
            gradient_accumulation_steps,
            steps,
            ..
        } = config.train;
        let a_step = (batch_size as u64)
            .saturating_mul(gradient_accumulation_steps as u64)
            .saturating_mul(config.model.context_len as u64);
        let needed = memory::Training {
            model: &config.model,
            batch_size,
            gradient_accumulation_steps,
            low_rank: config.lora().is_some(),
        };
        Self {
            parameters: Count::of(&config.model).total,
            tokens: steps.saturating_sub(step).saturating_mul(a_step),
            text: text.map(|text| text.len() as u64),
            memory_bytes: u64::try_from(needed.bytes()).unwrap_or(u64::MAX),
        }
    }

    /// Return the times that each token of the text is seen.
    fn epochs(&self) -> Option<f64> {
        Some(self.tokens as f64 / self.text?.max(1) as f64)
    }

    /// Return the needs in one line.
    pub(crate) fn in_words(&self, expected_s: Option<f64>) -> String {
        let epochs = self.epochs().map_or(String::new(), |epochs| {
            format!(" ({epochs:.1} times the text)")
        });
        let time = expected_s.map_or(String::new(), |seconds| {
            format!(", about {}", pace::duration(seconds))
        });
        format!(
            "{} parameters, {} tokens{epochs}{time}, at least {} of memory",
            thousands(self.parameters),
            thousands(self.tokens),
            pace::bytes(self.memory_bytes)
        )
    }

    pub(crate) fn json(&self, expected_s: Option<f64>) -> Value {
        json!({
            "parameters": self.parameters,
            "tokens": self.tokens,
            "epochs": self.epochs(),
            "expected_s": expected_s,
            "memory_bytes": self.memory_bytes,
        })
    }
}
