//! Loading trained weights under a changed configuration.

use crate::weights::{Flat, NamedParams};
use crate::{ModelError, Transformer};
use burn::tensor::Device;
use sisun_config::ModelConfig;
use std::path::Path;

impl Transformer {
    /// Return the same weights on `device` under a configuration that may differ in `context_len`
    /// and `dropout`. Learned positions are cropped to their first rows (nanoGPT's
    /// `crop_block_size`). Each parameter is freed as soon as it is copied, so that peak memory is
    /// the two models and one parameter.
    ///
    /// # Errors
    /// If the shapes differ; the error lists every tensor that differs.
    pub fn with_config(self, config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        let mut tensors = self.flat();
        drop(self);
        if let Some(Flat { shape, values }) = tensors.get_mut("position.weight")
            && let [rows, width] = shape[..]
            && config.context_len < rows
        {
            *shape = vec![config.context_len, width];
            *values = values.clone().narrow(0, 0, config.context_len * width);
        }
        let mut source = NamedParams::new(tensors, device);
        let model = Self::from_params(config, &mut source)?;
        source.finish(Path::new("finetune.model"))?;
        Ok(model)
    }
}
