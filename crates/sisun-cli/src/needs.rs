//! The needs of a training run: parameters, tokens, time and memory.

use crate::pace;
use crate::units;
use burn::tensor::Device;
use serde_json::{Value, json};
use sisun_config::{LoraConfig, ModelConfig, TrainConfig};
use sisun_data::Tokens;
use sisun_model::{Count, ModelError, memory, thousands};

/// The needs of the steps that are left of a run.
#[derive(Clone, Debug)]
pub(crate) struct Needs {
    model: ModelConfig,
    parameters: u64,
    batch_size: usize,
    gradient_accumulation_steps: usize,
    low_rank: bool,
    /// Tokens that the steps see.
    tokens: u64,
    /// Tokens of the text to learn from, if it was read.
    text: Option<u64>,
}

impl Needs {
    /// Return the needs of the steps after `step`.
    pub(crate) fn of(
        model: &ModelConfig,
        train: &TrainConfig,
        lora: Option<LoraConfig>,
        step: u64,
        text: Option<&Tokens>,
    ) -> Self {
        let TrainConfig {
            batch_size,
            gradient_accumulation_steps,
            steps,
            ..
        } = *train;
        let a_step = (batch_size as u64)
            .saturating_mul(gradient_accumulation_steps as u64)
            .saturating_mul(model.context_len as u64);
        Self {
            model: model.clone(),
            parameters: Count::of(model).total,
            batch_size,
            gradient_accumulation_steps,
            low_rank: lora.is_some(),
            tokens: steps.saturating_sub(step).saturating_mul(a_step),
            text: text.map(|text| text.len() as u64),
        }
    }

    fn memory(&self) -> memory::Training<'_> {
        memory::Training {
            model: &self.model,
            batch_size: self.batch_size,
            gradient_accumulation_steps: self.gradient_accumulation_steps,
            low_rank: self.low_rank,
        }
    }

    /// Return the expected memory of the process.
    fn memory_bytes(&self) -> u64 {
        u64::try_from(self.memory().expected_bytes()).unwrap_or(u64::MAX)
    }

    /// Check that the memory is available on a device.
    pub(crate) fn check_memory(&self, device: &Device) -> Result<(), ModelError> {
        self.memory().check(device)
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
            rounded(self.memory_bytes())
        )
    }

    pub(crate) fn json(&self, expected_s: Option<f64>) -> Value {
        json!({
            "parameters": self.parameters,
            "tokens": self.tokens,
            "epochs": self.epochs(),
            "expected_s": expected_s,
            "memory_bytes": self.memory_bytes(),
        })
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
