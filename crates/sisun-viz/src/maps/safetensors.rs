//! `attention.safetensors`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::{Dtype, View};
use sisun_model::weights::write_views;

use super::{Activation, AttentionMaps, MapsError, disk};

/// Writes one float32 tensor for each activation. The metadata has `model` and `text` as they are,
/// `tokens` as a JSON list of `{id, text, start, end}`, and `heads` as a JSON object from tensor to
/// the numbers of its heads.
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    disk::write_stream(path, |file| {
        let heads: BTreeMap<String, &[usize]> = maps
            .activations
            .iter()
            .map(|a| (a.array_name(), a.heads.as_slice()))
            .collect();
        let metadata = HashMap::from([
            ("model".to_owned(), maps.model.clone()),
            ("text".to_owned(), maps.text.clone()),
            ("tokens".to_owned(), serde_json::to_string(&maps.tokens)?),
            ("heads".to_owned(), serde_json::to_string(&heads)?),
        ]);
        let tensors = maps
            .activations
            .iter()
            .map(|activation| (activation.array_name(), activation));
        write_views(tensors, metadata, file)
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
        self.values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    fn data_len(&self) -> usize {
        self.values.len() * size_of::<f32>()
    }
}
