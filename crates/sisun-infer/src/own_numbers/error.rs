//! Errors of given matrices.

/// An error: the key, the value and the remedy.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnError {
    /// The file cannot be read as matrices.
    #[error("{message}")]
    Form {
        /// Place, key and what is expected.
        message: String,
    },
    /// The matrices do not make up a head.
    #[error("{has}: give Q, K and V, or X, W_Q, W_K and W_V; missing {missing}")]
    Missing {
        /// What is there.
        has: String,
        /// Keys that are missing.
        missing: String,
    },
    /// Both kinds of matrices are given.
    #[error(
        "{both} are given: Q, K and V follow from X, W_Q, W_K and W_V, so give one or the other"
    )]
    Both {
        /// Keys that are too many.
        both: String,
    },
    /// A matrix is empty.
    #[error("{key} = []: give at least one row with at least one number")]
    Empty {
        /// The matrix.
        key: &'static str,
    },
    /// Rows differ in length.
    #[error(
        "{key}: row {row} has {found} numbers, and row 0 has {expected}: give every row the same number"
    )]
    Ragged {
        /// The matrix.
        key: &'static str,
        /// The first row of another length, counted from 0.
        row: usize,
        /// Its length.
        found: usize,
        /// The length of the first row.
        expected: usize,
    },
    /// A number is infinite or NaN.
    #[error("{key}, row {row}, column {column} = {value}: give a finite number of at most 1e100")]
    NotFinite {
        /// The matrix.
        key: &'static str,
        /// Row, counted from 0.
        row: usize,
        /// Column, counted from 0.
        column: usize,
        /// The number.
        value: f64,
    },
    /// A matrix is too large.
    #[error(
        "{key} has {rows} rows of {columns} numbers: give at most {most} of each, which is what can be read as tables"
    )]
    TooLarge {
        /// The matrix.
        key: &'static str,
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
        /// Largest number of each.
        most: usize,
    },
    /// Two matrices do not fit together.
    #[error(
        "{left} is {left_rows} × {left_columns} and {right} is {right_rows} × {right_columns}: {rule}"
    )]
    Shapes {
        /// The first matrix.
        left: &'static str,
        /// Rows of the first.
        left_rows: usize,
        /// Columns of the first.
        left_columns: usize,
        /// The second matrix.
        right: &'static str,
        /// Rows of the second.
        right_rows: usize,
        /// Columns of the second.
        right_columns: usize,
        /// What they have to have in common.
        rule: &'static str,
    },
    /// There are more or fewer labels than tokens.
    #[error(
        "tokens has {found} labels and the matrices have {expected} rows: give a label for each row, or none"
    )]
    Labels {
        /// Number of labels.
        found: usize,
        /// Number of tokens.
        expected: usize,
    },
    /// There is no such token.
    #[error("query = {query}: there is no such token; choose from {tokens}")]
    NoSuchToken {
        /// The query.
        query: String,
        /// Numbers and labels of the tokens.
        tokens: String,
    },
    /// Several tokens have the label.
    #[error("query = {label:?}: tokens {numbers} have this label; give the number of one")]
    ManyTokens {
        /// The label.
        label: String,
        /// Their numbers.
        numbers: String,
    },
    /// The divisor is not positive.
    #[error("scale = {value}: give true (divide by √d_k), false, or a divisor greater than 0")]
    Divisor {
        /// The divisor.
        value: f64,
    },
    /// A result is too large for float64.
    #[error("{key} becomes infinite: give smaller numbers")]
    Overflow {
        /// The result.
        key: &'static str,
    },
    /// Printed numbers do not have the shape of the result.
    #[error("printed.{key} {found}: give {expected}")]
    Printed {
        /// The table.
        key: &'static str,
        /// What it has.
        found: String,
        /// What it should have.
        expected: String,
    },
}
