//! One sample as data: what is asked of it, and what came of it.

use crate::sampler::Sampler;
use serde::Serialize;

/// What is asked of one sample besides its prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerationOptions {
    /// Most tokens to write.
    pub tokens: usize,
    /// How each is chosen.
    pub sampler: Sampler,
    /// Text at which the sample ends; it is not part of it.
    pub stop: Vec<String>,
    /// Number of the sample: others with the same prompt and seed differ.
    pub number: u64,
}

impl Default for GenerationOptions {
    /// 100 tokens, drawn from the model's own distribution.
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
    /// What was written after the prompt: the text of both without the prompt's.
    pub text: String,
    /// Token by token.
    pub tokens: Vec<SampledToken>,
    /// Why it ended.
    pub finish: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// The last so many of them were read: no more than the model's context.
    pub prompt_tokens_read: usize,
    /// Tokens written each second, reading the prompt left out.
    pub tokens_per_second: f64,
    /// Seconds for reading the prompt.
    pub prompt_s: f64,
}

/// One token of a sample.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SampledToken {
    /// The token.
    pub id: u32,
    /// Its text; a piece of a character is written as its bytes.
    pub text: String,
    /// Its log-probability under the model, in nats.
    pub logprob: f64,
}

/// Why a sample ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// It has as many tokens as asked for.
    Length,
    /// A stop text came.
    Stop,
    /// The model wrote its end-of-text token.
    EndOfText,
    /// Whoever reads the text wanted no more.
    Interrupted,
}
