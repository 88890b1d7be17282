//! Embeddings: the nearest tokens of a token, and principal components.

use crate::matrix::Matrix;
use crate::principal::{Components, components};
use crate::unembedding::TOKENS_TOGETHER;
use crate::{InferError, LanguageModel};
use serde::Serialize;

/// A token near another.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NearToken {
    /// Token id.
    pub id: u32,
    /// Readable text.
    pub text: String,
    /// Cosine of the angle between the two embeddings.
    pub cosine: f64,
}

/// Embeddings along their principal components.
#[derive(Clone, Debug, PartialEq)]
pub struct EmbeddingMap {
    /// Description of the model.
    pub model: String,
    /// Readable texts of the tokens.
    pub tokens: Vec<String>,
    /// Components of the token embeddings.
    pub of_tokens: Components,
    /// Components of the vectors that are added for positions; `None` if none are.
    pub of_positions: Option<Components>,
}

impl LanguageModel {
    /// Return the embeddings of all tokens, some rows at a time.
    fn embedding_parts(&self) -> impl Iterator<Item = Matrix> {
        let firsts = (0..self.rows()).step_by(TOKENS_TOGETHER);
        firsts.map(|first| {
            let count = TOKENS_TOGETHER.min(self.rows() - first);
            self.embedding_rows(first, count)
        })
    }

    /// Return the `top` tokens whose embeddings point most in the direction of a token's, without
    /// the token itself.
    ///
    /// # Errors
    /// If the model has no such token.
    pub fn nearest_tokens(&self, token: u32, top: usize) -> Result<Vec<NearToken>, InferError> {
        self.tokenizer.check_rows(&[token], self.rows())?;
        let own = self.embedding_rows(token as usize, 1);
        let norm = |x: &[f32]| crate::matrix::squared_norm(x).sqrt();
        let own_norm = norm(&own.values);
        let column = own.transposed().factor();
        let mut cosines = Vec::with_capacity(self.rows());
        for part in self.embedding_parts() {
            let products = part.times_factor(&column).values;
            let rows = part.values.chunks_exact(part.columns).zip(products);
            cosines.extend(rows.map(|(row, product)| f64::from(product) / (norm(row) * own_norm)));
        }
        let mut order: Vec<usize> = (0..cosines.len())
            .filter(|&id| id != token as usize && cosines[id].is_finite())
            .collect();
        order.sort_by(|&a, &b| cosines[b].total_cmp(&cosines[a]).then(a.cmp(&b)));
        let near = order.into_iter().take(top).map(|id| NearToken {
            id: id as u32,
            text: self.tokenizer.token_text(id as u32),
            cosine: cosines[id],
        });
        Ok(near.collect())
    }

    /// Return the first two principal components of the token embeddings, and of the vectors that
    /// are added for the positions of the context.
    pub fn embedding_map(&self) -> EmbeddingMap {
        let config = self.model.config();
        let positions = self.model.added_positions(config.context_len);
        let parts: Vec<Matrix> = self.embedding_parts().collect();
        EmbeddingMap {
            model: self.title(),
            tokens: (0..self.rows())
                .map(|id| self.tokenizer.token_text(id as u32))
                .collect(),
            of_tokens: components(&parts, 2),
            of_positions: positions.map(|positions| components(&[Matrix::of(positions)], 2)),
        }
    }
}
