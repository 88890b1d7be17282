//! Models of Hugging Face's `transformers`: a directory with `config.json`, weights as safetensors
//! and `tokenizer.json`.
//!
//! [`open`] reads GPT-2, LLaMA and related families into a [`Transformer`]. Weights stay on disk
//! until each parameter is requested, and are then converted to float32 and to Sisun's layout; with
//! [`open_as_stored`] matrices stay memory-mapped. [`export`] writes such a directory,
//! and [`export_pairs`] that of an encoder–decoder, which cannot be read back here.

mod check;
mod config;
mod error;
mod export;
mod family;
mod json;
mod layout;
mod numbers;
mod pair_tokenizers;
mod pairs;
mod params;
mod present;
mod store;
mod to_transformers;

pub use error::HfError;
pub use export::{ExportOptions, Exported, Numbers, export};
pub use pairs::export_pairs;

use crate::config::Described;
use crate::params::StoredParams;
use crate::store::Store;
use burn::tensor::Device;
use present::is_there;
use serde_json::{Map, Value};
use sisun_config::ModelConfig;
use sisun_data::{GENERATION_CONFIG, Tokenizer};
use sisun_files::look;
use sisun_model::{ModelError, Transformer};
use std::path::{Path, PathBuf};

/// The file that describes the model.
const CONFIG: &str = "config.json";
/// The folder of the target's tokenizer in the directory of an encoder–decoder.
const TARGET_FOLDER: &str = "target";
const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// Other files of a directory, which other software needs and training does not change.
const COMPANIONS: [&str; 4] = [
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    GENERATION_CONFIG,
    "chat_template.jinja",
];

/// A model read from a Hugging Face directory.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The directory's name.
    pub name: String,
    /// The model.
    pub model: Transformer,
    /// Its tokenizer, with the tokens that end a text according to all files of the directory.
    pub tokenizer: Tokenizer,
    /// Files that accompany the model when it is copied.
    pub companions: Vec<SidecarFile>,
    /// Number of tokens that layers with a sliding window see, if that is less than the whole
    /// context: the model's context ends there.
    pub window: Option<usize>,
    /// Differences between the model and its `config.json`, as messages for the user.
    pub notes: Vec<String>,
}

/// A file that other software needs and training does not change.
#[derive(Clone, Debug, PartialEq)]
pub struct SidecarFile {
    /// Its name.
    pub name: String,
    /// Its contents.
    pub bytes: Vec<u8>,
}

/// Return true if this is a Hugging Face directory, or a file of a model (for which [`open`]
/// explains the remedy), rather than a run.
///
/// # Errors
/// If the path cannot be examined, other than because it does not exist.
pub fn is_model(path: &Path) -> Result<bool, HfError> {
    let Some(found) = look(path).map_err(HfError::read(path))? else {
        return Ok(false);
    };
    if found.is_file() {
        return Ok(store::has_pickled_name(path) || is_part(path));
    }
    Ok(is_there(&path.join(CONFIG))? && !is_there(&path.join("config.toml"))?)
}

/// Return true if a file has the name of a model's file.
fn is_part(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end == "safetensors" || end == "json")
}

/// Return the path of its `tokenizer.json`, which may not exist.
pub fn tokenizer(dir: &Path) -> PathBuf {
    dir.join(TOKENIZER)
}

/// Return the files in a directory that accompany a model when it is copied: settings of its
/// tokenizer and of generation.
///
/// # Errors
/// If one of them cannot be read.
pub fn companions(dir: &Path) -> Result<Vec<SidecarFile>, HfError> {
    let read = |name: &str| {
        let path = dir.join(name);
        if !is_there(&path)? {
            return Ok(None);
        }
        let bytes = json::read(&path)?;
        if name.ends_with(".json") {
            json::parse::<Map<String, Value>>(&path, &bytes)?;
        }
        Ok(Some(SidecarFile {
            name: name.to_owned(),
            bytes,
        }))
    };
    COMPANIONS
        .into_iter()
        .filter_map(|name| read(name).transpose())
        .collect()
}

/// Return the name and configuration of the model in a directory, from its `config.json`, and from
/// its weights if they exist and have a separate head.
///
/// # Errors
/// If a file cannot be read, or if the model is of an unsupported kind.
pub fn describe(dir: &Path) -> Result<(String, ModelConfig), HfError> {
    Ok((name(dir), settled(dir, sound_store(dir)?.as_ref())?.0.model))
}

/// Return the differences between the model in a directory and its `config.json`, as messages for
/// the user.
///
/// # Errors
/// As [`describe`].
pub fn notes(dir: &Path) -> Result<Vec<String>, HfError> {
    Ok(settled(dir, sound_store(dir)?.as_ref())?.1)
}

/// Return the weights in a directory, if they exist and are valid: errors in them are reported when
/// they are read.
fn sound_store(dir: &Path) -> Result<Option<Store>, HfError> {
    match Store::open(dir) {
        Err(error @ (HfError::Io { .. } | HfError::Model(ModelError::Io { .. }))) => Err(error),
        store => Ok(store.ok()),
    }
}

/// Read the model in a directory, every parameter as float32 and in Sisun's layout.
///
/// # Errors
/// If `config.json`, the weights or `tokenizer.json` are wrong; all tensors that do not fit are
/// listed.
pub fn open(dir: &Path, device: &Device) -> Result<Imported, HfError> {
    open_with(dir, device, false)
}

/// Read the model in a directory for inference only: on the CPU backend, weight matrices in float32
/// or bfloat16 stay as they are in the file, which remains mapped. The results equal those of the
/// model from [`open`], in which each bfloat16 was converted to the float32 of the same value.
///
/// # Errors
/// As [`open`].
pub fn open_as_stored(dir: &Path, device: &Device) -> Result<Imported, HfError> {
    // Other backends and training do not support bfloat16.
    open_with(dir, device, *device == Device::flex())
}

fn open_with(dir: &Path, device: &Device, as_stored: bool) -> Result<Imported, HfError> {
    described(dir)?;
    let tokenizer = read_tokenizer(dir)?;
    let store = Store::open(dir)?;
    let (described, notes) = settled(dir, Some(&store))?;
    // Before anything is allocated with the sizes from config.json.
    let layout = check::check(&described, &store)?;
    let model = Transformer::from_params(
        &described.model,
        &mut StoredParams::new(&store, layout, device, as_stored),
    )?;
    let (name, companions, window) = (name(dir), companions(dir)?, described.window);
    Ok(Imported {
        name,
        model,
        tokenizer,
        companions,
        window,
        notes,
    })
}

/// Return the combined description from `config.json` and the weights, and the differences between
/// them.
fn settled(dir: &Path, store: Option<&Store>) -> Result<(Described, Vec<String>), HfError> {
    let mut described = described(dir)?;
    let mut notes = Vec::new();
    if store.is_some_and(|store| check::untie_if_different(&mut described, store)) {
        let head = described.family.head();
        notes.push(format!(
            "{head}.weight differs from the embedding, though tie_word_embeddings says that the head is tied to it: the head \
             in the file counts, as in transformers"
        ));
    }
    if let Some(window) = described.window {
        notes.push(format!(
            "sliding_window = {window} in config.json: the context is {window} tokens, for which the window hides nothing"
        ));
    }
    Ok((described, notes))
}

fn described(dir: &Path) -> Result<Described, HfError> {
    let within = dir
        .parent()
        .filter(|within| !within.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
        .to_owned();
    let path = dir.to_owned();
    let is_a_file = is_there(dir)?;
    if is_a_file && store::has_pickled_name(dir) {
        return Err(HfError::Pickled { path, dir: within });
    }
    if is_a_file && is_part(dir) {
        return Err(HfError::NotADirectory { path, dir: within });
    }
    Described::read(&dir.join(CONFIG))
}

fn read_tokenizer(dir: &Path) -> Result<Tokenizer, HfError> {
    let path = tokenizer(dir);
    if !is_there(&path)? {
        return Err(HfError::NoTokenizer {
            dir: dir.to_owned(),
        });
    }
    Ok(Tokenizer::from_file(&path)?)
}

fn name(dir: &Path) -> String {
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    whole.file_name().map_or_else(
        || "model".to_owned(),
        |name| name.to_string_lossy().into_owned(),
    )
}
