//! Numbers that a text prints, compared with the right ones.

use super::error::OwnError;
use serde::{Deserialize, Serialize};

/// Largest number of characters of a printed number.
const LONGEST: usize = 30;

/// Tables as a text prints them: a string for each row, its numbers separated by spaces, so that
/// the printed precision is known. A table of one row is that of the query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Printed {
    /// `X·W_Q`.
    #[serde(rename = "Q", default, skip_serializing_if = "Vec::is_empty")]
    pub q: Vec<String>,
    /// `X·W_K`.
    #[serde(rename = "K", default, skip_serializing_if = "Vec::is_empty")]
    pub k: Vec<String>,
    /// `X·W_V`.
    #[serde(rename = "V", default, skip_serializing_if = "Vec::is_empty")]
    pub v: Vec<String>,
    /// `Q·Kᵀ`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<String>,
    /// `Q·Kᵀ`, divided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scaled: Vec<String>,
    /// `exp` of the divided scores, of which nothing is subtracted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exp: Vec<String>,
    /// The sum of `exp`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sum: Vec<String>,
    /// The softmax.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<String>,
    /// The result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub z: Vec<String>,
}

/// A printed number that is not the right one, rounded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Deviation {
    /// The step that computes it.
    pub step: &'static str,
    /// The table.
    pub table: &'static str,
    /// Row, the number of a token counted from 0.
    pub row: usize,
    /// Column, counted from 0.
    pub column: usize,
    /// The printed number.
    pub printed: String,
    /// The right number.
    pub right: f64,
}

impl Printed {
    /// Return true if nothing is printed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Return the deviations of one table.
pub(super) fn compared(
    step: &'static str,
    table: &'static str,
    printed: &[String],
    right: &[Vec<f64>],
    query: usize,
) -> Result<Vec<Deviation>, OwnError> {
    let rows = match printed.len() {
        0 => return Ok(Vec::new()),
        1 => query..query + 1,
        n if n == right.len() => 0..n,
        n => {
            return Err(OwnError::Printed {
                key: table,
                found: format!("has {n} rows"),
                expected: format!("{} rows, or one: that of the query", right.len()),
            });
        }
    };
    let mut all = Vec::new();
    for (row, text) in rows.zip(printed) {
        let numbers: Vec<&str> = text.split_whitespace().collect();
        if numbers.len() != right[row].len() {
            return Err(OwnError::Printed {
                key: table,
                found: format!("has {} numbers in the row {text:?}", numbers.len()),
                expected: right[row].len().to_string(),
            });
        }
        for (column, (&printed, &right)) in numbers.iter().zip(&right[row]).enumerate() {
            if printed.len() > LONGEST {
                return Err(OwnError::Printed {
                    key: table,
                    found: format!("has a number of {} characters", printed.len()),
                    expected: format!("at most {LONGEST}"),
                });
            }
            let value: f64 = printed.parse().map_err(|_| OwnError::Printed {
                key: table,
                found: format!("has {printed:?}"),
                expected: "a number, as in 0.25".to_owned(),
            })?;
            if !agrees(printed, value, right) {
                all.push(Deviation {
                    step,
                    table,
                    row,
                    column,
                    printed: printed.to_owned(),
                    right,
                });
            }
        }
    }
    Ok(all)
}

/// Return true if `printed` is `right` rounded, either way at a tie and within what float64 blurs.
fn agrees(printed: &str, value: f64, right: f64) -> bool {
    let half_unit = 0.5 * 0.1_f64.powi(decimals(printed) as i32);
    (value - right).abs() <= half_unit + 1e-12
}

/// Return the number of decimals of a printed number.
fn decimals(printed: &str) -> usize {
    printed.split_once('.').map_or(0, |(_, after)| after.len())
}

impl Deviation {
    /// Return the right number with as many decimals as the text prints, and one more if that is
    /// the printed number.
    pub fn corrected(&self) -> String {
        let decimals = decimals(&self.printed);
        let text = format!("{:.decimals$}", self.right);
        match text == self.printed {
            true => format!("{:.*}", decimals + 1, self.right),
            false => text,
        }
    }
}
