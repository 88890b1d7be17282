//! The progress of a run on the terminal.

use super::shown::{Sampler, Shown};
use super::watch::Watch;
use crate::hints;
use crate::needs::Needs;
use crate::pace::Plan;
use crate::progress::Progress;
use crate::run_report;
use sisun_config::Experiment;
use sisun_infer::InferError;
use sisun_train::{Metric, Session, TrainError, TrainObserver};

/// An observer that shows a run on the terminal and samples from the model during training.
pub(super) struct Screen<M> {
    pub(super) progress: Progress,
    sampler: Option<Sampler<M>>,
    pub(super) last_sample: Option<String>,
    /// Seconds that the session was expected to take when its speed became known.
    pub(super) expected_s: Option<f64>,
    /// The pages that show the run, if it is watched.
    pub(super) watch: Option<Watch<M>>,
    /// True after the report could not be written during training.
    lacks_report: bool,
}

impl<M: Shown> Screen<M> {
    pub(super) fn new(
        session: &Session<M>,
        needs: Needs,
        quiet: bool,
        watch: Option<Watch<M>>,
    ) -> Self {
        let (config, train) = (&session.config, session.config.train());
        let plan = Plan {
            steps: train.steps,
            eval_every: train.eval_every,
            sample_every: config.sample_every().unwrap_or(0),
            checkpoint_every: train.checkpoint_every,
        };
        Self {
            progress: Progress::new(quiet, session.step(), plan, needs),
            sampler: M::sampler(session),
            last_sample: None,
            expected_s: None,
            watch,
            lacks_report: false,
        }
    }
}

impl<M: Shown> TrainObserver<M> for Screen<M> {
    fn stepped(&mut self, step: u64) {
        let expected = self.progress.stepped(step);
        self.expected_s = self.expected_s.or(expected);
    }

    fn measured(&mut self, metric: &Metric) {
        self.progress.measured(metric);
        if let Some(watch) = &self.watch {
            watch.measured(metric);
        }
    }

    fn reached(&mut self, session: &Session<M>, evaluated: bool) {
        if let Some(watch) = &mut self.watch {
            watch.reached(session.step(), session.model(), evaluated);
        }
        // It is written again at the end, where a failure is an error.
        if evaluated
            && !self.lacks_report
            && let Err(error) = run_report::write(session)
        {
            self.lacks_report = true;
            self.progress
                .show(&format!("note: {error:#}; training goes on"));
        }
    }

    fn sample(&mut self, step: u64, model: &M) -> Result<Option<String>, TrainError> {
        let Some(sampler) = &self.sampler else {
            return Ok(None);
        };
        let text = match sampler(step, model) {
            Ok(text) => text,
            // The next loss or the last evaluation is not finite either, and is reported with a
            // remedy.
            Err(InferError::NotNumbers { .. }) => {
                self.progress.show(&format!(
                    "step {step:>6}  no sample: the model's scores are no numbers"
                ));
                return Ok(None);
            }
            Err(error) => return Err(TrainError::Observer(hints::describe(&error))),
        };
        let opening: String = text
            .chars()
            .take(80)
            .map(|c| if c == '\n' { ' ' } else { c })
            .collect();
        self.progress
            .show(&format!("step {step:>6}  “{}…”", opening.trim_end()));
        self.last_sample = Some(text.clone());
        if let Some(watch) = &self.watch {
            watch.sampled(step, &text);
        }
        Ok(Some(text))
    }
}
