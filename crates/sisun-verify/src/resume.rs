//! Check that training which is stopped and resumed ends in the same bits as uninterrupted
//! training.

use crate::subject::Files;
use crate::{Check, ModelUnderTest};
use anyhow::{Context, Error, Result, anyhow};
use sisun_config::PartialConfig;
use sisun_files::{Patience, RunDir, make_folder};
use sisun_model::checkpoint::{Checkpoint, MODEL_FILE, TRAINING_FILE, WriteFile};
use sisun_model::{Chosen, LAST, Run, Transformer, device, thousands};
use sisun_train::{RunModel, Session, TrainError, TrainObserver, hold_run, train};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

pub(crate) const NAME: &str = "resuming";

/// Maximum duration of the uninterrupted training, which makes at least two steps.
const TIME: Duration = Duration::from_secs(6);

/// Train a copy of the run from a checkpoint before its last step twice: once without interruption,
/// and once stopped half-way, saved and resumed from the files. If the copy reaches a step at which
/// the run has a checkpoint, compare that as well.
pub(crate) fn check(subject: &ModelUnderTest<'_>, folder: &Path) -> Result<Check> {
    let (Files::Run(run), Some(config)) = (subject.files, &subject.config) else {
        let why = "a Hugging Face directory holds no state to go on from".to_owned();
        return Ok(Check::not_checked(NAME, why));
    };
    match &subject.own_text {
        Err(problem) => Ok(Check::not_checked(NAME, problem.clone())),
        Ok(()) => check_run::<Transformer>(run, config.train.steps, folder),
    }
}

/// Do the same with a run of any kind of model, whose text is there as it was.
pub(crate) fn check_run<M: RunModel>(run: &Run, steps: u64, folder: &Path) -> Result<Check> {
    if steps < 2 {
        return Ok(Check::not_checked(
            NAME,
            "the run has one step only".to_owned(),
        ));
    }
    let chosen = device::cpu("asked for");
    let from = Start::of(run, steps)?;
    let next = from.next(run)?;
    let [through, stopped] = ["through", "stopped"].map(|name| folder.join(name));
    from.copy(run, &through)?;
    from.copy(run, &stopped)?;

    let of_run = |error: Error| about_run(&error, [&through, &stopped], run.root());
    let end = match go_on::<M>(&through, &chosen, &Until::Time(TIME, next.unwrap_or(steps))) {
        Ok(end) => end,
        Err(error) => {
            let (from, why) = (from.checkpoint.path().display(), of_run(error));
            return Ok(Check::not_checked(
                NAME,
                format!("training cannot go on from {from}: {why}"),
            ));
        }
    };
    let half = from.step + (end - from.step) / 2;
    for until in [half, end] {
        go_on::<M>(&stopped, &chosen, &Until::Step(until))
            .map_err(|error| anyhow!(of_run(error)))?;
    }
    let differs = first_difference(&checkpoint(&through, end), &checkpoint(&stopped, end))
        .map_err(|error| anyhow!(of_run(error)))?;
    let steps = format!(
        "steps {} to {}, stopped after {}",
        thousands(from.step),
        thousands(end),
        thousands(half)
    );
    if let Some(file) = differs {
        return Ok(Check::differs(
            NAME,
            format!("{steps}: {file} differs from that of going through"),
        ));
    }
    let again = match next == Some(end) && !from.rewound {
        true if first_difference(&checkpoint(&through, end), &checkpoint(run.root(), end))?
            .is_none() =>
        {
            "; the run's own checkpoint again, the same bits"
        }
        true => {
            "; not the bits of the run's own checkpoint, which depend on threads, instruction set and program version"
        }
        false => "",
    };
    fs::remove_dir_all(&through)?;
    fs::remove_dir_all(&stopped)?;
    Ok(Check::holds(NAME, format!("{steps}: the same bits{again}")))
}

/// Describe an error about a copy in terms of the run. The copies no longer exist when the user
/// reads it, so it must not name them or their saved files.
fn about_run(error: &Error, copies: [&PathBuf; 2], run: &Path) -> String {
    let diverged = match error.downcast_ref::<TrainError>() {
        Some(TrainError::NonFinite {
            step,
            loss,
            grad_norm,
            ..
        }) => Some(format!(
            "at step {step} the loss is {loss}, with gradient norm {grad_norm}"
        )),
        Some(TrainError::NonFiniteWeights { step, tensor, .. }) => Some(format!(
            "step {step} leaves weights that are not finite ({tensor})"
        )),
        Some(TrainError::NonFiniteValidation { step, loss, .. }) => Some(format!(
            "after the last step, {step}, the validation loss is {loss}"
        )),
        _ => None,
    };
    let text = diverged.unwrap_or_else(|| format!("{error:#}"));
    copies.iter().fold(text, |text, copy| {
        text.replace(&copy.display().to_string(), &run.display().to_string())
    })
}

/// The checkpoint at which the copies start.
struct Start {
    checkpoint: Checkpoint,
    step: u64,
    /// True if the run ended here, so that the copies start in the middle of its schedule instead.
    rewound: bool,
}

impl Start {
    /// Return the newest checkpoint before the last step, else the last one, set back to the middle
    /// of the schedule: at the end of many schedules the learning rate is 0, and steps would change
    /// nothing.
    fn of(run: &Run, steps: u64) -> Result<Self> {
        let checkpoints = run.checkpoints()?;
        for path in checkpoints.iter().rev() {
            let checkpoint = Checkpoint::open(path)?;
            let step = checkpoint.state.step;
            if step < steps.saturating_sub(1) && (step > 0 || checkpoints.len() == 1) {
                return Ok(Self {
                    checkpoint,
                    step,
                    rewound: false,
                });
            }
        }
        Ok(Self {
            checkpoint: run.newest()?,
            step: (steps / 2).min(steps - 2),
            rewound: true,
        })
    }

    /// Return the step of the run's next checkpoint.
    fn next(&self, run: &Run) -> Result<Option<u64>> {
        let steps = run
            .checkpoints()?
            .into_iter()
            .filter_map(|path| step_of(&path));
        Ok(steps.filter(|step| *step > self.step).min())
    }

    /// Copy the run with this checkpoint only.
    fn copy(&self, run: &Run, to: &Path) -> Result<()> {
        let checkpoints = RunDir::new(to).checkpoints();
        make_folder(&checkpoints)?;
        for entry in fs::read_dir(run.root())? {
            let entry = entry?;
            let (from, name) = (entry.path(), entry.file_name());
            let files = RunDir::new(run.root());
            let needed = [
                files.config(),
                files.environment(),
                files.tokenizer(),
                files.source_tokenizer(),
                files.target_tokenizer(),
                files.base(),
            ];
            if needed.contains(&from) {
                fs::copy(&from, to.join(name))
                    .with_context(|| format!("cannot copy {}", from.display()))?;
            }
        }
        let mut state = self.checkpoint.state.clone();
        state.next_micro_step =
            state.next_micro_step.checked_div(state.step).unwrap_or(0) * self.step;
        (state.step, state.best) = (self.step, None);
        let [model, training] = [MODEL_FILE, TRAINING_FILE].map(|name| self.checkpoint.file(name));
        let copied = |from: &Path, to: &mut File| io::copy(&mut File::open(from)?, to).map(drop);
        let files: [(&str, &WriteFile<'_>); 2] = [
            (MODEL_FILE, &|file| copied(&model, file)),
            (TRAINING_FILE, &|file| copied(&training, file)),
        ];
        let written = Checkpoint::write(&checkpoints, state, &files)?;
        let name = written.path().file_name().unwrap_or_default();
        Ok(fs::write(checkpoints.join(LAST), name.as_encoded_bytes())?)
    }
}

/// Condition for stopping training.
enum Until {
    Step(u64),
    /// After this time and two steps, but at this step at the latest.
    Time(Duration, u64),
}

struct Stop<'a> {
    until: &'a Until,
    began: Instant,
    steps: u64,
    stop: &'a AtomicBool,
}

impl<M: RunModel> TrainObserver<M> for Stop<'_> {
    fn stepped(&mut self, step: u64) {
        self.steps += 1;
        let over = match *self.until {
            Until::Step(last) => step >= last,
            Until::Time(time, last) => {
                step >= last || (self.steps >= 2 && self.began.elapsed() >= time)
            }
        };
        self.stop.store(over, Ordering::Relaxed);
    }
}

/// Resume the copy until the condition is met, and return the step it has reached.
fn go_on<M: RunModel>(copy: &Path, chosen: &Chosen, until: &Until) -> Result<u64> {
    let draft = PartialConfig::read(&RunDir::new(copy).config(), &[])?;
    let held = hold_run(copy, Patience::Refuse)?;
    let mut session = Session::<M>::resume(draft, held, chosen, &mut |_| {})?;
    let stop = AtomicBool::new(false);
    let mut observer = Stop {
        until,
        began: Instant::now(),
        steps: 0,
        stop: &stop,
    };
    Ok(train(&mut session, &mut observer, &stop)?.step)
}

fn checkpoint(run: &Path, step: u64) -> PathBuf {
    RunDir::new(run)
        .checkpoints()
        .join(sisun_model::checkpoint::folder_name(step))
}

fn step_of(checkpoint: &Path) -> Option<u64> {
    checkpoint
        .file_name()?
        .to_str()?
        .strip_prefix("step-")?
        .parse()
        .ok()
}

/// Return the name of the first file in which two checkpoints differ.
fn first_difference(a: &Path, b: &Path) -> Result<Option<&'static str>> {
    for name in [MODEL_FILE, TRAINING_FILE] {
        let read = |folder: &Path| {
            let path = folder.join(name);
            fs::read(&path).with_context(|| format!("cannot read {}", path.display()))
        };
        if read(a)? != read(b)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{MODEL_FILE, TRAINING_FILE, first_difference};

    #[test]
    fn a_bit_in_either_file_is_a_difference() {
        let [a, b] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        for folder in [&a, &b] {
            std::fs::write(folder.path().join(MODEL_FILE), [1, 2, 3]).unwrap();
            std::fs::write(folder.path().join(TRAINING_FILE), [4, 5]).unwrap();
        }
        assert_eq!(first_difference(a.path(), b.path()).unwrap(), None);
        for (name, bytes) in [(TRAINING_FILE, vec![4, 7]), (MODEL_FILE, vec![1, 2])] {
            std::fs::write(b.path().join(name), bytes).unwrap();
            assert_eq!(first_difference(a.path(), b.path()).unwrap(), Some(name));
        }
        std::fs::remove_file(b.path().join(MODEL_FILE)).unwrap();
        assert!(first_difference(a.path(), b.path()).is_err());
    }
}
