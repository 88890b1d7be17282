//! An answer to a text: the token whose logit is examined.

use crate::{InferError, LanguageModel};
use serde::Serialize;

/// The first token of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnswerToken {
    /// Token id.
    pub id: u32,
    /// Text of the token.
    pub text: String,
    /// Texts of the further tokens of the answer, which are not examined.
    pub rest: Vec<String>,
}

impl LanguageModel {
    /// Return the first token of an answer to a text: of the tokens that follow those of the text
    /// when both are encoded as one, or, if the boundary falls within a token, of the answer
    /// encoded alone.
    ///
    /// # Errors
    /// If the answer is empty, or has characters or tokens that the tokenizer or the model does not
    /// know.
    pub fn answer(&self, text: &str, answer: &str) -> Result<AnswerToken, InferError> {
        let before = self.tokenizer.encode_prompt(text)?.ids;
        let whole = self
            .tokenizer
            .encode_prompt(&format!("{text}{answer}"))?
            .ids;
        let ids = match whole.strip_prefix(&before[..]) {
            Some(ids) if !ids.is_empty() => ids.to_vec(),
            _ => self.tokenizer.encode(answer)?.ids,
        };
        self.tokenizer.check_rows(&ids, self.rows())?;
        let [first, rest @ ..] = &ids[..] else {
            return Err(InferError::Empty { what: "answer" });
        };
        Ok(AnswerToken {
            id: *first,
            text: self.tokenizer.token_text(*first),
            rest: rest
                .iter()
                .map(|id| self.tokenizer.token_text(*id))
                .collect(),
        })
    }

    /// Return the token that a text is; it may also be one after a space (` cat`).
    ///
    /// # Errors
    /// If the text is empty, is several tokens, or has characters or tokens that the tokenizer or
    /// the model does not know.
    pub fn one_token(&self, what: &'static str, text: &str) -> Result<u32, InferError> {
        let mut ids = self.tokenizer.encode(text)?.ids;
        if ids.len() > 1 {
            let after_space = self.tokenizer.encode(&format!(" {text}"))?.ids;
            if after_space.len() == 1 {
                ids = after_space;
            }
        }
        self.tokenizer.check_rows(&ids, self.rows())?;
        match ids[..] {
            [] => Err(InferError::Empty { what: "token" }),
            [id] => Ok(id),
            _ => Err(InferError::SeveralTokens {
                what,
                given: text.to_owned(),
                tokens: ids
                    .iter()
                    .map(|id| format!("{:?}", self.tokenizer.token_text(*id)))
                    .collect::<Vec<_>>()
                    .join(", "),
            }),
        }
    }
}
