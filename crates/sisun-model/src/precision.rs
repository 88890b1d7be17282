//! A model in bfloat16, for inference only.

use crate::Transformer;
use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::Tensor;
use sisun_kernels::{self as kernels, MatmulPrecision};

impl Transformer {
    /// Return the same model with its weight matrices and token embedding stored in bfloat16, in
    /// half the memory. Every later pass uses [`MatmulPrecision::Bf16`]. Norms, biases, position
    /// tables and all activations stay in float32.
    ///
    /// Such weights have no gradients. The model must be on a CPU-backend device without autodiff,
    /// as only that backend multiplies them.
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
                // Position tables are added, not multiplied.
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
