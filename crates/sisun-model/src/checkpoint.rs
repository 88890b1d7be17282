//! Checkpoints: folders that become visible only when they are whole, and are verified when read.

use crate::ModelError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use sisun_config::{Config, check_pointer};
use sisun_files::{make_folder, sync_folder};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The weights of a checkpoint.
pub const MODEL_FILE: &str = "model.safetensors";
/// The optimizer's state in a checkpoint.
pub const TRAINING_FILE: &str = "training.safetensors";
const STATE_FILE: &str = "state.json";
/// What `sha256sum state.json` prints: `state.json` holds the sums of the other files, and cannot
/// hold its own.
const STATE_SUM_FILE: &str = "state.json.sha256";

/// How the name of what is not whole yet ends.
const PARTIAL: &str = ".partial";
/// What comes before that in the name of what is being removed.
const REMOVED: &str = ".removed";

/// `state.json`: where training stood, and what the other files must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Optimizer steps done.
    pub step: u64,
    /// Training tokens seen.
    pub tokens: u64,
    /// Seconds spent training.
    pub elapsed_s: f64,
    /// Seed of every random stream; with `step` it fixes windows, dropout and samples, so no
    /// generator is saved.
    pub seed: u64,
    /// The next micro-batch of the data stream.
    pub next_micro_step: u64,
    /// Lowest validation loss so far and its step. A loss that is not finite is none.
    #[serde(deserialize_with = "finite", serialize_with = "only_finite")]
    pub best: Option<(u64, f64)>,
    /// SHA-256 of the text the run was trained on.
    pub data_sha256: String,
    /// What was read of it, whatever was made of that. Not known of runs from before it was
    /// recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<SourcesSum>,
    /// What the run was made with, to be found again wherever it is opened; older runs do not have
    /// it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<MadeWith>,
    /// Size and SHA-256 of each file.
    pub files: BTreeMap<String, FileSum>,
    /// Of a run that trains low-rank adapters: size and SHA-256 of the weights they are added to,
    /// which lie in the run directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<FileSum>,
}

/// Sums of what lies beside the checkpoints and decides what they compute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeWith {
    /// SHA-256 of the run's `[model]` and `[finetune.lora]`, hexadecimal.
    pub model_sha256: String,
    /// SHA-256 of the tokenizer's canonical JSON, hexadecimal.
    pub tokenizer_sha256: String,
}

impl MadeWith {
    /// Of these settings and a tokenizer of this sum.
    pub fn new(config: &Config, tokenizer_sha256: String) -> Self {
        Self {
            model_sha256: model_sum(config),
            tokenizer_sha256,
        }
    }
}

/// The sum of the settings that decide what the weights mean. None of them may change when a run is
/// resumed.
pub(crate) fn model_sum(config: &Config) -> String {
    let toml = toml::to_string(&config.model)
        .expect("plain structs of numbers and strings always serialise");
    sum(format!("{toml}{:?}", config.lora()).as_bytes()).sha256
}

/// The files a text was read from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourcesSum {
    /// How many.
    pub files: u64,
    /// Bytes of text in all of them.
    pub bytes: u64,
    /// SHA-256 of their text, hexadecimal.
    pub sha256: String,
}

/// JSON has no NaN: it was once written as `null`, which is read as no best at all.
fn finite<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<(u64, f64)>, D::Error> {
    let best = Option::<(u64, Option<f64>)>::deserialize(reader)?;
    Ok(best.and_then(|(step, loss)| Some((step, loss?))))
}

fn only_finite<S: Serializer>(best: &Option<(u64, f64)>, writer: S) -> Result<S::Ok, S::Error> {
    best.filter(|(_, loss)| loss.is_finite()).serialize(writer)
}

/// What a file must be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSum {
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

/// Writes the contents of a file.
pub type WriteFile<'w> = dyn Fn(&mut File) -> std::io::Result<()> + 'w;

/// A checkpoint that was verified when it was opened.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    /// Its `state.json`.
    pub state: CheckpointState,
}

impl Checkpoint {
    /// Opens a checkpoint and verifies every file in it.
    ///
    /// # Errors
    /// [`ModelError::Damaged`], naming the file, what differs, and the newest older checkpoint that
    /// is whole.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::verified(path).map_err(|problem| ModelError::Damaged {
            path: path.to_owned(),
            problem,
            remedy: remedy_for(path),
        })
    }

    /// Opens a checkpoint, or says what of it is not what was written.
    fn verified(path: &Path) -> Result<Self, String> {
        let state = read_state(path)?;
        for (name, expected) in &state.files {
            let file = path.join(name);
            let found =
                sum_file(&file).map_err(|error| format!("{name} cannot be read ({error})"))?;
            if found.bytes != expected.bytes {
                return Err(format!(
                    "{name} has {} bytes, expected {}",
                    found.bytes, expected.bytes
                ));
            }
            if found.sha256 != expected.sha256 {
                return Err(format!("{name} was altered (its SHA-256 differs)"));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            state,
        })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One of its files.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a checkpoint beside its final place, syncs it, and renames it there.
    ///
    /// # Errors
    /// Anything that keeps the files from being written, a full disk for instance; what was written
    /// is removed and earlier checkpoints are untouched.
    pub fn write(
        checkpoints: &Path,
        mut state: CheckpointState,
        files: &[(&str, &WriteFile<'_>)],
    ) -> Result<Self, ModelError> {
        let path = checkpoints.join(folder_name(state.step));
        let aside = checkpoints.join(format!(".{}{PARTIAL}", folder_name(state.step)));
        state.files.clear();
        let result = (|| {
            remove_folder(&aside)?;
            make_folder(&aside)?;
            for (name, write) in files {
                let path = aside.join(name);
                let mut file = File::create_new(&path)?;
                write(&mut file)?;
                file.sync_all()?;
                state.files.insert((*name).to_owned(), sum_file(&path)?);
            }
            let text = serde_json::to_string_pretty(&state)
                .expect("plain numbers and strings always serialise");
            write_synced(&aside.join(STATE_FILE), text.as_bytes())?;
            write_synced(&aside.join(STATE_SUM_FILE), state_sum(&text).as_bytes())?;
            sync_folder(&aside)?;
            remove_checkpoint(checkpoints, state.step)?;
            fs::rename(&aside, &path)?;
            sync_folder(checkpoints)
        })();
        if let Err(error) = result {
            // The first error is the one to tell.
            let _ = remove_folder(&aside);
            return Err(ModelError::io("write checkpoint", &path)(error));
        }
        Ok(Self { path, state })
    }
}

/// The state of a checkpoint, verified, or what is wrong with it. Its other files are not looked
/// at.
pub(crate) fn read_state(path: &Path) -> Result<CheckpointState, String> {
    let read = |name: &str| {
        fs::read_to_string(path.join(name))
            .map_err(|error| format!("{name} cannot be read ({error})"))
    };
    let (text, sum) = (read(STATE_FILE)?, read(STATE_SUM_FILE)?);
    check_pointer(text.as_bytes())
        .map_err(|pointer| format!("{STATE_FILE} cannot be read ({pointer})"))?;
    if sum != state_sum(&text) {
        return Err(format!("{STATE_FILE} was altered (its SHA-256 differs)"));
    }
    serde_json::from_str(&text).map_err(|error| format!("{STATE_FILE} is not valid ({error})"))
}

/// Removes the checkpoint of a step, if it is there. It is renamed first, so that none is ever seen
/// with half of its files.
///
/// # Errors
/// Whatever keeps it from being removed.
pub fn remove_checkpoint(checkpoints: &Path, step: u64) -> std::io::Result<()> {
    let name = folder_name(step);
    let gone = checkpoints.join(format!(".{name}{REMOVED}{PARTIAL}"));
    remove_folder(&gone)?;
    match fs::rename(checkpoints.join(&name), &gone) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        renamed => renamed.and_then(|()| remove_folder(&gone)),
    }
}

/// The steps of the checkpoints in a folder, oldest first; none if there is no such folder. Folders
/// whose names only look like those of checkpoints (`step-7`, `step-+5`) are somebody's own.
///
/// # Errors
/// A folder that cannot be read.
pub fn steps_in(checkpoints: &Path) -> Result<Vec<u64>, ModelError> {
    let failed = ModelError::io("read", checkpoints);
    let names: std::io::Result<Vec<OsString>> = match fs::read_dir(checkpoints) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => {
            entries.and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        }
    };
    let step = |name: &OsString| {
        let step = name.to_str()?.strip_prefix("step-")?.parse().ok()?;
        (*name == *folder_name(step)).then_some(step)
    };
    let mut steps: Vec<u64> = names.map_err(failed)?.iter().filter_map(step).collect();
    steps.sort_unstable();
    Ok(steps)
}

/// Removes checkpoints that were being written or removed when their process ended.
pub fn remove_partial(checkpoints: &Path) {
    let is_ours = |name: OsString| {
        let stem = name.to_str()?.strip_prefix('.')?.strip_suffix(PARTIAL)?;
        let stem = stem.strip_suffix(REMOVED).unwrap_or(stem);
        let step = stem.strip_prefix("step-")?.parse().ok()?;
        Some(stem == folder_name(step))
    };
    let Ok(entries) = fs::read_dir(checkpoints) else {
        return;
    };
    for entry in entries
        .flatten()
        .filter(|entry| is_ours(entry.file_name()) == Some(true))
    {
        // A leftover that cannot be removed is only untidy.
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// The folder name of a step's checkpoint.
pub fn folder_name(step: u64) -> String {
    format!("step-{step:08}")
}

/// Writes a small file whole or not at all.
///
/// # Errors
/// Whatever keeps it from being written.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    sisun_files::write_bytes(path, bytes).map_err(ModelError::io("write", path))
}

fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn remove_folder(path: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

fn state_sum(text: &str) -> String {
    format!("{}  {STATE_FILE}\n", sum(text.as_bytes()).sha256)
}

fn sum(bytes: &[u8]) -> FileSum {
    FileSum {
        bytes: bytes.len() as u64,
        sha256: hex(&Sha256::digest(bytes)),
    }
}

/// Size and SHA-256 of a file.
pub(crate) fn sum_file(path: &Path) -> std::io::Result<FileSum> {
    let (mut file, mut hash, mut bytes) = (File::open(path)?, Sha256::new(), 0);
    let mut block = vec![0; 1 << 20];
    loop {
        let n = file.read(&mut block)?;
        if n == 0 {
            return Ok(FileSum {
                bytes,
                sha256: hex(&hash.finalize()),
            });
        }
        if bytes == 0 {
            check_pointer(&block[..n])?;
        }
        hash.update(&block[..n]);
        bytes += n as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What to do about a damaged checkpoint: use the newest older one that is whole, if there is one.
fn remedy_for(path: &Path) -> String {
    match whole_before(path) {
        Err(NoneWhole { older: None }) => "restore it from a copy".to_owned(),
        Err(NoneWhole { older: Some(0) }) => {
            "no older checkpoint is left; train again, or restore it from a copy".to_owned()
        }
        Err(NoneWhole { older: Some(_) }) => {
            "so is every older one; train again, or restore one from a copy".to_owned()
        }
        Ok((whole, damaged)) if damaged.is_empty() => {
            format!("the one before is {}: name that folder", whole.display())
        }
        Ok((whole, _)) => format!(
            "those before it are damaged too, down to {}: name that folder",
            whole.display()
        ),
    }
}

/// No older checkpoint is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoneWhole {
    /// How many older ones there are; `None` for a folder that does not stand among others.
    pub older: Option<usize>,
}

/// The newest checkpoint that is older than this one and whole, and the damaged ones between them,
/// newest first.
///
/// # Errors
/// [`NoneWhole`].
pub fn whole_before(path: &Path) -> Result<(PathBuf, Vec<PathBuf>), NoneWhole> {
    let step = path
        .file_name()
        .and_then(|name| name.to_str()?.strip_prefix("step-")?.parse::<u64>().ok());
    let (Some(checkpoints), Some(step)) = (path.parent(), step) else {
        return Err(NoneWhole { older: None });
    };
    let older = steps_in(checkpoints)
        .unwrap_or_default()
        .into_iter()
        .rev()
        .filter(|older| *older < step)
        .map(|older| checkpoints.join(folder_name(older)));
    let mut damaged = Vec::new();
    for older in older {
        if Checkpoint::verified(&older).is_ok() {
            return Ok((older, damaged));
        }
        damaged.push(older);
    }
    Err(NoneWhole {
        older: Some(damaged.len()),
    })
}
