//! Given matrices, worked through.

use super::check::overflowing;
use super::error::OwnError;
use super::given::{OwnNumbers, Rows};
use super::printed::{Deviation, Printed, compared};
use crate::explain::{Inputs, KeySteps, Steps};
use serde::Serialize;
use sisun_data::make_visible;

/// Given matrices, worked through.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OwnExplanation {
    /// What was given.
    pub given: OwnNumbers,
    /// Labels of the tokens, for display.
    pub tokens: Vec<String>,
    /// Index of the query.
    pub query: usize,
    /// Divisor of the scores; 1 if they are not divided.
    pub divisor: f64,
    /// Queries, `[token, d_k]`.
    #[serde(rename = "Q")]
    pub q: Rows,
    /// Keys, `[token, d_k]`.
    #[serde(rename = "K")]
    pub k: Rows,
    /// Values, `[token, d_v]`.
    #[serde(rename = "V")]
    pub v: Rows,
    /// The steps of each query.
    pub rows: Vec<Steps>,
    /// The printed numbers that are not the right ones, rounded.
    pub deviations: Vec<Deviation>,
}

impl OwnNumbers {
    /// Check the matrices and compute `softmax(Q·Kᵀ/√d_k)·V` row by row.
    ///
    /// # Errors
    /// If a matrix is missing, ragged, empty, too large or not finite, shapes do not fit, or query,
    /// labels, divisor or printed numbers do not fit the matrices.
    pub fn explain(&self) -> Result<OwnExplanation, OwnError> {
        let [q, k, v] = self.checked_matrices()?;
        let n = q.len();
        let tokens = self.checked_tokens(n)?;
        let query = self.checked_query(&tokens)?;
        let divisor = self.checked_divisor(q[0].len())?;
        let rows: Vec<Steps> = (0..n)
            .map(|row| {
                let hidden: Vec<bool> = (0..n).map(|key| self.mask && key > row).collect();
                let inputs = Inputs {
                    q: &q[row],
                    k: &k,
                    v: &v,
                    scale: 1.0 / divisor,
                    bias: None,
                    hidden: &hidden,
                };
                inputs.work()
            })
            .collect();
        if let Some(key) = overflowing(&q, &k, &v, &rows) {
            return Err(OwnError::Overflow { key });
        }
        let mut found = OwnExplanation {
            given: self.clone(),
            tokens: tokens.iter().map(|token| make_visible(token)).collect(),
            query,
            divisor,
            q,
            k,
            v,
            rows,
            deviations: Vec::new(),
        };
        found.deviations = deviations(&self.printed, &found)?;
        Ok(found)
    }
}

/// Return the numbers that are wrong, table by table.
///
/// # Errors
/// If a table has another shape than the result, or holds something that is not a number.
fn deviations(printed: &Printed, found: &OwnExplanation) -> Result<Vec<Deviation>, OwnError> {
    let of = |number: fn(&KeySteps) -> f64| -> Rows {
        let rows = found.rows.iter();
        rows.map(|row| row.keys.iter().map(number).collect())
            .collect()
    };
    let exp = of(|key| key.score.exp());
    let sum = exp.iter().map(|row| vec![row.iter().sum()]).collect();
    let z = found.rows.iter().map(|row| row.z.clone()).collect();
    let tables: [(_, _, &Vec<String>, &Rows); 9] = [
        ("qkv", "Q", &printed.q, &found.q),
        ("qkv", "K", &printed.k, &found.k),
        ("qkv", "V", &printed.v, &found.v),
        ("similarity", "scores", &printed.scores, &of(|key| key.dot)),
        ("scale", "scaled", &printed.scaled, &of(|key| key.scaled)),
        ("softmax", "exp", &printed.exp, &exp),
        ("softmax", "sum", &printed.sum, &sum),
        (
            "softmax",
            "weights",
            &printed.weights,
            &of(|key| key.weight),
        ),
        ("weighted-sum", "z", &printed.z, &z),
    ];
    let mut all = Vec::new();
    for (step, table, texts, right) in tables {
        all.extend(compared(step, table, texts, right, found.query)?);
    }
    Ok(all)
}
