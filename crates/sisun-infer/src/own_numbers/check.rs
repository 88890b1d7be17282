//! Shapes and values of given matrices.

use super::error::OwnError;
use super::given::{OwnNumbers, OwnQuery, OwnScale, Rows};
use crate::explain::Steps;

/// Largest number of rows and of columns.
const MOST: usize = 64;
/// Largest magnitude of a number: products and sums of a few of them stay finite.
const LARGEST: f64 = 1e100;
/// Number of tokens listed in a message.
const LISTED: usize = 24;

impl OwnNumbers {
    /// Return Q, K and V.
    pub(super) fn checked_matrices(&self) -> Result<[Rows; 3], OwnError> {
        let products = [
            ("X", &self.x),
            ("W_Q", &self.w_q),
            ("W_K", &self.w_k),
            ("W_V", &self.w_v),
        ];
        let direct = [("Q", &self.q), ("K", &self.k), ("V", &self.v)];
        let names = |all: &[(&'static str, &Option<Rows>)], given: bool| {
            let some = all.iter().filter(|(_, matrix)| matrix.is_some() == given);
            some.map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
        };
        let (some, others) = (names(&products, true), names(&direct, true));
        let missing = |all: &[(&'static str, &Option<Rows>)], has: &str| OwnError::Missing {
            has: match has {
                "" => "no matrix is given".to_owned(),
                has => format!("only {has} is given"),
            },
            missing: names(all, false),
        };
        if !some.is_empty() && !others.is_empty() {
            return Err(OwnError::Both {
                both: format!("{some} and {others}"),
            });
        }
        for (name, matrix) in products.iter().chain(&direct) {
            if let Some(matrix) = matrix {
                check_matrix(name, matrix)?;
            }
        }
        let [q, k, v] = match (&self.x, &self.w_q, &self.w_k, &self.w_v) {
            (Some(x), Some(q), Some(k), Some(v)) => {
                let product = |name, w: &Rows| {
                    let rule =
                        "a product needs as many rows of the second as the first has columns";
                    check_shapes(("X", x), (name, w), rule, x[0].len() == w.len())?;
                    Ok(times(x, w))
                };
                [product("W_Q", q)?, product("W_K", k)?, product("W_V", v)?]
            }
            (None, None, None, None) => match (&self.q, &self.k, &self.v) {
                (Some(q), Some(k), Some(v)) => [q.clone(), k.clone(), v.clone()],
                _ => return Err(missing(&direct, &others)),
            },
            _ => return Err(missing(&products, &some)),
        };
        let (names, keys) = match self.x {
            Some(_) => (["W_Q", "W_K"], [&self.w_q, &self.w_k]),
            None => (["Q", "K"], [&self.q, &self.k]),
        };
        if let [Some(left), Some(right)] = keys {
            let rule = "queries and keys need the same number of columns to be multiplied";
            check_shapes(
                (names[0], left),
                (names[1], right),
                rule,
                q[0].len() == k[0].len(),
            )?;
        }
        let rule = "every token has a row in each";
        check_shapes(("Q", &q), ("K", &k), rule, q.len() == k.len())?;
        check_shapes(("K", &k), ("V", &v), rule, k.len() == v.len())?;
        Ok([q, k, v])
    }

    pub(super) fn checked_tokens(&self, n: usize) -> Result<Vec<String>, OwnError> {
        match &self.tokens {
            None => Ok((0..n).map(|token| token.to_string()).collect()),
            Some(tokens) if tokens.len() == n => Ok(tokens.clone()),
            Some(tokens) => Err(OwnError::Labels {
                found: tokens.len(),
                expected: n,
            }),
        }
    }

    /// Return the index of the query among tokens with these labels.
    pub(super) fn checked_query(&self, tokens: &[String]) -> Result<usize, OwnError> {
        let none = |query: String| {
            let listed = tokens.iter().take(LISTED).enumerate();
            let listed = listed.map(|(number, token)| format!("{number} {token:?}"));
            OwnError::NoSuchToken {
                query,
                tokens: listed.collect::<Vec<_>>().join(", "),
            }
        };
        match &self.query {
            None => Ok(tokens.len() - 1),
            Some(OwnQuery::Number(number)) if *number < tokens.len() => Ok(*number),
            Some(OwnQuery::Number(number)) => Err(none(number.to_string())),
            Some(OwnQuery::Label(label)) => {
                let same = (0..tokens.len()).filter(|&at| tokens[at] == *label);
                match same.collect::<Vec<_>>()[..] {
                    [] => Err(none(format!("{label:?}"))),
                    [one] => Ok(one),
                    ref several => Err(OwnError::ManyTokens {
                        label: label.clone(),
                        numbers: several
                            .iter()
                            .map(usize::to_string)
                            .collect::<Vec<_>>()
                            .join(", "),
                    }),
                }
            }
        }
    }

    pub(super) fn checked_divisor(&self, d_k: usize) -> Result<f64, OwnError> {
        match self.scale {
            OwnScale::Root(true) => Ok((d_k as f64).sqrt()),
            OwnScale::Root(false) => Ok(1.0),
            OwnScale::By(value) if value > 0.0 && value <= LARGEST => Ok(value),
            OwnScale::By(value) => Err(OwnError::Divisor { value }),
        }
    }
}

fn check_matrix(key: &'static str, matrix: &Rows) -> Result<(), OwnError> {
    let expected = matrix.first().map_or(0, Vec::len);
    if expected == 0 {
        return Err(OwnError::Empty { key });
    }
    let ragged = matrix.iter().position(|row| row.len() != expected);
    if let Some(row) = ragged {
        return Err(OwnError::Ragged {
            key,
            row,
            found: matrix[row].len(),
            expected,
        });
    }
    if matrix.len() > MOST || expected > MOST {
        return Err(OwnError::TooLarge {
            key,
            rows: matrix.len(),
            columns: expected,
            most: MOST,
        });
    }
    for (row, numbers) in matrix.iter().enumerate() {
        for (column, &value) in numbers.iter().enumerate() {
            if value.is_nan() || value.abs() > LARGEST {
                return Err(OwnError::NotFinite {
                    key,
                    row,
                    column,
                    value,
                });
            }
        }
    }
    Ok(())
}

fn check_shapes(
    (left, a): (&'static str, &Rows),
    (right, b): (&'static str, &Rows),
    rule: &'static str,
    fits: bool,
) -> Result<(), OwnError> {
    match fits {
        true => Ok(()),
        false => Err(OwnError::Shapes {
            left,
            left_rows: a.len(),
            left_columns: a[0].len(),
            right,
            right_rows: b.len(),
            right_columns: b[0].len(),
            rule,
        }),
    }
}

/// Return the first result that is not finite.
pub(super) fn overflowing(q: &Rows, k: &Rows, v: &Rows, rows: &[Steps]) -> Option<&'static str> {
    let is_finite = |rows: &Rows| rows.iter().flatten().all(|x| x.is_finite());
    let scores = rows.iter().flat_map(|row| &row.keys);
    if !(is_finite(q) && is_finite(k) && is_finite(v)) {
        return Some("X·W");
    }
    if !scores
        .into_iter()
        .all(|key| key.dot.is_finite() && key.scaled.is_finite())
    {
        return Some("q·k");
    }
    let all = rows.iter().flat_map(|row| &row.z).all(|z| z.is_finite());
    (!all).then_some("z")
}

/// Return the product of two matrices.
fn times(a: &Rows, b: &Rows) -> Rows {
    let columns = b[0].len();
    let cell = |row: &Vec<f64>, column: usize| row.iter().zip(b).map(|(x, w)| x * w[column]).sum();
    a.iter()
        .map(|row| (0..columns).map(|column| cell(row, column)).collect())
        .collect()
}
