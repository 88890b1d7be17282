//! What tensors are called in files.

use sisun_infer::ActivationMap;
use sisun_model::Activation;

/// Name of the array or tensor that holds an activation of a layer: `layer3` for the pattern of
/// layer 3, otherwise the activation and its layer, as in `scores3`.
pub(super) fn tensor_name(map: &ActivationMap) -> String {
    match map.activation {
        Activation::Pattern => format!("layer{}", map.layer),
        activation => format!("{activation}{}", map.layer),
    }
}
