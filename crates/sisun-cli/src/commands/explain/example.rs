//! A written-out product.

use super::numbers::{TERMS, column, products};
use super::page::ExplainPage;
use super::text::columns;
use super::tone::Tone;

/// Write one product of a vector and a column of a matrix, as many terms as fit.
pub(super) fn product(
    page: &mut ExplainPage,
    (name, result): (&str, f64),
    x: &[f64],
    column_of: &[f64],
    has_bias: bool,
) {
    let bias = if has_bias { " + b" } else { "" };
    let result = column(&[result]).concat();
    let line = |terms| {
        format!(
            "{name} = {}{bias} = {result}",
            products(x, column_of, terms)
        )
    };
    let fitting = (1..=TERMS)
        .rev()
        .find(|&terms| columns(&line(terms)) <= page.room());
    page.line(&line(fitting.unwrap_or(1)), Tone::Plain);
}
