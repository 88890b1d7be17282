//! A model held in bfloat16, to compute with but not to train.

use crate::Transformer;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use sisun_kernels::{self as kernels, MatmulPrecision};

impl Transformer {
    /// The same model with its weight matrices and token embedding rounded to bfloat16 and held so,
    /// in half the memory. From then on every pass is one with [`MatmulPrecision::Bf16`]. Norms, biases,
    /// tables of positions and all activations stay float32.
    ///
    /// There are no gradients for such weights: the model must be on a device without autodiff, and
    /// of the CPU's backend, which alone multiplies them.
    #[must_use]
    pub fn in_bf16(self) -> Self {
        struct Rounding(Vec<String>);
        impl ModuleMapper for Rounding {
            fn enter_module(&mut self, name: &str, _: &str) {
                self.0.push(name.to_owned());
            }
            fn exit_module(&mut self, _: &str, _: &str) {
                self.0.pop();
            }
            fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
                // Tables of positions are added to something, not multiplied.
                if D < 2 || self.0.first().is_some_and(|part| part == "position") {
                    return param;
                }
                let (id, tensor, mapper) = param.consume();
                Param::from_mapped_value(id, kernels::in_bf16(tensor), mapper)
            }
        }
        let mut model = self.map(&mut Rounding(Vec::new()));
        model.precision = MatmulPrecision::Bf16;
        model
    }
}
