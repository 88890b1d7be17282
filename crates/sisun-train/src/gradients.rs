//! Gradients by parameter name.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
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

/// The Euclidean norm over all parameters, `√Σ g²`.
///
/// # Shapes
/// - result: `[1]`
pub fn global_norm(gradients: &NamedGradients) -> Tensor<1> {
    let squares = gradients.values().map(|gradient| gradient.clone().square().sum()).collect();
    Tensor::cat(squares, 0).sum().sqrt()
}

/// Scales all gradients so that their global norm is at most `largest` (Pascanu et al. 2013), without reading
/// anything back from the device. A `largest` of 0 leaves them alone. Returns the norm before.
pub fn clip(gradients: &mut NamedGradients, largest: f64) -> Tensor<1> {
    let norm = global_norm(gradients);
    if largest > 0.0 {
        // min(1, largest / norm), PyTorch's small constant included.
        let scale = ((norm.clone() + 1e-6).recip() * largest).clamp_max(1.0);
        for gradient in gradients.values_mut() {
            *gradient = gradient.clone() * scale.clone();
        }
    }
    norm
}
