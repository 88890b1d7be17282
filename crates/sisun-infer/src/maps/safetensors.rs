//! `attention.safetensors`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::path::Path;

use safetensors::{Dtype, SafeTensorError, View};

use super::{Activation, AttentionMaps, MapsError, disk};

/// Writes one float32 tensor for each activation. The metadata has `model` and `text` as they are, `tokens` as a JSON
/// list of `{id, text, start, end}`, and `heads` as a JSON object from tensor to the numbers of its heads.
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    disk::replace(path, |part| {
        let heads: BTreeMap<String, &[usize]> =
            maps.activations.iter().map(|a| (a.array_name(), a.heads.as_slice())).collect();
        let metadata = HashMap::from([
            ("model".to_owned(), maps.model.clone()),
            ("text".to_owned(), maps.text.clone()),
            ("tokens".to_owned(), serde_json::to_string(&maps.tokens)?),
            ("heads".to_owned(), serde_json::to_string(&heads)?),
        ]);
        // The library's file would be its owner's alone; it is to be readable as any other.
        let permissions = File::create(part)?.metadata()?.permissions();
        let tensors = maps.activations.iter().map(|activation| (activation.array_name(), activation));
        safetensors::serialize_to_file(tensors, Some(metadata), part).map_err(|error| match error {
            SafeTensorError::IoError(error) => error,
            other => io::Error::other(other),
        })?;
        std::fs::set_permissions(part, permissions)
    })
}

impl View for &Activation {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.values.iter().flat_map(|value| value.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }
}
