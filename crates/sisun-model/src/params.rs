//! Where parameters come from: drawn at random, or read from a file.

use crate::ModelError;
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt;
use rand_distr::StandardNormal;
use sisun_config::randomness;

/// How a parameter begins when nothing better is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// All ones.
    Ones,
    /// All zeros.
    Zeros,
}

/// A source of parameters, asked once for each by name.
pub trait Params {
    /// The values of one parameter, row-major.
    ///
    /// # Errors
    /// When a file holds no such tensor of this shape.
    fn values(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Vec<f32>, ModelError>;

    /// The values of one matrix that tokens are looked up in or multiplied with, as the source
    /// holds them.
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

    /// The device that parameters are put on.
    fn device(&self) -> &Device;
}

/// A matrix in the numbers (float32 or bfloat16) and the order in which somebody holds it.
#[derive(Debug)]
pub struct StoredMatrix {
    /// Row-major.
    pub data: TensorData,
    /// Whether the parameter is the transpose of `data`.
    pub transposed: bool,
}

impl StoredMatrix {
    /// Row-major values.
    pub fn float32(values: Vec<f32>, shape: [usize; 2]) -> Self {
        Self {
            data: TensorData::new(values, shape),
            transposed: false,
        }
    }
}

/// One parameter of a module, from a source.
pub(crate) fn param<const D: usize>(
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

/// One matrix of a module, from a source. It is not copied: a turned one is seen through its
/// strides.
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

/// Parameters drawn at random. Each depends on the seed and its own name only, so that a variant of
/// a model shares every parameter that it has in common with another.
#[derive(Debug)]
pub struct RandomParams {
    seed: u64,
    device: Device,
}

impl RandomParams {
    /// A source for this seed.
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
