//! How a sample came about: for each token what else the model considered, what the sampler left of
//! it, and where the model looked.

use crate::sample::Finish;
use crate::sampler::Sampler;
use serde::Serialize;

/// How a sample came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Trace {
    /// The run's name.
    pub model: String,
    /// Steps it was trained for.
    pub step: Option<u64>,
    /// What the model was to go on from.
    pub prompt: String,
    /// What it wrote.
    pub text: String,
    /// How tokens were chosen. With what follows it is all that it takes to write the same again.
    pub sampler: Sampler,
    /// Most tokens to write.
    pub asked: usize,
    /// Texts at which it was to end.
    pub stop: Vec<String>,
    /// Number of the sample.
    pub number: u64,
    /// Why it ended.
    pub finish: Finish,
    /// Labels of all tokens, the prompt's first.
    pub tokens: Vec<String>,
    /// How many of them are the prompt's.
    pub prompt_tokens: usize,
    /// The last so many of those were read.
    pub prompt_tokens_read: usize,
    /// One for each token that was written.
    pub steps: Vec<TraceStep>,
}

/// How one token was chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TraceStep {
    /// The token.
    pub id: u32,
    /// Its log-probability under the model, in nats.
    pub logprob: f64,
    /// Entropy of what the model gave, in nats: `e` to this power is how many tokens it wavered
    /// between.
    pub entropy: f64,
    /// How many tokens each stage left.
    pub left: Left,
    /// The likeliest tokens under the model and the chosen one, likeliest first.
    pub candidates: Vec<Candidate>,
    /// The first of all tokens that the model still saw.
    pub from: usize,
    /// Where the last token it saw looked, `[layer][head][key]`; the first key is the token `from`.
    pub attention: Vec<Vec<Vec<f32>>>,
}

/// How many tokens each stage left. Where the temperature is 0, the likeliest is taken and no stage
/// acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Of the vocabulary.
    pub vocabulary: usize,
    /// After top-k.
    pub top_k: usize,
    /// After top-p.
    pub top_p: usize,
    /// After min-p: what was drawn from.
    pub min_p: usize,
}

/// A token that could have been chosen.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// The token.
    pub id: u32,
    /// Its text.
    pub text: String,
    /// Its probability under the model.
    pub probability: f64,
    /// After repetition penalty and temperature.
    pub tempered: f64,
    /// The stage that removed it.
    pub removed: Option<Stage>,
    /// The probability that it was drawn with: 0 if a stage removed it.
    pub drawn: f64,
}

/// A stage of the sampler that removes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The likeliest is taken, whatever else there is.
    Greedy,
    /// Not among the k likeliest.
    TopK,
    /// Not among the likeliest that together reach p.
    TopP,
    /// Not a large enough share of the likeliest.
    MinP,
}
