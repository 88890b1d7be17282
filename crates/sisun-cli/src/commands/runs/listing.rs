//! The runs and comparisons of a folder. Nothing is written, and what is broken is listed with the
//! reason.

use crate::hints;
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::{Value, json};
use sisun_compare::IDENTITY;
use sisun_config::shell;
use sisun_files::{LOCK_FILE, RunDir, holder, utc};
use sisun_model::Run;
use sisun_model::checkpoint::{folder_name, read_state, steps_in};
use sisun_train::read_metrics;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// A directory of the list.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    pub(super) name: String,
    pub(super) state: State,
    /// Steps done, and steps in all; of a comparison, cells.
    pub(super) steps: Option<(u64, u64)>,
    pub(super) best: Option<Best>,
    pub(super) bytes: u64,
    /// Time of the newest file.
    pub(super) modified: SystemTime,
}

/// The lowest validation loss.
#[derive(Clone, Copy, Debug)]
pub(super) struct Best {
    pub(super) step: u64,
    pub(super) loss: f64,
    pub(super) bits_per_byte: Option<f64>,
}

impl Best {
    /// Return a number by which runs can be compared: bits per byte, or after all such numbers the
    /// loss.
    pub(super) fn comparable(self) -> f64 {
        self.bits_per_byte.unwrap_or(1e6 + self.loss)
    }
}

/// The state of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    Finished,
    Interrupted,
    /// Ended by a loss or a weight that is not finite.
    Diverged,
    /// A process holds its lock.
    Training,
    /// Left before its first checkpoint.
    NeverSaved,
    Comparison,
    Broken(String),
}

/// Return the runs and comparisons in a folder by name; if it is a run itself, that one.
pub(super) fn list(dir: &Path) -> Result<Vec<Listed>> {
    if is_ours(dir) {
        return Ok(vec![look_at(dir)]);
    }
    let failed = || format!("cannot read {}", dir.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).with_context(failed)? {
        let path = entry.with_context(failed)?.path();
        if path.is_dir() && is_ours(&path) {
            found.push(look_at(&path));
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Return true if a folder has a file that only a run or a comparison has.
fn is_ours(dir: &Path) -> bool {
    let run = RunDir::new(dir);
    [
        run.config(),
        run.checkpoints(),
        run.metrics(),
        dir.join(IDENTITY),
    ]
    .iter()
    .any(|path| path.exists())
}

fn look_at(path: &Path) -> Listed {
    let name = path
        .components()
        .next_back()
        .map_or_else(String::new, |name| {
            name.as_os_str().to_string_lossy().into_owned()
        });
    let (bytes, modified) = size(path);
    let mut listed = Listed {
        path: path.to_owned(),
        name,
        state: State::Comparison,
        steps: None,
        best: None,
        bytes,
        modified,
    };
    let looked = match path.join(IDENTITY).exists() {
        true => cells(path).map(|cells| listed.steps = Some(cells)),
        false => look_at_run(&mut listed),
    };
    if let Err(error) = looked {
        listed.state = State::Broken(hints::message(&error));
    }
    if holder(&path.join(LOCK_FILE)).is_some() {
        listed.state = State::Training;
    }
    listed
}

fn look_at_run(listed: &mut Listed) -> Result<()> {
    let run = RunDir::new(&listed.path);
    let opened = Run::open(&listed.path)?;
    let steps = match opened.is_seq2seq()? {
        true => opened.seq2seq_config()?.train.steps,
        false => opened.config()?.train.steps,
    };
    let checkpoints = run.checkpoints();
    let Some(newest) = steps_in(&checkpoints)?.pop() else {
        listed.state = State::NeverSaved;
        listed.steps = Some((0, steps));
        return Ok(());
    };
    let newest = checkpoints.join(folder_name(newest));
    let damaged = |problem| anyhow!("{} is damaged: {problem}", newest.display());
    let read = read_state(&newest).map_err(damaged)?;
    for (name, sum) in &read.files {
        sum.check_size(&newest, name).map_err(damaged)?;
    }
    listed.steps = Some((read.step, steps));
    listed.state = match read.step >= steps {
        true => State::Finished,
        false => State::Interrupted,
    };
    listed.best = read.best.map(|(step, loss)| Best {
        step,
        loss,
        bits_per_byte: None,
    });
    let metrics = read_metrics(&run.metrics())?;
    if metrics.last().is_some_and(|metric| metric.diverged) {
        listed.state = State::Diverged;
    }
    if let Some(best) = &mut listed.best {
        best.bits_per_byte = metrics
            .iter()
            .find(|metric| metric.step == best.step && metric.split == "validation")
            .and_then(|metric| metric.bits_per_byte);
    }
    Ok(())
}

/// Return the finished cells of a comparison, and all of them.
fn cells(path: &Path) -> Result<(u64, u64)> {
    #[derive(Deserialize)]
    struct Identity {
        cells: std::collections::BTreeMap<String, String>,
    }
    let identity: Identity = read_json(&path.join(IDENTITY))?;
    let mut done = 0;
    walk(&path.join("cells"), &mut |file, _| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        done += u64::from(name.ends_with(".json") && !name.ends_with(".time.json"));
    });
    Ok((done, identity.cells.len() as u64))
}

fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        let problem = sisun_config::plain_words(&error.to_string());
        anyhow!("{} is damaged ({problem})", path.display())
    })
}

/// Return the bytes of the files of a folder, and the time of the newest.
fn size(path: &Path) -> (u64, SystemTime) {
    let (mut bytes, mut newest) = (0, UNIX_EPOCH);
    walk(path, &mut |_, found| {
        bytes += found.len();
        newest = found
            .modified()
            .map_or(newest, |modified| newest.max(modified));
    });
    (bytes, newest)
}

/// Call `with` for every file below a folder. Links are not followed, and what cannot be read is left
/// out.
fn walk(folder: &Path, with: &mut dyn FnMut(&Path, &fs::Metadata)) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.metadata() {
            Ok(found) if found.is_dir() => walk(&entry.path(), with),
            Ok(found) if found.is_file() => with(&entry.path(), &found),
            _ => {}
        }
    }
}

impl Listed {
    fn seconds(&self) -> u64 {
        self.modified
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs())
    }

    pub(super) fn date(&self) -> String {
        utc(self.seconds())
    }

    /// Return the state in a word, and why a directory is broken.
    pub(super) fn state_in_words(&self) -> String {
        match &self.state {
            State::Broken(why) => {
                let mut lines = why.lines();
                let first = lines.next().unwrap_or_default().trim_end_matches(':');
                match lines.next() {
                    None => format!("broken: {first}"),
                    Some(_) => {
                        let path = shell::path(&self.path);
                        format!("broken: {first} (sisun info {path} tells more)")
                    }
                }
            }
            other => other.word().to_owned(),
        }
    }

    pub(super) fn json(&self) -> Value {
        let why = match &self.state {
            State::Broken(why) => Some(why),
            _ => None,
        };
        json!({
            "name": self.name,
            "path": self.path,
            "state": self.state.word(),
            "problem": why,
            "step": self.steps.map(|(step, _)| step),
            "steps": self.steps.map(|(_, steps)| steps),
            "best_step": self.best.map(|best| best.step),
            "validation_loss": self.best.map(|best| best.loss),
            "bits_per_byte": self.best.and_then(|best| best.bits_per_byte),
            "bytes": self.bytes,
            "modified_unix_s": self.seconds(),
        })
    }
}

impl State {
    fn word(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Interrupted => "interrupted",
            Self::Diverged => "diverged",
            Self::Training => "training",
            Self::NeverSaved => "never saved",
            Self::Comparison => "comparison",
            Self::Broken(_) => "broken",
        }
    }
}
