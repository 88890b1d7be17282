//! Axes: the mapping from values to fractions of the axis, and the ticks.

use sisun_model::thousands;

/// Ratio of the largest to the smallest value above which an axis is logarithmic.
const LOG_FROM: f64 = 4.0;

/// One axis of a chart.
#[derive(Clone, Debug)]
pub struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Positions of the ticks, and the lines of their labels.
    pub(super) ticks: Vec<(f64, Vec<String>)>,
}

impl Axis {
    /// Create an axis from 0 to 1.
    pub fn unit() -> Self {
        let ticks = (0..=5)
            .map(|i| f64::from(i) / 5.0)
            .map(|at| (at, vec![format!("{at:.1}")]))
            .collect();
        Self {
            low: -0.03,
            high: 1.03,
            log: false,
            ticks,
        }
    }

    /// Create an axis that spans all finite values; logarithmic if they are positive and far apart.
    pub fn around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        if low > 0.0 && high / low > LOG_FROM {
            let pad = (high / low).powf(0.05);
            return Self::logarithmic(low / pad, high * pad);
        }
        let pad = if high - low > 1e-9 * high.abs().max(low.abs()) {
            (high - low) * 0.06
        } else {
            0.1 * high.abs().max(0.1)
        };
        Self::linear(low - pad, high + pad, 6.0)
    }

    /// Create an axis from 0 to the largest value.
    pub fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let (_, high) = range(values);
        Self::linear(0.0, if high > 0.0 { high * 1.04 } else { 1.0 }, 6.0)
    }

    /// Create an axis for whole numbers, such as lengths and steps.
    pub fn whole(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = range(values);
        let pad = ((high - low) * 0.02).max(0.3);
        let mut axis = Self::linear(low - pad, high + pad, 9.0);
        axis.ticks.retain(|(at, _)| at.fract() == 0.0 && *at >= 0.0);
        for (at, label) in &mut axis.ticks {
            *label = vec![thousands(*at as u64)];
        }
        axis
    }

    /// Create a logarithmic axis for lengths as multiples of `of`, with a tick for each length.
    pub fn multiples(lengths: &[usize], of: usize) -> Self {
        let (low, high) = range(
            lengths
                .iter()
                .filter(|length| **length > 0)
                .map(|length| *length as f64),
        );
        let low = low.max(f64::MIN_POSITIVE);
        let pad = (high / low).powf(0.02).max(1.02);
        let tick = |length: &usize| {
            let factor = *length as f64 / of.max(1) as f64;
            (
                *length as f64,
                vec![
                    thousands(*length as u64),
                    format!("{}×", (factor * 100.0).round() / 100.0),
                ],
            )
        };
        let ticks = lengths
            .iter()
            .filter(|length| **length > 0)
            .map(tick)
            .collect();
        Self {
            low: low / pad,
            high: high * pad,
            log: true,
            ticks,
        }
    }

    fn linear(low: f64, high: f64, about: f64) -> Self {
        let rough = (high - low) / about;
        let unit = 10f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0]
            .map(|nice| nice * unit)
            .into_iter()
            .find(|step| *step >= rough * 0.999);
        let step = step.unwrap_or(10.0 * unit);
        let decimals = (-step.log10()).ceil().clamp(0.0, 9.0) as usize;
        let (first, last) = ((low / step).ceil(), (high / step).floor());
        // A span that is too small for its magnitude has no distinct ticks.
        let n = if (last - first).is_finite() {
            (last - first).clamp(-1.0, 40.0) as i32
        } else {
            -1
        };
        let told = |at: f64| {
            if at.abs() >= 1e6 {
                format!("{at:.1e}")
            } else {
                format!("{at:.decimals$}")
            }
        };
        // Adding 0 turns −0 into 0.
        let ticks = (0..=n)
            .map(|i| (first + f64::from(i)) * step + 0.0)
            .map(|at| (at, vec![told(at)]))
            .collect();
        Self {
            low,
            high,
            log: false,
            ticks,
        }
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let decades = (low.log10().floor() as i32)..=(high.log10().ceil() as i32);
        let nice: &[f64] = match high / low {
            ratio if ratio < 30.0 => &[1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0],
            ratio if ratio < 1e3 => &[1.0, 2.0, 5.0],
            _ => &[1.0],
        };
        let all = decades.flat_map(|decade| nice.iter().map(move |nice| nice * 10f64.powi(decade)));
        let told = |at: f64| {
            if (1e-4..1e6).contains(&at) {
                format!("{}", (at * 1e6).round() / 1e6)
            } else {
                format!("{at:.0e}")
            }
        };
        let ticks: Vec<_> = all
            .filter(|at| (low..=high).contains(at))
            .map(|at| (at, vec![told(at)]))
            .collect();
        let every = ticks.len().div_ceil(10).max(1);
        Self {
            low,
            high,
            log: true,
            ticks: ticks.into_iter().step_by(every).collect(),
        }
    }

    /// Return the position of a value on the axis: 0 at its low end, 1 at its high end; `None` if
    /// it cannot be shown.
    pub(super) fn share(&self, value: f64) -> Option<f64> {
        let place = |value: f64| if self.log { value.ln() } else { value };
        let (low, high) = (place(self.low), place(self.high));
        let share = (place(value) - low) / (high - low);
        share.is_finite().then(|| share.clamp(0.0, 1.0))
    }
}

/// Return the smallest and the largest values that are finite in float32, or 0 and 1 if there are
/// none.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let numbers = values.filter(|value| (*value as f32).is_finite());
    let (low, high) = numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high { (0.0, 1.0) } else { (low, high) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<String> {
        axis.ticks
            .iter()
            .map(|(_, lines)| lines.join(" "))
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(
            labels(&Axis::unit()),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(
            labels(&Axis::whole([1.0, 40.0].into_iter())),
            ["5", "10", "15", "20", "25", "30", "35", "40"]
        );
        assert_eq!(
            labels(&Axis::whole([1.0, 3.0].into_iter())),
            ["1", "2", "3"]
        );
        assert_eq!(
            labels(&Axis::around([1.0, 20.0].into_iter())),
            ["1", "1.5", "2", "3", "4", "6", "8", "10", "15", "20"]
        );
        assert_eq!(
            labels(&Axis::multiples(&[64, 80, 512], 64)),
            ["64 1×", "80 1.25×", "512 8×"]
        );
    }

    #[test]
    fn awkward_values_have_an_axis() {
        let max = f64::from(f32::MAX);
        for values in [
            vec![],
            vec![f64::NAN, f64::INFINITY],
            vec![0.0],
            vec![2.5, 2.5],
            vec![1.0, 1.0 + f64::EPSILON],
            vec![1e-300, 1.0],
            vec![-max, max],
            vec![1e39, 1.0],
        ] {
            let axes = [Axis::around, Axis::from_zero, Axis::whole]
                .map(|axis| axis(values.clone().into_iter()));
            for axis in axes {
                assert!(axis.ticks.len() <= 41, "{values:?}: {axis:?}");
                assert!(axis.share(f64::NAN).is_none());
                let inside = values.iter().filter(|value| (**value as f32).is_finite());
                assert!(
                    inside
                        .flat_map(|value| axis.share(*value))
                        .all(|share| (0.0..=1.0).contains(&share))
                );
            }
        }
        assert!(Axis::multiples(&[], 64).ticks.is_empty());
        assert!(Axis::multiples(&[0], 0).share(1.0).is_some());
    }
}
