//! Models of Hugging Face's `transformers`: a directory with `config.json`, weights as safetensors
//! and `tokenizer.json`.
//!
//! [`open`] reads GPT-2, LLaMA and their kin into a [`Transformer`]. Weights stay where they are on
//! disk until each parameter is asked for, is converted to float32 and turned into our layout; with
//! [`open_as_stored`] matrices stay there for good. [`export`] writes such a directory.

mod check;
mod config;
mod error;
mod export;
mod family;
mod json;
mod layout;
mod numbers;
mod params;
mod present;
mod store;
mod to_transformers;

pub use error::HfError;
pub use export::{ExportOptions, Exported, Numbers, export};

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

/// What describes a model.
const CONFIG: &str = "config.json";
const TOKENIZER: &str = "tokenizer.json";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// What a directory may hold besides, that other software asks for and that training changes
/// nothing of.
const COMPANIONS: [&str; 4] = [
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    GENERATION_CONFIG,
    "chat_template.jinja",
];

/// A model that was read from a Hugging Face directory.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The directory's name.
    pub name: String,
    /// The model.
    pub model: Transformer,
    /// Its tokenizer, which knows what ends a text by all that the directory says.
    pub tokenizer: Tokenizer,
    /// What goes with the model wherever it goes.
    pub companions: Vec<SidecarFile>,
    /// Tokens that layers with a sliding window see, where that is less than the whole context: the
    /// model's context ends there.
    pub window: Option<usize>,
    /// Where it is not what `config.json` says, for people to read.
    pub notes: Vec<String>,
}

/// A file that other software asks for and that training changes nothing of.
#[derive(Clone, Debug, PartialEq)]
pub struct SidecarFile {
    /// Its name.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// Whether this is a Hugging Face directory rather than a run, or a file of a model, for which
/// [`open`] tells what to do.
///
/// # Errors
/// Whatever keeps it from being looked at, other than that it is not there.
pub fn is_model(path: &Path) -> Result<bool, HfError> {
    let Some(found) = look(path).map_err(HfError::read(path))? else {
        return Ok(false);
    };
    if found.is_file() {
        return Ok(store::has_pickled_name(path) || is_part(path));
    }
    Ok(is_there(&path.join(CONFIG))? && !is_there(&path.join("config.toml"))?)
}

/// Whether a file's name is one of a model's.
fn is_part(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end == "safetensors" || end == "json")
}

/// Its `tokenizer.json`, there or not.
pub fn tokenizer(dir: &Path) -> PathBuf {
    dir.join(TOKENIZER)
}

/// The files in a directory that go with a model wherever it goes: settings of its tokenizer and of
/// how it writes.
///
/// # Errors
/// One that cannot be read.
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

/// The name and configuration of the model in a directory, by its `config.json`, and by its weights
/// where they are there and have a head of their own.
///
/// # Errors
/// A file that cannot be read, or a model of another kind.
pub fn describe(dir: &Path) -> Result<(String, ModelConfig), HfError> {
    Ok((name(dir), settled(dir, sound_store(dir)?.as_ref())?.0.model))
}

/// Where the model in a directory is not what its `config.json` says, for people to read.
///
/// # Errors
/// As [`describe`].
pub fn notes(dir: &Path) -> Result<Vec<String>, HfError> {
    Ok(settled(dir, sound_store(dir)?.as_ref())?.1)
}

/// The weights in a directory, if they are there and sound: what is wrong with them is told when
/// they are read.
fn sound_store(dir: &Path) -> Result<Option<Store>, HfError> {
    match Store::open(dir) {
        Err(error @ (HfError::Io { .. } | HfError::Model(ModelError::Io { .. }))) => Err(error),
        store => Ok(store.ok()),
    }
}

/// Reads the model in a directory, every parameter as float32 and in our layout.
///
/// # Errors
/// Whatever `config.json`, the weights or `tokenizer.json` have wrong; of tensors all that do not
/// fit are listed.
pub fn open(dir: &Path, device: &Device) -> Result<Imported, HfError> {
    open_with(dir, device, false)
}

/// Reads the model in a directory to compute with it, not to train it: on the CPU's backend, weight
/// matrices in float32 or bfloat16 stay as they are in the file, which remains mapped. It computes
/// the same as the model of [`open`], in which each bfloat16 has become the float32 of the same
/// value.
///
/// # Errors
/// As [`open`].
pub fn open_as_stored(dir: &Path, device: &Device) -> Result<Imported, HfError> {
    // No other backend, and no gradient, takes bfloat16.
    open_with(dir, device, *device == Device::flex())
}

fn open_with(dir: &Path, device: &Device, as_stored: bool) -> Result<Imported, HfError> {
    described(dir)?;
    let tokenizer = read_tokenizer(dir)?;
    let store = Store::open(dir)?;
    let (described, notes) = settled(dir, Some(&store))?;
    // Before anything is allocated by the sizes that config.json claims.
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

/// What `config.json` and the weights together describe, and where they are not of one mind.
fn settled(dir: &Path, store: Option<&Store>) -> Result<(Described, Vec<String>), HfError> {
    let mut described = described(dir)?;
    let mut notes = Vec::new();
    if store.is_some_and(|store| check::settle_head(&mut described, store)) {
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
