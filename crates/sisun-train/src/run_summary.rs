//! The text of a run's report.

use crate::TrainError;
use crate::session::Session;
use sisun_files::{RunDir, if_there};
use sisun_model::checkpoint::{Checkpoint, MODEL_FILE, folder_name, steps_in};
use sisun_model::weights::read_tensors;
use sisun_model::{Count, thousands};
use std::fs;
use std::path::PathBuf;

impl Session {
    /// Return facts about the run for its report, as pairs of name and value.
    pub fn facts(&self) -> Vec<(String, String)> {
        let (model, train) = (&self.config.model, &self.config.train);
        let shape = format!(
            "{} layers × {} heads, d_model {}, context {}, {} positions",
            model.n_layers,
            model.n_heads,
            model.d_model,
            model.context_len,
            model.position.name()
        );
        let (corpus, tokens) = (&self.corpus, self.state.tokens);
        let text = format!(
            "{} tokens for training, {} for validation, a vocabulary of {}",
            thousands(corpus.train.len() as u64),
            thousands(corpus.validation.len() as u64),
            thousands(corpus.tokenizer.vocab_size() as u64)
        );
        let best = self
            .state
            .best
            .map(|(step, loss)| format!("{loss:.4} at step {}", thousands(step)));
        let mut facts = vec![
            (
                "Steps",
                format!(
                    "{} of {}",
                    thousands(self.state.step),
                    thousands(train.steps)
                ),
            ),
            (
                "Best validation loss",
                best.unwrap_or_else(|| "not evaluated yet".to_owned()),
            ),
            ("Parameters", thousands(Count::of(model).total)),
            ("Model", shape),
            ("Text", text),
            ("Tokens seen", thousands(tokens)),
            ("Time", format!("{:.0} s", self.state.elapsed_s)),
        ];
        if let Some(finetune) = &self.config.finetune {
            facts.push(("Starts from", finetune.model.display().to_string()));
            let all = thousands(Count::of(model).total);
            facts.push((
                "Trained",
                format!(
                    "{} of {all} parameters",
                    thousands(self.trained_parameters())
                ),
            ));
        }
        if self.state.elapsed_s > 0.0 {
            let speed = (tokens as f64 / self.state.elapsed_s) as u64;
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
