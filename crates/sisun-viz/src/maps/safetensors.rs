//! `attention.safetensors`.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::{Dtype, View};
use sisun_infer::{ActivationMap, AttentionMaps, AttentionPart};
use sisun_model::weights::write_views;

use super::MapsError;
use super::tensor_name::tensor_name;

/// Write one float32 tensor for each activation. The metadata holds `model` and `text` unchanged,
/// `tokens` as a JSON list of `{id, text, start, end}`, and `heads` as a JSON object from tensor
/// names to head indices; of an edited model `edits` as a JSON list; for cross-attention also `key_text`, `key_tokens` and `alignment`, as in
/// `attention.json`.
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    sisun_files::write_atomic_with(path, |file| {
        let heads: BTreeMap<String, &[usize]> = maps
            .activations
            .iter()
            .map(|a| (tensor_name(a, maps.weighting), a.heads.as_slice()))
            .collect();
        let mut metadata = HashMap::from([
            ("model".to_owned(), maps.model.clone()),
            ("text".to_owned(), maps.text.clone()),
            ("tokens".to_owned(), serde_json::to_string(&maps.tokens)?),
            ("heads".to_owned(), serde_json::to_string(&heads)?),
        ]);
        if !maps.edits.is_empty() {
            metadata.insert("edits".to_owned(), serde_json::to_string(&maps.edits)?);
        }
        if let AttentionPart::Cross(keys) = &maps.part {
            metadata.insert("key_text".to_owned(), keys.text.clone());
            metadata.insert(
                "key_tokens".to_owned(),
                serde_json::to_string(&keys.tokens)?,
            );
            metadata.insert(
                "alignment".to_owned(),
                serde_json::to_string(&keys.alignment)?,
            );
        }
        let tensors = maps.activations.iter().map(|activation| {
            let name = tensor_name(activation, maps.weighting);
            (name, Tensor(activation))
        });
        write_views(tensors, metadata, file)
    })?;
    Ok(())
}

/// A tensor in the form that the library expects.
struct Tensor<'a>(&'a ActivationMap);

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0
            .values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    fn data_len(&self) -> usize {
        self.0.values.len() * size_of::<f32>()
    }
}
