//! Names of tensors in files.

use sisun_infer::ActivationMap;
use sisun_model::Activation;

/// Return the name of an activation's array or tensor: `layer3` for the pattern of layer 3,
/// otherwise the activation and its layer, such as `scores3`.
pub(super) fn tensor_name(map: &ActivationMap) -> String {
    match map.activation {
        Activation::Pattern => format!("layer{}", map.layer),
        activation => format!("{activation}{}", map.layer),
    }
}
