//! Writing the files of maps.

use std::path::{Path, PathBuf};

use sisun_files::{make_folder, write_atomic};
use sisun_infer::{ActivationMap, AttentionMaps};
use sisun_model::Activation;

use super::difference::difference;
use super::fonts::Fonts;
use super::picture::Picture;
use super::{Format, MapsError, PictureOptions, by_unit, csv, json, npz, picture, safetensors};

/// Write the maps to the folder `out`, which is created if missing, and return the files written.
///
/// | format | files |
/// | --- | --- |
/// | `npz` | `attention.npz`: `layer{l}` `[head, query, key]` (patterns), `scores{l}`, `q{l}` …, `tokens`, `ids`, `offsets`, `heads` |
/// | `safetensors` | `attention.safetensors`: the same tensors; model, text, tokens and heads as JSON in the metadata |
/// | `json` | `attention.json`: model, text, tokens, then layers → heads → matrices; `null` stands for `-inf` |
/// | `csv` | `attention.csv`: the patterns in long form, one row for each head, query and key |
/// | `svg`, `png` | `layer{l}-head{h}` for every pattern, `scores-layer{l}-head{h}` where scores were captured, and `heads` and `scores-heads`, which show all of them side by side |
///
/// Pictures of weights span 0 to 1, on a square-root scale from 65 tokens, as the colour bar shows.
/// If `heads` has more cells than pixels, a pixel shows the maximum of its cells. Pictures are
/// drawn in parallel, up to 2²⁶ pixels at once.
///
/// Rows and columns of pictures of patterns stand for [`PictureOptions::unit`]; other files, and
/// pictures of scores, are by token.
///
/// Pictures carry their title, model, text, layer and head: text chunks of a PNG, `title`, `desc`
/// and `metadata` (JSON) of an SVG.
///
/// If the patterns are weighted by values ([`Weighting::Values`](sisun_infer::Weighting)), arrays and
/// tensors are named `value_weighted{l}`, pictures begin with `values-`, and their scale spans the
/// values of all heads.
///
/// Files of one attention of an encoder–decoder begin with `encoder-`, `decoder-` or `cross-`. The
/// rows of cross-attention are tokens of the target, its columns tokens of the source; where the
/// true alignment is known, pictures outline its cells.
///
/// Each file is written atomically and replaces one of the same name.
///
/// # Errors
/// - [`MapsError::Nothing`] if there are no tokens or activations
/// - before anything is written, [`MapsError::NothingToHold`] if a format can hold none of the
///   activations, [`MapsError::TooBig`] if a requested picture would not fit into memory, and
///   [`MapsError::FontSize`] or [`MapsError::CellTooSmall`] if an option cannot be satisfied
/// - [`MapsError::Write`] if the folder or a file cannot be written
///
/// # Panics
/// If the shape of an activation disagrees with its values, its heads or the number of tokens.
pub fn write(
    maps: &AttentionMaps,
    out: &Path,
    formats: &[Format],
    options: &PictureOptions,
) -> Result<Vec<PathBuf>, MapsError> {
    check(maps)?;
    for &format in formats {
        if !maps
            .activations
            .iter()
            .any(|map| format.activations().contains(&map.activation))
        {
            return Err(MapsError::NothingToHold {
                format: format.name(),
                held: format.activations(),
            });
        }
    }
    let wanted = |format| formats.contains(&format);
    let by_unit = by_unit::gathered(maps, options.unit);
    let pictures = if wanted(Format::Svg) || wanted(Format::Png) {
        picture::plan(maps, by_unit.as_ref(), options)?
    } else {
        Vec::new()
    };
    make_folder(out).map_err(|source| MapsError::Write {
        path: out.into(),
        source,
    })?;

    let mut written = write_numbers(maps, out, formats, "attention")?;
    written.extend(write_pictures(&pictures, maps, out, formats, options)?);
    Ok(written)
}

/// Write the patterns of one model less those of another on the same text, and return the files
/// written: as [`write()`], but named `difference.npz`, `difference-heads.png` and so on. In pictures
/// blue is where the first model has more weight, orange where the second has.
///
/// # Errors
/// As for [`write()`], and [`MapsError::OtherTokens`] or [`MapsError::OtherHeads`] if the maps have
/// no common cells.
///
/// # Panics
/// As for [`write()`].
pub fn write_difference(
    one: &AttentionMaps,
    other: &AttentionMaps,
    out: &Path,
    formats: &[Format],
    options: &PictureOptions,
) -> Result<Vec<PathBuf>, MapsError> {
    check(one)?;
    check(other)?;
    let differences = difference(one, other)?;
    let by_unit = by_unit::gathered(&differences, options.unit);
    let pictures = match formats.iter().any(|format| format.is_picture()) {
        true => picture::plan_difference(by_unit.as_ref().unwrap_or(&differences), options)?,
        false => Vec::new(),
    };
    make_folder(out).map_err(|source| MapsError::Write {
        path: out.into(),
        source,
    })?;
    let mut written = write_numbers(&differences, out, formats, "difference")?;
    written.extend(write_pictures(
        &pictures,
        &differences,
        out,
        formats,
        options,
    )?);
    Ok(written)
}

/// Write the formats that are no pictures, to files of this name.
fn write_numbers(
    maps: &AttentionMaps,
    out: &Path,
    formats: &[Format],
    name: &str,
) -> Result<Vec<PathBuf>, MapsError> {
    let mut written = Vec::new();
    for (format, write) in [
        (
            Format::Npz,
            npz::write as fn(&AttentionMaps, &Path) -> Result<(), MapsError>,
        ),
        (Format::Safetensors, safetensors::write),
        (Format::Json, json::write),
        (Format::Csv, csv::write),
    ] {
        if formats.contains(&format) {
            let path = out.join(format!("{}{name}.{format}", maps.part.prefix()));
            write(maps, &path)?;
            written.push(path);
        }
    }
    Ok(written)
}

/// Write pictures in the formats that are pictures; `maps` has all characters of their labels.
fn write_pictures(
    pictures: &[Picture<'_>],
    maps: &AttentionMaps,
    out: &Path,
    formats: &[Format],
    options: &PictureOptions,
) -> Result<Vec<PathBuf>, MapsError> {
    let wanted = |format| formats.contains(&format);
    let tokens = maps.tokens.iter().chain(maps.key_tokens());
    let labels = tokens.map(|token| token.text.as_str());
    let labels = labels.chain([maps.text.as_str(), maps.model.as_str()]);
    let fonts = wanted(Format::Png).then(|| Fonts::new(labels, options.font.as_ref()));
    let drawn = picture::each(pictures, |picture| {
        let mut paths = Vec::new();
        if wanted(Format::Svg) {
            let path = out.join(format!("{}.svg", picture.name()));
            write_atomic(&path, picture.svg().as_bytes())?;
            paths.push(path);
        }
        if let Some(fonts) = &fonts {
            let path = out.join(format!("{}.png", picture.name()));
            write_atomic(&path, &picture.png(fonts)?)?;
            paths.push(path);
        }
        Ok(paths)
    })?;
    Ok(drawn.into_iter().flatten().collect())
}

/// Check the shapes, so that writers can rely on them.
fn check(maps: &AttentionMaps) -> Result<(), MapsError> {
    let keys = maps.key_tokens();
    if maps.tokens.is_empty() || keys.is_empty() || maps.activations.is_empty() {
        return Err(MapsError::Nothing);
    }
    for map in &maps.activations {
        let ActivationMap {
            activation,
            layer,
            heads,
            shape,
            values,
        } = map;
        let [n_heads, positions, width] = *shape;
        assert!(
            n_heads == heads.len() && n_heads > 0,
            "{activation} of layer {layer}: heads {heads:?}, shape {shape:?}"
        );
        let n = match activation {
            Activation::K | Activation::V => keys.len(),
            _ => maps.tokens.len(),
        };
        assert_eq!(
            positions, n,
            "{activation} of layer {layer}: second axis is one row a token"
        );
        assert!(
            width > 0,
            "{activation} of layer {layer}: the last axis is empty"
        );
        assert!(
            !activation.is_query_by_key() || width == keys.len(),
            "{activation} of layer {layer}: last axis is one column a key, shape {shape:?}"
        );
        assert_eq!(
            values.len(),
            n_heads * positions * width,
            "{activation} of layer {layer}: values, shape {shape:?}"
        );
    }
    let is_inside = |&(query, key): &(usize, usize)| query < maps.tokens.len() && key < keys.len();
    assert!(
        maps.alignment().iter().all(is_inside),
        "the alignment links tokens of both texts"
    );
    Ok(())
}
