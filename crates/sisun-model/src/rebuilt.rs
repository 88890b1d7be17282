//! A model's weights under the configuration that it is trained with from then on.

use crate::params::{Init, Params};
use crate::weights::{Flat, FlatTensors, to_host};
use crate::{ModelError, Transformer};
use burn::tensor::Device;
use sisun_config::ModelConfig;

impl Transformer {
    /// The same weights on `device` under a configuration that may differ in `context_len` and `dropout`. Learned positions
    /// are cropped to their first rows (nanoGPT's `crop_block_size`). Beside the two models only one parameter is in memory,
    /// and each is let go when its copy is made.
    ///
    /// # Errors
    /// A configuration of another shape; all tensors that differ are listed.
    pub fn rebuilt(self, config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        let mut source = HeldParams { tensors: self.flat(), problems: Vec::new(), device: device.clone() };
        drop(self);
        let model = Self::from_params(config, &mut source)?;
        source.problems.extend(source.tensors.into_keys().map(|name| format!("{name}: not part of this model")));
        match source.problems.is_empty() {
            true => Ok(model),
            false => Err(ModelError::Mismatch { path: "finetune.model".into(), problems: source.problems }),
        }
    }
}

/// Parameters of another model, each taken once.
struct HeldParams {
    tensors: FlatTensors,
    problems: Vec<String>,
    device: Device,
}

impl Params for HeldParams {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let wanted: usize = shape.iter().product();
        let problem = match self.tensors.remove(name) {
            Some(Flat { shape: found, values }) if found == shape => return Ok(to_host(values).1),
            Some(Flat { shape: found, values })
                if name == "position.weight" && found[0] > shape[0] && found[1] == shape[1] =>
            {
                return Ok(to_host(values.narrow(0, 0, wanted)).1);
            }
            Some(Flat { shape: found, .. }) => format!("{name}: shape {found:?}, expected {shape:?}"),
            None => format!("{name}: missing, expected shape {shape:?}"),
        };
        self.problems.push(problem);
        // Zeros stand in so that one pass finds every problem.
        Ok(vec![0.0; wanted])
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
