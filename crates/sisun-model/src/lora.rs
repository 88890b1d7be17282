//! Low-rank adaptation: the matrices of the blocks are frozen, and a low-rank update of each is
//! trained (Hu et al. 2021).

use crate::params::{Init, Params, param};
use crate::{ModelError, Transformer};
use burn::module::{LoraAdapter, Module, Param, Reparameterizer};
use burn::tensor::Tensor;
use sisun_config::LoraConfig;

/// Infix of a factor's name: `blocks.0.attn.qkv.weight.lora.a`.
const FACTORS: &str = ".lora.";

/// Return true if a parameter's name is that of a factor.
pub(crate) fn is_factor(name: &str) -> bool {
    name.contains(FACTORS)
}

impl Transformer {
    /// Return the same model with every weight frozen and, on each matrix `W` of the blocks, an
    /// adapter that computes `W + alpha/rank·A·B` (Hu et al. 2021, equation 3). `A` and `B` come
    /// from `source`. At random initialisation `A` is normal with variance `1/(3·d_in)`, as in the
    /// authors' code, and `B` is 0, so that the output does not change.
    ///
    /// [`Module::materialize`] merges the adapters.
    ///
    /// # Shapes
    /// - `A`: `[d_in, rank]`
    /// - `B`: `[rank, d_out]`
    ///
    /// # Errors
    /// If the source cannot provide a factor.
    pub fn with_lora(
        self,
        config: LoraConfig,
        source: &mut dyn Params,
    ) -> Result<Self, ModelError> {
        let mut problem = None;
        let model = self.apply_reparameterization(Adapters {
            config,
            source,
            problem: &mut problem,
        });
        problem.map_or(Ok(model), Err)
    }
}

struct Adapters<'s> {
    config: LoraConfig,
    source: &'s mut dyn Params,
    problem: &'s mut Option<ModelError>,
}

impl Adapters<'_> {
    fn factor(
        &mut self,
        path: &str,
        which: &str,
        shape: [usize; 2],
        init: Init,
    ) -> Option<Param<Tensor<2>>> {
        match param(self.source, &format!("{path}{FACTORS}{which}"), shape, init) {
            Ok(factor) => Some(factor),
            Err(error) => {
                self.problem.get_or_insert(error);
                None
            }
        }
    }
}

impl Reparameterizer for Adapters<'_> {
    type Reparam = LoraAdapter;

    fn reparameterize<const D: usize>(
        &mut self,
        path: &str,
        param: Param<Tensor<D>>,
    ) -> (Param<Tensor<D>>, Option<LoraAdapter>) {
        let frozen = param.set_require_grad(false);
        let [d_in, d_out] = match *frozen.lazy_shape().as_slice() {
            [d_in, d_out] if path.starts_with("blocks.") => [d_in, d_out],
            _ => return (frozen, None),
        };
        let LoraConfig { rank, .. } = self.config;
        let std = (3.0 * d_in as f64).sqrt().recip();
        let a = self.factor(path, "a", [d_in, rank], Init::Normal(std));
        let b = self.factor(path, "b", [rank, d_out], Init::Zeros);
        let adapter = a.zip(b).map(|(a, b)| LoraAdapter {
            a,
            b,
            scale: self.config.scale(),
        });
        (frozen, adapter)
    }
}
