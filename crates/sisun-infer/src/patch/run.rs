//! Many patched runs of one text, computed together.
//!
//! A run equals the corrupt one before its first edited layer and, if the model is causal, at every
//! position before its first edited one. So all runs are rows of one batch: a row joins before its
//! first layer as a copy of the corrupt run's, and keys and values of the positions before are read
//! from the corrupt run's cache. Each layer's weights are read once for all of them.

use crate::{InferError, LanguageModel};
use sisun_model::{Capture, Captured, Edit, KvCache, Pass, memory, to_host};

/// Bytes that the activations of the runs computed together may take, about.
const TOGETHER: usize = 256 << 20;

/// One patched run.
pub(super) struct PatchedRun {
    /// The first layer that is edited.
    pub(super) layer: usize,
    /// The first position that is edited.
    pub(super) first: usize,
    /// Its edits.
    pub(super) edits: Vec<Edit>,
}

/// What is read off a patched run.
pub(super) struct Outcome {
    /// Logits after the last token: of the answer less that of the other.
    pub(super) difference: f64,
}

impl LanguageModel {
    /// Return the logit difference of each run, in their order.
    ///
    /// # Errors
    /// If memory does not suffice for one run.
    pub(super) fn run_patched(
        &self,
        ids: &[u32],
        runs: &[PatchedRun],
        answers: [u32; 2],
    ) -> Result<Vec<Outcome>, InferError> {
        self.check_patching(ids.len())?;
        let causal = self.model.config().causal;
        let mut cache = KvCache::new();
        if causal {
            self.model
                .forward_last(self.row(ids), Pass::cached(&mut cache));
        }
        let mut found: Vec<Option<f64>> = runs.iter().map(|_| None).collect();
        // Runs that begin at near positions share what is computed of them.
        let mut order: Vec<usize> = (0..runs.len()).collect();
        order.sort_by_key(|&run| (runs[run].first, runs[run].layer));
        let mut rest = &order[..];
        while let Some(&first) = rest.first() {
            // At least the last token is read, whose logits are asked for.
            let start = match causal {
                true => runs[first].first.min(ids.len() - 1),
                false => 0,
            };
            let fit = self.runs_together(ids.len() - start);
            let (now, later) = rest.split_at(fit.min(rest.len()));
            rest = later;
            let mut now = now.to_vec();
            now.sort_by_key(|&run| runs[run].layer);
            let chosen: Vec<&PatchedRun> = now.iter().map(|&run| &runs[run]).collect();
            let mut prefix = (start > 0).then(|| cache.fixed(start));
            let logits = self.together(&ids[start..], &chosen, prefix.as_mut(), None);
            for (row, &run) in now.iter().enumerate() {
                found[run] = Some(difference(&logits[(row + 1) * self.rows()..], answers));
            }
        }
        Ok(found
            .into_iter()
            .map(|difference| Outcome {
                difference: difference.unwrap_or(f64::NAN),
            })
            .collect())
    }

    /// Return an activation of a layer in each run, which are few: `[run, head, pos, width]`.
    pub(super) fn capture_patched(
        &self,
        ids: &[u32],
        runs: &[PatchedRun],
        mut capture: Capture,
    ) -> Result<Vec<Captured>, InferError> {
        self.check_patching(ids.len() * runs.len().max(1))?;
        let chosen: Vec<&PatchedRun> = runs.iter().collect();
        self.together(ids, &chosen, None, Some(&mut capture));
        Ok(capture.into_found())
    }

    /// Return the logits after the last token, of the corrupt run and of each patched one. The runs
    /// are sorted by their layers.
    fn together(
        &self,
        ids: &[u32],
        runs: &[&PatchedRun],
        cache: Option<&mut KvCache>,
        capture: Option<&mut Capture>,
    ) -> Vec<f32> {
        let forks: Vec<usize> = runs.iter().map(|run| run.layer).collect();
        let of_row = |(row, run): (usize, &&PatchedRun)| -> Vec<Edit> {
            run.edits
                .iter()
                .map(|edit| edit.clone().of_rows(row + 1..row + 2))
                .collect()
        };
        let edits: Vec<Edit> = runs.iter().enumerate().flat_map(of_row).collect();
        let pass = Pass {
            cache,
            capture,
            forks: &forks,
            ..Pass::editing(&edits)
        };
        to_host(self.model.forward_last(self.row(ids), pass)).1
    }

    /// Return the number of runs of `n` tokens that are computed together.
    pub(super) fn runs_together(&self, n: usize) -> usize {
        (self.tokens_together() / n).max(1)
    }

    /// Return the number of tokens whose activations in one layer take about [`TOGETHER`].
    fn tokens_together(&self) -> usize {
        let config = self.model.config();
        let width = 6 * config.d_model + 3 * config.ff_width();
        (TOGETHER / (4 * width)).max(1)
    }

    fn check_patching(&self, tokens: usize) -> Result<(), InferError> {
        let what = || format!("patching {tokens} tokens at once");
        let remedy = || "give shorter texts".to_owned();
        let bytes = memory::of_evaluation(self.model.config(), tokens);
        Ok(memory::check(bytes, &self.model.device(), what, remedy)?)
    }
}

pub(super) fn difference(logits: &[f32], [answer, against]: [u32; 2]) -> f64 {
    f64::from(logits[answer as usize]) - f64::from(logits[against as usize])
}
