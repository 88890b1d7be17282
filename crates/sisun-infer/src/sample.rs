//! A sample as data: its options and results.

use crate::sampler::Sampler;
use serde::Serialize;

/// Options of a sample besides its prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerationOptions {
    /// Maximum number of tokens to generate.
    pub tokens: usize,
    /// Method of choosing each token.
    pub sampler: Sampler,
    /// Texts at which the sample ends; they are not part of it.
    pub stop: Vec<String>,
    /// Sample number: samples with the same prompt and seed but another number differ.
    pub number: u64,
}

impl Default for GenerationOptions {
    /// Return options for 100 tokens drawn from the model's own distribution.
    fn default() -> Self {
        Self {
            tokens: 100,
            sampler: Sampler::default(),
            stop: Vec::new(),
            number: 0,
        }
    }
}

/// One sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// Generated text: the decoded prompt and sample without the decoded prompt.
    pub text: String,
    /// Generated tokens.
    pub tokens: Vec<SampledToken>,
    /// Reason for the end of the sample.
    pub finish: Finish,
    /// Number of prompt tokens.
    pub prompt_tokens: usize,
    /// Number of prompt tokens read, the last ones: at most the model's context.
    pub prompt_tokens_read: usize,
    /// Tokens generated per second, not counting the prompt.
    pub tokens_per_second: f64,
    /// Seconds spent reading the prompt.
    pub prompt_s: f64,
}

/// A token of a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampledToken {
    /// Token id.
    pub id: u32,
    /// Text of the token; part of a character is shown as its bytes.
    pub text: String,
    /// Log-probability under the model, in nats.
    pub logprob: f64,
}

/// Reason for the end of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// The requested number of tokens was reached.
    Length,
    /// A stop text occurred.
    Stop,
    /// The model wrote its end-of-text token.
    EndOfText,
    /// The reader ended the sample.
    Interrupted,
}
