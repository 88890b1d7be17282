//! Recording how each token of a sample is chosen.

use crate::LanguageModel;
use crate::sampler::{Choice, Sampler};
use crate::trace::{Candidate, Left, Stage, TraceStep};
use crate::window::ContextWindow;
use sisun_kernels::log_sum_exp;
use sisun_model::{Activation, Capture, Captured};
use std::sync::mpsc::sync_channel;

/// Number of candidates recorded per step, besides the chosen token.
const CANDIDATES: usize = 20;

/// A recorder of the steps of a sample, for [`LanguageModel::trace`].
#[derive(Debug)]
pub(crate) struct Tracer<'a> {
    loaded: &'a LanguageModel,
    /// Attention of the last token read, `[layer][head][key]`.
    attention: Vec<Vec<Vec<f32>>>,
    steps: Vec<TraceStep>,
}

impl<'a> Tracer<'a> {
    /// Create a tracer without steps.
    pub(crate) fn new(loaded: &'a LanguageModel) -> Self {
        Self {
            loaded,
            attention: Vec::new(),
            steps: Vec::new(),
        }
    }

    /// Return the recorded steps.
    pub(crate) fn into_steps(self) -> Vec<TraceStep> {
        self.steps
    }

    /// Read tokens into the window and record the attention of the last one.
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
            // Only one row of each pattern is kept, so that patterns of two layers are never in
            // memory together.
            let (to, from) = sync_channel(1);
            let rows = scope.spawn(move || from.into_iter().map(last_rows).collect());
            let mut capture = Capture::new(&[Activation::Pattern], &layers, &heads).sending(to);
            let logits = window.read_capturing(new, Some(&mut capture));
            drop(capture);
            self.attention = rows.join().expect("cutting rows does not panic");
            logits
        })
    }

    /// Record the choice of a token after the tokens `before`, of which the model sees the last
    /// `seen`.
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
        // An impossible token adds nothing; a NaN logit makes the entropy NaN.
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

/// The tokens that each stage of a sampler leaves at a step, with their weights, in the order of
/// their ids.
struct Stages {
    all: Vec<(u32, f64)>,
    top_k: Vec<(u32, f64)>,
    top_p: Vec<(u32, f64)>,
    min_p: Vec<(u32, f64)>,
    greedy: bool,
}

impl Stages {
    /// Apply the stages of a sampler cumulatively.
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
