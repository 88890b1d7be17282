//! Steps of a model with edits: a step whose result an edit changed has the edited numbers, and later
//! steps follow from them.

use super::steps::{KeySteps, Steps};
use crate::LanguageModel;
use crate::component::HeadName;
use sisun_model::Activation;

impl LanguageModel {
    /// Return the activations of one head, and of the stream, that edits of this model change.
    pub fn edited(&self, name: HeadName) -> Vec<Activation> {
        let changes = |activation: Activation| {
            self.edits.list.iter().any(|edit| {
                edit.activation == activation
                    && (!activation.is_per_head()
                        || edit.layer == name.layer
                            && edit
                                .heads
                                .as_ref()
                                .is_none_or(|heads| heads.contains(&name.head)))
            })
        };
        let all = Activation::ALL.into_iter();
        all.filter(|activation| changes(*activation)).collect()
    }
}

/// Return the steps with the model's numbers from each edited result on. Edits of q, k and v come
/// before the steps and need nothing.
pub(super) fn with_edits(
    mut steps: Steps,
    edited: &[Activation],
    scores: &[f64],
    pattern: &[f64],
    z: &[f64],
    v: &[Vec<f64>],
) -> Steps {
    let changed = |activation| edited.contains(&activation);
    if changed(Activation::Scores) {
        for (key, &score) in steps.keys.iter_mut().zip(scores) {
            key.score = if key.hidden { f64::NEG_INFINITY } else { score };
        }
        normalize(&mut steps);
    }
    if changed(Activation::Pattern) {
        for (key, &weight) in steps.keys.iter_mut().zip(pattern) {
            key.weight = weight;
        }
    }
    if changed(Activation::Scores) || changed(Activation::Pattern) {
        for (d, z) in steps.z.iter_mut().enumerate() {
            *z = steps
                .keys
                .iter()
                .zip(v)
                .map(|(key, v)| key.weight * v[d])
                .sum();
        }
    }
    if changed(Activation::Z) {
        steps.z = z.to_vec();
    }
    steps
}

/// Compute the softmax of the scores.
fn normalize(steps: &mut Steps) {
    let scores = steps.keys.iter().map(|key| key.score);
    steps.max_score = scores.fold(f64::NEG_INFINITY, f64::max);
    let exp = |key: &KeySteps, most: f64| (key.score - most).exp();
    for key in &mut steps.keys {
        key.exp = exp(key, steps.max_score);
    }
    steps.exp_sum = steps.keys.iter().map(|key| key.exp).sum();
    for key in &mut steps.keys {
        key.weight = key.exp / steps.exp_sum;
    }
}
