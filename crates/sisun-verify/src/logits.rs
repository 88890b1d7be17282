//! Comparison of the results of two passes.

use burn::tensor::{Device, Int, Tensor, TensorData};
use sisun_model::to_host;

/// The difference between two rows of numbers that should be equal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Difference {
    /// Largest absolute difference; infinite if a number is not finite or the lengths differ.
    pub(crate) largest: f32,
    /// Largest absolute value of the expected numbers, at least 1: the reference for `largest`.
    pub(crate) scale: f32,
}

impl Difference {
    pub(crate) fn between(found: &[f32], expected: &[f32]) -> Self {
        let scale = expected.iter().fold(1.0f32, |a, b| a.max(b.abs()));
        if found.len() != expected.len() || !scale.is_finite() {
            return Self {
                largest: f32::INFINITY,
                scale: 1.0,
            };
        }
        let differences = found.iter().zip(expected).map(|(a, b)| (a - b).abs());
        // `f32::max` ignores NaN.
        let largest = differences.fold(
            0.0f32,
            |a, b| if b.is_nan() { f32::INFINITY } else { a.max(b) },
        );
        Self { largest, scale }
    }

    /// Return the larger of two differences, each beside its own scale.
    pub(crate) fn worse(self, other: Self) -> Self {
        match other.largest / other.scale > self.largest / self.scale {
            true => other,
            false => self,
        }
    }

    /// Return true if the difference is at most `tolerance` times the scale.
    pub(crate) fn within(self, tolerance: f32) -> bool {
        self.largest <= tolerance * self.scale
    }

    /// Describe the difference and the tolerance.
    pub(crate) fn tell(self, tolerance: f32) -> String {
        match self.largest {
            0.0 => "the same bits".to_owned(),
            largest => format!(
                "largest difference {largest:.1e}, allowed {:.1e}",
                tolerance * self.scale
            ),
        }
    }
}

/// Return token ids as a batch of one.
///
/// # Shapes
/// - result: `[1, ids.len()]`
pub(crate) fn batch_of(ids: &[u32], device: &Device) -> Tensor<2, Int> {
    let values: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
    Tensor::from_data(TensorData::new(values, [1, ids.len()]), device)
}

/// Return the elements of a tensor.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    to_host(tensor).1
}

#[cfg(test)]
mod tests {
    use super::Difference;

    #[test]
    fn a_difference_is_judged_by_the_largest_number_and_never_hides_nan() {
        let found = Difference::between(&[10.0, -2.0], &[10.0, -2.001]);
        assert!(found.within(1.1e-4) && !found.within(0.9e-4), "{found:?}");
        assert!(Difference::between(&[0.0], &[0.0]).within(0.0));
        for (found, expected) in [
            (&[f32::NAN, 0.0][..], &[0.0, 0.0][..]),
            (&[0.0], &[f32::NAN]),
            (&[0.0], &[0.0, 0.0]),
        ] {
            assert!(
                !Difference::between(found, expected).within(1.0),
                "{found:?} {expected:?}"
            );
        }
        assert!(!Difference::between(&[f32::INFINITY], &[f32::INFINITY]).within(1.0));
    }
}
