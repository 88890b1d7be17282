//! The needs of a training run: parameters, tokens, time and memory.

use crate::pace;
use crate::units;
use serde_json::{Value, json};
use sisun_config::{LoraConfig, ModelConfig, TrainConfig};
use sisun_data::Tokens;
use sisun_model::{Count, memory, thousands};

/// The needs of the steps that are left of a run.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    parameters: u64,
    /// Tokens that the steps see.
    tokens: u64,
    /// Tokens of the text to learn from, if it was read.
    text: Option<u64>,
    /// Expected memory of the process.
    memory_bytes: u64,
}

impl Needs {
    /// Return the needs of a language model in the steps after `step`.
    pub(crate) fn of(
        model: &ModelConfig,
        train: &TrainConfig,
        lora: Option<LoraConfig>,
        step: u64,
        text: Option<&Tokens>,
    ) -> Self {
        let a_step = (train.batch_size as u64)
            .saturating_mul(train.gradient_accumulation_steps as u64)
            .saturating_mul(model.context_len as u64);
        let memory = memory_of(model, train, lora).expected_bytes();
        Self {
            parameters: Count::of(model).total,
            tokens: train.steps.saturating_sub(step).saturating_mul(a_step),
            text: text.map(|text| text.len() as u64),
            memory_bytes: u64::try_from(memory).unwrap_or(u64::MAX),
        }
    }

    /// Return the needs of a sequence-to-sequence model whose steps see this many tokens of pairs
    /// that have `text` tokens.
    pub(crate) fn of_pairs(parameters: u64, tokens: u64, text: u64, memory_bytes: u64) -> Self {
        Self {
            parameters,
            tokens,
            text: Some(text),
            memory_bytes,
        }
    }

    /// Return the times that each token of the text is seen.
    fn epochs(&self) -> Option<f64> {
        Some(self.tokens as f64 / self.text?.max(1) as f64)
    }

    /// Return the needs in one line.
    pub(crate) fn in_words(&self, expected_s: Option<f64>) -> String {
        let epochs = self
            .epochs()
            .map_or(String::new(), |epochs| format!(" ({epochs:.1} epochs)"));
        let time = expected_s.map_or(String::new(), |seconds| {
            format!("{} and ", pace::duration(seconds))
        });
        format!(
            "{} parameters, {} tokens{epochs}, about {time}{}",
            thousands(self.parameters),
            thousands(self.tokens),
            rounded(self.memory_bytes)
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

/// Return the memory of training a language model.
pub(crate) fn memory_of<'m>(
    model: &'m ModelConfig,
    train: &TrainConfig,
    lora: Option<LoraConfig>,
) -> memory::Training<'m> {
    memory::Training {
        model,
        batch_size: train.batch_size,
        gradient_accumulation_steps: train.gradient_accumulation_steps,
        low_rank: lora.is_some(),
    }
}

/// Format an estimated number of bytes, with two or three digits.
fn rounded(bytes: u64) -> String {
    const MB: u64 = 1_000_000;
    match bytes {
        0..1_000_000_000 => format!("{} MB", bytes.div_ceil(10 * MB) * 10),
        _ => units::bytes(bytes),
    }
}
