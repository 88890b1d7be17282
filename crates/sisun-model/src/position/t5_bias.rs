//! A learned bias for each bucket of distances (Raffel et al. 2020, §2.1).

use burn::tensor::{Int, Tensor, TensorData};

/// Return the bucket of a distance: one bucket per distance in the first half, then buckets of
/// increasing width up to `max_distance`.
///
/// `bucket(δ) = δ` below `e = buckets/2`, else `min(buckets − 1, e + ⌊ln(δ/e) / ln(max/e) ·
/// (buckets − e)⌋)`. Keys after the query share bucket 0, as in T5's decoder.
pub fn bucket(offset: i64, buckets: usize, max_distance: usize) -> usize {
    let distance = offset.max(0) as usize;
    let exact = buckets / 2;
    if distance < exact {
        return distance;
    }
    let log = (distance as f64 / exact as f64).ln() / (max_distance as f64 / exact as f64).ln();
    (exact + (log * (buckets - exact) as f64) as usize).min(buckets - 1)
}

/// Return the bucket of a distance where keys may stand on both sides of the query: those of
/// [`bucket`] in the first half of the buckets, and in the second half for keys after the query, as
/// in T5's encoder.
pub fn two_sided_bucket(offset: i64, buckets: usize, max_distance: usize) -> usize {
    let half = buckets / 2;
    let side = if offset < 0 { half } else { 0 };
    side + bucket(offset.abs(), half, max_distance)
}

/// Return the rows of `table` of each offset's bucket.
///
/// # Shapes
/// - `table`: `[buckets, n_heads]`
/// - result: `[offset, n_heads]`
pub fn bias(table: Tensor<2>, buckets: impl Iterator<Item = usize>) -> Tensor<2> {
    let rows: Vec<i64> = buckets.map(|bucket| bucket as i64).collect();
    let n = rows.len();
    let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, [n]), &table.device().inner());
    table.select(0, rows)
}

#[cfg(test)]
mod tests {
    use super::{bucket, two_sided_bucket};

    #[test]
    fn buckets_are_exact_then_logarithmic_then_shared() {
        // Reference values from T5 for 32 buckets and a largest distance of 128.
        let found: Vec<usize> = [-3, 0, 1, 15, 16, 18, 19, 31, 32, 64, 127, 128, 9999]
            .map(|d| bucket(d, 32, 128))
            .to_vec();
        assert_eq!(found, [0, 0, 1, 15, 16, 16, 17, 21, 21, 26, 31, 31, 31]);
    }

    #[test]
    fn later_keys_have_buckets_of_their_own() {
        // Reference values from T5's encoder for 32 buckets and a largest distance of 128.
        let found: Vec<usize> = [-200, -64, -8, -1, 0, 1, 7, 8, 11, 12, 64, 200]
            .map(|d| two_sided_bucket(d, 32, 128))
            .to_vec();
        assert_eq!(found, [31, 30, 24, 17, 0, 1, 7, 8, 8, 9, 14, 15]);
        assert_eq!(
            [-9, -1, 0, 1, 9].map(|d| two_sided_bucket(d, 2, 9)),
            [1, 1, 0, 0, 0]
        );
    }
}
