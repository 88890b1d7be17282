//! Intervals around a number.

/// The lower and the upper end of an interval.
pub type Interval = [f64; 2];

/// The interval, if its ends are numbers.
pub(super) fn drawable(interval: Option<Interval>) -> Option<Interval> {
    interval.filter(|ends| !ends.iter().any(|end| end.is_nan()))
}
