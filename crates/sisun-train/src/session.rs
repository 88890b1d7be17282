//! A run directory with its model, ready to train.

mod resume;
mod save;
mod start;

use crate::finetune::trained_parameters;
use crate::run_model::RunModel;
use crate::trainer::Trainer;
use sisun_files::LockedDir;
use sisun_model::Transformer;
use sisun_model::checkpoint::CheckpointState;
use std::path::PathBuf;

/// A run that is ready to train: its directory, data, model, optimizer and progress.
#[derive(Debug)]
pub struct Session<M: RunModel = Transformer> {
    /// Resolved settings, as in `config.toml`.
    pub config: M::Config,
    /// The text.
    pub text: M::Text,
    /// Run directory.
    pub run_dir: PathBuf,
    pub(crate) trainer: Trainer<M>,
    pub(crate) state: CheckpointState,
    /// Lock on the directory for the lifetime of the session; `None` during start-up.
    held: Option<LockedDir>,
}

impl<M: RunModel> Session<M> {
    /// Return the number of steps completed.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// Return the current model.
    pub fn model(&self) -> &M {
        &self.trainer.model
    }

    /// Return the number of trainable values.
    pub fn trained_parameters(&self) -> u64 {
        trained_parameters(&self.trainer.model)
    }
}
