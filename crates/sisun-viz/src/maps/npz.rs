//! `attention.npz`: arrays that `numpy.load(…, allow_pickle=False)` opens.

use std::io::{self, BufWriter, Cursor};
use std::path::Path;

use npyz::{AutoSerialize, DType, Serialize, TypeStr, WriterBuilder};
use sisun_infer::{AttentionMaps, AttentionPart, Token};
use zip::write::{SimpleFileOptions, ZipWriter};

use super::MapsError;
use super::tensor_name::tensor_name;

/// Write one array for each activation, and arrays that describe the axes:
/// - `tokens` `[position]` (`<U…`), `ids` `[position]` and `offsets` `[position, 2]` (int64): the
///   tokens, their numbers in the vocabulary, and the characters of the text from start to end that
///   each covers
/// - `heads` `[head]` (int64): the numbers of the captured heads; an array that has others, as `k`
///   and `v` of grouped queries do, has its own beside it (`k0_heads`)
/// - for cross-attention `key_tokens`, `key_ids` and `key_offsets` of the source, and, if it is
///   known, `alignment` `[link, 2]` (int64): pairs of query and key
pub(super) fn write(maps: &AttentionMaps, path: &Path) -> Result<(), MapsError> {
    // In memory first: writing an archive needs seeking, which a pipe does not support.
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let filled = (|| -> io::Result<()> {
        let heads = &maps.activations[0].heads;
        for activation in &maps.activations {
            let name = tensor_name(activation);
            array(
                &mut archive,
                &name,
                f32::default_dtype(),
                &activation.shape,
                activation.values.iter(),
            )?;
            if activation.heads != *heads {
                integers(
                    &mut archive,
                    &format!("{name}_heads"),
                    &[activation.heads.len()],
                    &activation.heads,
                )?;
            }
        }
        integers(&mut archive, "heads", &[heads.len()], heads)?;

        axis(&mut archive, "", &maps.tokens)?;
        if let AttentionPart::Cross(keys) = &maps.part {
            axis(&mut archive, "key_", &keys.tokens)?;
            if let Some(links) = &keys.alignment {
                let pairs: Vec<usize> = links
                    .iter()
                    .flat_map(|&(query, key)| [query, key])
                    .collect();
                integers(&mut archive, "alignment", &[links.len(), 2], &pairs)?;
            }
        }
        Ok(())
    })();
    let failed = |source: io::Error| MapsError::Write {
        path: path.into(),
        source,
    };
    filled.map_err(failed)?;
    let bytes = archive
        .finish()
        .map_err(|error| failed(error.into()))?
        .into_inner();
    Ok(sisun_files::write_atomic(path, &bytes)?)
}

/// Add the arrays that describe the tokens of an axis, with a prefix of their names.
fn axis(
    archive: &mut ZipWriter<Cursor<Vec<u8>>>,
    prefix: &str,
    tokens: &[Token],
) -> io::Result<()> {
    let n = tokens.len();
    let ids: Vec<usize> = tokens.iter().map(|token| token.id as usize).collect();
    let offsets: Vec<usize> = tokens
        .iter()
        .flat_map(|token| [token.start, token.end])
        .collect();
    integers(archive, &format!("{prefix}ids"), &[n], &ids)?;
    integers(archive, &format!("{prefix}offsets"), &[n, 2], &offsets)?;
    let labels: Vec<&str> = tokens.iter().map(|token| token.text.as_str()).collect();
    // NumPy counts code points and stores at least one even for empty strings.
    let longest = labels
        .iter()
        .map(|label| label.chars().count())
        .max()
        .unwrap_or(0)
        .max(1);
    let dtype: TypeStr = format!("<U{longest}")
        .parse()
        .expect("a number after `<U` is a type string");
    array(
        archive,
        &format!("{prefix}tokens"),
        DType::new_scalar(dtype),
        &[n],
        labels,
    )
}

/// Add an int64 array.
fn integers(
    archive: &mut ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    shape: &[usize],
    values: &[usize],
) -> io::Result<()> {
    array(
        archive,
        name,
        i64::default_dtype(),
        shape,
        values.iter().map(|&value| value as i64),
    )
}

/// Add an array in row-major order, uncompressed like `numpy.savez`.
fn array<T: Serialize>(
    archive: &mut ZipWriter<Cursor<Vec<u8>>>,
    name: &str,
    dtype: DType,
    shape: &[usize],
    values: impl IntoIterator<Item = T>,
) -> io::Result<()> {
    // Without this flag an entry is limited to 4 GiB.
    archive.start_file(
        format!("{name}.npy"),
        SimpleFileOptions::default().large_file(true),
    )?;
    let shape: Vec<u64> = shape.iter().map(|&length| length as u64).collect();
    let mut writer = npyz::WriteOptions::new()
        .dtype(dtype)
        .shape(&shape)
        .writer(BufWriter::new(archive))
        .begin_nd()?;
    writer.extend(values)?;
    writer.finish()
}
