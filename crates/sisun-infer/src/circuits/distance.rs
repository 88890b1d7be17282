//! The distance of a query and its key, on which their product may depend.

use crate::InferError;
use sisun_config::{ModelConfig, Position};

/// Options of the analysis of weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CircuitsOptions {
    /// With rotary positions: the number of tokens from the key to the query, on which `q·k`
    /// depends.
    pub distance: Option<usize>,
}

/// Return why `q·k` of two embeddings is not defined by the weights, if it is not.
pub(crate) fn why_undefined(config: &ModelConfig, distance: Option<usize>) -> Option<String> {
    if config.qk_norm {
        return Some(
            "its queries and keys are normalised (model.qk_norm), so their product is not one of weights".to_owned(),
        );
    }
    let is_rotary = matches!(config.position, Position::Rope { .. });
    (is_rotary && distance.is_none()).then(|| {
        "with rotary positions the product of a query and a key depends on their distance; choose one with --distance N, the number of tokens from the key to the query".to_owned()
    })
}

/// Check that a distance is given only where weights depend on it, and that tokens can be so far
/// apart.
pub(crate) fn check_distance(
    config: &ModelConfig,
    distance: Option<usize>,
) -> Result<(), InferError> {
    let is_rotary = matches!(config.position, Position::Rope { .. });
    match distance {
        Some(distance) if !is_rotary => Err(InferError::OutOfRange {
            key: "--distance",
            value: distance.to_string(),
            rule: "is about rotary positions, which this model does not have: leave it out",
        }),
        Some(distance) if distance >= config.context_len => Err(InferError::TooFarApart {
            distance,
            context_len: config.context_len,
        }),
        _ => Ok(()),
    }
}
