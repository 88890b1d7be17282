//! The golden models: weights, batches and expected values, which PyTorch computed in float64
//! (`tests/peers/reference_device.py`).

use burn::tensor::Device;
use safetensors::{Dtype, SafeTensors};
use serde::de::DeserializeOwned;
use sisun_config::{LoraConfig, ModelConfig, TrainConfig};
use sisun_data::Batch;
use sisun_model::weights::HostTensors;
use sisun_model::{Init, ModelError, Params, StoredMatrix, Transformer};

const FILES: [(&str, &[u8]); 2] = [
    ("llama", include_bytes!("../golden/llama.safetensors")),
    ("gpt2", include_bytes!("../golden/gpt2.safetensors")),
];

/// A small model with everything that is expected of it.
#[derive(Debug)]
pub struct Golden {
    /// Name of the architecture: `llama` or `gpt2`.
    pub name: &'static str,
    /// Configuration of the model.
    pub config: ModelConfig,
    /// Configuration of the optimizer steps.
    pub train: TrainConfig,
    /// Configuration of the adapters.
    pub lora: LoraConfig,
    /// The batch of each optimizer step.
    pub batches: Vec<Batch>,
    /// Expected values by name: `logits`, `pattern.{layer}`, `gradient.{parameter}`,
    /// `lora.{factor}`, `stepped.{parameter}`.
    pub expected: HostTensors,
    /// Weights, and factors of adapters, by name.
    weights: HostTensors,
}

impl Golden {
    /// Return the golden models.
    pub fn all() -> Vec<Self> {
        FILES.map(|(name, file)| Self::read(name, file)).into()
    }

    /// Read a file of this crate, whose contents are known.
    fn read(name: &'static str, file: &[u8]) -> Self {
        let (_, header) = SafeTensors::read_metadata(file).expect("a whole safetensors file");
        let header = header.metadata().as_ref().expect("it has metadata");
        let tensors = SafeTensors::deserialize(file).expect("a whole safetensors file");
        let (mut expected, mut weights) = (HostTensors::new(), HostTensors::new());
        for (name, view) in tensors
            .iter()
            .filter(|(_, view)| view.dtype() == Dtype::F32)
        {
            let values = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect();
            let tensor = (view.shape().to_vec(), values);
            match name.strip_prefix("expected.") {
                Some(name) => expected.insert(name.to_owned(), tensor),
                None => weights.insert(name.to_owned(), tensor),
            };
        }
        let ids = |name: String| -> Option<Vec<u32>> {
            let ids = tensors.tensor(&name).ok()?;
            let id = |b: &[u8]| u32::from_le_bytes([b[0], b[1], b[2], b[3]]);
            Some(ids.data().chunks_exact(8).map(id).collect())
        };
        let train: TrainConfig = table(&header["train"]);
        let batch = |i| {
            let (inputs, targets) = (ids(format!("inputs.{i}"))?, ids(format!("targets.{i}"))?);
            Some(Batch {
                batch_size: train.batch_size,
                context_len: inputs.len() / train.batch_size,
                inputs,
                targets,
                loss_mask: None,
            })
        };
        Self {
            name,
            config: table(&header["config"]),
            lora: table(&header["lora"]),
            batches: (0..).map_while(batch).collect(),
            train,
            expected,
            weights,
        }
    }

    /// Return the model on a device.
    pub fn model(&self, device: &Device) -> Transformer {
        Transformer::from_params(&self.config, &mut self.params(device))
            .expect("the file holds every parameter")
    }

    /// Return the model on a device, frozen, with its adapters.
    pub fn adapted(&self, device: &Device) -> Transformer {
        self.model(device)
            .with_lora(self.lora, &mut self.params(device))
            .expect("the file holds every factor")
    }

    fn params(&self, device: &Device) -> Stored<'_> {
        Stored {
            tensors: &self.weights,
            device: device.clone(),
        }
    }
}

fn table<T: DeserializeOwned>(text: &str) -> T {
    toml::from_str(text).expect("the file holds valid tables")
}

/// Parameters of a golden model.
struct Stored<'t> {
    tensors: &'t HostTensors,
    device: Device,
}

impl Params for Stored<'_> {
    fn values(&mut self, name: &str, _: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        Ok(self.tensors[name].1.clone())
    }

    fn matrix(
        &mut self,
        name: &str,
        shape: [usize; 2],
        _: Init,
    ) -> Result<StoredMatrix, ModelError> {
        Ok(StoredMatrix::float32(self.tensors[name].1.clone(), shape))
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
