//! The text of a run's report.

use crate::TrainError;
use crate::run_model::RunModel;
use crate::session::Session;
use sisun_config::Experiment;
use sisun_files::{RunDir, if_there};
use sisun_model::checkpoint::{Checkpoint, MODEL_FILE, folder_name, steps_in};
use sisun_model::thousands;
use sisun_model::weights::read_tensors;
use std::fs;
use std::path::PathBuf;

impl<M: RunModel> Session<M> {
    /// Return facts about the run for its report, as pairs of name and value.
    pub fn facts(&self) -> Vec<(String, String)> {
        let steps = self.config.train().steps;
        let best = self
            .state
            .best
            .map(|(step, loss)| format!("{loss:.4} at step {}", thousands(step)));
        let mut facts = vec![
            (
                "Steps",
                format!("{} of {}", thousands(self.state.step), thousands(steps)),
            ),
            (
                "Best validation loss",
                best.unwrap_or_else(|| "not evaluated yet".to_owned()),
            ),
        ];
        facts.extend(M::facts(&self.text, &self.config));
        facts.push(("Tokens seen", thousands(self.state.tokens)));
        facts.push(("Time", format!("{:.0} s", self.state.elapsed_s)));
        facts.extend(self.model().origin(&self.config));
        if self.state.elapsed_s > 0.0 {
            let speed = (self.state.tokens as f64 / self.state.elapsed_s) as u64;
            facts.push((
                "Speed",
                format!(
                    "{} tokens per second, evaluation included",
                    thousands(speed)
                ),
            ));
        }
        facts
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// Return the samples written so far, by step.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub fn samples(&self) -> Result<Vec<(u64, String)>, TrainError> {
        let folder = RunDir::new(&self.run_dir).samples();
        let failed = || TrainError::io("read", &folder);
        let mut samples = Vec::new();
        for entry in if_there(fs::read_dir(&folder))
            .map_err(failed())?
            .into_iter()
            .flatten()
        {
            let entry = entry.map_err(failed())?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let step = name
                .strip_prefix("step-")
                .and_then(|rest| rest.strip_suffix(".txt")?.parse().ok());
            if let Some(step) = step {
                let text = fs::read_to_string(entry.path())
                    .map_err(TrainError::io("read", entry.path()))?;
                samples.push((step, text));
            }
        }
        samples.sort_unstable();
        Ok(samples)
    }

    /// Return the newest intact checkpoint with finite weights of at most `most` steps.
    pub(crate) fn last_good_checkpoint(&self, most: u64) -> Option<PathBuf> {
        let folder = RunDir::new(&self.run_dir).checkpoints();
        let newest_first = steps_in(&folder)
            .unwrap_or_default()
            .into_iter()
            .rev()
            .filter(|step| *step <= most)
            .map(|step| folder.join(folder_name(step)));
        newest_first
            .filter_map(|path| Checkpoint::open(&path).ok())
            .find(has_finite_weights)
            .map(|it| it.path().to_owned())
    }
}

fn has_finite_weights(checkpoint: &Checkpoint) -> bool {
    let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
    read_tensors(&checkpoint.file(MODEL_FILE))
        .is_ok_and(|found| found.values().all(|(_, values)| finite(values)))
}
