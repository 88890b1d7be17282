//! Progress: a bar on a terminal, plain lines in a log file.

use crate::needs::Needs;
use crate::pace::{self, Pace, Plan};
use crate::terminal::{is_watched, note, shown};
use crate::waiting;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sisun_config::plain_system_words;
use sisun_train::Metric;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Minimum interval between lines of a log file, besides evaluations.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// Progress display of a run on stderr.
pub(crate) struct Progress {
    display: Display,
    pace: Pace,
    began: Instant,
    steps: u64,
    /// Reported once the speed is known.
    needs: Option<Needs>,
}

enum Display {
    Quiet,
    /// A redrawn bar.
    Bar(ProgressBar),
    /// Lines at intervals.
    Lines {
        told: Option<Instant>,
    },
}

impl Progress {
    /// Create the display of a run that is at `step`.
    pub(crate) fn new(quiet: bool, step: u64, plan: Plan, needs: Needs) -> Self {
        let display = if quiet {
            Display::Quiet
        } else if is_watched() {
            let style = ProgressStyle::with_template(
                "{wide_bar:.cyan/blue} step {pos}/{len}  {msg}{prefix}",
            )
            .expect("the template is well formed");
            let bar = ProgressBar::with_draw_target(Some(plan.steps), ProgressDrawTarget::stderr());
            bar.set_style(style.progress_chars("━╸─"));
            bar.set_position(step);
            waiting::bar_begins();
            Display::Bar(bar)
        } else {
            Display::Lines { told: None }
        };
        Self {
            display,
            pace: Pace::new(plan),
            began: Instant::now(),
            steps: plan.steps,
            needs: Some(needs),
        }
    }

    /// Return the expected seconds of the whole session, once the speed is known.
    fn expected(&self) -> Option<f64> {
        Some((self.began.elapsed() + self.pace.left()?).as_secs_f64())
    }

    /// Show that a step is complete. Return the expected seconds of the session when they become
    /// known.
    pub(crate) fn stepped(&mut self, step: u64) -> Option<f64> {
        self.pace.stepped(step, self.began.elapsed());
        if let Display::Bar(bar) = &self.display {
            bar.set_position(step);
            bar.set_prefix(self.left());
        }
        self.needs.as_ref()?;
        let expected = self.expected()?;
        let needs = self.needs.take()?;
        self.show(&format!("needs: {}", needs.in_words(Some(expected))));
        Some(expected)
    }

    /// Return the time left for the end of a line, if it is known.
    fn left(&self) -> String {
        self.pace.left().map_or_else(String::new, |left| {
            format!("  {} left", pace::duration(left.as_secs_f64()))
        })
    }

    /// Show a line of metrics.
    pub(crate) fn measured(&mut self, metric: &Metric) {
        let validation = metric.split == "validation";
        let summary = if validation {
            let bits = metric
                .bits_per_byte
                .map_or(String::new(), |bits| format!(", {bits:.3} bits per byte"));
            let exact = metric.exact_match.map_or(String::new(), |exact| {
                format!(", {:.2} % exact", 100.0 * exact)
            });
            format!(
                "validation loss {:.4}{bits}{exact}",
                metric.loss.unwrap_or(f64::NAN)
            )
        } else {
            let loss = metric
                .loss
                .map_or("loss – (no answers)".to_owned(), |loss| {
                    format!("loss {loss:.3}")
                });
            format!(
                "{loss}  {:.0} tokens/s",
                metric.tokens_per_second.unwrap_or(0.0)
            )
        };
        let left = self.left();
        match &mut self.display {
            Display::Quiet => {}
            Display::Bar(bar) if validation => {
                bar.println(format!("step {:>6}  {summary}", metric.step))
            }
            Display::Bar(bar) => bar.set_message(summary),
            Display::Lines { told } => {
                if validation || told.is_none_or(|told| told.elapsed() >= BETWEEN_LINES) {
                    note(&format!(
                        "step {}/{}  {summary}{left}",
                        metric.step, self.steps
                    ));
                    *told = Some(Instant::now());
                }
            }
        }
    }

    /// Print text between the lines of the display.
    pub(crate) fn show(&self, text: &str) {
        match &self.display {
            Display::Quiet => {}
            Display::Bar(bar) => bar.println(shown(&plain_system_words(text), true)),
            Display::Lines { .. } => note(text),
        }
    }

    /// Remove the bar.
    pub(crate) fn finish(&self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
            waiting::bar_ends();
        }
    }
}

/// Progress display on stderr for work on several threads: the completed share and the remaining
/// time.
pub(crate) struct Work {
    quiet: bool,
    bar: Option<ProgressBar>,
    done: AtomicU64,
    /// Total work and start time.
    begun: Mutex<Option<(u64, Instant)>>,
}

impl Work {
    /// Create a display for work that has not started.
    pub(crate) fn new(quiet: bool) -> Self {
        let bar = (!quiet && is_watched()).then(|| {
            let style =
                ProgressStyle::with_template("{wide_bar:.cyan/blue} {percent:>3} %  {eta} left")
                    .expect("the template is well formed");
            let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
            bar.set_style(style.progress_chars("━╸─"));
            bar
        });
        Self {
            quiet,
            bar,
            done: AtomicU64::new(0),
            begun: Mutex::new(None),
        }
    }

    /// Start the display, after earlier work anew.
    pub(crate) fn begin(&self, work: u64) {
        let before = self.lock().replace((work, Instant::now()));
        self.done.store(0, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            if before.is_none() {
                waiting::bar_begins();
            }
            bar.set_position(0);
            bar.set_length(work);
            bar.reset_eta();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, Instant)>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Add completed work.
    pub(crate) fn worked(&self, work: u64) {
        self.done.fetch_add(work, Ordering::Relaxed);
        if let Some(bar) = &self.bar {
            bar.inc(work);
        }
    }

    /// Report a completed part: a line in a log file, with the remaining time.
    pub(crate) fn done(&self, line: &str) {
        let done = self.done.load(Ordering::Relaxed);
        let begun = *self.lock();
        match (&self.bar, begun) {
            (None, Some((all, began))) => {
                let left = began.elapsed().as_secs_f64() / done.max(1) as f64
                    * all.saturating_sub(done) as f64;
                self.show(&format!(
                    "{:>3} %  {line}  {left:.0} s left",
                    100 * done / all.max(1)
                ));
            }
            _ => self.show(line),
        }
    }

    /// Print text between the lines of the display.
    pub(crate) fn show(&self, text: &str) {
        match &self.bar {
            _ if self.quiet => {}
            Some(bar) => bar.println(shown(&plain_system_words(text), true)),
            None => note(text),
        }
    }

    /// Remove the bar.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            waiting::bar_ends();
        }
    }
}
