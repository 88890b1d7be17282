//! The speed of a run, and its time left.

use std::collections::VecDeque;
use std::time::Duration;

/// Number of steps over which the speed is averaged.
const WINDOW: usize = 200;
/// Number of steps, and their duration, from which the speed is known well enough.
const ENOUGH_STEPS: u64 = 3;
const ENOUGH_TIME: Duration = Duration::from_secs(1);

/// Steps at which more is done than training.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    pub(crate) steps: u64,
    pub(crate) eval_every: u64,
    /// Zero if samples are written at the end only.
    pub(crate) sample_every: u64,
    pub(crate) checkpoint_every: u64,
}

impl Plan {
    /// Return true if a step is followed by an evaluation, a sample or a checkpoint.
    fn is_more(&self, step: u64) -> bool {
        let is_due = |every: u64| every > 0 && step.is_multiple_of(every);
        step == self.steps
            || is_due(self.eval_every)
            || is_due(self.sample_every)
            || is_due(self.checkpoint_every)
    }

    /// Return the number of such steps after `step`.
    fn more_after(&self, step: u64) -> u64 {
        let least = [self.eval_every, self.sample_every, self.checkpoint_every]
            .into_iter()
            .filter(|every| *every > 0)
            .min()
            .unwrap_or(self.steps);
        (self.steps / least.max(1)).saturating_sub(step / least.max(1)) + 1
    }
}

/// The speed of a run, from the times at which its steps were done. The first step of a process is
/// left out, because memory is touched for the first time, and so is what follows some steps:
/// evaluations, samples and checkpoints are averaged separately.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    plan: Plan,
    first: Option<u64>,
    last: Option<(u64, Duration)>,
    /// Durations of steps alone.
    steps: VecDeque<Duration>,
    /// Time and number of what followed steps.
    more: (Duration, u32),
}

impl Pace {
    pub(crate) fn new(plan: Plan) -> Self {
        Self {
            plan,
            first: None,
            last: None,
            steps: VecDeque::new(),
            more: (Duration::ZERO, 0),
        }
    }

    /// Record that a step was done at this time since the start.
    pub(crate) fn stepped(&mut self, step: u64, at: Duration) {
        self.first.get_or_insert(step);
        if let Some((before, then)) = self.last.replace((step, at)) {
            let took = at.saturating_sub(then);
            if self.plan.is_more(before) {
                let (sum, number) = self.more;
                self.more = (sum + took.saturating_sub(self.step()), number + 1);
            } else {
                self.steps.push_back(took);
                if self.steps.len() > WINDOW {
                    self.steps.pop_front();
                }
            }
        }
    }

    /// Return the mean duration of a step.
    fn step(&self) -> Duration {
        let number = u32::try_from(self.steps.len()).unwrap_or(u32::MAX);
        self.steps.iter().sum::<Duration>() / number.max(1)
    }

    /// Return the time left after the last step, once the speed is known.
    pub(crate) fn left(&self) -> Option<Duration> {
        let (step, _) = self.last?;
        let known: Duration = self.steps.iter().sum();
        let steps = self.plan.steps.saturating_sub(step);
        let enough = self.steps.len() as u64 >= ENOUGH_STEPS
            && (known >= ENOUGH_TIME || self.steps.len() >= 50);
        if steps > 0 && !enough {
            return None;
        }
        let (sum, number) = self.more;
        let more = sum / number.max(1);
        let rest = self.step().as_secs_f64() * steps as f64
            + more.as_secs_f64() * self.plan.more_after(step) as f64;
        Some(Duration::from_secs_f64(rest))
    }
}

/// Format a duration for people: `40 s`, `2 min`, `1 h 20 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..100 => format!("{whole} s"),
        100..3_570 => format!("{} min", (whole + 30) / 60),
        3_570..86_400 => {
            let minutes = (whole + 30) / 60;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
        _ => format!("{:.1} days", seconds / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::{Pace, Plan, duration};
    use std::time::Duration;

    const PLAN: Plan = Plan {
        steps: 100,
        eval_every: 25,
        sample_every: 50,
        checkpoint_every: 100,
    };

    #[test]
    fn the_rest_is_steps_and_what_follows_some() {
        let mut pace = Pace::new(PLAN);
        // The first step takes three seconds, each other half a second; each evaluation two.
        let mut at = Duration::from_secs(3);
        for step in 1..=60 {
            pace.stepped(step, at);
            match step {
                1..=3 => assert_eq!(pace.left(), None, "{step}"),
                4..=25 => assert_eq!(
                    pace.left(),
                    Some(Duration::from_millis(500) * (100 - step as u32)),
                    "{step}"
                ),
                _ => {}
            }
            at += Duration::from_millis(if step % 25 == 0 { 2_500 } else { 500 });
        }
        // 40 steps, and evaluations after 75 and 100 and one for the end.
        assert_eq!(pace.left(), Some(Duration::from_secs(20 + 2 * 3)));
    }

    #[test]
    fn durations_are_short() {
        for (seconds, text) in [
            (0.2, "0 s"),
            (99.4, "99 s"),
            (100.0, "2 min"),
            (130.0, "2 min"),
            (3_540.0, "59 min"),
            (3_600.0, "1 h 0 min"),
            (200_000.0, "2.3 days"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
