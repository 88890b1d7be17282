//! Matrices as a user gives them.

use super::error::OwnError;
use super::printed::Printed;
use serde::{Deserialize, Serialize};

/// Rows of numbers.
pub type Rows = Vec<Vec<f64>>;

/// The matrices of one attention head as a user gives them: X and W_Q, W_K, W_V, or Q, K and V.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnNumbers {
    /// What the numbers are.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Labels of the tokens, one for each row; numbers if there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tokens: Option<Vec<String>>,
    /// The token whose row is worked through; the last by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<OwnQuery>,
    /// Hide the keys after each query.
    #[serde(default)]
    pub mask: bool,
    /// Division of the scores.
    #[serde(default)]
    pub scale: OwnScale,
    /// Embeddings, `[token, d_model]`.
    #[serde(rename = "X", default, skip_serializing_if = "Option::is_none")]
    pub x: Option<Rows>,
    /// `[d_model, d_k]`.
    #[serde(rename = "W_Q", default, skip_serializing_if = "Option::is_none")]
    pub w_q: Option<Rows>,
    /// `[d_model, d_k]`.
    #[serde(rename = "W_K", default, skip_serializing_if = "Option::is_none")]
    pub w_k: Option<Rows>,
    /// `[d_model, d_v]`.
    #[serde(rename = "W_V", default, skip_serializing_if = "Option::is_none")]
    pub w_v: Option<Rows>,
    /// Queries, `[token, d_k]`.
    #[serde(rename = "Q", default, skip_serializing_if = "Option::is_none")]
    pub q: Option<Rows>,
    /// Keys, `[token, d_k]`.
    #[serde(rename = "K", default, skip_serializing_if = "Option::is_none")]
    pub k: Option<Rows>,
    /// Values, `[token, d_v]`.
    #[serde(rename = "V", default, skip_serializing_if = "Option::is_none")]
    pub v: Option<Rows>,
    /// The numbers that a text prints for the same matrices.
    #[serde(default, skip_serializing_if = "Printed::is_empty")]
    pub printed: Printed,
    /// Remarks on what the text says, by step.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

/// A token, by its number or its label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "give the number of a token, from 0, or its label in quotes"
)]
pub enum OwnQuery {
    /// Number of the token, counted from 0.
    Number(usize),
    /// Label of the token.
    Label(String),
}

/// Division of the scores: by √d_k (`true`), by nothing (`false`), or by a number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "give true, false or a divisor, as in scale = 2.5"
)]
pub enum OwnScale {
    /// By √d_k, or not at all.
    Root(bool),
    /// By this number.
    By(f64),
}

impl Default for OwnScale {
    fn default() -> Self {
        Self::Root(true)
    }
}

/// A sentence about one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// Name of the step, such as `softmax`.
    pub step: String,
    /// The sentence in English.
    pub en: String,
    /// The sentence in Korean.
    pub ko: String,
}

impl OwnNumbers {
    /// Read matrices from TOML; their shapes are not checked yet.
    ///
    /// # Errors
    /// If it is not TOML, or has a key or a value that is not one of these.
    pub fn read(text: &str) -> Result<Self, OwnError> {
        toml::from_str(text).map_err(|error| OwnError::Form {
            message: error.to_string().trim_end().to_owned(),
        })
    }
}
