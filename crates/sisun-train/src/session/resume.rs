//! Resuming a run.

use super::Session;
use crate::TrainError;
use crate::due_outputs::lacks_outputs;
use crate::environment::note_other_device;
use crate::optimizer::Optimizer;
use crate::resume_check::{changes, refused};
use crate::run_model::RunModel;
use crate::schedule::lr_scale;
use crate::trainer::Trainer;
use sisun_config::{Experiment, PartialConfig, TrainConfig};
use sisun_files::{LockedDir, RunDir, remove_leftovers_in, write_atomic};
use sisun_model::checkpoint::{TRAINING_FILE, remove_partial, whole_before};
use sisun_model::weights::read_tensors;
use sisun_model::{Chosen, ModelError, Run};
use std::path::Path;

impl<M: RunModel> Session<M> {
    /// Resume a run in a directory from [`crate::hold_run`] from its newest checkpoint, with its
    /// own tokenizer. Settings that a fine-tuning configuration inherits from its base model are
    /// taken from the run; the base model is not read again.
    ///
    /// # Errors
    /// If there is no run, the checkpoint is damaged, or the settings or the text differ.
    pub fn resume(
        asked: PartialConfig,
        held: LockedDir,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, TrainError> {
        let run_dir = &held.dir().to_owned();
        remove_partial(&RunDir::new(run_dir).checkpoints());
        [
            run_dir.to_owned(),
            RunDir::new(run_dir).checkpoints(),
            RunDir::new(run_dir).samples(),
            RunDir::new(run_dir).maps(),
        ]
        .iter()
        .for_each(|folder| remove_leftovers_in(folder));
        let run = Run::open(run_dir)?;
        for note in run.mend()? {
            progress(&format!("note: {note}"));
        }
        let before = M::recorded(&run)?;
        let config = M::asked(asked, &before, &run)?;
        let refused = refused(&before, &config);
        if !refused.is_empty() {
            let all = changes(&before, &config);
            let new_run = M::new_run(run_dir, &before, &config, &refused, &all);
            return Err(TrainError::ConfigChanged {
                path: run_dir.to_owned(),
                changes: refused,
                new_run: new_run.map(Box::new),
            });
        }
        M::check_memory(&config, chosen)?;
        let checkpoint = run.newest().map_err(|error| with_whole(error, run_dir))?;
        if checkpoint.state.step > config.train().steps {
            let (steps, asked) = (checkpoint.state.step, config.train().steps);
            return Err(TrainError::StepsAlreadyDone {
                path: run_dir.to_owned(),
                steps,
                asked,
            });
        }
        if checkpoint.state.step == config.train().steps
            && !lacks_outputs(run_dir, &config, &checkpoint)?
        {
            return Err(TrainError::Finished {
                path: run_dir.to_owned(),
                steps: checkpoint.state.step,
            });
        }
        let state = &checkpoint.state;
        let text = M::text_again(&run, state, &before, &config, chosen, progress)?;
        if let Some(note) = note_other_device(run_dir, chosen) {
            progress(&note);
        }
        note_rate(before.train(), config.train(), state.step, progress);
        let device = chosen.device.clone().autodiff();
        let moments = read_tensors(&checkpoint.file(TRAINING_FILE))?;
        let trainer = Trainer::resume(
            M::load(&run, &config, &checkpoint, &device)?,
            Optimizer::from_host(config.train(), moments, &chosen.device)?,
            config.train(),
            checkpoint.state.step,
            checkpoint.state.next_micro_step,
        );
        let session = Self {
            trainer: trainer.with_seed(checkpoint.state.seed),
            run_dir: run_dir.to_owned(),
            held: Some(held),
            state: checkpoint.state,
            config,
            text,
        };
        // Store the settings, so that the next resume uses them too.
        if session.config != before {
            write_atomic(
                &RunDir::new(run_dir).config(),
                session.config.to_toml().as_bytes(),
            )?;
        }
        Ok(session)
    }
}

/// Report through `progress` if extending the run raises the learning rate again.
fn note_rate(before: &TrainConfig, after: &TrainConfig, step: u64, progress: &mut dyn FnMut(&str)) {
    let last = step.saturating_sub(1);
    let (was, is) = (
        before.lr_max * lr_scale(before, last),
        after.lr_max * lr_scale(after, step),
    );
    if before.steps < after.steps && last >= before.warmup_steps && is > was * 1.001 {
        progress(&format!(
            "note: the learning rate rises from {was:.2e} to {is:.2e}, because its schedule now ends at step {}; train.schedule = \"constant\" would have none",
            after.steps
        ));
    }
}

/// Add the newest intact checkpoint, if any, to the error of a damaged newest checkpoint.
fn with_whole(error: ModelError, run_dir: &Path) -> TrainError {
    match error {
        ModelError::Damaged {
            path: newest,
            problem,
            remedy,
        } => match whole_before(&newest) {
            Ok((whole, mut damaged)) => {
                damaged.insert(0, newest);
                TrainError::DamagedNewest {
                    path: run_dir.to_owned(),
                    damaged,
                    problem,
                    whole,
                }
            }
            Err(_) => ModelError::Damaged {
                path: newest,
                problem,
                remedy,
            }
            .into(),
        },
        error => error.into(),
    }
}
