//! The tokens that a tokenizer's post-processor adds to a text.

use super::catch_panic::caught;
use crate::DataError;
use std::collections::HashSet;

/// Return the tokens that the post-processor puts before a text (LLaMA's `<s>`).
///
/// # Errors
/// A post-processor that is damaged, or adds a token that is not one of `vocabulary`.
pub(super) fn prefix(
    tokenizer: &tokenizers::Tokenizer,
    vocabulary: &HashSet<u32>,
) -> Result<Vec<u32>, DataError> {
    let [prefix, suffix] = caught(|| added_tokens(tokenizer))
        .ok_or_else(|| DataError::tokenizer("one of its parts is damaged"))??;
    if let Some(id) = prefix
        .iter()
        .chain(&suffix)
        .find(|id| !vocabulary.contains(id))
    {
        return Err(DataError::tokenizer(format!(
            "its post_processor puts token {id}, which is not in its vocabulary"
        )));
    }
    Ok(prefix)
}

/// Return the special tokens before and after the token of a text that has only one.
fn added_tokens(tokenizer: &tokenizers::Tokenizer) -> Result<[Vec<u32>; 2], DataError> {
    let one = tokenizers::Encoding::from_tokens(
        vec![tokenizers::Token::new(0, "x".to_owned(), (0, 1))],
        0,
    );
    let whole = tokenizer
        .post_process(one, None, true)
        .map_err(DataError::tokenizer)?;
    let tokens: Vec<(u32, bool)> = whole
        .get_ids()
        .iter()
        .zip(whole.get_special_tokens_mask())
        .map(|(&id, &special)| (id, special == 1))
        .collect();
    let mut parts = tokens
        .splitn(2, |(_, special)| !special)
        .map(|part| part.iter().map(|(id, _)| *id).collect());
    Ok([
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    ])
}
