//! Checkpoints: folders that appear only when complete and are verified when read.

use crate::ModelError;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use sisun_config::{Config, Seq2SeqConfig, check_pointer};
use sisun_files::{make_folder, sync_folder};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Weights of a checkpoint.
pub const MODEL_FILE: &str = "model.safetensors";
/// Optimizer state of a checkpoint.
pub const TRAINING_FILE: &str = "training.safetensors";
const STATE_FILE: &str = "state.json";
/// Output of `sha256sum state.json`: `state.json` holds the checksums of the other files but cannot
/// hold its own.
const STATE_SUM_FILE: &str = "state.json.sha256";

/// Suffix of a folder that is incomplete.
const PARTIAL: &str = ".partial";
/// Precedes [`PARTIAL`] in the name of a folder that is being removed.
const REMOVED: &str = ".removed";

/// Contents of `state.json`: the training progress and the checksums of the other files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckpointState {
    /// Optimizer steps completed.
    pub step: u64,
    /// Training tokens seen.
    pub tokens: u64,
    /// Seconds spent training.
    pub elapsed_s: f64,
    /// Seed of every random stream. Together with `step` it determines windows, dropout and
    /// samples, so no generator state is saved.
    pub seed: u64,
    /// Index of the next micro-batch of the data stream.
    pub next_micro_step: u64,
    /// Step and value of the lowest validation loss so far; losses that are not finite do not
    /// count.
    #[serde(deserialize_with = "finite", serialize_with = "only_finite")]
    pub best: Option<(u64, f64)>,
    /// SHA-256 of the training text.
    pub data_sha256: String,
    /// Checksum of the source text before preprocessing. Absent in older runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<SourcesSum>,
    /// Checksums of the model settings and the tokenizer, to detect changes when the run is opened.
    /// Absent in older runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<MadeWith>,
    /// Size and SHA-256 of each file.
    pub files: BTreeMap<String, FileSum>,
    /// Size and SHA-256 of the base weights in the run directory, if the run trains low-rank
    /// adapters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<FileSum>,
}

/// Checksums of files outside the checkpoint that determine what the model computes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MadeWith {
    /// SHA-256 of the run's `[model]` and `[finetune.lora]`, or of its `[seq2seq]`, hexadecimal.
    pub model_sha256: String,
    /// SHA-256 of the canonical JSON of the tokenizer, or of that of sources, hexadecimal.
    pub tokenizer_sha256: String,
    /// SHA-256 of the canonical JSON of the tokenizer of targets, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_tokenizer_sha256: Option<String>,
}

impl MadeWith {
    /// Compute the checksums from a configuration and a tokenizer checksum.
    pub fn new(config: &Config, tokenizer_sha256: String) -> Self {
        Self {
            model_sha256: model_sum(config),
            tokenizer_sha256,
            target_tokenizer_sha256: None,
        }
    }

    /// Compute the checksums from a sequence-to-sequence configuration and the checksums of the
    /// tokenizers of sources and targets.
    pub fn of_seq2seq(config: &Seq2SeqConfig, [source, target]: [String; 2]) -> Self {
        Self {
            model_sha256: seq2seq_sum(config),
            tokenizer_sha256: source,
            target_tokenizer_sha256: Some(target),
        }
    }
}

/// Return the checksum of the settings that determine the meaning of the weights. None of them may
/// change when a run is resumed.
pub(crate) fn model_sum(config: &Config) -> String {
    let toml = toml::to_string(&config.model)
        .expect("plain structs of numbers and strings always serialise");
    sum(format!("{toml}{:?}", config.lora()).as_bytes()).sha256
}

/// Return the checksum of the settings of a sequence-to-sequence model.
pub(crate) fn seq2seq_sum(config: &Seq2SeqConfig) -> String {
    let toml =
        toml::to_string(config).expect("plain structs of numbers and strings always serialise");
    sum(toml.as_bytes()).sha256
}

/// Size and checksum of the source files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourcesSum {
    /// Number of files.
    pub files: u64,
    /// Bytes of text in all files.
    pub bytes: u64,
    /// SHA-256 of the text, hexadecimal.
    pub sha256: String,
}

/// Read `best`. Older versions wrote NaN as `null` (JSON has no NaN); read it as `None`.
fn finite<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<(u64, f64)>, D::Error> {
    let best = Option::<(u64, Option<f64>)>::deserialize(reader)?;
    Ok(best.and_then(|(step, loss)| Some((step, loss?))))
}

fn only_finite<S: Serializer>(best: &Option<(u64, f64)>, writer: S) -> Result<S::Ok, S::Error> {
    best.filter(|(_, loss)| loss.is_finite()).serialize(writer)
}

/// Expected size and checksum of a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileSum {
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

impl FileSum {
    /// Check that the file `name` of a checkpoint has the recorded size, or describe the difference.
    /// Its checksum would take as long as reading it.
    ///
    /// # Errors
    /// If it has another size, is a Git LFS pointer in its place, or cannot be read.
    pub fn check_size(&self, checkpoint: &Path, name: &str) -> Result<(), String> {
        let path = checkpoint.join(name);
        let unreadable = |error| format!("{name} cannot be read ({error})");
        let found = fs::metadata(&path).map_err(unreadable)?.len();
        if found == self.bytes {
            return Ok(());
        }
        check_file_is_no_pointer(&path).map_err(unreadable)?;
        Err(format!("{name} has {found} bytes, expected {}", self.bytes))
    }
}

/// A function that writes the contents of a file.
pub type WriteFile<'w> = dyn Fn(&mut File) -> std::io::Result<()> + 'w;

/// A verified checkpoint.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    path: PathBuf,
    /// Contents of `state.json`.
    pub state: CheckpointState,
}

impl Checkpoint {
    /// Open a checkpoint and verify every file in it.
    ///
    /// # Errors
    /// [`ModelError::Damaged`] with the file, the difference, and the newest older checkpoint that
    /// is intact.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::verified(path).map_err(|problem| ModelError::Damaged {
            path: path.to_owned(),
            problem,
            remedy: remedy_for(path),
        })
    }

    /// Open a checkpoint, or describe the first difference from the recorded checksums.
    fn verified(path: &Path) -> Result<Self, String> {
        let state = read_state(path)?;
        for (name, expected) in &state.files {
            expected.check_size(path, name)?;
            let found = sum_file(&path.join(name))
                .map_err(|error| format!("{name} cannot be read ({error})"))?;
            if found.sha256 != expected.sha256 {
                return Err(format!("{name} was altered (its SHA-256 differs)"));
            }
        }
        Ok(Self {
            path: path.to_owned(),
            state,
        })
    }

    /// Return the folder of the checkpoint.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Return the path of a file in the checkpoint.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Write a checkpoint to a temporary folder, sync it, and rename it into place.
    ///
    /// # Errors
    /// If a file cannot be written, for instance because the disk is full. The partial checkpoint
    /// is removed; earlier checkpoints are untouched.
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
            // Report the first error only.
            let _ = remove_folder(&aside);
            return Err(ModelError::io("write checkpoint", &path)(error));
        }
        Ok(Self { path, state })
    }
}

/// Read and verify the state of a checkpoint, without looking at its other files.
///
/// # Errors
/// A description of the damage.
pub fn read_state(path: &Path) -> Result<CheckpointState, String> {
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

/// Remove the checkpoint of a step, if it exists. It is renamed first, so that no reader sees it
/// with files missing.
///
/// # Errors
/// If it cannot be removed.
pub fn remove_checkpoint(checkpoints: &Path, step: u64) -> std::io::Result<()> {
    let name = folder_name(step);
    let gone = checkpoints.join(format!(".{name}{REMOVED}{PARTIAL}"));
    remove_folder(&gone)?;
    match fs::rename(checkpoints.join(&name), &gone) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        renamed => renamed.and_then(|()| remove_folder(&gone)),
    }
}

/// Return the steps of the checkpoints in a folder in ascending order; empty if the folder does not
/// exist. Folders with similar names (`step-7`, `step-+5`) are ignored.
///
/// # Errors
/// If the folder cannot be read.
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

/// Remove checkpoints left incomplete by a process that ended while writing or removing them.
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
        // Best effort: a leftover does no harm.
        let _ = fs::remove_dir_all(entry.path());
    }
}

/// Return the folder name of a step's checkpoint.
pub fn folder_name(step: u64) -> String {
    format!("step-{step:08}")
}

/// Write a small file atomically.
///
/// # Errors
/// If it cannot be written.
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

/// Compute size and SHA-256 of a file.
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

fn check_file_is_no_pointer(path: &Path) -> std::io::Result<()> {
    let mut beginning = Vec::new();
    File::open(path)?.take(1024).read_to_end(&mut beginning)?;
    check_pointer(&beginning)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Return the remedy for a damaged checkpoint: the newest older checkpoint that is intact, if any.
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

/// The error of [`whole_before`]: no older checkpoint is intact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoneWhole {
    /// Number of older checkpoints; `None` if the name of the folder is not that of a checkpoint.
    pub older: Option<usize>,
}

/// Return the newest intact checkpoint older than `path`, and the damaged ones between them, newest
/// first.
///
/// # Errors
/// [`NoneWhole`] if no older checkpoint is intact.
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
