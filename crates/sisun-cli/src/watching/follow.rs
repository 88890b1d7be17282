//! Following a run by its files, which another process may be writing.

use super::{Course, MOST_WEIGHTS, State};
use anyhow::Result;
use burn::tensor::Device;
use sisun_files::{LOCK_FILE, RunDir, holder, if_there};
use sisun_infer::{CaptureSelection, LanguageModel};
use sisun_model::Run;
use sisun_train::{Metric, read_metrics};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A run that is followed.
pub(crate) struct Followed {
    /// Number of the run on the page.
    number: usize,
    root: PathBuf,
    steps: u64,
    /// The sentence whose maps are shown, of a language model.
    text: Option<String>,
    /// Length and age of the metrics when they were last read.
    read_at: Option<(u64, Option<SystemTime>)>,
    metrics: usize,
    /// The last of them.
    last: Option<Metric>,
    samples: BTreeSet<PathBuf>,
    checkpoints: BTreeSet<PathBuf>,
    state: Option<State>,
    /// The last problem that was told.
    problem: String,
}

impl Followed {
    /// Begin to follow a run, and introduce it by a name.
    ///
    /// # Errors
    /// If there is no run, or its settings cannot be read.
    pub(crate) fn open(number: usize, name: &str, path: &Path, course: &Course) -> Result<Self> {
        let run = Run::open(path)?;
        let (steps, text) = match run.is_seq2seq()? {
            true => (run.seq2seq_config()?.train.steps, None),
            false => {
                let config = run.config()?;
                (config.train.steps, config.attend.map(|attend| attend.text))
            }
        };
        course.run(number, name, steps);
        Ok(Self {
            number,
            root: run.root().to_owned(),
            steps,
            text,
            read_at: None,
            metrics: 0,
            last: None,
            samples: BTreeSet::new(),
            checkpoints: BTreeSet::new(),
            state: None,
            problem: String::new(),
        })
    }

    /// Push what has been added since the last call. Return a problem once: the run may be changing,
    /// so that the next call may succeed.
    pub(crate) fn poll(&mut self, course: &Course, device: &Device) -> Option<String> {
        let found = self
            .poll_metrics(course)
            .and_then(|()| self.poll_samples(course))
            .and_then(|()| self.poll_maps(course, device));
        let problem = found.map_or_else(|error| format!("{error:#}"), |()| String::new());
        let new = !problem.is_empty() && problem != self.problem;
        self.problem.clone_from(&problem);
        new.then_some(problem)
    }

    fn poll_metrics(&mut self, course: &Course) -> Result<()> {
        let path = RunDir::new(&self.root).metrics();
        let now = if_there(fs::metadata(&path))?.map(|file| (file.len(), file.modified().ok()));
        if now != self.read_at {
            let metrics = read_metrics(&path)?;
            let same = match self.metrics.checked_sub(1) {
                Some(before) => metrics.get(before) == self.last.as_ref(),
                None => true,
            };
            // A resumed run has dropped some: then all are sent, and replace those of their steps.
            let from = if same { self.metrics } else { 0 };
            for metric in &metrics[from..] {
                course.metric(self.number, metric);
            }
            (self.metrics, self.read_at) = (metrics.len(), now);
            self.last = metrics.last().cloned();
        }
        let state = match &self.last {
            _ if holder(&self.root.join(LOCK_FILE)).is_some() => State::Running,
            Some(last) if last.diverged => State::Failed,
            Some(last) if last.step >= self.steps => State::Finished,
            _ => State::Interrupted,
        };
        if self.state != Some(state) {
            course.state(self.number, state, "");
            self.state = Some(state);
        }
        Ok(())
    }

    fn poll_samples(&mut self, course: &Course) -> Result<()> {
        let folder = RunDir::new(&self.root).samples();
        let mut found = Vec::new();
        for entry in if_there(fs::read_dir(&folder))?.into_iter().flatten() {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let step = name.and_then(|name| {
                let number = name.strip_prefix("step-")?.strip_suffix(".txt")?;
                number.parse::<u64>().ok()
            });
            if let Some(step) = step.filter(|_| !self.samples.contains(&path)) {
                found.push((step, path));
            }
        }
        found.sort_unstable();
        for (step, path) in found {
            course.sample(self.number, step, &fs::read_to_string(&path)?);
            self.samples.insert(path);
        }
        Ok(())
    }

    /// Compute the maps of the run's own sentence at each checkpoint that is new.
    fn poll_maps(&mut self, course: &Course, device: &Device) -> Result<()> {
        let Some(text) = &self.text else {
            return Ok(());
        };
        let checkpoints = Run::open(&self.root)?.checkpoints()?;
        for path in checkpoints {
            if !self.checkpoints.insert(path.clone()) {
                continue;
            }
            let opened = LanguageModel::open(&path, device);
            // It may have been replaced by a newer one.
            if !path.exists() {
                continue;
            }
            let model = opened?;
            let config = model.model.config();
            let n = model.tokens(text)?.len();
            if n * n * config.n_layers * config.n_heads <= MOST_WEIGHTS {
                let maps = model.attend(text, &CaptureSelection::default())?;
                course.maps(self.number, model.step.unwrap_or(0), &maps);
            }
        }
        Ok(())
    }
}
