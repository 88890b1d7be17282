//! Starting a run.

use super::Session;
use crate::TrainError;
use crate::environment::write_environment;
use crate::place::{remove, written_at_start};
use crate::run_model::{Begun, RunModel};
use crate::trainer::Trainer;
use sisun_config::Experiment;
use sisun_files::{LockedDir, RunDir, write_atomic};
use sisun_model::Chosen;
use sisun_model::checkpoint::CheckpointState;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

impl<M: RunModel> Session<M> {
    /// Start a run in a directory from [`crate::hold_new`]: prepare the text, write the files that
    /// describe the run, and initialise the weights at random or from the model to fine-tune.
    ///
    /// # Errors
    /// If the data is unusable, contradicts the settings, or the weights have another shape.
    ///
    /// # Panics
    /// If `[finetune]` is present without initial weights, or the reverse.
    pub fn start(
        mut config: M::Config,
        start: M::Start,
        held: LockedDir,
        chosen: &Chosen,
        progress: &mut dyn FnMut(&str),
    ) -> Result<Self, TrainError> {
        let text = M::prepare(&mut config, chosen, progress)?;
        let run_dir = held.dir().to_owned();
        // Fails if it is there: then another process made it, where the file system knows no locks.
        let checkpoints = RunDir::new(&run_dir).checkpoints();
        fs::create_dir(&checkpoints).map_err(TrainError::io("create", &checkpoints))?;
        let begun = Self::begin(config, text, start, &run_dir, chosen).inspect_err(|_| {
            // The next start reports what cannot be removed.
            for path in written_at_start(RunDir::new(&run_dir)) {
                let _ = remove(&path);
            }
        });
        Ok(Self {
            held: Some(held),
            ..begun?
        })
    }

    /// Write the files of a new run.
    fn begin(
        config: M::Config,
        text: M::Text,
        start: M::Start,
        run_dir: &Path,
        chosen: &Chosen,
    ) -> Result<Self, TrainError> {
        write_atomic(&RunDir::new(run_dir).config(), config.to_toml().as_bytes())?;
        let sums = M::text_sums(&text);
        write_environment(run_dir, &sums, chosen)?;
        let device = chosen.device.clone().autodiff();
        let Begun {
            model,
            base,
            made_with,
        } = M::begin(&config, &text, start, run_dir, &device)?;
        let state = CheckpointState {
            step: 0,
            tokens: 0,
            elapsed_s: 0.0,
            seed: config.train().seed,
            next_micro_step: 0,
            best: None,
            data_sha256: sums.data_sha256,
            sources: sums.sources,
            made_with: Some(made_with),
            files: BTreeMap::new(),
            base,
        };
        let session = Self {
            trainer: Trainer::new(model, config.train()),
            run_dir: run_dir.to_owned(),
            held: None,
            config,
            text,
            state,
        };
        // From here on the run can be resumed, even if it is killed before its first step.
        session.save()?;
        Ok(session)
    }
}
