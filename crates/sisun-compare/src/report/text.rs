//! Formatting of numbers and names for readers, with escaping for HTML, SVG and tables.

use crate::stats::Interval;
use crate::summary::SeedSpread;
pub(super) use sisun_model::thousands;
pub(super) use sisun_viz::text::{escaped as html, printable};

/// The placeholder for a missing number.
pub(super) const NOTHING: &str = "–";

/// Escape `text` for one line of Markdown, including table cells.
pub(super) fn markdown(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for c in printable(text).chars() {
        match c {
            '\n' | '\r' | '\t' => markdown.push(' '),
            '&' => markdown.push_str("&amp;"),
            '<' => markdown.push_str("&lt;"),
            '>' => markdown.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                markdown.extend(['\\', c])
            }
            _ => markdown.push(c),
        }
    }
    markdown
}

/// Convert `name` to a part of a file name.
pub(super) fn file_name(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' {
                c
            } else {
                '-'
            }
        })
        .collect()
}

/// Format a count: `1 seed`, `2 seeds`.
pub(super) fn count(n: usize, thing: &str) -> String {
    format!(
        "{} {thing}{}",
        thousands(n as u64),
        if n == 1 { "" } else { "s" }
    )
}

/// Format with three decimals, or with fewer or in powers of ten if that would be long.
pub(super) fn number(x: f64) -> String {
    let text = match x.abs() {
        _ if x.is_nan() => return NOTHING.to_owned(),
        _ if x.is_infinite() => "∞".to_owned(),
        size if size < 100.0 => format!("{size:.3}"),
        size if size < 1e6 => format!("{size:.1}"),
        size => format!("{size:.2e}"),
    };
    let zero = text.chars().all(|c| matches!(c, '0' | '.'));
    if x < 0.0 && !zero {
        format!("−{text}")
    } else {
        text
    }
}

/// Format with one decimal, for less precise measurements.
pub(super) fn tenths(x: f64) -> String {
    if x.is_finite() {
        format!("{x:.1}")
    } else {
        number(x)
    }
}

/// Format with three decimals and the sign.
pub(super) fn signed(x: f64) -> String {
    let text = number(x);
    if x > 0.0 { format!("+{text}") } else { text }
}

/// Format an optional number.
pub(super) fn maybe(x: Option<f64>, told: impl Fn(f64) -> String) -> String {
    x.map_or_else(|| NOTHING.to_owned(), told)
}

/// Format a probability; never as 0, which no test can give.
pub(super) fn p_value(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        number(p)
    }
}

/// Format a bound with up to four decimals.
pub(super) fn bound(x: f64) -> String {
    let text = format!("{x:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Format an interval, with its ends formatted by `told`.
pub(super) fn interval(interval: Option<Interval>, told: impl Fn(f64) -> String) -> String {
    maybe_interval(interval).map_or_else(
        || NOTHING.to_owned(),
        |i| format!("[{}, {}]", told(i.low), told(i.high)),
    )
}

/// Return the interval if its ends are finite.
pub(super) fn maybe_interval(interval: Option<Interval>) -> Option<Interval> {
    interval.filter(|interval| !interval.low.is_nan() && !interval.high.is_nan())
}

/// Format a mean with its interval, both formatted by `told`.
pub(super) fn spread(spread: &SeedSpread, told: impl Fn(f64) -> String) -> String {
    match maybe_interval(spread.interval) {
        Some(_) => format!("{} {}", told(spread.mean), interval(spread.interval, &told)),
        None => told(spread.mean),
    }
}

/// Join words: `a`, `a and b`, `a, b and c`.
pub(super) fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Format seconds for readers.
pub(super) fn duration(seconds: f64) -> String {
    let minutes = (seconds / 60.0).round();
    match seconds {
        s if !s.is_finite() => NOTHING.to_owned(),
        s if s < 90.0 => format!("{s:.0} seconds"),
        s if s < 5_400.0 => format!("{minutes:.0} minutes"),
        s => format!("{:.1} hours", s / 3_600.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_never_lie_about_their_sign() {
        for (x, text) in [
            (0.0, "0.000"),
            (-0.0, "0.000"),
            (-0.0001, "0.000"),
            (0.12345, "0.123"),
            (-1.5, "−1.500"),
            (123.45, "123.5"),
            (1.5e9, "1.50e9"),
            (f64::NAN, "–"),
            (f64::INFINITY, "∞"),
            (f64::NEG_INFINITY, "−∞"),
        ] {
            assert_eq!(number(x), text, "{x}");
        }
        assert_eq!(
            (signed(0.25), signed(-0.25), signed(f64::NAN)),
            ("+0.250".into(), "−0.250".into(), "–".into())
        );
        assert_eq!([1.0, 0.0625, 0.65625].map(bound), ["1", "0.0625", "0.6562"]);
        assert_eq!(
            (p_value(1e-9), p_value(0.03125)),
            ("< 0.001".into(), "0.031".into())
        );
    }

    #[test]
    fn names_cannot_break_out() {
        let evil = "<script>|`x`\n*_\\&\0";
        assert_eq!(html(evil), "&lt;script&gt;|`x`\n*_\\&amp;␀");
        assert_eq!(markdown(evil), "&lt;script&gt;\\|\\`x\\` \\*\\_\\\\&amp;␀");
        assert_eq!(file_name("../a b"), "---a-b");
    }

    #[test]
    fn lists_and_times_read_well() {
        let words = |n: usize| listed(&["a", "b", "c"].map(str::to_owned)[..n]);
        assert_eq!(
            [words(0), words(1), words(2), words(3)],
            ["", "a", "a and b", "a, b and c"]
        );
        let times = [12.4, 200.0, 9_000.0, f64::NAN].map(duration);
        assert_eq!(times, ["12 seconds", "3 minutes", "2.5 hours", "–"]);
        assert_eq!(
            (count(1, "seed"), count(1_000, "seed")),
            ("1 seed".into(), "1,000 seeds".into())
        );
    }
}
