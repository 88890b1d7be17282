//! The training loop.

use crate::TrainError;
use crate::due_outputs::{has_sample, samples_at};
use crate::evaluate::Evaluation;
use crate::metrics::{Metric, Metrics};
use crate::pending_losses::{Means, NotFinite, PendingLosses, StepLoss};
use crate::run_model::RunModel;
use crate::session::Session;
use sisun_config::Experiment;
use sisun_files::{RunDir, make_folder, write_atomic};
use sisun_model::checkpoint::folder_name;
use sisun_model::{Transformer, device, fault};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

/// An observer of a run: the progress bar of the command line, a test, a comparison.
pub trait TrainObserver<M: RunModel = Transformer> {
    /// Called after each step.
    fn stepped(&mut self, _step: u64) {}
    /// Called after each line of metrics.
    fn measured(&mut self, _metric: &Metric) {}
    /// Called at the end of a step whose metrics were written, with the run as it is then, its
    /// checkpoint and its sample included. Nothing that the observer does can end the run.
    fn reached(&mut self, _session: &Session<M>, _evaluated: bool) {}
    /// Called when a sample is due; `Some` is written to `samples/`.
    ///
    /// # Errors
    /// If the sample cannot be written; the error ends the run.
    fn sample(&mut self, _step: u64, _model: &M) -> Result<Option<String>, TrainError> {
        Ok(None)
    }
}

/// The outcome of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TrainOutcome {
    /// Steps completed.
    pub step: u64,
    /// True if it was stopped before its last step.
    pub interrupted: bool,
    /// Evaluation after the last step; `None` if interrupted.
    pub validation: Option<Evaluation>,
    /// Step and value of the lowest validation loss.
    pub best: Option<(u64, f64)>,
    /// The last checkpoint.
    pub checkpoint: PathBuf,
    /// Seconds of training, including earlier sessions.
    pub elapsed_s: f64,
}

/// Train until the last step, or until `stop` is set; the current step is then completed and saved.
///
/// # Errors
/// If a loss is not finite, a file cannot be written, or the GPU fails; earlier checkpoints are
/// unaffected.
pub fn train<M: RunModel>(
    session: &mut Session<M>,
    observer: &mut dyn TrainObserver<M>,
    stop: &AtomicBool,
) -> Result<TrainOutcome, TrainError> {
    let result = train_on_device(session, observer, stop);
    if let Err(TrainError::NonFinite { step, .. } | TrainError::NonFiniteWeights { step, .. }) =
        &result
    {
        let (tokens, elapsed_s) = (session.state.tokens, session.state.elapsed_s);
        Metrics::open(&session.run_dir, *step)?
            .write(&Metric::diverged(*step, tokens, elapsed_s))?;
    }
    result
}

/// Train, and return faults of the device as [`TrainError::DeviceFailed`].
fn train_on_device<M: RunModel>(
    session: &mut Session<M>,
    observer: &mut dyn TrainObserver<M>,
    stop: &AtomicBool,
) -> Result<TrainOutcome, TrainError> {
    let Some(adapter) = device::opened(&session.model().device()) else {
        return train_guarded(session, observer, stop);
    };
    // Kernels are queued, so that a fault shows when a result is next read, or on the device's own
    // thread. Weights may be wrong by then: what is on disk is what counts.
    let result = fault::guarded(|| train_guarded(session, observer, stop));
    let failed = |fault| TrainError::DeviceFailed {
        name: adapter.described().into(),
        fault: Box::new(fault),
        step: session.state.step,
        path: session.run_dir.clone(),
        saved: session.last_good_checkpoint(session.state.step),
    };
    match result {
        Ok(Err(TrainError::Fault(fault))) | Err(fault) => Err(failed(fault)),
        Ok(result) => result,
    }
}

/// Train where a fault of the device becomes an error.
fn train_guarded<M: RunModel>(
    session: &mut Session<M>,
    observer: &mut dyn TrainObserver<M>,
    stop: &AtomicBool,
) -> Result<TrainOutcome, TrainError> {
    let config = session.config.train().clone();
    let mut metrics = Metrics::open(&session.run_dir, session.state.step)?;
    let mut pending = PendingSteps::new(session);
    let mut evaluation = None;
    let began_at = session.state.step;
    let mut saved = None;
    // A sample that was due when an earlier process ended.
    if samples_at(&session.config, began_at) && !has_sample(&session.run_dir, began_at)? {
        sample(session, observer)?;
    }

    while session.state.step < config.steps && !stop.load(Ordering::Relaxed) {
        let micro_steps = session.trainer.next_micro_steps();
        let batches: Vec<M::Batch> = micro_steps
            .map(|i| M::batch(&session.text, &session.config, i))
            .collect();
        let output = session.trainer.step(&batches);

        session.state.step = session.trainer.steps();
        session.state.next_micro_step = session.trainer.micro_steps();
        session.state.tokens += output.tokens;
        pending.losses.push(output);
        session.state.elapsed_s = pending.elapsed_s();
        let step = session.state.step;
        let last = step == config.steps;
        observer.stepped(step);

        let evaluates = last || step.is_multiple_of(config.eval_every);
        let saves = last || step.is_multiple_of(config.checkpoint_every);
        let logs = step == 1 || evaluates || saves || step.is_multiple_of(config.log_every);
        if logs {
            let metric = pending.read(session)?;
            metrics.write(&metric)?;
            observer.measured(&metric);
        }
        let mut improved = false;
        if evaluates {
            let found = session.model().evaluate(&session.text, &session.config);
            improved = found.loss.is_finite()
                && session.state.best.is_none_or(|(_, best)| found.loss < best);
            if improved {
                session.state.best = Some((step, found.loss));
            }
            let metric =
                Metric::validation(step, &found, session.state.tokens, session.state.elapsed_s);
            metrics.write(&metric)?;
            observer.measured(&metric);
            evaluation = Some(found);
        }
        if saves || improved {
            saved = Some((step, session.save()?));
        }
        if samples_at(&session.config, step) {
            sample(session, observer)?;
        }
        if logs {
            observer.reached(session, evaluates);
        }
    }

    // The steps since the last line, which the next process knows nothing about.
    if !pending.losses.is_empty() {
        let metric = pending.read(session)?;
        metrics.write(&metric)?;
        observer.measured(&metric);
    }
    let checkpoint = match saved {
        Some((step, path)) if step == session.state.step => path,
        None if session.state.step == began_at && began_at > 0 => {
            session.check_place()?;
            session.prune()?;
            RunDir::new(&session.run_dir)
                .checkpoints()
                .join(folder_name(began_at))
        }
        _ => session.save()?,
    };
    let interrupted = session.state.step < config.steps;
    Ok(TrainOutcome {
        step: session.state.step,
        interrupted,
        validation: evaluation.filter(|_| !interrupted),
        best: session.state.best,
        checkpoint,
        elapsed_s: session.state.elapsed_s,
    })
}

impl TrainOutcome {
    /// Check that the loss of the final model is finite.
    ///
    /// # Errors
    /// [`TrainError::NonFiniteValidation`] if it is not.
    pub fn check<M: RunModel>(&self, session: &Session<M>) -> Result<(), TrainError> {
        match self
            .validation
            .as_ref()
            .filter(|validation| !validation.loss.is_finite())
        {
            None => Ok(()),
            Some(validation) => Err(TrainError::NonFiniteValidation {
                step: self.step,
                loss: validation.loss,
                path: session.run_dir.clone(),
                best: self.best,
                retry: session.retry(None),
            }),
        }
    }
}

fn sample<M: RunModel>(
    session: &Session<M>,
    observer: &mut dyn TrainObserver<M>,
) -> Result<(), TrainError> {
    if let Some(text) = observer.sample(session.state.step, &session.trainer.model)? {
        let path = RunDir::new(&session.run_dir).sample(session.state.step);
        let folder = path.parent().unwrap_or(&session.run_dir);
        make_folder(folder).map_err(TrainError::io("create", folder))?;
        write_atomic(&path, text.as_bytes())?;
    }
    Ok(())
}

/// Steps since the last line of metrics, and their duration.
struct PendingSteps {
    losses: PendingLosses,
    began: Instant,
    before_s: f64,
    read_at_s: f64,
    read_at_tokens: u64,
}

impl PendingSteps {
    fn new<M: RunModel>(session: &Session<M>) -> Self {
        Self {
            losses: PendingLosses::default(),
            began: Instant::now(),
            before_s: session.state.elapsed_s,
            read_at_s: session.state.elapsed_s,
            read_at_tokens: session.state.tokens,
        }
    }

    fn elapsed_s(&self) -> f64 {
        self.before_s + self.began.elapsed().as_secs_f64()
    }

    /// Return the metrics line for the steps since the last one.
    fn read<M: RunModel>(&mut self, session: &Session<M>) -> Result<Metric, TrainError> {
        let steps = self.take_losses(session)?;
        let means = Means::of(&steps);
        let elapsed_s = self.elapsed_s();
        let tokens = session.state.tokens - self.read_at_tokens;
        let speed = tokens as f64 / (elapsed_s - self.read_at_s).max(1e-9);
        (self.read_at_s, self.read_at_tokens) = (elapsed_s, session.state.tokens);
        Ok(Metric {
            step: session.state.step,
            split: "train".to_owned(),
            loss: means.map(|means| means.loss),
            bits_per_byte: None,
            perplexity: None,
            exact_match: None,
            lr: steps.last().map(|step| step.lr),
            grad_norm: means.map(|means| means.grad_norm),
            tokens: session.state.tokens,
            tokens_per_second: Some(speed),
            elapsed_s,
            diverged: false,
        })
    }

    /// Read the steps since the last call.
    fn take_losses<M: RunModel>(
        &mut self,
        session: &Session<M>,
    ) -> Result<Vec<StepLoss>, TrainError> {
        let losses = self.read_losses(session);
        // Nothing is saved that a device's thread did not finish; its panic explains a loss that is
        // not finite, too.
        fault::check()?;
        losses
    }

    fn read_losses<M: RunModel>(
        &mut self,
        session: &Session<M>,
    ) -> Result<Vec<StepLoss>, TrainError> {
        let first = session.state.step - self.losses.len() as u64 + 1;
        self.losses.read().map_err(|NotFinite { index, values }| {
            let step = first + index as u64;
            // Exclude the weights that produced this loss, even if finite; earlier ones may be
            // good.
            let before = session.last_good_checkpoint(step.saturating_sub(2));
            let last_good = before.or_else(|| session.last_good_checkpoint(step));
            TrainError::NonFinite {
                step,
                loss: f64::from(values.loss),
                lr: values.lr,
                grad_norm: f64::from(values.grad_norm),
                retry: session.retry(last_good.as_deref()),
                last_good,
            }
        })
    }
}
