//! The differences of two models' patterns on the same tokens.

use sisun_infer::{ActivationMap, AttentionMaps, Token};
use sisun_model::Activation;

use super::MapsError;

/// Check that the maps of two models have the same cells.
///
/// # Errors
/// [`MapsError::OtherTokens`] if the models divide the text into other tokens, and
/// [`MapsError::OtherHeads`] if they do not have the same layers, heads and mask.
pub fn check_common(one: &AttentionMaps, other: &AttentionMaps) -> Result<(), MapsError> {
    let texts = |maps: &AttentionMaps| {
        let text = |token: &Token| token.text.clone();
        maps.tokens.iter().map(text).collect::<Vec<_>>()
    };
    if texts(one) != texts(other) {
        return Err(MapsError::OtherTokens {
            models: [one.model.clone(), other.model.clone()],
            tokens: [texts(one).join("|"), texts(other).join("|")],
        });
    }
    let heads = |maps: &AttentionMaps| {
        let patterns = maps.of(Activation::Pattern);
        patterns
            .map(|map| (map.layer, map.heads.clone()))
            .collect::<Vec<_>>()
    };
    if heads(one) != heads(other) || one.causal != other.causal {
        return Err(MapsError::OtherHeads {
            models: [one.model.clone(), other.model.clone()],
        });
    }
    Ok(())
}

/// Return the weights of one model less those of another, as patterns of a model whose name holds
/// both.
///
/// # Errors
/// As for [`check_common`].
pub(super) fn difference(
    one: &AttentionMaps,
    other: &AttentionMaps,
) -> Result<AttentionMaps, MapsError> {
    check_common(one, other)?;
    let pairs = one
        .of(Activation::Pattern)
        .zip(other.of(Activation::Pattern));
    let activations = pairs.map(|(one, other)| ActivationMap {
        values: one
            .values
            .iter()
            .zip(&other.values)
            .map(|(one, other)| one - other)
            .collect(),
        ..one.clone()
    });
    Ok(AttentionMaps {
        model: format!("{} − {}", one.model, other.model),
        edits: one.edits.clone(),
        text: one.text.clone(),
        tokens: one.tokens.clone(),
        part: one.part.clone(),
        causal: one.causal,
        weighting: one.weighting,
        activations: activations.collect(),
    })
}
