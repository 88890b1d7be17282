//! `attention.json`.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

use sisun_infer::{ActivationMap, AttentionMaps, AttentionPart, Weighting};

use super::MapsError;
use super::tensor_name::name;

/// Write `{model, edits, text, tokens: [{id, text, start, end}], layers: [{layer, heads: [{head,
/// pattern: [[…]], …}]}]}`, with `value_weighted` in place of `pattern` if it is weighted by values;
/// for cross-attention also `key_text`, `key_tokens` and `alignment`, a list of
/// pairs of query and key, or `null` if it is not known.
///
/// JSON has no infinities, so values that are not finite, the hidden cells of `scores`, are written
/// as `null`.
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    sisun_files::write_atomic_with(path, |out| {
        serde_json::to_writer(out, &Json(maps)).map_err(io::Error::from)
    })?;
    Ok(())
}

/// The maps in the layout of the file.
struct Json<'a>(&'a AttentionMaps);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(maps) = self;
        let layers: BTreeSet<usize> = maps.activations.iter().map(|a| a.layer).collect();
        let layers: Vec<Layer<'_>> = layers
            .into_iter()
            .map(|layer| Layer {
                layer,
                activations: maps
                    .activations
                    .iter()
                    .filter(|a| a.layer == layer)
                    .collect(),
                weighting: maps.weighting,
            })
            .collect();
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("model", &maps.model)?;
        object.serialize_entry("edits", &maps.edits)?;
        object.serialize_entry("text", &maps.text)?;
        object.serialize_entry("tokens", &maps.tokens)?;
        if let AttentionPart::Cross(keys) = &maps.part {
            object.serialize_entry("key_text", &keys.text)?;
            object.serialize_entry("key_tokens", &keys.tokens)?;
            object.serialize_entry("alignment", &keys.alignment)?;
        }
        object.serialize_entry("layers", &layers)?;
        object.end()
    }
}

/// The activations of one layer, transposed from name → head to head → name.
struct Layer<'a> {
    layer: usize,
    activations: Vec<&'a ActivationMap>,
    weighting: Weighting,
}

impl Serialize for Layer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let heads: BTreeSet<usize> = self
            .activations
            .iter()
            .flat_map(|a| a.heads.iter().copied())
            .collect();
        let heads: Vec<Head<'_>> = heads
            .into_iter()
            .map(|head| Head {
                head,
                activations: &self.activations,
                weighting: self.weighting,
            })
            .collect();
        let mut object = serializer.serialize_struct("Layer", 2)?;
        object.serialize_field("layer", &self.layer)?;
        object.serialize_field("heads", &heads)?;
        object.end()
    }
}

/// One head of a layer: a matrix for each activation.
struct Head<'a> {
    head: usize,
    activations: &'a [&'a ActivationMap],
    weighting: Weighting,
}

impl Serialize for Head<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("head", &self.head)?;
        for map in self.activations {
            if let Some((_, values)) = map.by_head().find(|(head, _)| *head == self.head) {
                object.serialize_entry(
                    &name(map, self.weighting),
                    &Rows {
                        values,
                        width: map.shape[2],
                    },
                )?;
            }
        }
        object.end()
    }
}

/// A matrix as a list of rows.
struct Rows<'a> {
    values: &'a [f32],
    width: usize,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values.chunks(self.width))
    }
}
