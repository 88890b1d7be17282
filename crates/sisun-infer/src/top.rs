//! The largest values of a list.

/// Return the indices of the `count` largest values, largest first; of equal values the first. NaN
/// is left out.
pub(crate) fn largest_of(values: &[f32], count: usize) -> Vec<usize> {
    // Values are skipped this many at a time, if none of them is large enough.
    const TOGETHER: usize = 64;
    let mut found: Vec<usize> = Vec::with_capacity(count + 1);
    if count == 0 {
        return found;
    }
    // The smallest value that is kept, once there are enough.
    let mut least: Option<f32> = None;
    for (chunk, some) in values.chunks(TOGETHER).enumerate() {
        let largest = some
            .iter()
            .fold(f32::NEG_INFINITY, |a, &b| if b > a { b } else { a });
        if least.is_some_and(|least| largest <= least) {
            continue;
        }
        for (at, &value) in some.iter().enumerate() {
            if value.is_nan() || least.is_some_and(|least| value <= least) {
                continue;
            }
            let place = found.partition_point(|&other| values[other] >= value);
            found.insert(place, chunk * TOGETHER + at);
            found.truncate(count);
            least = (found.len() == count).then(|| values[found[count - 1]]);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::largest_of;

    #[test]
    fn the_largest_come_first_and_equal_ones_in_order() {
        let values = [1.0, 5.0, -2.0, 5.0, 3.0];
        assert_eq!(largest_of(&values, 3), [1, 3, 4]);
        assert_eq!(largest_of(&values, 9), [1, 3, 4, 0, 2]);
        assert_eq!(largest_of(&values, 0), [0; 0]);
        let many: Vec<f32> = (0..1000).map(|i| (i * 7919 % 1000) as f32).collect();
        let found = largest_of(&many, 5).into_iter().map(|i| many[i]);
        assert_eq!(
            found.collect::<Vec<_>>(),
            [999.0, 998.0, 997.0, 996.0, 995.0]
        );
        assert_eq!(largest_of(&[f32::NAN, 1.0, f32::NAN], 2), [1]);
    }
}
