//! Gradients by parameter name.

use crate::trainable::{MicroStep, Trainable};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};
use sisun_config::Precision;
use sisun_kernels::optimizer::{self, global_norm};
use std::collections::BTreeMap;

/// Flattened gradients by parameter name.
pub type NamedGradients = BTreeMap<String, Tensor<1>>;

/// Extract the gradient of every parameter from a backward pass.
pub(crate) fn take(model: &impl Module, gradients: Gradients) -> NamedGradients {
    struct Taker(Vec<String>, NamedGradients, Gradients);
    impl ModuleVisitor for Taker {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad_remove(&mut self.2) {
                self.1.insert(self.0.join("."), gradient.reshape([-1]));
            }
        }
    }
    let mut taker = Taker(Vec::new(), NamedGradients::new(), gradients);
    model.visit(&mut taker);
    taker.1
}

/// Return the gradients of the mean loss of a batch, from one pass, by parameter name. Frozen
/// parameters have none.
pub fn batch_gradients<M: Trainable>(model: &M, batch: &M::Batch) -> NamedGradients {
    let context = MicroStep {
        number: 0,
        seed: 0,
        precision: Precision::Float32,
        random_positions: None,
    };
    take(model, model.loss(batch, &context).backward())
}

/// Add the gradients of a pass to a sum, which may be empty.
pub(crate) fn add(sum: NamedGradients, pass: NamedGradients) -> NamedGradients {
    if sum.is_empty() {
        return pass;
    }
    let names: Vec<String> = sum.keys().cloned().collect();
    let lists = [sum, pass].map(|gradients| gradients.into_values().collect());
    names
        .into_iter()
        .zip(optimizer::sum(lists.into()))
        .collect()
}

/// Return the same model with its parameters as leaves of separate graphs, so that several passes
/// can run concurrently. Frozen parameters stay outside the graph.
pub(crate) fn own_leaves<M: Module>(model: &M) -> M {
    struct Leaves;
    impl ModuleMapper for Leaves {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let (id, tensor, mapper) = param.consume();
            let trained = tensor.is_require_grad();
            Param::from_mapped_value(
                id,
                Tensor::from_inner(tensor.inner()).set_require_grad(trained),
                mapper,
            )
        }
    }
    model.clone().map(&mut Leaves)
}

/// Return the Euclidean norm over all parameters, and the factor that clips it to `largest`
/// (Pascanu et al. 2013): `min(1, largest / norm)`, without reading from the device. The factor is
/// 1 if `largest` is 0.
///
/// # Shapes
/// - results: `[1]`
pub fn clip(gradients: &NamedGradients, largest: f64) -> (Tensor<1>, Tensor<1>) {
    let gradients: Vec<Tensor<1>> = gradients.values().cloned().collect();
    let norm = global_norm(&gradients);
    let scale = match largest {
        0.0 => norm.ones_like(),
        // Epsilon as in PyTorch.
        _ => ((norm.clone() + 1e-6).recip() * largest).clamp_max(1.0),
    };
    (norm, scale)
}
