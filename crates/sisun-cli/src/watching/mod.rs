//! Training to watch: events of runs, pushed to a page as they happen, and kept for a replay.

mod follow;
mod site;

pub(crate) use follow::Followed;
pub(crate) use site::WatchSite;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use sisun_files::write_atomic;
use sisun_infer::{AttentionMaps, Language};
use sisun_serve::{Events, Limits};
use sisun_train::Metric;
use sisun_viz::page::{heads_event, watch_html};
use std::path::Path;
use std::sync::Arc;

/// Longest part of a sample that is shown, in characters.
const SAMPLE: usize = 4000;
/// Largest number of weights of the maps of one step.
pub(crate) const MOST_WEIGHTS: usize = 2_000_000;

/// What is kept of each kind of event of a run.
const FEW: Limits = Limits {
    count: 8,
    bytes: 64 << 10,
};
const METRICS: Limits = Limits {
    count: 4000,
    bytes: 2 << 20,
};
const SAMPLES: Limits = Limits {
    count: 200,
    bytes: 1 << 20,
};
const MAPS: Limits = Limits {
    count: 300,
    bytes: 8 << 20,
};

/// State of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Finished,
    Interrupted,
    Failed,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// The events of the runs of a page.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    pub(crate) events: Arc<Events>,
    title: String,
    language: Language,
}

impl Course {
    pub(crate) fn new(title: String, language: Language) -> Self {
        Self {
            events: Arc::default(),
            title,
            language,
        }
    }

    /// Introduce a run.
    pub(crate) fn run(&self, run: usize, name: &str, steps: u64) {
        let event = json!({ "kind": "run", "run": run, "name": name, "steps": steps });
        self.push("run", run, FEW, &event);
    }

    pub(crate) fn state(&self, run: usize, state: State, message: &str) {
        let event =
            json!({ "kind": "state", "run": run, "state": state.name(), "message": message });
        self.push("state", run, FEW, &event);
    }

    pub(crate) fn metric(&self, run: usize, metric: &Metric) {
        let event = json!({
            "kind": "metric",
            "run": run,
            "step": metric.step,
            "split": metric.split,
            "loss": metric.loss,
            "lr": metric.lr,
            "grad_norm": metric.grad_norm,
        });
        // Evaluations are fewer, and not to be crowded out.
        let lane = if metric.split == "train" {
            "metric"
        } else {
            "evaluation"
        };
        self.push(lane, run, METRICS, &event);
    }

    pub(crate) fn sample(&self, run: usize, step: u64, text: &str) {
        let text: String = text.chars().take(SAMPLE).collect();
        let event = json!({ "kind": "sample", "run": run, "step": step, "text": text });
        self.push("sample", run, SAMPLES, &event);
    }

    pub(crate) fn maps(&self, run: usize, step: u64, maps: &AttentionMaps) {
        self.push("heads", run, MAPS, &heads_event(run, step, maps));
    }

    fn push(&self, lane: &'static str, run: usize, limits: Limits, event: &Value) {
        self.events.push((lane, run), limits, event.to_string());
    }

    /// Return the page that receives the events.
    pub(crate) fn page(&self) -> String {
        watch_html(&self.title, self.language, None)
    }

    /// Write the page that replays the events.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub(crate) fn write_replay(&self, path: &Path) -> Result<()> {
        let history = self.events.history();
        let events: Vec<&str> = history.iter().map(|event| &**event).collect();
        let html = watch_html(&self.title, self.language, Some(&events));
        write_atomic(path, html.as_bytes())
            .with_context(|| format!("cannot write the replay {}", path.display()))
    }
}
