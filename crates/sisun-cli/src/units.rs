//! Large numbers in readable units, in powers of a thousand.

/// Format a number of bytes.
pub(crate) fn bytes(n: u64) -> String {
    scaled(n as f64, &["B", "kB", "MB", "GB", "TB", "PB"])
}

/// Format a number of floating-point operations.
pub(crate) fn flops(n: u64) -> String {
    scaled(
        n as f64,
        &["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"],
    )
}

fn scaled(mut n: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while n >= 999.5 && unit + 1 < units.len() {
        n /= 1000.0;
        unit += 1;
    }
    let digits = if unit == 0 || n >= 99.95 { 0 } else { 1 };
    format!("{n:.digits$} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn numbers_have_two_or_three_digits() {
        let told = [
            0,
            999,
            1_000,
            99_949,
            99_950,
            999_499,
            999_500,
            7_000_000_000,
        ]
        .map(bytes);
        let expected = [
            "0 B", "999 B", "1.0 kB", "99.9 kB", "100 kB", "999 kB", "1.0 MB", "7.0 GB",
        ];
        assert_eq!(told, expected);
    }
}
