//! Comparing tensors on the host.

use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_distr::StandardNormal;

/// Return the largest absolute difference of two slices of equal length; infinite if only one has a
/// NaN at a position.
pub fn largest_difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len(), "number of values");
    let difference = |(a, b): (&f32, &f32)| {
        let same = a.to_bits() == b.to_bits();
        if same { 0.0 } else { (a - b).abs() }
    };
    // `f32::max` ignores NaN.
    found
        .iter()
        .zip(expected)
        .map(difference)
        .fold(
            0.0,
            |a, b| if b.is_nan() { f32::INFINITY } else { a.max(b) },
        )
}

/// Assert that two slices differ by at most `tolerance` everywhere.
#[track_caller]
pub fn assert_close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    let largest = largest_difference(found, expected);
    assert!(
        largest <= tolerance,
        "{what}: largest difference {largest:e}, allowed {tolerance:e}"
    );
}

/// Copy the values of a tensor to the host.
pub fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    sisun_model::to_host(tensor).1
}

/// Create a tensor with these values.
pub fn tensor<const D: usize>(values: &[f32], shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// Return `n` draws from the standard normal distribution, the same for each purpose.
pub fn normal(purpose: &str, n: usize) -> Vec<f32> {
    let mut draws = sisun_config::randomness::stream(7, purpose, 0);
    (0..n).map(|_| draws.sample(StandardNormal)).collect()
}
