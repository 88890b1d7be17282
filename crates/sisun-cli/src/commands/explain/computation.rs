//! The attention that is shown step by step: of a model, or of given matrices.

use sisun_infer::explain::Key;
use sisun_infer::{Explanation, OwnExplanation, OwnScale};

/// The attention of one query.
#[derive(Clone, Debug)]
pub(super) struct Computation<'a> {
    pub(super) query: usize,
    pub(super) query_label: String,
    pub(super) q: Vec<f64>,
    pub(super) keys: Vec<Key>,
    pub(super) exp_sum: f64,
    pub(super) z: Vec<f64>,
    /// Divisor of the scores, if they are divided.
    pub(super) divisor: Option<f64>,
    /// The model that it is compared with, if there is one.
    pub(super) model: Option<&'a Explanation>,
}

impl<'a> Computation<'a> {
    /// Take the attention from a model's explanation.
    pub(super) fn of(found: &'a Explanation) -> Self {
        let is_divided = found.scale != 1.0 || found.d_head == 1;
        Self {
            query: found.query,
            query_label: found.query_label.clone(),
            q: found.q.clone(),
            keys: found.keys.clone(),
            exp_sum: found.exp_sum,
            z: found.z.clone(),
            divisor: is_divided.then_some(1.0 / found.scale),
            model: Some(found),
        }
    }

    /// Take the attention of the query from given matrices.
    pub(super) fn of_own(found: &OwnExplanation) -> Self {
        let steps = &found.rows[found.query];
        let keys = steps.keys.iter().enumerate().map(|(at, steps)| Key {
            label: found.tokens[at].clone(),
            k: found.k[at].clone(),
            steps: *steps,
            pattern: steps.weight,
            v: found.v[at].clone(),
        });
        let is_divided = found.given.scale != OwnScale::Root(false);
        Self {
            query: found.query,
            query_label: found.tokens[found.query].clone(),
            q: found.q[found.query].clone(),
            keys: keys.collect(),
            exp_sum: steps.exp_sum,
            z: steps.z.clone(),
            divisor: is_divided.then_some(found.divisor),
            model: None,
        }
    }

    /// Return the visible keys by descending weight.
    pub(super) fn heaviest(&self) -> Vec<usize> {
        let weight = |key: usize| self.keys[key].steps.weight;
        let mut keys: Vec<usize> = (0..self.keys.len())
            .filter(|&key| !self.keys[key].steps.hidden)
            .collect();
        keys.sort_by(|&a, &b| weight(b).total_cmp(&weight(a)));
        keys
    }
}
