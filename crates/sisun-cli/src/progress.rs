//! Training progress: a bar for a person, plain lines for a log file.

use crate::terminal::{is_watched, note};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sisun_train::Metric;
use std::time::{Duration, Instant};

/// A line of a log file is written at most this often, besides evaluations.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// What stderr shows of a run.
pub(crate) enum Progress {
    /// Nothing.
    Quiet,
    /// A bar that is redrawn.
    Bar(ProgressBar),
    /// A line now and then.
    Lines { steps: u64, told: Option<Instant>, first_step: u64, began: Instant },
}

impl Progress {
    /// For a run of `steps` that stands at `step`.
    pub(crate) fn new(quiet: bool, step: u64, steps: u64) -> Self {
        if quiet {
            Self::Quiet
        } else if is_watched() {
            let style = ProgressStyle::with_template("{wide_bar:.cyan/blue} step {pos}/{len}  {msg}  {eta} left")
                .expect("the template is well formed");
            let bar = ProgressBar::with_draw_target(Some(steps), ProgressDrawTarget::stderr());
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_position(step);
            bar.reset_eta();
            Self::Bar(bar)
        } else {
            Self::Lines { steps, told: None, first_step: step, began: Instant::now() }
        }
    }

    /// A step is done.
    pub(crate) fn stepped(&self, step: u64) {
        if let Self::Bar(bar) = self {
            bar.set_position(step);
        }
    }

    /// A line of metrics was written.
    pub(crate) fn measured(&mut self, metric: &Metric) {
        let loss = metric.loss.unwrap_or(f64::NAN);
        let validation = metric.split == "validation";
        let summary = if validation {
            let bits = metric.bits_per_byte.map_or(String::new(), |bits| format!(", {bits:.3} bits per byte"));
            format!("validation loss {loss:.4}{bits}")
        } else {
            format!("loss {loss:.3}  {:.0} tokens/s", metric.tokens_per_second.unwrap_or(0.0))
        };
        match self {
            Self::Quiet => {}
            Self::Bar(bar) if validation => bar.println(format!("step {:>6}  {summary}", metric.step)),
            Self::Bar(bar) => bar.set_message(summary),
            Self::Lines { steps, told, first_step, began } => {
                if validation || told.is_none_or(|told| told.elapsed() >= BETWEEN_LINES) {
                    let done = metric.step.saturating_sub(*first_step).max(1);
                    let left = began.elapsed().as_secs_f64() / done as f64 * (*steps - metric.step) as f64;
                    note(&format!("step {}/{steps}  {summary}  {left:.0} s left", metric.step));
                    *told = Some(Instant::now());
                }
            }
        }
    }

    /// Shows text between the lines.
    pub(crate) fn show(&self, text: &str) {
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => bar.println(text),
            Self::Lines { .. } => note(text),
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
