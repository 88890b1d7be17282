//! A record of how a sample was generated: for each token the candidates of the model, the tokens
//! left by each stage of the sampler, and the attention.

use crate::sample::Finish;
use crate::sampler::Sampler;
use serde::Serialize;

/// A record of how a sample was generated.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// Name of the run.
    pub model: String,
    /// Number of training steps.
    pub step: Option<u64>,
    /// The edits of the model, as they were written.
    pub edits: Vec<String>,
    /// Prompt of the sample.
    pub prompt: String,
    /// Generated text.
    pub text: String,
    /// Sampling settings. With `asked`, `stop` and `number` they reproduce the sample.
    pub sampler: Sampler,
    /// Number format of the weights and matrix products, as `--precision` takes it.
    pub precision: &'static str,
    /// Maximum number of tokens to generate.
    pub asked: usize,
    /// Texts at which the sample ends.
    pub stop: Vec<String>,
    /// Sample number.
    pub number: u64,
    /// Reason for the end of the sample.
    pub finish: Finish,
    /// Labels of all tokens, starting with the prompt, as pictures and tables show them.
    #[serde(skip)]
    pub labels: Vec<String>,
    /// Texts of all tokens, starting with the prompt.
    pub tokens: Vec<String>,
    /// Number of prompt tokens.
    pub prompt_tokens: usize,
    /// Number of prompt tokens read, the last ones.
    pub prompt_tokens_read: usize,
    /// One step for each generated token.
    pub steps: Vec<TraceStep>,
}

/// A record of how one token was chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceStep {
    /// Token id.
    pub id: u32,
    /// Log-probability under the model, in nats.
    pub logprob: f64,
    /// Entropy of the model's distribution in nats; `e` to this power is the effective number of
    /// candidates.
    pub entropy: f64,
    /// Number of tokens left after each stage.
    pub left: Left,
    /// The most likely tokens under the model and the chosen one, by descending probability.
    pub candidates: Vec<Candidate>,
    /// Index of the first token in the context window.
    pub from: usize,
    /// Attention of the last token in the window, `[layer][head][key]`; the first key is the token
    /// `from`.
    pub attention: Vec<Vec<Vec<f32>>>,
}

/// Number of tokens left after each stage. At temperature 0 the most likely token is taken and no
/// stage applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Size of the vocabulary.
    pub vocabulary: usize,
    /// Tokens left after top-k.
    pub top_k: usize,
    /// Tokens left after top-p.
    pub top_p: usize,
    /// Tokens left after min-p, from which the token was drawn.
    pub min_p: usize,
}

/// A candidate for a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Token id.
    pub id: u32,
    /// Text of the token.
    pub text: String,
    /// Probability under the model.
    pub probability: f64,
    /// Probability after repetition penalty and temperature.
    pub tempered: f64,
    /// Stage that removed the token, if any.
    pub removed: Option<Stage>,
    /// Probability of being drawn; 0 if a stage removed the token.
    pub drawn: f64,
}

/// A stage of the sampler that removes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Temperature 0: not the most likely token.
    Greedy,
    /// Not among the k most likely tokens.
    TopK,
    /// Not among the most likely tokens whose probabilities reach p.
    TopP,
    /// Below the minimum fraction of the most likely token's probability.
    MinP,
}
