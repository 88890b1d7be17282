//! Copies of the fixtures that a test may damage.

use burn::tensor::Device;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use sisun_hf::Imported;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Return the folder of Hugging Face directories.
pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/fixtures/hf")
}

/// A copy of one of them.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn of(name: &str) -> Self {
        let copy = Self(TempDir::new().unwrap());
        for entry in fs::read_dir(fixtures().join(name)).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(
                &path,
                copy.path(path.file_name().unwrap().to_str().unwrap()),
            )
            .unwrap();
        }
        copy
    }

    pub(crate) fn empty() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(file), bytes).unwrap();
        self
    }

    pub(crate) fn remove(&self, file: &str) -> &Self {
        fs::remove_file(self.path(file)).unwrap();
        self
    }

    /// Set a key of the object in a JSON file; `null` removes the key.
    pub(crate) fn set(&self, file: &str, key: &str, value: Value) -> &Self {
        let mut json: Value = serde_json::from_slice(&fs::read(self.path(file)).unwrap()).unwrap();
        match value {
            Value::Null => drop(json.as_object_mut().unwrap().remove(key)),
            value => json[key] = value,
        }
        self.write(file, json.to_string())
    }

    pub(crate) fn open(&self) -> Result<Imported, String> {
        sisun_hf::open(self.0.path(), &Device::flex()).map_err(|error| {
            let message = error.to_string();
            assert!(
                !message.starts_with(char::is_uppercase),
                "begins with a capital: {message}"
            );
            assert!(
                !message.is_empty() && !message.ends_with(['.', '\n', ' ']),
                "ends with a stop or blank: {message:?}"
            );
            message
        })
    }

    /// Assert that opening fails with a message that contains all of these parts.
    #[track_caller]
    pub(crate) fn fails(&self, parts: &[&str]) -> String {
        let message = self.open().map(|_| ()).unwrap_err();
        for part in parts {
            assert!(message.contains(part), "no {part:?} in: {message}");
        }
        message
    }
}

/// The tensors of a file: number type, shape and bytes.
pub(crate) type Tensors = BTreeMap<String, (String, Vec<usize>, Vec<u8>)>;

pub(crate) fn read_tensors(path: &Path) -> Tensors {
    let bytes = fs::read(path).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |view: safetensors::tensor::TensorView<'_>| {
        (
            view.dtype().to_string(),
            view.shape().to_vec(),
            view.data().to_vec(),
        )
    };
    file.iter()
        .map(|(name, view)| (name.to_owned(), tensor(view)))
        .collect()
}

/// Return the bytes of a file with these tensors, written by hand so that tests can put anything
/// into it.
pub(crate) fn file_of(tensors: &Tensors) -> Vec<u8> {
    let (mut header, mut data) = (json!({}), Vec::new());
    for (name, (dtype, shape, bytes)) in tensors {
        let offsets = [data.len(), data.len() + bytes.len()];
        header[name] = json!({ "dtype": dtype, "shape": shape, "data_offsets": offsets });
        data.extend(bytes);
    }
    let header = header.to_string();
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        &data,
    ]
    .concat()
}
