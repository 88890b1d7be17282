//! Confidence intervals.

/// The lower and the upper end of an interval.
pub type Interval = [f64; 2];

/// Return the interval if its ends are not NaN.
pub(super) fn drawable(interval: Option<Interval>) -> Option<Interval> {
    interval.filter(|ends| !ends.iter().any(|end| end.is_nan()))
}
