//! Names of tensors in files.

use sisun_infer::{ActivationMap, Weighting};
use sisun_model::Activation;

/// Return the name of an activation's array or tensor: `layer3` for the pattern of layer 3,
/// `value_weighted3` if it is weighted by values, otherwise the activation and its layer, such as
/// `scores3`.
pub(super) fn tensor_name(map: &ActivationMap, weighting: Weighting) -> String {
    match (map.activation, weighting) {
        (Activation::Pattern, Weighting::Attention) => format!("layer{}", map.layer),
        _ => format!("{}{}", name(map, weighting), map.layer),
    }
}

/// Return the name of an activation: its own, or `value_weighted`.
pub(super) fn name(map: &ActivationMap, weighting: Weighting) -> String {
    match (map.activation, weighting) {
        (Activation::Pattern, Weighting::Values) => "value_weighted".to_owned(),
        (activation, _) => activation.to_string(),
    }
}
