//! Sources of parameters: random initialisation or a file.

use crate::ModelError;
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_distr::StandardNormal;
use sisun_config::randomness;

/// Initialisation of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// All ones.
    Ones,
    /// All zeros.
    Zeros,
}

/// A source of parameters, queried once for each name.
pub trait Params {
    /// Return the values of a parameter, row-major.
    ///
    /// # Errors
    /// If the source has no tensor of this name and shape.
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError>;

    /// Return an embedding or weight matrix in the source's own number type and layout.
    ///
    /// # Errors
    /// As [`Params::values`].
    fn matrix(
        &mut self,
        name: &str,
        shape: [usize; 2],
        init: Init,
    ) -> Result<StoredMatrix, ModelError> {
        let values = self.values(name, &shape, init)?;
        Ok(StoredMatrix::float32(values, shape))
    }

    /// Return the device for the parameters.
    fn device(&self) -> &Device;
}

/// A matrix in its stored number type (float32 or bfloat16) and layout.
#[derive(Debug)]
pub struct StoredMatrix {
    /// Row-major values.
    pub data: TensorData,
    /// True if the parameter is the transpose of `data`.
    pub transposed: bool,
}

impl StoredMatrix {
    /// Create a matrix from row-major values.
    pub fn float32(values: Vec<f32>, shape: [usize; 2]) -> Self {
        Self {
            data: TensorData::new(values, shape),
            transposed: false,
        }
    }
}

/// Create a parameter of a module from a source.
///
/// # Errors
/// If the source has no tensor of this name and shape.
pub fn param<const D: usize>(
    source: &mut dyn Params,
    name: &str,
    shape: [usize; D],
    init: Init,
) -> Result<Param<Tensor<D>>, ModelError> {
    let values = source.values(name, &shape, init)?;
    Ok(Param::from_tensor(Tensor::from_data(
        TensorData::new(values, shape),
        source.device(),
    )))
}

/// Create a matrix parameter of a module from a source. It is not copied: a transposed matrix is
/// read through its strides.
pub(crate) fn matrix(
    source: &mut dyn Params,
    name: &str,
    shape: [usize; 2],
    init: Init,
) -> Result<Param<Tensor<2>>, ModelError> {
    let StoredMatrix { data, transposed } = source.matrix(name, shape, init)?;
    let dtype = data.dtype();
    let held = Tensor::from_data(data, (source.device(), dtype));
    Ok(Param::from_tensor(if transposed {
        held.transpose()
    } else {
        held
    }))
}

/// Random parameters. Each depends on the seed and its own name only, so that variants of a model
/// share the parameters that they have in common.
#[derive(Debug)]
pub struct RandomParams {
    seed: u64,
    device: Device,
}

impl RandomParams {
    /// Create a source with this seed.
    pub fn new(seed: u64, device: &Device) -> Self {
        Self {
            seed,
            device: device.clone(),
        }
    }
}

impl Params for RandomParams {
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError> {
        let n = shape.iter().product();
        Ok(match init {
            Init::Ones => vec![1.0; n],
            Init::Zeros => vec![0.0; n],
            Init::Normal(std) => {
                let mut draws = randomness::stream(self.seed, &format!("init {name}"), 0);
                (0..n)
                    .map(|_| draws.sample::<f32, _>(StandardNormal) * std as f32)
                    .collect()
            }
        })
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
