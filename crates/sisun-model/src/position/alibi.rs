//! Attention with linear biases (Press et al. 2022).

use burn::tensor::{Device, Tensor, TensorData};

/// Return the slope of each head: `2^(−8(h+1)/n)` if `n` is a power of two, otherwise the slopes of
/// the next lower power of two, then every other slope of the next higher one (the paper's §3 and
/// its code).
pub fn slopes(n_heads: usize) -> Vec<f64> {
    let power = |n: usize| (1..=n).map(move |h| (-8.0 * h as f64 / n as f64).exp2());
    if n_heads.is_power_of_two() {
        return power(n_heads).collect();
    }
    let below = n_heads.next_power_of_two() / 2;
    power(below)
        .chain(power(2 * below).step_by(2))
        .take(n_heads)
        .collect()
}

/// Compute `−slope·|query − key|` for each offset `query − key` and head. (The absolute value only
/// matters without a causal mask.)
///
/// # Shapes
/// - result: `[offset, n_heads]`
pub fn bias(offsets: impl Iterator<Item = i64>, n_heads: usize, device: &Device) -> Tensor<2> {
    let slopes = slopes(n_heads);
    let values: Vec<f32> = offsets
        .flat_map(|offset| {
            slopes
                .iter()
                .map(move |slope| (-slope * offset.abs() as f64) as f32)
        })
        .collect();
    let rows = values.len() / n_heads;
    Tensor::from_data(
        TensorData::new(values, [rows, n_heads]),
        &device.clone().inner(),
    )
}

#[cfg(test)]
mod tests {
    use super::slopes;

    #[test]
    fn slopes_of_eight_heads_halve_from_one_half() {
        assert_eq!(
            slopes(8),
            [
                0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625
            ]
        );
    }

    #[test]
    fn slopes_of_six_heads_are_those_of_four_and_every_other_of_eight() {
        assert_eq!(slopes(6), [0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125]);
    }
}
