//! Alignment of numbers.

use super::text::{columns, left, right};

/// Return the number of decimals that shows three or four digits of the largest value.
fn decimals(values: impl Iterator<Item = f64>) -> usize {
    let largest = values
        .filter(|x| x.is_finite())
        .fold(0.0, |a, b| f64::max(a, b.abs()));
    if largest == 0.0 {
        return 3;
    }
    let exponent = largest.log10().floor() as i64;
    (if exponent >= 0 {
        3 - exponent
    } else {
        2 - exponent
    })
    .clamp(0, 9) as usize
}

/// Number of terms of a dot product that are written out.
pub(super) const TERMS: usize = 4;

/// Format a number.
pub(super) fn number(x: f64, decimals: usize) -> String {
    match x {
        f64::NEG_INFINITY => "-∞".to_owned(),
        x if x.is_finite() && x.abs() >= 1e9 => format!("{x:.3e}"),
        x => {
            let text = format!("{x:.decimals$}");
            // Remove the sign of a value that is rounded to zero.
            let is_zero = text.chars().all(|c| matches!(c, '-' | '0' | '.'));
            if is_zero {
                text.trim_start_matches('-').to_owned()
            } else {
                text
            }
        }
    }
}

/// Format a column of numbers, with one more digit than in vectors.
pub(super) fn column(values: &[f64]) -> Vec<String> {
    let decimals = decimals(values.iter().copied()) + 1;
    values.iter().map(|&x| number(x, decimals)).collect()
}

/// Format a weight.
pub(super) fn weight(x: f64) -> String {
    number(x, 4)
}

/// Format aligned vectors in `room` columns: as many numbers as fit, then `…`; or if `whole`, all
/// numbers on as many lines as needed.
pub(super) fn vectors(vectors: &[Option<&[f64]>], room: usize, whole: bool) -> Vec<String> {
    let all = || {
        vectors
            .iter()
            .flatten()
            .flat_map(|vector| vector.iter().copied())
    };
    let decimals = decimals(all());
    let width = all()
        .map(|x| columns(&number(x, decimals)))
        .max()
        .unwrap_or(1);
    // Brackets around, comma and space between.
    let fitting = (room / (width + 2)).max(1);
    // `…]` takes three columns including the space before it.
    let cut = (room.saturating_sub(3) / (width + 2)).max(1);
    let numbers = |part: &[f64]| {
        part.iter()
            .map(|&x| right(&number(x, decimals), width))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let one = |vector: &[f64]| {
        if vector.len() <= fitting {
            format!("[{}]", numbers(vector))
        } else if whole {
            format!(
                "[{}]",
                vector
                    .chunks(fitting)
                    .map(numbers)
                    .collect::<Vec<_>>()
                    .join(",\n ")
            )
        } else {
            format!("[{}, …]", numbers(&vector[..cut]))
        }
    };
    vectors
        .iter()
        .map(|vector| vector.map_or(String::new(), one))
        .collect()
}

/// Format the first `terms` terms of a dot product: `a×b + c×d + …`.
pub(super) fn products(a: &[f64], b: &[f64], terms: usize) -> String {
    let decimals = decimals(a.iter().chain(b).copied());
    let factor = |x: f64| {
        if x < 0.0 {
            format!("({})", number(x, decimals))
        } else {
            number(x, decimals)
        }
    };
    let mut shown: Vec<String> = a
        .iter()
        .zip(b)
        .take(terms)
        .map(|(&a, &b)| format!("{}×{}", factor(a), factor(b)))
        .collect();
    if a.len() > terms {
        shown.push("…".to_owned());
    }
    shown.join(" + ")
}

/// Format a bar of at most `width` columns, full for 1.
pub(super) fn bar(x: f64, width: usize) -> String {
    let eighths = (x.clamp(0.0, 1.0) * 8.0 * width as f64).round() as usize;
    let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8];
    left(&format!("{}{part}", "█".repeat(eighths / 8)), width)
}

#[cfg(test)]
mod tests {
    use super::{bar, column, number, products, vectors};
    use crate::commands::explain::text::columns;

    #[test]
    fn numbers_show_what_they_are_about() {
        assert_eq!(
            column(&[1.0, -22.5, f64::NEG_INFINITY]),
            ["1.000", "-22.500", "-∞"]
        );
        assert_eq!(column(&[0.00123, -0.00045]), ["0.001230", "-0.000450"]);
        assert_eq!(column(&[0.0, 12345.0, f64::NAN]), ["0.0", "12345.0", "NaN"]);
        assert_eq!(
            (number(-0.0001, 3), number(-1e30, 3)),
            ("0.000".to_owned(), "-1.000e30".to_owned())
        );
        assert_eq!(column(&[]), Vec::<String>::new());
    }

    #[test]
    fn vectors_fill_their_room_and_no_more() {
        let vector: Vec<f64> = (0..40).map(|i| f64::from(i) - 20.5).collect();
        let some = [Some(&vector[..]), None, Some(&vector[..])];
        for room in 15..100 {
            for whole in [false, true] {
                let shown = vectors(&some, room, whole);
                assert!(
                    shown
                        .iter()
                        .flat_map(|cell| cell.lines())
                        .all(|line| columns(line) <= room),
                    "{shown:?}"
                );
                assert_eq!(shown[1], "");
            }
        }
        assert_eq!(vectors(&some, 30, false)[0], "[-20.50, -19.50, -18.50, …]");
        assert_eq!(
            vectors(&[Some(&[0.1, 0.0, 0.1, 0.0])], 32, false),
            ["[0.100, 0.000, 0.100, 0.000]"]
        );
        assert_eq!(vectors(&some, 60, true)[2].matches(',').count(), 39);
    }

    #[test]
    fn a_dot_product_begins_with_its_terms() {
        assert_eq!(
            products(&[1.0, -2.0, 3.0], &[0.5, 1.0, 1.0], 2),
            "1.000×0.500 + (-2.000)×1.000 + …"
        );
        assert_eq!(
            products(&[1.0, 2.0], &[0.5, 1.0], 2),
            "1.000×0.500 + 2.000×1.000"
        );
    }

    #[test]
    fn bars_grow_by_eighths() {
        assert_eq!(
            (bar(0.0, 4), bar(0.25, 4), bar(1.0, 4)),
            ("    ".into(), "█   ".into(), "████".into())
        );
        assert_eq!(bar(0.28125, 4), "█▏  ");
        assert_eq!(bar(f64::NAN, 4), "    ");
    }
}
