//! The text of a run's report.

use crate::TrainError;
use crate::fact::Fact;
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
    /// Return facts about the run for its report.
    pub fn facts(&self) -> Vec<Fact> {
        let (done, steps) = (
            thousands(self.state.step),
            thousands(self.config.train().steps),
        );
        let best = match self.state.best {
            Some((step, loss)) => Fact::new(
                (
                    "Best validation loss",
                    format!("{loss:.4} at step {}", thousands(step)),
                ),
                (
                    "가장 낮은 검증 손실",
                    format!("{loss:.4}(스텝 {})", thousands(step)),
                ),
            ),
            None => Fact::new(
                ("Best validation loss", "not evaluated yet".to_owned()),
                ("가장 낮은 검증 손실", "아직 평가하지 않음".to_owned()),
            ),
        };
        let mut facts = vec![
            Fact::new(
                ("Steps", format!("{done} of {steps}")),
                ("스텝", format!("{steps} 가운데 {done}")),
            ),
            best,
        ];
        facts.extend(M::facts(&self.text, &self.config));
        let seen = thousands(self.state.tokens);
        facts.push(Fact::same("Tokens seen", "학습한 토큰", seen));
        let elapsed = self.state.elapsed_s;
        facts.push(Fact::new(
            ("Time", format!("{elapsed:.0} s")),
            ("시간", format!("{elapsed:.0}초")),
        ));
        facts.extend(self.model().origin(&self.config));
        if elapsed > 0.0 {
            let speed = thousands((self.state.tokens as f64 / elapsed) as u64);
            facts.push(Fact::new(
                (
                    "Speed",
                    format!("{speed} tokens per second, evaluation included"),
                ),
                ("속도", format!("초당 토큰 {speed}개(평가 시간 포함)")),
            ));
        }
        facts
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
