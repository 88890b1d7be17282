//! Errors of what a model does with text.

use super::model;
use sisun_infer::InferError;

/// Return the message of an error, if options or commands help with it.
pub(crate) fn message(error: &InferError) -> Option<String> {
    Some(match error {
        InferError::Model(error) => return model::message(error),
        InferError::BadSelection { .. }
        | InferError::BadEdit { .. }
        | InferError::PastPositions { .. } => format!("--{error}"),
        InferError::NoSuchOccurrence { .. } => format!("--occurrence: {error}"),
        InferError::NoSuchWord { .. } => format!("--word {error}"),
        InferError::NoSuchToken { .. } | InferError::ManyTokens { .. } => {
            format!("--query: {error}")
        }
        InferError::TooFarApart { .. } => format!("--distance: {error}"),
        _ => return None,
    })
}
