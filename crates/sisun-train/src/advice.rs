//! Commands that messages tell people to type. Each works when it is pasted.

use sisun_config::{Config, OptimizerKind, TrainConfig, shell};
use sisun_data::vocabulary_size;
use sisun_files::RunDir;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const VOCAB_SIZE: &str = "model.vocab_size";

/// Goes on with a run as its own `config.toml` says.
pub fn resume(run_dir: &Path) -> String {
    format!("sisun train --resume {}", shell::path(run_dir))
}

/// What was typed besides the run, which a command that says it again must not lose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// The configuration that was named with `--resume`.
    pub config: Option<PathBuf>,
    /// Each `KEY=VALUE` of `--set`.
    pub set: Vec<String>,
    /// Other options, as they are typed.
    pub options: Vec<String>,
}

impl Typed {
    /// Goes on with a run with the settings that were typed.
    pub(crate) fn resume(&self, run_dir: &Path) -> String {
        let config = self
            .config
            .as_ref()
            .map_or_else(String::new, |path| format!("{} ", shell::path(path)));
        let mut command = format!("sisun train {config}--resume {}", shell::path(run_dir));
        for set in &self.set {
            command += &format!(" --set {}", shell::word(set));
        }
        for option in &self.options {
            command += &format!(" {}", shell::word(option));
        }
        command
    }

    /// Goes on with a run when another process has done with it.
    pub(crate) fn wait(&self, run_dir: &Path) -> String {
        format!("{} --wait", self.resume(run_dir))
    }

    /// Goes on with a run in the directory where it was started.
    pub(crate) fn elsewhere(&self, run_dir: &Path, started_in: &Path) -> String {
        let config = self
            .config
            .as_ref()
            .map(|path| path.canonicalize().unwrap_or_else(|_| path.clone()));
        let there = Self {
            config,
            ..self.clone()
        };
        format!(
            "cd {} && {}",
            shell::path(started_in),
            there.resume(run_dir)
        )
    }

    /// Goes on with a run without its newest checkpoints.
    pub(crate) fn without_damaged(&self, run_dir: &Path, damaged: &[PathBuf]) -> String {
        let damaged: Vec<String> = damaged.iter().map(|path| shell::path(path)).collect();
        format!("rm -r {} && {}", damaged.join(" "), self.resume(run_dir))
    }

    /// Goes on with a run that has taken all of its steps, for as many again.
    pub(crate) fn longer(&self, run_dir: &Path, steps: u64) -> String {
        let mut longer = self.clone();
        longer
            .set
            .retain(|set| set.split('=').next().map(str::trim) != Some("train.steps"));
        let steps = steps.saturating_mul(2);
        longer.set.push(format!("train.steps={steps}"));
        longer.resume(run_dir)
    }
}

/// Begins a run with the settings of another, some of them changed; its weights too, if it is to
/// start from some.
pub(crate) fn anew(run_dir: &Path, from: Option<&Path>, settings: &[(String, Value)]) -> String {
    let config = shell::path(&RunDir::new(run_dir).config());
    let mut command = format!(
        "sisun train {config} --run {}",
        shell::path(&vacant_beside(run_dir))
    );
    let from = from.map(|from| {
        (
            "finetune.model".to_owned(),
            Value::String(from.display().to_string()),
        )
    });
    for (key, value) in from.iter().chain(settings) {
        command += &format!(
            " --set {}",
            shell::word(&format!("{key}={}", spelled(value)))
        );
    }
    command
}

/// Begins a run with a tenth of the learning rate, from the last good checkpoint if training had
/// begun by then.
pub(crate) fn lower_rate(run_dir: &Path, train: &TrainConfig, last_good: Option<&Path>) -> String {
    let tenth = |rate: f64| {
        format!("{:.1e}", rate / 10.0)
            .parse()
            .unwrap_or(rate / 10.0)
    };
    let rate: f64 = tenth(train.lr_max);
    let mut settings = vec![("train.lr_max".to_owned(), Value::Float(rate))];
    if train.lr_min.is_some_and(|lowest| lowest > rate) {
        settings.push(("train.lr_min".to_owned(), Value::Float(tenth(rate))));
    }
    if train.optimizer == OptimizerKind::Muon {
        settings.push((
            "train.muon_lr_max".to_owned(),
            Value::Float(tenth(train.muon_lr_max)),
        ));
    }
    let trained = last_good.filter(|path| !path.ends_with(sisun_model::checkpoint::folder_name(0)));
    anew(run_dir, trained, &settings)
}

/// How settings that may not change on resume are changed all the same, if a command can say so: a
/// new run that starts from this one's weights, or, where these would not fit, from nothing.
pub(crate) fn changed(
    run_dir: &Path,
    before: &Config,
    asked: &Config,
    refused: &[Change],
    all: &[Change],
) -> Option<String> {
    let fits = |key: &str| {
        (key.starts_with("train.")
            || key.starts_with("finetune.lora")
            || ["model.context_len", "model.dropout"].contains(&key))
            && !(key == "model.context_len"
                && before.model.position == sisun_config::Position::Learned)
    };
    let from = refused
        .iter()
        .all(|change| fits(&change.key))
        .then_some(run_dir);
    let mut settings = settings(all)?;
    let is_changed = |key: &str| all.iter().any(|change| change.key == key);
    if is_changed("tokenizer") && !is_changed(VOCAB_SIZE) {
        // The run's own settings state the size of the vocabulary that it has.
        let size = vocabulary_size(
            &asked.data,
            &asked.tokenizer,
            &asked.data.cache_folder(),
            &mut |_| {},
        )
        .ok()?;
        settings.push((VOCAB_SIZE.to_owned(), Value::Integer(size.try_into().ok()?)));
    }
    Some(anew(run_dir, from, &settings))
}

/// Begins a run on other text with the settings and weights of this one.
pub(crate) fn learn(run_dir: &Path, changes: &[Change]) -> Option<String> {
    Some(anew(run_dir, Some(run_dir), &settings(changes)?))
}

/// Begins a run on text that this one's tokenizer cannot write: from nothing, with a vocabulary of
/// so many characters.
pub(crate) fn learn_characters(
    run_dir: &Path,
    changes: &[Change],
    vocab_size: usize,
) -> Option<String> {
    let size = (
        VOCAB_SIZE.to_owned(),
        Value::Integer(vocab_size.try_into().ok()?),
    );
    Some(anew(
        run_dir,
        None,
        &[settings(changes)?, vec![size]].concat(),
    ))
}

/// Keys and values as they are to be, if every key has one.
fn settings(changes: &[Change]) -> Option<Vec<(String, Value)>> {
    changes
        .iter()
        .map(|change| Some((change.key.clone(), change.after.clone()?)))
        .collect()
}

/// A setting that differs between a run and what it is asked to go on with.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The key.
    pub key: String,
    /// What the run has, if it has the key.
    pub before: Option<Value>,
    /// What is asked for, if it has the key.
    pub after: Option<Value>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let show = |value: &Option<Value>| {
            value
                .as_ref()
                .map_or_else(|| "not set".to_owned(), Value::to_string)
        };
        write!(
            f,
            "{} ({} → {})",
            self.key,
            show(&self.before),
            show(&self.after)
        )
    }
}

/// A value as `--set` takes it: text without quotes where it cannot be taken for anything else.
fn spelled(value: &Value) -> String {
    match value {
        Value::String(text) if is_only_text(text) => text.clone(),
        Value::Float(number) if number.abs() >= 1e16 || (number.abs() < 1e-4 && *number != 0.0) => {
            format!("{number:e}")
        }
        other => other.to_string(),
    }
}

fn is_only_text(text: &str) -> bool {
    let read_as_toml = format!("v = {text}").parse::<Table>().is_ok();
    !text.is_empty() && text.trim() == text && !text.contains('#') && !read_as_toml
}

/// A directory beside this one that is not there yet: `NAME-2`, or the next number that is free.
fn vacant_beside(run_dir: &Path) -> PathBuf {
    // `.` has no name of its own.
    let named = |dir: PathBuf| dir.file_name().map(|name| (dir.clone(), name.to_owned()));
    let found =
        named(run_dir.components().collect()).or_else(|| named(run_dir.canonicalize().ok()?));
    let (dir, name) = found.unwrap_or_else(|| ("run".into(), "run".into()));
    let numbered = |number: u64| {
        let mut name = name.clone();
        name.push(format!("-{number}"));
        dir.with_file_name(name)
    };
    (2..)
        .map(numbered)
        .find(|path| !path.exists())
        .unwrap_or(dir)
}
