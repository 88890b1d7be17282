//! The files under `peers/fixtures`.

use burn::tensor::{Device, Int, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors};
use sisun_config::ModelConfig;
use sisun_model::weights::{HostTensors, to_safetensors};
use sisun_model::{ModelError, Transformer};
use std::fs;
use std::path::PathBuf;

/// Return the folder of reference files.
pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("peers/fixtures")
}

/// Read a reference file.
pub fn text(name: &str) -> String {
    let path = folder().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// One forward pass of one variant, computed by other software.
#[derive(Debug)]
pub struct Forward {
    /// Name of the variant.
    pub name: String,
    /// Configuration of the variant.
    pub config: ModelConfig,
    /// Weights, under Sisun's names.
    pub weights: HostTensors,
    /// Tokens, `[batch, pos]`.
    pub tokens: ([usize; 2], Vec<i64>),
    /// `logits`, `loss`, `pattern.{layer}` and `resid_post.{layer}`.
    pub expected: HostTensors,
}

impl Forward {
    /// Read all forward passes, sorted by name.
    pub fn all() -> Vec<Self> {
        let mut paths: Vec<PathBuf> = fs::read_dir(folder().join("forward"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        paths.sort();
        assert!(paths.len() >= 29, "only {} reference files", paths.len());
        paths.into_iter().map(Self::read).collect()
    }

    /// Read the forward pass of one variant.
    pub fn named(name: &str) -> Self {
        Self::read(folder().join("forward").join(format!("{name}.safetensors")))
    }

    fn read(path: PathBuf) -> Self {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let config = ModelConfig::parse(&header.metadata().as_ref().unwrap()["config"]).unwrap();
        let (mut weights, mut expected, mut tokens) =
            (HostTensors::new(), HostTensors::new(), None);
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            if name == "tokens" {
                assert_eq!(view.dtype(), Dtype::I64);
                let shape = <[usize; 2]>::try_from(view.shape()).unwrap();
                tokens = Some((
                    shape,
                    view.data()
                        .chunks_exact(8)
                        .map(|b| i64::from_le_bytes(b.try_into().unwrap()))
                        .collect(),
                ));
                continue;
            }
            assert_eq!(view.dtype(), Dtype::F32, "{name}");
            let values = view
                .data()
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes(b.try_into().unwrap()))
                .collect();
            let is_result = matches!(name, "logits" | "loss")
                || name.starts_with("pattern.")
                || name.starts_with("resid_post.");
            let to = if is_result {
                &mut expected
            } else {
                &mut weights
            };
            to.insert(name.to_owned(), (view.shape().to_vec(), values));
        }
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        Self {
            name,
            config,
            weights,
            tokens: tokens.unwrap(),
            expected,
        }
    }

    /// Load the model from a file that holds only the weights.
    ///
    /// # Errors
    /// If [`Transformer::load`] fails.
    pub fn model(&self, device: &Device) -> Result<Transformer, ModelError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), to_safetensors(&self.weights)).unwrap();
        Transformer::load(file.path(), &self.config, device)
    }

    /// Copy the tokens to a device.
    pub fn tokens(&self, device: &Device) -> Tensor<2, Int> {
        let (shape, tokens) = &self.tokens;
        Tensor::from_data(TensorData::new(tokens.clone(), *shape), device)
    }
}
