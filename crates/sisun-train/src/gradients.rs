//! Gradients by parameter name.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
use sisun_kernels::optimizer::global_norm;
use sisun_model::Transformer;
use std::collections::BTreeMap;

/// The gradient of each parameter, flat, under the parameter's name.
pub type NamedGradients = BTreeMap<String, Tensor<1>>;

/// Takes every parameter's gradient out of a backward pass and adds it to `sum`.
pub(crate) fn add(sum: &mut NamedGradients, model: &Transformer, gradients: Gradients) {
    struct Taker<'a>(Vec<String>, &'a mut NamedGradients, Gradients);
    impl ModuleVisitor for Taker<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad_remove(&mut self.2) {
                let gradient = gradient.reshape([-1]);
                let name = self.0.join(".");
                let total = match self.1.remove(&name) {
                    Some(before) => before + gradient,
                    None => gradient,
                };
                self.1.insert(name, total);
            }
        }
    }
    model.visit(&mut Taker(Vec::new(), sum, gradients));
}

/// The Euclidean norm over all parameters, and the factor that brings it to at most `largest` (Pascanu et al. 2013):
/// `min(1, largest / norm)`, found without reading anything back from the device. A `largest` of 0 leaves all as it is.
///
/// # Shapes
/// - results: `[1]`
pub fn clip(gradients: &NamedGradients, largest: f64) -> (Tensor<1>, Tensor<1>) {
    let gradients: Vec<Tensor<1>> = gradients.values().cloned().collect();
    let norm = global_norm(&gradients);
    let scale = match largest {
        0.0 => norm.ones_like(),
        // PyTorch's small constant included.
        _ => ((norm.clone() + 1e-6).recip() * largest).clamp_max(1.0),
    };
    (norm, scale)
}
