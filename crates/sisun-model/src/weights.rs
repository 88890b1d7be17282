//! Weights on disk: `model.safetensors`, with each parameter under the path of its fields
//! (`blocks.0.attn.qkv.weight`) and Linear weights as `[d_in, d_out]`.

use crate::host::to_host;
use crate::lora::is_factor;
use crate::params::{Init, Params};
use crate::{ModelError, Transformer, memory};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Tensor};
use safetensors::tensor::{Metadata, TensorInfo, TensorView, View};
use safetensors::{Dtype, SafeTensorError, SafeTensors};
use serde_json::Value;
use sisun_config::{LoraConfig, ModelConfig, check_pointer};
use sisun_files::Mapped;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

/// Named tensors on the host: shape and row-major values.
pub type HostTensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

impl Transformer {
    /// Copy every parameter to the host.
    pub fn to_host(&self) -> HostTensors {
        host_tensors(self)
    }

    /// Return every parameter by name, without copying.
    pub fn flat(&self) -> FlatTensors {
        flat(self)
    }

    /// Return the factors of the adapters by name, without copying.
    pub fn flat_factors(&self) -> FlatTensors {
        self.flat()
            .into_iter()
            .filter(|(name, _)| is_factor(name))
            .collect()
    }

    /// Load `model.safetensors`.
    ///
    /// # Errors
    /// If the file cannot be read, is not a complete safetensors file, or does not hold exactly the
    /// tensors of this configuration; the error lists all differences.
    pub fn load(path: &Path, config: &ModelConfig, device: &Device) -> Result<Self, ModelError> {
        config.validate()?;
        memory::check_weights(config, device)?;
        load(path, device, |source| Self::from_params(config, source))
    }

    /// Return the same model, frozen, with the adapters whose factors are in a file.
    ///
    /// # Errors
    /// As [`Transformer::load`].
    pub(crate) fn load_lora(self, config: LoraConfig, path: &Path) -> Result<Self, ModelError> {
        let mut source = NamedParams::new(read_tensors(path)?, &self.device());
        let model = self.with_lora(config, &mut source)?;
        source.finish(path)?;
        Ok(model)
    }
}

/// Copy every parameter of a model to the host.
pub fn host_tensors(model: &impl Module) -> HostTensors {
    flat(model)
        .into_iter()
        .map(|(name, flat)| (name, (flat.shape, to_host(flat.values).1)))
        .collect()
}

/// Return every parameter of a model by name, without copying.
pub fn flat(model: &impl Module) -> FlatTensors {
    struct Reader(Vec<String>, FlatTensors);
    impl ModuleVisitor for Reader {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.0.push(name.to_owned());
        }
        fn exit_module(&mut self, _: &str, _: &str) {
            self.0.pop();
        }
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let tensor = param.val().without_autodiff();
            let shape = tensor.dims().to_vec();
            self.1.insert(
                self.0.join("."),
                Flat {
                    shape,
                    values: tensor.reshape([-1]),
                },
            );
        }
    }
    let mut reader = Reader(Vec::new(), FlatTensors::new());
    model.visit(&mut reader);
    reader.1
}

/// Load the model that `build` makes of the parameters in a weights file.
///
/// # Errors
/// If the file cannot be read, is not a complete safetensors file, or does not hold exactly the
/// tensors that `build` asks for; the error lists all differences.
pub fn load<M>(
    path: &Path,
    device: &Device,
    build: impl FnOnce(&mut dyn Params) -> Result<M, ModelError>,
) -> Result<M, ModelError> {
    let mut source = NamedParams::new(read_tensors(path)?, device);
    let model = build(&mut source)?;
    source.finish(path)?;
    Ok(model)
}

/// Named tensors on their devices.
pub type FlatTensors = BTreeMap<String, Flat>;

/// A flattened tensor on its device, with its original shape.
#[derive(Clone, Debug)]
pub struct Flat {
    /// Original shape.
    pub shape: Vec<usize>,
    /// Values, row-major, detached from any graph.
    pub values: Tensor<1>,
}

/// Write tensors as a safetensors file, byte for byte as [`to_safetensors`]; only one tensor at a
/// time is copied to the host.
///
/// # Errors
/// If the file cannot be written.
pub fn write_tensors(tensors: &FlatTensors, file: &mut impl Write) -> io::Result<()> {
    write_views(tensors, metadata(), file)
}

/// Write lazily created tensors as a safetensors file: the length of the header, the header, then
/// the tensors by descending element size and by name, in the order of the `safetensors` library.
///
/// # Errors
/// If the file cannot be written.
pub fn write_views<S, V>(
    tensors: impl IntoIterator<Item = (S, V)>,
    metadata: HashMap<String, String>,
    file: &mut impl Write,
) -> io::Result<()>
where
    S: AsRef<str> + Ord + Display,
    V: View,
{
    let mut tensors: Vec<(S, V)> = tensors.into_iter().collect();
    tensors.sort_by(|(a, x), (b, y)| y.dtype().cmp(&x.dtype()).then(a.cmp(b)));
    let mut end = 0;
    let infos = tensors.iter().map(|(name, tensor)| {
        let begin = end;
        end += tensor.data_len();
        let (dtype, shape) = (tensor.dtype(), tensor.shape().to_vec());
        (
            name.to_string(),
            TensorInfo {
                dtype,
                shape,
                data_offsets: (begin, end),
            },
        )
    });
    let header = Metadata::new(Some(metadata), infos.collect()).map_err(io::Error::other)?;
    let mut header = serde_json::to_value(&header)?;
    // The iteration order of a hash map varies between runs.
    if let Some(Value::Object(metadata)) = header.get_mut("__metadata__") {
        metadata.sort_keys();
    }
    let mut header = header.to_string();
    // The data must start at a multiple of 8.
    header.extend(std::iter::repeat_n(
        ' ',
        header.len().next_multiple_of(8) - header.len(),
    ));
    file.write_all(&(header.len() as u64).to_le_bytes())?;
    file.write_all(header.as_bytes())?;
    tensors
        .iter()
        .try_for_each(|(_, tensor)| file.write_all(&tensor.data()))
}

/// Return the first tensor, by name, with a value that is not finite. The check runs on the host: a
/// GPU's compiler may assume that such values do not occur.
pub fn first_not_finite(tensors: &FlatTensors) -> Option<&str> {
    let sound = |flat: &Flat| {
        to_host(flat.values.clone())
            .1
            .into_iter()
            .all(f32::is_finite)
    };
    tensors
        .iter()
        .find(|(_, flat)| !sound(flat))
        .map(|(name, _)| name.as_str())
}

/// Return the metadata that Hugging Face's loaders require.
pub fn metadata() -> HashMap<String, String> {
    HashMap::from([("format".to_owned(), "pt".to_owned())])
}

impl View for &Flat {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let (_, values) = to_host(self.values.clone());
        let mut bytes = vec![0; 4 * values.len()];
        bytes
            .as_chunks_mut()
            .0
            .iter_mut()
            .zip(values)
            .for_each(|(four, value)| *four = value.to_le_bytes());
        bytes.into()
    }

    fn data_len(&self) -> usize {
        4 * self.shape.iter().product::<usize>()
    }
}

/// Serialize tensors as a safetensors file in `f32`; equal tensors give equal bytes.
pub fn to_safetensors(tensors: &HostTensors) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors
        .values()
        .map(|(_, values)| values.iter().flat_map(|v| v.to_le_bytes()).collect())
        .collect();
    let views = tensors
        .iter()
        .zip(&bytes)
        .map(|((name, (shape, _)), bytes)| {
            (
                name,
                TensorView::new(Dtype::F32, shape.clone(), bytes)
                    .expect("the values fill the shape"),
            )
        });
    safetensors::serialize(views, Some(metadata())).expect("names and shapes are plain")
}

/// Read the tensors of a safetensors file, converted to `f32`.
///
/// # Errors
/// If the file cannot be read, is truncated, has a wrong header, or holds another number type.
pub fn read_tensors(path: &Path) -> Result<HostTensors, ModelError> {
    let bad = |problem: String| ModelError::BadWeights {
        path: path.to_owned(),
        problem,
    };
    let map = map_file(path)?;
    let file = SafeTensors::deserialize(&map).map_err(|error| bad(explain(&map, &error)))?;
    file.iter()
        .map(|(name, view)| {
            let data = view.data();
            let values: Vec<f32> = match view.dtype() {
                Dtype::F32 => data
                    .chunks_exact(4)
                    .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                    .collect(),
                other => return Err(bad(format!("tensor {name} is {other}, expected F32"))),
            };
            Ok((name.to_owned(), (view.shape().to_vec(), values)))
        })
        .collect()
}

/// Explain why the library cannot read a safetensors file, with a remedy.
pub fn explain(file: &[u8], error: &SafeTensorError) -> String {
    const COPY: &str = "copy or download it again";
    let length = file.len() as u128;
    let short = |needed: u128| {
        format!("it is cut short: {length} bytes are there, {needed} are needed; {COPY}")
    };
    if file.starts_with(b"version https://") {
        return "it is a pointer of Git LFS, which only stands for the file; get the file itself with `git lfs pull` in the clone, or download it".to_owned();
    }
    let Some((header, rest)) = file.split_first_chunk::<8>() else {
        return format!("it is cut short: {length} bytes are there; {COPY}");
    };
    let header = u128::from(u64::from_le_bytes(*header));
    // The largest header that the library reads.
    if header <= 100_000_000 && 8 + header > length {
        return short(8 + header);
    }
    let described = usize::try_from(header)
        .ok()
        .and_then(|header| serde_json::from_slice::<Value>(rest.get(..header)?).ok());
    let end_of = |tensor: &Value| tensor.get("data_offsets")?.get(1)?.as_u64();
    let needed = described
        .as_ref()
        .and_then(Value::as_object)
        .map(|tensors| tensors.values().filter_map(end_of).max().unwrap_or(0))
        .map(|end| 8 + header + u128::from(end));
    match needed {
        Some(needed) if needed > length => short(needed),
        Some(needed) if needed < length => {
            format!("it is {length} bytes long, but its header tells of {needed}; {COPY}")
        }
        Some(_) => format!("its header is wrong ({error}); {COPY}"),
        None => format!("its header cannot be read ({error}); {COPY}"),
    }
}

/// Map a weights file for reading.
///
/// # Errors
/// If the file cannot be read.
pub fn map_file(path: &Path) -> Result<Mapped, ModelError> {
    let map = Mapped::open(path).map_err(ModelError::io("read", path))?;
    check_pointer(&map).map_err(ModelError::io("read", path))?;
    Ok(map)
}

/// A tensor that can become a parameter.
pub(crate) trait Source {
    fn shape(&self) -> &[usize];
    fn into_values(self) -> Vec<f32>;
}

impl Source for (Vec<usize>, Vec<f32>) {
    fn shape(&self) -> &[usize] {
        &self.0
    }

    fn into_values(self) -> Vec<f32> {
        self.1
    }
}

impl Source for Flat {
    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn into_values(self) -> Vec<f32> {
        to_host(self.values).1
    }
}

/// Parameters from named tensors, each used once.
pub(crate) struct NamedParams<T> {
    tensors: BTreeMap<String, T>,
    problems: Vec<String>,
    device: Device,
}

impl<T: Source> NamedParams<T> {
    pub(crate) fn new(tensors: BTreeMap<String, T>, device: &Device) -> Self {
        Self {
            tensors,
            problems: Vec::new(),
            device: device.clone(),
        }
    }

    /// Check that every tensor was used and matched; errors refer to `path`.
    pub(crate) fn finish(mut self, path: &Path) -> Result<(), ModelError> {
        self.problems.extend(
            self.tensors
                .into_keys()
                .map(|name| format!("{name}: not part of this model")),
        );
        if self.problems.is_empty() {
            return Ok(());
        }
        Err(ModelError::Mismatch {
            path: path.to_owned(),
            problems: self.problems,
        })
    }
}

impl<T: Source> Params for NamedParams<T> {
    fn values(&mut self, name: &str, shape: &[usize], _: Init) -> Result<Vec<f32>, ModelError> {
        let problem = match self.tensors.remove(name) {
            Some(found) if found.shape() == shape => return Ok(found.into_values()),
            Some(found) => format!("{name}: shape {:?}, expected {shape:?}", found.shape()),
            None => format!("{name}: missing, expected shape {shape:?}"),
        };
        self.problems.push(problem);
        // Zeros as a placeholder, so that one pass finds every problem; `finish` then fails.
        Ok(vec![0.0; shape.iter().product()])
    }

    fn device(&self) -> &Device {
        &self.device
    }
}
