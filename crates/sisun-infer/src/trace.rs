//! How a sample came about: for each token what else the model considered, what the sampler left of
//! it, and where the model looked.

use crate::generate::{Finish, GenerationOptions, Sample};
use crate::sampler::{Choice, Sampler};
use crate::window::ContextWindow;
use crate::{InferError, LanguageModel};
use serde::Serialize;
use sisun_kernels::log_sum_exp;
use sisun_model::{Activation, Capture, Captured};
use std::ops::ControlFlow;
use std::sync::mpsc::sync_channel;

/// Candidates that are kept of each step, besides the token that was chosen.
const CANDIDATES: usize = 20;

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

impl LanguageModel {
    /// As [`LanguageModel::generate`], and tells how each token was chosen.
    ///
    /// # Errors
    /// As for [`LanguageModel::generate`].
    pub fn trace(
        &self,
        prompt: &str,
        options: &GenerationOptions,
        write: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(Sample, Trace), InferError> {
        let mut tracer = Tracer {
            loaded: self,
            attention: Vec::new(),
            steps: Vec::new(),
        };
        let sample = self.generate_watched(prompt, options, Some(&mut tracer), write)?;
        let before = self.prompt_tokens(prompt)?;
        let mut tokens: Vec<String> = match prompt {
            "" => before
                .iter()
                .map(|id| self.tokenizer.token_text(*id))
                .collect(),
            _ => self
                .tokens(prompt)?
                .into_iter()
                .map(|token| token.text)
                .collect(),
        };
        let prompt_tokens = tokens.len();
        tokens.extend(self.written(&before, &sample)?);
        let trace = Trace {
            model: self.name.clone(),
            step: self.step,
            prompt: prompt.to_owned(),
            text: sample.text.clone(),
            sampler: options.sampler,
            asked: options.tokens,
            stop: options.stop.clone(),
            number: options.number,
            finish: sample.finish,
            tokens,
            prompt_tokens,
            prompt_tokens_read: sample.prompt_tokens_read,
            steps: tracer.steps,
        };
        Ok((sample, trace))
    }

    /// Labels of the tokens of a sample that follows these: where several make one character, each
    /// says which piece it is.
    fn written(&self, before: &[u32], sample: &Sample) -> Result<Vec<String>, InferError> {
        let ids: Vec<u32> = sample.tokens.iter().map(|token| token.id).collect();
        let name = |(text, piece, pieces): (String, usize, usize)| match (
            sisun_data::make_visible(&text),
            pieces,
        ) {
            (plain, 1) => plain,
            (plain, pieces) => format!("{plain} {piece}/{pieces}"),
        };
        Ok(self
            .tokenizer
            .texts_after(before, &ids)?
            .into_iter()
            .map(name)
            .collect())
    }
}

/// What watches a sample being written.
#[derive(Debug)]
pub(crate) struct Tracer<'a> {
    loaded: &'a LanguageModel,
    /// Of the last token that was read.
    attention: Vec<Vec<Vec<f32>>>,
    steps: Vec<TraceStep>,
}

impl Tracer<'_> {
    /// Has the window read, and looks where its last token looks.
    pub(crate) fn read(&mut self, window: &mut ContextWindow<'_>, new: &[u32]) -> Vec<f32> {
        let config = self.loaded.model.config();
        let (layers, heads): (Vec<usize>, Vec<usize>) = (
            (0..config.n_layers).collect(),
            (0..config.n_heads).collect(),
        );
        let last_rows = |found: Captured| {
            let [_, _, queries, keys] = found.shape[..] else {
                return Vec::new();
            };
            found
                .values
                .chunks_exact(queries * keys)
                .map(|pattern| pattern[pattern.len() - keys..].to_vec())
                .collect()
        };
        std::thread::scope(|scope| {
            // Of a whole pattern one row is kept, so no two layers' are held together.
            let (to, from) = sync_channel(1);
            let rows = scope.spawn(move || from.into_iter().map(last_rows).collect());
            let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads).sending(to);
            let logits = window.read_capturing(new, Some(&mut capture));
            drop(capture);
            self.attention = rows.join().expect("cutting rows does not panic");
            logits
        })
    }

    /// A token was chosen after those `before`, of which the model sees the last `seen`.
    pub(crate) fn chose(
        &mut self,
        choice: Choice,
        logits: &[f32],
        before: &[u32],
        seen: usize,
        sampler: &Sampler,
    ) {
        let [largest, rest] = log_sum_exp(logits);
        let logprob = |logit: f32| f64::from(logit) - f64::from(largest) - f64::from(rest);
        // What cannot come adds nothing; a logit that is no number makes the entropy none.
        let share = |l: f64| {
            if l == f64::NEG_INFINITY {
                0.0
            } else {
                l.exp() * l
            }
        };
        let entropy = -logits
            .iter()
            .map(|&logit| share(logprob(logit)))
            .sum::<f64>();
        let stages = Stages::new(sampler, logits, before, choice.id);
        let likelier = |a: &u32, b: &u32| {
            logits[*b as usize]
                .total_cmp(&logits[*a as usize])
                .then(a.cmp(b))
        };
        let mut ids: Vec<u32> = (0..logits.len() as u32).collect();
        if ids.len() > CANDIDATES {
            ids.select_nth_unstable_by(CANDIDATES - 1, likelier);
            ids.truncate(CANDIDATES);
        }
        if !ids.contains(&choice.id) {
            ids.push(choice.id);
        }
        ids.sort_unstable_by(likelier);
        let candidate = |id: u32| Candidate {
            id,
            text: self.loaded.tokenizer.token_text(id),
            probability: logprob(logits[id as usize]).exp(),
            tempered: stages.tempered(id),
            removed: stages.removed(id),
            drawn: stages.drawn(id),
        };
        self.steps.push(TraceStep {
            id: choice.id,
            logprob: choice.logprob,
            entropy,
            left: stages.left(),
            candidates: ids.into_iter().map(candidate).collect(),
            from: before.len() - seen,
            attention: std::mem::take(&mut self.attention),
        });
    }
}

/// What each stage of a sampler leaves of a step's tokens, with their weights, in the order of
/// their ids.
struct Stages {
    all: Vec<(u32, f64)>,
    top_k: Vec<(u32, f64)>,
    top_p: Vec<(u32, f64)>,
    min_p: Vec<(u32, f64)>,
    greedy: bool,
}

impl Stages {
    /// The sampler's own stages, switched on one after the other.
    fn new(sampler: &Sampler, logits: &[f32], before: &[u32], chosen: u32) -> Self {
        if sampler.temperature == 0.0 {
            let all = Sampler {
                temperature: 1.0,
                ..sampler.unlimited()
            }
            .weights(logits, before);
            let one = vec![(chosen, 1.0)];
            return Self {
                all,
                top_k: one.clone(),
                top_p: one.clone(),
                min_p: one,
                greedy: true,
            };
        }
        let (none, all) = (sampler.unlimited(), *sampler);
        Self {
            all: none.weights(logits, before),
            top_k: Sampler {
                top_k: all.top_k,
                ..none
            }
            .weights(logits, before),
            top_p: Sampler {
                top_k: all.top_k,
                top_p: all.top_p,
                ..none
            }
            .weights(logits, before),
            min_p: all.weights(logits, before),
            greedy: false,
        }
    }

    fn left(&self) -> Left {
        let [vocabulary, top_k, top_p, min_p] =
            [&self.all, &self.top_k, &self.top_p, &self.min_p].map(Vec::len);
        Left {
            vocabulary,
            top_k,
            top_p,
            min_p,
        }
    }

    fn removed(&self, id: u32) -> Option<Stage> {
        let stages = if self.greedy {
            vec![(&self.min_p, Stage::Greedy)]
        } else {
            vec![
                (&self.top_k, Stage::TopK),
                (&self.top_p, Stage::TopP),
                (&self.min_p, Stage::MinP),
            ]
        };
        stages
            .into_iter()
            .find(|(left, _)| find(left, id).is_none())
            .map(|(_, stage)| stage)
    }

    fn tempered(&self, id: u32) -> f64 {
        share(&self.all, id)
    }

    fn drawn(&self, id: u32) -> f64 {
        share(&self.min_p, id)
    }
}

fn find(left: &[(u32, f64)], id: u32) -> Option<f64> {
    left.binary_search_by_key(&id, |(id, _)| *id)
        .ok()
        .map(|at| left[at].1)
}

fn share(left: &[(u32, f64)], id: u32) -> f64 {
    find(left, id).map_or(0.0, |weight| {
        weight / left.iter().map(|(_, weight)| weight).sum::<f64>()
    })
}
