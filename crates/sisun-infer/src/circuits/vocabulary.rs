//! The QK and OV circuits of a head as maps from tokens to tokens.

use super::distance::{CircuitsOptions, check_distance, why_undefined};
use crate::component::HeadName;
use crate::head_weights::HeadWeights;
use crate::matrix::Matrix;
use crate::residual::check_residual;
use crate::top::largest_of;
use crate::unembedding::TOKENS_TOGETHER;
use crate::{InferError, LanguageModel};
use rayon::prelude::*;
use serde::Serialize;
use std::cmp::Ordering;

/// Number of elements of a map that are computed together.
const TOGETHER: usize = 1 << 22;

/// A circuit of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum VocabularyCircuit {
    /// `W_E·W_V·W_O·W_U`: what attending to a token adds to the logit of another.
    Ov,
    /// `W_E·W_Q·W_Kᵀ·W_Eᵀ`, times the scale of scores: how much a token as query attends to another
    /// as key.
    Qk,
}

/// A token in a map.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MappedToken {
    /// Token id.
    pub id: u32,
    /// Readable text.
    pub text: String,
}

/// An element of a map.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MappedPair {
    /// The attended token (OV), or the query (QK).
    pub from: MappedToken,
    /// The token whose logit changes (OV), or the key (QK).
    pub to: MappedToken,
    /// The element: logits (OV), or the score before the softmax (QK).
    pub value: f32,
}

/// The map of one circuit of one head over the vocabulary.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VocabularyMap {
    /// The circuit.
    pub circuit: VocabularyCircuit,
    /// The head.
    pub head: HeadName,
    /// The largest elements of the whole map, largest first.
    pub largest: Vec<MappedPair>,
    /// The largest elements of the row of the requested token, largest first; empty if none was
    /// requested.
    pub of_token: Vec<MappedPair>,
    /// Share of the tokens whose row is largest at the same token.
    pub own: f64,
}

/// The largest elements of one row: column and value.
struct RowTop {
    row: usize,
    columns: Vec<(usize, f32)>,
}

impl LanguageModel {
    /// Compute the map of a circuit over the vocabulary, some rows at a time, and keep its `top`
    /// largest elements, and those of the row of `token`.
    ///
    /// # Errors
    /// If the head or the token does not exist, or the circuit is not defined for the model.
    pub fn vocabulary_map(
        &self,
        circuit: VocabularyCircuit,
        head: HeadName,
        token: Option<u32>,
        top: usize,
        asked: CircuitsOptions,
    ) -> Result<VocabularyMap, InferError> {
        let config = self.model.config();
        check_residual("the analysis of circuits", config)?;
        check_distance(config, asked.distance)?;
        head.check(config)?;
        if let Some(id) = token {
            self.tokenizer.check_rows(&[id], self.rows())?;
        }
        let why = why_undefined(config, asked.distance);
        if let (VocabularyCircuit::Qk, Some(why)) = (circuit, why) {
            let what = "a map of queries and keys";
            return Err(InferError::Undefined { what, why });
        }
        let (rows, columns) = self.factors(circuit, head, asked.distance);
        let columns = columns.transposed();
        let factor = columns.factor();
        let (mut largest, mut own, mut of_token) = (Vec::new(), 0, Vec::new());
        let together = (TOGETHER / columns.columns).max(1);
        for first in (0..rows.rows).step_by(together) {
            let count = together.min(rows.rows - first);
            let map = rows.some_rows(first, count).times_factor(&factor);
            let tops: Vec<RowTop> = (0..count)
                .into_par_iter()
                .map(|row| RowTop::of(first + row, map.row(row), top.max(1)))
                .collect();
            own += tops.iter().filter(|top| top.is_own()).count();
            if let Some(found) = tops.iter().find(|top| Some(top.row as u32) == token) {
                of_token = found.pairs().collect();
            }
            // Only what is among the largest so far is sorted with them.
            let least = largest
                .get(top.max(1) - 1)
                .map(|pair: &(usize, usize, f32)| pair.2);
            let is_large = |pair: &(usize, usize, f32)| least.is_none_or(|least| pair.2 > least);
            largest.extend(tops.iter().flat_map(RowTop::pairs).filter(is_large));
            largest.sort_by(by_value);
            largest.truncate(top);
        }
        of_token.truncate(top);
        let named = |pairs: Vec<(usize, usize, f32)>| {
            let token = |id: usize| MappedToken {
                id: id as u32,
                text: self.tokenizer.token_text(id as u32),
            };
            let pair = |(from, to, value)| MappedPair {
                from: token(from),
                to: token(to),
                value,
            };
            pairs.into_iter().map(pair).collect()
        };
        Ok(VocabularyMap {
            circuit,
            head,
            largest: named(largest),
            of_token: named(of_token),
            own: own as f64 / rows.rows as f64,
        })
    }

    /// Return the two factors of a map, `[vocab, d_head]` each; the map is the first times the
    /// second's transpose.
    fn factors(
        &self,
        circuit: VocabularyCircuit,
        HeadName { layer, head }: HeadName,
        distance: Option<usize>,
    ) -> (Matrix, Matrix) {
        let weights = HeadWeights::of(&self.model, layer);
        let from_embeddings = |first, count| self.embedding_rows(first, count);
        let from_head = |first, count| self.head_rows(first, count);
        match circuit {
            VocabularyCircuit::Ov => (
                self.vocabulary_times(&weights.v(head), from_embeddings),
                self.vocabulary_times(&weights.o(head).transposed(), from_head),
            ),
            VocabularyCircuit::Qk => {
                let scale = self.model.config().score_scale() as f32;
                let mut q = weights.q_at(head, distance.unwrap_or(0));
                q.values.iter_mut().for_each(|x| *x *= scale);
                (
                    self.vocabulary_times(&q, from_embeddings),
                    self.vocabulary_times(&weights.k(head), from_embeddings),
                )
            }
        }
    }

    /// Return the product of a matrix with a row for each token and `weights`.
    fn vocabulary_times(&self, weights: &Matrix, rows: impl Fn(usize, usize) -> Matrix) -> Matrix {
        let firsts = (0..self.rows()).step_by(TOKENS_TOGETHER);
        let count = |first: usize| TOKENS_TOGETHER.min(self.rows() - first);
        let weights = weights.factor();
        let parts = firsts.map(|first| rows(first, count(first)).times_factor(&weights));
        Matrix::stacked(&parts.collect::<Vec<_>>())
    }
}

impl RowTop {
    fn of(row: usize, values: &[f32], top: usize) -> Self {
        let columns = largest_of(values, top).into_iter();
        Self {
            row,
            columns: columns.map(|column| (column, values[column])).collect(),
        }
    }

    fn is_own(&self) -> bool {
        self.columns
            .first()
            .is_some_and(|(column, _)| *column == self.row)
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize, f32)> {
        let row = self.row;
        self.columns
            .iter()
            .map(move |&(column, value)| (row, column, value))
    }
}

/// Order by descending value, then by row and column.
fn by_value(a: &(usize, usize, f32), b: &(usize, usize, f32)) -> Ordering {
    b.2.total_cmp(&a.2).then((a.0, a.1).cmp(&(b.0, b.1)))
}
