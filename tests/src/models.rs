//! Small models, and their parameters and gradients by name.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use sisun_config::ModelConfig;
use sisun_model::weights::{HostTensors, to_host};
use sisun_model::{Init, ModelError, Params, Transformer};

/// A configuration from the lines of its `[model]` table.
pub fn config(lines: &str) -> ModelConfig {
    ModelConfig::parse(lines).unwrap_or_else(|error| panic!("{error} in\n{lines}"))
}

/// A model of these parameters.
pub fn with_weights(config: &ModelConfig, weights: &HostTensors, device: &Device) -> Transformer {
    Transformer::from_params(config, &mut HostParams { weights, device }).unwrap()
}

/// Rows of tokens on a device.
pub fn tokens<const N: usize>(rows: &[[i64; N]], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), N]), device)
}

/// The gradient of every parameter that has one.
pub fn gradients(model: &Transformer, gradients: &Gradients) -> HostTensors {
    struct Reader<'a>(Vec<String>, HostTensors, &'a Gradients);
    impl ModuleVisitor for Reader<'_> {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            if let Some(gradient) = param.val().grad(self.2) {
                self.1.insert(self.0.join("."), to_host(gradient));
            }
        }
    }
    let mut reader = Reader(Vec::new(), HostTensors::new(), gradients);
    model.visit(&mut reader);
    reader.1
}

struct HostParams<'a> {
    weights: &'a HostTensors,
    device: &'a Device,
}

impl Params for HostParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let (found, values) = self.weights.get(name).unwrap_or_else(|| panic!("no parameter {name}"));
        assert_eq!(found, shape, "{name}");
        Ok(values.clone())
    }

    fn device(&self) -> &Device {
        self.device
    }
}
