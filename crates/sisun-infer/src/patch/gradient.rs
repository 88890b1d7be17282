//! Exact patching, and attribution patching: its linear approximation by one backward pass (Nanda
//! 2023), `(clean − corrupt) · ∂difference/∂activation`.

use super::options::PatchOptions;
use super::sites::Sites;
use super::texts::Texts;
use super::{Agreement, PatchAxis, Patching};
use crate::{InferError, LanguageModel};
use burn::tensor::Tensor;
use sisun_model::{Activation, Captured, Change, Edit, Pass, Transformer, to_host};

/// Cells that are patched exactly beside an attribution patching.
const COMPARED: usize = 64;

impl LanguageModel {
    /// Patch an activation, one cell at a time: at each layer each position, or of an activation
    /// with a head axis each head.
    ///
    /// # Errors
    /// If a text or an answer does not suit, the model lacks the activation, or memory does not
    /// suffice.
    pub fn patch(
        &self,
        options: &PatchOptions,
        activation: Activation,
    ) -> Result<Patching, InferError> {
        let texts = self.patch_texts(options)?;
        let sites = self.patch_sites(activation, &texts)?;
        let clean = self.of_all_layers(&texts, &sites, true)?;
        let runs = self.patched_runs(&sites, &texts, &clean);
        let answers = [texts.answer.id, texts.against.id];
        let outcomes = self.run_patched(&Texts::ids(&texts.corrupt), &runs, answers)?;
        let distinct = outcomes.iter().map(|run| texts.recovered(run.difference));
        let recovered = distinct
            .flat_map(|share| std::iter::repeat_n(share, sites.group))
            .collect();
        let mut found = self.patching(options, texts, activation, sites.axis.clone());
        found.columns = sites.columns;
        found.recovered = recovered;
        Ok(found)
    }

    /// Approximate [`LanguageModel::patch`] by one backward pass, and patch some cells exactly to
    /// tell how far it is right. `recording` is the same model on a device that records gradients.
    ///
    /// # Errors
    /// As for [`LanguageModel::patch`].
    pub fn patch_fast(
        &self,
        recording: &Transformer,
        options: &PatchOptions,
        activation: Activation,
    ) -> Result<Patching, InferError> {
        let texts = self.patch_texts(options)?;
        let sites = self.patch_sites(activation, &texts)?;
        let clean = self.of_all_layers(&texts, &sites, true)?;
        let corrupt = self.of_all_layers(&texts, &sites, false)?;
        let slopes = self.slopes(recording, &texts, &sites, &corrupt);
        let [of_clean, of_corrupt] = texts.differences;
        let mut recovered = Vec::new();
        for ((clean, corrupt), slopes) in clean.iter().zip(&corrupt).zip(&slopes) {
            for column in 0..sites.columns {
                let effect = effect(&sites, &texts, column, clean, corrupt, slopes);
                recovered.push(effect / (of_clean - of_corrupt));
            }
        }
        let runs = self.patched_runs(&sites, &texts, &clean);
        let chosen: Vec<usize> = evenly(runs.len(), COMPARED);
        let mut exact = Vec::new();
        let mut all: Vec<Option<_>> = runs.into_iter().map(Some).collect();
        let runs: Vec<_> = chosen.iter().filter_map(|&run| all[run].take()).collect();
        let answers = [texts.answer.id, texts.against.id];
        for run in self.run_patched(&Texts::ids(&texts.corrupt), &runs, answers)? {
            exact.push(texts.recovered(run.difference));
        }
        let approximate: Vec<f64> = chosen
            .iter()
            .map(|&run| recovered[run * sites.group])
            .collect();
        let mut found = self.patching(options, texts, activation, sites.axis.clone());
        found.columns = sites.columns;
        found.recovered = recovered;
        found.fast = Some(Agreement {
            correlation: correlation(&approximate, &exact),
            cells: exact.len(),
            largest: approximate
                .iter()
                .zip(&exact)
                .map(|(a, b)| (a - b).abs())
                .fold(0.0, f64::max),
        });
        Ok(found)
    }

    fn of_all_layers(
        &self,
        texts: &Texts,
        sites: &Sites,
        clean: bool,
    ) -> Result<Vec<Captured>, InferError> {
        let tokens = if clean { &texts.clean } else { &texts.corrupt };
        let layers: Vec<usize> = (0..sites.layers).collect();
        self.plain_run(&Texts::ids(tokens), sites.activation, &layers)
    }

    /// Return the slope of the logit difference in each value of the activation, by layer.
    fn slopes(
        &self,
        recording: &Transformer,
        texts: &Texts,
        sites: &Sites,
        corrupt: &[Captured],
    ) -> Vec<Vec<f32>> {
        let device = recording.device();
        // Zeros that are added: the gradient in them is that in the activation.
        let added: Vec<Tensor<4>> = corrupt
            .iter()
            .map(|found| {
                let shape: [usize; 4] = match found.shape[..] {
                    [batch, heads, n, width] => [batch, heads, n, width],
                    _ => [1, 1, found.shape[1], found.shape[2]],
                };
                Tensor::zeros(shape, &device).require_grad()
            })
            .collect();
        let edits: Vec<Edit> = added
            .iter()
            .enumerate()
            .map(|(layer, zeros)| Edit::new(sites.activation, layer, Change::Add(zeros.clone())))
            .collect();
        let ids: Vec<i32> = texts.corrupt.iter().map(|token| token.id as i32).collect();
        let shape = [1, ids.len()];
        let ids = Tensor::from_data(burn::tensor::TensorData::new(ids, shape), &device);
        let logits = recording.forward_last(ids, Pass::editing(&edits));
        let of = |id: u32| logits.clone().narrow(1, id as usize, 1);
        let difference = of(texts.answer.id) - of(texts.against.id);
        let gradients = difference.sum().backward();
        added
            .iter()
            .map(|zeros| match zeros.grad(&gradients) {
                Some(slopes) => to_host(slopes).1,
                // Nothing after it depends on it.
                None => vec![0.0; zeros.shape().num_elements()],
            })
            .collect()
    }
}

/// Return the effect on the difference that the slopes predict for a cell.
fn effect(
    sites: &Sites,
    texts: &Texts,
    column: usize,
    clean: &Captured,
    corrupt: &Captured,
    slopes: &[f32],
) -> f64 {
    let width = |found: &Captured| found.shape.last().copied().unwrap_or(1);
    let (n_clean, n_corrupt) = (texts.clean.len(), texts.corrupt.len());
    let (pairs, heads) = match sites.axis {
        PatchAxis::Positions(_) => (&texts.aligned[column..=column], 0..1),
        PatchAxis::Heads => {
            let first = column / sites.group * sites.group;
            (&texts.aligned[..], first..first + sites.group)
        }
    };
    let mut sum = 0.0;
    for pair in pairs {
        // Heads of a group share one value: the gradient counts where it was added, at the first.
        let values = &clean.values[(heads.start * n_clean + pair.clean) * width(clean)..];
        let values = &values[..width(clean)];
        let before = &corrupt.values[(heads.start * n_corrupt + pair.corrupt) * width(corrupt)..];
        for head in heads.clone() {
            let slopes = &slopes[(head * n_corrupt + pair.corrupt) * width(corrupt)..];
            for ((value, before), slope) in values.iter().zip(before).zip(slopes) {
                // A hidden score is −∞ in both runs and has no effect.
                if value.is_finite() && before.is_finite() {
                    sum += (f64::from(*value) - f64::from(*before)) * f64::from(*slope);
                }
            }
        }
    }
    sum
}

/// Return at most `most` indices below `n`, evenly spaced.
fn evenly(n: usize, most: usize) -> Vec<usize> {
    let taken = n.min(most);
    (0..taken)
        .map(|i| i * n.saturating_sub(1) / taken.saturating_sub(1).max(1))
        .collect()
}

/// Return Pearson's correlation; `None` if either does not vary.
fn correlation(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let mean = |values: &[f64]| values.iter().sum::<f64>() / n;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let (mut product, mut square_a, mut square_b) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b) {
        product += (a - mean_a) * (b - mean_b);
        square_a += (a - mean_a).powi(2);
        square_b += (b - mean_b).powi(2);
    }
    let scale = (square_a * square_b).sqrt();
    (scale > 0.0).then(|| product / scale)
}

#[cfg(test)]
mod tests {
    use super::{correlation, evenly};

    #[test]
    fn correlations_by_hand() {
        assert_eq!(correlation(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0]), Some(1.0));
        let found = correlation(&[1.0, 2.0, 4.0], &[1.0, 3.0, 2.0]);
        assert!(found.is_some_and(|found| (found - 0.327_326_835).abs() < 1e-6));
        assert_eq!(correlation(&[1.0, 1.0], &[2.0, 4.0]), None);
        assert_eq!(evenly(5, 3), [0, 2, 4]);
        assert_eq!(evenly(2, 9), [0, 1]);
    }
}
