//! Saving checkpoints, and removing those that are not to be kept.

use super::Session;
use crate::TrainError;
use crate::new_run::NewRun;
use crate::run_model::RunModel;
use sisun_config::Experiment;
use sisun_files::{LockedDir, RunDir, write_atomic};
use sisun_model::checkpoint::{
    Checkpoint, MODEL_FILE, TRAINING_FILE, WriteFile, folder_name, remove_checkpoint, steps_in,
};
use sisun_model::weights::{first_not_finite, write_tensors};
use sisun_model::{BEST, LAST};
use std::path::{Path, PathBuf};

impl<M: RunModel> Session<M> {
    /// Write a checkpoint, update the pointers `last` and (if it is the best) `best`, and remove
    /// checkpoints that are not to be kept.
    ///
    /// # Errors
    /// If the weights are not finite: such a checkpoint is useless and would displace the last good
    /// one.
    pub(crate) fn save(&self) -> Result<PathBuf, TrainError> {
        self.check_place()?;
        let folder = RunDir::new(&self.run_dir).checkpoints();
        let weights = self.trainer.model.saved_weights(&self.config);
        if let Some(tensor) = first_not_finite(&weights) {
            return Err(self.non_finite_weights_error(tensor));
        }
        let moments = self.trainer.optimizer().flat();
        let files: [(&str, &WriteFile<'_>); 2] = [
            (MODEL_FILE, &|file| write_tensors(&weights, file)),
            (TRAINING_FILE, &|file| write_tensors(&moments, file)),
        ];
        let checkpoint =
            Checkpoint::write(&folder, self.state.clone(), &files).or_else(|error| {
                // The directory may just have disappeared.
                self.check_place()?;
                Err(TrainError::from(error))
            })?;
        let name = folder_name(self.state.step);
        write_atomic(&folder.join(LAST), name.as_bytes())?;
        let best = self.state.best.map(|(step, _)| step);
        if best == Some(self.state.step) {
            write_atomic(&folder.join(BEST), name.as_bytes())?;
        }
        self.prune()?;
        Ok(checkpoint.path().to_owned())
    }

    /// Remove checkpoints that are not to be kept, except the current one, the best, and any of a
    /// later step.
    pub(crate) fn prune(&self) -> Result<(), TrainError> {
        let folder = RunDir::new(&self.run_dir).checkpoints();
        let mut steps = steps_in(&folder)?;
        steps.retain(|step| *step <= self.state.step);
        let old = steps
            .len()
            .saturating_sub(self.config.train().keep_checkpoints);
        let kept = [Some(self.state.step), self.state.best.map(|(step, _)| step)];
        for step in steps
            .into_iter()
            .take(old)
            .filter(|step| !kept.contains(&Some(*step)))
        {
            remove_checkpoint(&folder, step)
                .map_err(TrainError::io("remove", folder.join(folder_name(step))))?;
        }
        Ok(())
    }

    /// Check that the run directory has not been moved or removed.
    pub(crate) fn check_place(&self) -> Result<(), TrainError> {
        let in_place = self.held.as_ref().map_or(Ok(true), LockedDir::is_in_place);
        match in_place.map_err(TrainError::io("read", &self.run_dir))? {
            true => Ok(()),
            false => Err(TrainError::Moved {
                path: self.run_dir.clone(),
                step: self.state.step,
            }),
        }
    }

    /// Return the error for weights that are not finite after or before training.
    fn non_finite_weights_error(&self, tensor: &str) -> TrainError {
        let (step, tensor) = (self.state.step, tensor.to_owned());
        match step {
            0 => TrainError::NonFiniteStart { tensor },
            _ => {
                let last_good = self.last_good_checkpoint(step);
                TrainError::NonFiniteWeights {
                    step,
                    tensor,
                    retry: self.retry(last_good.as_deref()),
                    last_good,
                }
            }
        }
    }

    /// Return a new run with a tenth of the learning rate, from the last good checkpoint if such a
    /// model can start from weights.
    pub(crate) fn retry(&self, last_good: Option<&Path>) -> Box<NewRun> {
        let last_good = last_good.filter(|_| M::FINE_TUNES);
        Box::new(NewRun::with_lower_rate(
            &self.run_dir,
            self.config.train(),
            last_good,
        ))
    }
}
