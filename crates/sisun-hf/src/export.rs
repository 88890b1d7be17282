//! Export of a model and its tokenizer as a directory that `transformers` can open.

use crate::config::{Ids, end, write};
use crate::layout::{Constant, Part, layout};
use crate::numbers::turn;
use crate::to_transformers::TransformersModel;
use crate::{COMPANIONS, CONFIG, HfError, SidecarFile, TARGET_FOLDER, TOKENIZER, TOKENIZER_CONFIG};
use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::{Dtype, View};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sisun_data::{GENERATION_CONFIG, Tokenizer};
use sisun_files::{Lock, LockError, Patience, is_file, look, make_folder};
use sisun_model::Transformer;
use sisun_model::weights::{HostTensors, metadata, write_views};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The file with the weights.
const WEIGHTS: &str = "model.safetensors";

/// Number format of the written weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// Float32, without rounding.
    #[default]
    Float32,
    /// Rounded to 11 bits of significand; at most 65,504.
    Float16,
    /// Rounded to 8 bits of significand.
    Bfloat16,
}

impl Numbers {
    /// Return the name used by `transformers` and `--dtype`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Float32 => "float32",
            Self::Float16 => "float16",
            Self::Bfloat16 => "bfloat16",
        }
    }
}

/// Options of an export.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportOptions {
    /// Number format of the weights.
    pub numbers: Numbers,
    /// Write a head that is tied to the embedding as a separate tensor.
    pub materialize_head: bool,
}

/// Summary of an export.
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// The class of `transformers` that opens the directory.
    pub architecture: &'static str,
    /// Number of elements in the weights file.
    pub parameters: usize,
    /// Size of the weights file in bytes.
    pub bytes: u64,
}

/// Write `config.json`, `model.safetensors`, `tokenizer.json`, `tokenizer_config.json` and
/// `generation_config.json` to `dir`, all of them or none. The files in `kept` replace those of the
/// same names, except that the tokenizer always determines which tokens end a text.
///
/// # Errors
/// If no model of `transformers` has some of the settings (all are listed), if a number is outside
/// the range of float16, if the directory already exists, or if a file cannot be written.
pub fn export(
    model: &Transformer,
    tokenizer: &Tokenizer,
    kept: &[SidecarFile],
    options: ExportOptions,
    dir: &Path,
) -> Result<Exported, HfError> {
    in_new_directory(dir, |aside| {
        write_model(model, tokenizer, kept, options, aside)
    })
}

/// Let `fill` write the files of a directory, all of them or none, while no other process writes to
/// it.
///
/// # Errors
/// If the directory already exists or is written by another process, or those of `fill`.
pub(crate) fn in_new_directory(
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<Exported, HfError>,
) -> Result<Exported, HfError> {
    // An existing empty folder is replaced, under its full path, since `.` has no name.
    let dir = &dir
        .canonicalize()
        .unwrap_or_else(|_| dir.components().collect());
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let parent = dir.parent().map_or_else(PathBuf::new, Path::to_owned);
    let beside = lock_of(&parent, &name);
    let lock = Lock::take(
        &beside,
        Patience::Refuse,
        &mut || match parent.as_os_str().is_empty() {
            true => Ok(()),
            false => make_folder(&parent),
        },
    )
    .map_err(|error| match error {
        LockError::Taken { holder, .. } => HfError::InUse {
            path: dir.clone(),
            holder,
        },
        LockError::Io { path, source } | LockError::Folder { path, source } => {
            HfError::write(&path)(source)
        }
    })?;
    let exported = fill_alone(dir, fill);
    // A lock file that cannot be removed does no harm.
    let _ = lock.remove();
    exported
}

/// Run [`in_new_directory`] while no other process writes to the directory.
fn fill_alone(
    dir: &Path,
    fill: impl FnOnce(&Path) -> Result<Exported, HfError>,
) -> Result<Exported, HfError> {
    let there = look(dir).map_err(HfError::read(dir))?;
    let is_empty = match &there {
        Some(found) if found.is_dir() => fs::read_dir(dir)
            .map_err(HfError::read(dir))?
            .next()
            .is_none(),
        found => found.is_none(),
    };
    if !is_empty {
        return Err(HfError::Exists {
            path: dir.to_owned(),
        });
    }
    let name = dir.file_name().unwrap_or_default().to_string_lossy();
    let aside = dir.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    remove_leftovers(dir.parent().unwrap_or(Path::new("")), &name);
    // Fails if it exists: then it belongs to another process.
    fs::create_dir(&aside).map_err(HfError::write(&aside))?;
    let written = fill(&aside).and_then(|exported| {
        if there.is_some() {
            fs::remove_dir(dir).map_err(HfError::write(dir))?;
        }
        fs::rename(&aside, dir).map_err(HfError::write(dir))?;
        Ok(exported)
    });
    if written.is_err() {
        // Report the first error, not one of the removal.
        let _ = fs::remove_dir_all(&aside);
    }
    written
}

/// Write the files of a model to a folder.
fn write_model(
    model: &Transformer,
    tokenizer: &Tokenizer,
    kept: &[SidecarFile],
    options: ExportOptions,
    aside: &Path,
) -> Result<Exported, HfError> {
    let mut stock = TransformersModel::of(model)?;
    if options.materialize_head {
        stock.untie();
    }
    let layout = layout(stock.family, &stock.config, stock.family.prefix());
    let mut tensors = BTreeMap::<&str, Outgoing<'_>>::new();
    for (ours, parts) in &layout.parameters {
        let width = parts.iter().map(Part::width).sum();
        let mut first = 0;
        for part in parts {
            let tensor = tensors
                .entry(&part.name)
                .or_insert_with(|| Outgoing::new(part, options.numbers));
            for rows in part.rows.ranges() {
                let columns = first..first + part.width_of(rows.len());
                first = columns.end;
                // A bias that Sisun's model does not have stays 0.
                if let Some((_, values)) = stock.tensors.get(ours) {
                    tensor.sources.push(Source {
                        values,
                        width,
                        columns,
                        rows,
                        transposed: part.transposed,
                    });
                }
            }
        }
    }
    for twin in &layout.twins {
        if let Some(tensor) = tensors.get(twin.of.as_str()).cloned() {
            tensors.insert(&twin.name, tensor);
        }
    }
    for Constant { part, value, .. } in &layout.constants {
        tensors.insert(
            &part.name,
            Outgoing {
                everywhere: *value,
                ..Outgoing::new(part, options.numbers)
            },
        );
    }
    if options.numbers == Numbers::Float16 {
        check_range(&stock.tensors)?;
    }
    let ids = ids(tokenizer);
    let (parameters, bytes) = write_weights(tensors, aside)?;
    let config = write(stock.family, &stock.config, &ids, options.numbers.name());
    for (name, json) in [
        (CONFIG, config),
        (GENERATION_CONFIG, generation_config(&ids)),
        (
            TOKENIZER_CONFIG,
            tokenizer_config(tokenizer, &ids, stock.config.context_len),
        ),
    ] {
        write_json(&aside.join(name), &json)?;
    }
    tokenizer.save(&aside.join(TOKENIZER))?;
    for companion in kept {
        let path = aside.join(&companion.name);
        let bytes = fitted(
            companion,
            stock.config.context_len,
            tokenizer.eos_token_ids(),
        );
        fs::write(&path, bytes).map_err(HfError::write(&path))?;
    }
    Ok(Exported {
        architecture: stock.family.architecture(),
        parameters,
        bytes,
    })
}

/// Write `model.safetensors` to a folder, and return the number of its elements and its size in
/// bytes.
fn write_weights(
    tensors: BTreeMap<&str, Outgoing<'_>>,
    folder: &Path,
) -> Result<(usize, u64), HfError> {
    let parameters = tensors
        .values()
        .map(|tensor| tensor.shape.iter().product::<usize>())
        .sum();
    let weights = folder.join(WEIGHTS);
    File::create_new(&weights)
        .and_then(|mut file| {
            write_views(tensors, metadata(), &mut file)?;
            file.sync_all()
        })
        .map_err(HfError::write(&weights))?;
    let written = fs::metadata(&weights).map_err(HfError::write(&weights))?;
    Ok((parameters, written.len()))
}

/// Write tensors that are as `transformers` has them to `model.safetensors` in a folder.
///
/// # Errors
/// If a number is outside the range of float16, or the file cannot be written.
pub(crate) fn write_tensors_as_they_are(
    tensors: &HostTensors,
    numbers: Numbers,
    folder: &Path,
) -> Result<(usize, u64), HfError> {
    if numbers == Numbers::Float16 {
        check_range(tensors)?;
    }
    let whole = |(shape, values): &'_ (Vec<usize>, Vec<f32>)| -> (usize, Range<usize>) {
        let width = values.len() / shape[0].max(1);
        (width, 0..shape[0])
    };
    let outgoing = tensors.iter().map(|(name, tensor)| {
        let (width, rows) = whole(tensor);
        let source = Source {
            values: &tensor.1,
            width,
            columns: 0..width,
            rows,
            transposed: false,
        };
        let outgoing = Outgoing {
            numbers,
            shape: &tensor.0,
            everywhere: 0.0,
            sources: vec![source],
        };
        (name.as_str(), outgoing)
    });
    write_weights(outgoing.collect(), folder)
}

/// Write a JSON file.
pub(crate) fn write_json(path: &Path, json: &Value) -> Result<(), HfError> {
    let text =
        serde_json::to_string_pretty(json).expect("plain numbers and strings always serialise");
    fs::write(path, text + "\n").map_err(HfError::write(path))
}

/// Return the contents of a companion file with the maximum text length limited to the model's
/// context (which fine-tuning may have shortened), and with these tokens as the ends of a text.
fn fitted<'c>(
    companion: &'c SidecarFile,
    context_len: usize,
    eos_token_ids: &[u32],
) -> Cow<'c, [u8]> {
    let Ok(mut settings) = serde_json::from_slice::<Map<String, Value>>(&companion.bytes) else {
        return Cow::Borrowed(&companion.bytes);
    };
    let number = |value: &Value| value.as_u64();
    let changed = match companion.name.as_str() {
        TOKENIZER_CONFIG => {
            let longest = settings.get("model_max_length").and_then(number);
            longest
                .filter(|longest| *longest > context_len as u64)
                .map(|_| ("model_max_length", json!(context_len)))
        }
        GENERATION_CONFIG => {
            let said: Vec<u64> = match settings.get("eos_token_id") {
                Some(Value::Array(ids)) => ids.iter().filter_map(number).collect(),
                one => one.and_then(number).into_iter().collect(),
            };
            let all = eos_token_ids
                .iter()
                .all(|end| said.contains(&u64::from(*end)));
            (!all).then(|| ("eos_token_id", end(eos_token_ids)))
        }
        _ => None,
    };
    match changed {
        Some((key, value)) => {
            settings.insert(key.to_owned(), value);
            Cow::Owned(format!("{:#}\n", Value::Object(settings)).into_bytes())
        }
        None => Cow::Borrowed(&companion.bytes),
    }
}

/// Return the special tokens. If a tokenizer puts no token before a text, a text begins after the
/// end of the previous one.
fn ids(tokenizer: &Tokenizer) -> Ids {
    let begin = tokenizer
        .prefix()
        .first()
        .or(tokenizer.eos_token_ids().first())
        .copied();
    Ids {
        begin,
        eos_token_ids: tokenizer.eos_token_ids().to_vec(),
    }
}

fn generation_config(ids: &Ids) -> Value {
    // Sequences of a batch are padded with the token that ends a text, as with GPT-2.
    json!({ "bos_token_id": ids.begin, "eos_token_id": end(&ids.eos_token_ids), "pad_token_id": ids.eos_token_ids.first() })
}

fn tokenizer_config(tokenizer: &Tokenizer, ids: &Ids, context_len: usize) -> Value {
    let mut config = json!({
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context_len,
        "clean_up_tokenization_spaces": false,
        // Without this, version 4 also returns token types, which a GPT-2 adds to the embedding.
        "model_input_names": ["input_ids", "attention_mask"],
    });
    let end = ids.eos_token_ids.first().copied();
    for (key, id) in [
        ("bos_token", ids.begin),
        ("eos_token", end),
        ("pad_token", end),
    ] {
        // config.json may name what the tokenizer does not have.
        if let Some(id) = id.filter(|id| tokenizer.has_token(*id)) {
            config[key] = tokenizer.token_text(id).into();
        }
    }
    config
}

/// Return true if a folder holds only files that an export writes.
fn holds_an_export(folder: &Path) -> bool {
    let names = fs::read_dir(folder).and_then(|entries| {
        entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<String>>>()
    });
    let ours = |name: &String| {
        [CONFIG, TOKENIZER, WEIGHTS, TARGET_FOLDER]
            .iter()
            .chain(&COMPANIONS)
            .any(|known| known == name)
            || (name.starts_with('.') && name.ends_with(".partial"))
    };
    names.is_ok_and(|names| names.iter().all(ours))
}

/// Remove the remains of killed exports in this folder: those to `mine`, whose lock this process
/// holds, and those whose lock is free. A file that cannot be removed does no harm.
fn remove_leftovers(parent: &Path, mine: &str) {
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    let mut left = BTreeMap::<String, Vec<PathBuf>>::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let parts = name
            .strip_prefix('.')
            .and_then(|rest| rest.strip_suffix(".partial")?.rsplit_once('.'));
        if let Some((of, pid)) = parts
            && !of.is_empty()
            && pid.parse::<u32>().is_ok()
            && holds_an_export(&entry.path())
        {
            left.entry(of.to_owned()).or_default().push(entry.path());
        }
    }
    let remove = |paths: &[PathBuf]| paths.iter().for_each(|path| drop(fs::remove_dir_all(path)));
    for (of, paths) in left {
        let lock = lock_of(parent, &of);
        if of == mine {
            remove(&paths);
        } else if is_file(&lock).unwrap_or(false)
            && let Ok(lock) = Lock::take(&lock, Patience::Refuse, &mut || Ok(()))
            && !lock.is_ineffective()
        {
            remove(&paths);
            let _ = lock.remove();
        }
    }
}

/// Return the path of the lock of the directory with this name.
fn lock_of(parent: &Path, name: &str) -> PathBuf {
    parent.join(format!(".{name}.lock"))
}

/// Check that every number is in the range of float16.
fn check_range(tensors: &HostTensors) -> Result<(), HfError> {
    for (name, (_, values)) in tensors {
        let past = values
            .iter()
            .find(|value| value.is_finite() && f16::from_f32(**value).is_infinite());
        if let Some(value) = past {
            return Err(HfError::PastFloat16 {
                name: name.clone(),
                value: *value,
            });
        }
    }
    Ok(())
}

/// A tensor to be exported, computed when it is written, so that only one is in memory beside the
/// model.
#[derive(Clone, Debug)]
struct Outgoing<'s> {
    numbers: Numbers,
    shape: &'s [usize],
    /// The value of elements without a source.
    everywhere: f32,
    sources: Vec<Source<'s>>,
}

/// The source of some of its rows: columns of one of Sisun's row-major matrices.
#[derive(Clone, Debug)]
struct Source<'s> {
    values: &'s [f32],
    width: usize,
    columns: Range<usize>,
    rows: Range<usize>,
    transposed: bool,
}

impl<'s> Outgoing<'s> {
    fn new(part: &'s Part, numbers: Numbers) -> Self {
        Self {
            numbers,
            shape: &part.shape,
            everywhere: 0.0,
            sources: Vec::new(),
        }
    }

    fn values(&self) -> Vec<f32> {
        let mut values = vec![self.everywhere; self.shape.iter().product()];
        let row = values.len() / self.shape[0];
        for Source {
            values: from,
            width,
            columns,
            rows,
            transposed,
        } in &self.sources
        {
            let to = &mut values[rows.start * row..rows.end * row];
            if *transposed {
                turn(&from[columns.start..], *width, row, to);
            } else {
                let from = from
                    .chunks_exact(*width)
                    .flat_map(|row| &row[columns.clone()]);
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        }
        values
    }
}

fn pack<const N: usize>(values: &[f32], bytes: impl Fn(f32) -> [u8; N] + Sync) -> Vec<u8> {
    let mut packed = vec![0; values.len() * N];
    let to = packed.as_chunks_mut().0;
    to.par_iter_mut()
        .zip(values)
        .for_each(|(to, value)| *to = bytes(*value));
    packed
}

impl View for Outgoing<'_> {
    fn dtype(&self) -> Dtype {
        match self.numbers {
            Numbers::Float32 => Dtype::F32,
            Numbers::Float16 => Dtype::F16,
            Numbers::Bfloat16 => Dtype::BF16,
        }
    }

    fn shape(&self) -> &[usize] {
        self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Owned(match self.numbers {
            Numbers::Float32 => pack(&self.values(), f32::to_le_bytes),
            Numbers::Float16 => pack(&self.values(), |value| f16::from_f32(value).to_le_bytes()),
            Numbers::Bfloat16 => pack(&self.values(), |value| bf16::from_f32(value).to_le_bytes()),
        })
    }

    fn data_len(&self) -> usize {
        let size = if self.numbers == Numbers::Float32 {
            4
        } else {
            2
        };
        self.shape.iter().product::<usize>() * size
    }
}
