//! Small models, and their parameters and gradients by name.

use crate::compare::normal;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};
use sisun_config::ModelConfig;
use sisun_model::to_host;
use sisun_model::weights::HostTensors;
use sisun_model::{Init, ModelError, Params, Transformer};
use toml::Table;

/// Parse a configuration from the lines of its `[model]` table.
pub fn config(lines: &str) -> ModelConfig {
    ModelConfig::parse(lines).unwrap_or_else(|error| panic!("{error} in\n{lines}"))
}

/// All position variants as a configuration writes them, and RoPE with half of each head rotated.
pub const POSITIONS: [&str; 7] = [
    "\"none\"",
    "\"learned\"",
    "\"sinusoidal\"",
    "\"rope\"",
    "{ kind = \"rope\", base = 500.0, fraction = 0.5 }",
    "\"alibi\"",
    "{ kind = \"t5_bias\", buckets = 8, max_distance = 16 }",
];

/// Return a small two-layer configuration of irregular sizes with this position variant, changed by
/// further lines of `[model]`. Three heads are not a power of two, and `d_head` is 8.
pub fn small(position: &str, lines: &str) -> ModelConfig {
    let base = "vocab_size = 31\nd_model = 24\nn_layers = 2\nn_heads = 3\nd_ff = 29\ncontext_len = 23\ninit_std = 0.3\n";
    let mut table: Table = format!("{base}position = {position}").parse().unwrap();
    table.extend(lines.parse::<Table>().unwrap());
    config(&table.to_string())
}

/// Create a model without parameters that could hide an error: norms are not 1, biases are not 0.
pub fn varied(config: &ModelConfig, seed: u64, device: &Device) -> Transformer {
    Transformer::from_params(config, &mut VariedParams { seed, device }).unwrap()
}

/// Create a model with these parameters.
pub fn with_weights(config: &ModelConfig, weights: &HostTensors, device: &Device) -> Transformer {
    Transformer::from_params(config, &mut HostParams { weights, device }).unwrap()
}

/// Copy rows of tokens to a device.
pub fn tokens<const N: usize>(rows: &[[i64; N]], device: &Device) -> Tensor<2, Int> {
    Tensor::from_data(TensorData::new(rows.concat(), [rows.len(), N]), device)
}

/// Return the gradient of every parameter that has one.
pub fn gradients(model: &impl Module, gradients: &Gradients) -> HostTensors {
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

struct VariedParams<'a> {
    seed: u64,
    device: &'a Device,
}

impl Params for VariedParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        let (mean, std) = match init {
            Init::Normal(std) => (0.0, std as f32),
            Init::Ones => (1.0, 0.2),
            Init::Zeros => (0.0, 0.3),
        };
        let draws = normal(&format!("{} {name}", self.seed), shape.iter().product());
        Ok(draws.into_iter().map(|draw| mean + std * draw).collect())
    }

    fn device(&self) -> &Device {
        self.device
    }
}

struct HostParams<'a> {
    weights: &'a HostTensors,
    device: &'a Device,
}

impl Params for HostParams<'_> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let (found, values) = self
            .weights
            .get(name)
            .unwrap_or_else(|| panic!("no parameter {name}"));
        assert_eq!(found, shape, "{name}");
        Ok(values.clone())
    }

    fn device(&self) -> &Device {
        self.device
    }
}
