//! A spinner on the terminal while nothing else is written, with the current activity and its
//! duration, after two seconds, in every command (reading large weights, tokenizing, drawing,
//! verifying checksums, exporting).

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Silence before the spinner appears.
const AFTER: Duration = Duration::from_secs(2);
/// Interval between updates.
const TICK: Duration = Duration::from_millis(150);

static STATE: Mutex<Option<State>> = Mutex::new(None);

struct State {
    /// Time of the last output.
    since: Instant,
    /// Current activity, from the last line written.
    doing: String,
    /// True if the last line of the terminal is in use: by a bar, or by text without a line end.
    occupied: bool,
    /// Number of bars shown.
    bars: usize,
    shown: Option<ProgressBar>,
}

impl State {
    fn is_due(&self, now: Instant) -> bool {
        !self.occupied && self.bars == 0 && now.duration_since(self.since) >= AFTER
    }

    fn hide(&mut self) {
        if let Some(shown) = self.shown.take() {
            shown.finish_and_clear();
        }
    }

    fn look(&mut self, now: Instant) {
        if !self.is_due(now) {
            return self.hide();
        }
        let since = self.since;
        let shown = self.shown.get_or_insert_with(|| {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}")
                .expect("the template is well formed");
            ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr()).with_style(style)
        });
        shown.set_message(format!(
            "{}  {} s",
            self.doing,
            now.duration_since(since).as_secs()
        ));
        shown.tick();
    }
}

/// Return true if stderr is a terminal.
pub(crate) fn is_watched() -> bool {
    stderr().is_terminal()
}

/// Start showing the spinner during silence, if stderr is a terminal.
pub(crate) fn begin(quiet: bool) {
    if quiet || !is_watched() {
        return;
    }
    let doing = "working".to_owned();
    *state() = Some(State {
        since: Instant::now(),
        doing,
        occupied: false,
        bars: 0,
        shown: None,
    });
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(TICK);
            match &mut *state() {
                Some(state) => state.look(Instant::now()),
                None => return,
            }
        }
    });
}

/// Stop showing the spinner.
pub(crate) fn end() {
    if let Some(mut state) = state().take() {
        state.hide();
    }
}

/// Remove the spinner and call `write`, which outputs `text`.
pub(crate) fn write_around_spinner<R>(text: &str, write: impl FnOnce() -> R) -> R {
    let mut state = state();
    let Some(state) = &mut *state else {
        return write();
    };
    state.hide();
    let written = write();
    state.since = Instant::now();
    // Output to a pipe does not use the terminal's line, but then only the spinner is lost.
    state.occupied = !text.is_empty() && !text.ends_with('\n');
    written
}

/// Set the current activity to the last line of a note.
pub(crate) fn explain(line: &str) {
    if let Some(state) = &mut *state() {
        state.doing = line.lines().last().unwrap_or_default().to_owned();
    }
}

/// Note that a bar is shown.
pub(crate) fn bar_begins() {
    if let Some(state) = &mut *state() {
        state.hide();
        state.bars += 1;
    }
}

/// Note that a bar has been removed.
pub(crate) fn bar_ends() {
    if let Some(state) = &mut *state() {
        state.bars = state.bars.saturating_sub(1);
        state.since = Instant::now();
    }
}

fn state() -> MutexGuard<'static, Option<State>> {
    // The state is consistent after every step, so a panic elsewhere does not invalidate it.
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_due_after_two_seconds_in_which_nothing_is_written() {
        let since = Instant::now();
        let mut state = State {
            since,
            doing: String::new(),
            occupied: false,
            bars: 0,
            shown: None,
        };
        assert!(!state.is_due(since + Duration::from_millis(1_900)));
        assert!(state.is_due(since + AFTER));
        state.bars = 1;
        assert!(!state.is_due(since + AFTER), "beside a bar");
        state.bars = 0;
        state.occupied = true;
        assert!(!state.is_due(since + AFTER), "in the middle of a line");
    }
}
