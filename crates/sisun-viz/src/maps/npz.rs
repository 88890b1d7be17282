//! `attention.npz`: arrays that `numpy.load(…, allow_pickle=False)` opens.

use super::MapsError;
use super::tensor_name::tensor_name;
use crate::npz::NpzArchive;
use sisun_infer::{AttentionMaps, AttentionPart};
use std::io;
use std::path::Path;

/// Write one array for each activation, and arrays that describe the axes:
/// - `tokens` `[position]` (`<U…`), `ids` `[position]` and `offsets` `[position, 2]` (int64): the
///   tokens, their numbers in the vocabulary, and the characters of the text from start to end that
///   each covers
/// - `heads` `[head]` (int64): the numbers of the captured heads; an array that has others, as `k`
///   and `v` of grouped queries do, has its own beside it (`k0_heads`)
/// - of an edited model `edits` `[edit]` (`<U…`), as they were written
/// - for cross-attention `key_tokens`, `key_ids` and `key_offsets` of the source, and, if it is
///   known, `alignment` `[link, 2]` (int64): pairs of query and key
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    let bytes = archive(maps).map_err(|source| MapsError::Write {
        path: path.into(),
        source,
    })?;
    Ok(sisun_files::write_atomic(path, &bytes)?)
}

fn archive(maps: &AttentionMaps) -> io::Result<Vec<u8>> {
    let mut archive = NpzArchive::new();
    let heads = &maps.activations[0].heads;
    for activation in &maps.activations {
        let name = tensor_name(activation, maps.weighting);
        archive.floats(&name, &activation.shape, &activation.values)?;
        if activation.heads != *heads {
            let own = &activation.heads;
            archive.integers(&format!("{name}_heads"), &[own.len()], own)?;
        }
    }
    archive.integers("heads", &[heads.len()], heads)?;
    archive.tokens("", &maps.tokens)?;
    if !maps.edits.is_empty() {
        let edits: Vec<&str> = maps.edits.iter().map(String::as_str).collect();
        archive.texts("edits", &edits)?;
    }
    if let AttentionPart::Cross(keys) = &maps.part {
        archive.tokens("key_", &keys.tokens)?;
        if let Some(links) = &keys.alignment {
            let pairs: Vec<usize> = links
                .iter()
                .flat_map(|&(query, key)| [query, key])
                .collect();
            archive.integers("alignment", &[links.len(), 2], &pairs)?;
        }
    }
    archive.finish()
}
