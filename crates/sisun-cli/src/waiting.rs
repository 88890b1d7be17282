//! A sign of life on a terminal while nothing else is written: what goes on and for how long, from
//! the third second on, in every command alike (reading large weights, making tokens, drawing,
//! checking sums, exporting).

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Silence after which it is shown.
const AFTER: Duration = Duration::from_secs(2);
/// Between two looks at the clock.
const TICK: Duration = Duration::from_millis(150);

static STATE: Mutex<Option<State>> = Mutex::new(None);

struct State {
    /// When something was last written.
    since: Instant,
    /// What the last line told.
    doing: String,
    /// Whether something else is on the terminal's last line: a bar, or text whose line goes on.
    occupied: bool,
    /// Bars that are shown.
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

/// Whether a person watches stderr.
pub(crate) fn is_watched() -> bool {
    stderr().is_terminal()
}

/// From now on silence is filled, if a person watches.
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

/// No more signs.
pub(crate) fn end() {
    if let Some(mut state) = state().take() {
        state.hide();
    }
}

/// Writes `text` by `write` where a sign may stand, which is removed before.
pub(crate) fn interrupt<R>(text: &str, write: impl FnOnce() -> R) -> R {
    let mut state = state();
    let Some(state) = &mut *state else {
        return write();
    };
    state.hide();
    let written = write();
    state.since = Instant::now();
    // What is written to a pipe leaves the terminal's line alone, but so little is lost by silence
    // then.
    state.occupied = !text.is_empty() && !text.ends_with('\n');
    written
}

/// What goes on, as a line has just told.
pub(crate) fn explain(line: &str) {
    if let Some(state) = &mut *state() {
        state.doing = line.lines().last().unwrap_or_default().to_owned();
    }
}

/// A bar is shown from now on.
pub(crate) fn bar_begins() {
    if let Some(state) = &mut *state() {
        state.hide();
        state.bars += 1;
    }
}

/// A bar is gone.
pub(crate) fn bar_ends() {
    if let Some(state) = &mut *state() {
        state.bars = state.bars.saturating_sub(1);
        state.since = Instant::now();
    }
}

fn state() -> MutexGuard<'static, Option<State>> {
    // A sign of life is whole after every step, so a panic elsewhere leaves it sound.
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
