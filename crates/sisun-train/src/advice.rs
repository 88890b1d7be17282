//! Commands that messages suggest. Each works when pasted into a shell.

use crate::may_change::may_change;
use sisun_config::{Config, OptimizerKind, TrainConfig, shell};
use sisun_data::vocabulary_size;
use sisun_files::RunDir;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const VOCAB_SIZE: &str = "model.vocab_size";

/// Command-line arguments besides the run, to repeat in suggested commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Typed {
    /// Configuration given with `--resume`.
    pub config: Option<PathBuf>,
    /// Each `KEY=VALUE` given with `--set`.
    pub set: Vec<String>,
    /// Other options, as typed.
    pub options: Vec<String>,
}

impl Typed {
    /// Return the command that resumes a run with the same arguments.
    pub(crate) fn resume(&self, run_dir: &Path) -> String {
        let config = self
            .config
            .as_ref()
            .map_or_else(String::new, |path| format!("{} ", shell::path(path)));
        let mut command = format!("sisun train {config}--resume {}", shell::path(run_dir));
        for set in &self.set {
            command += &format!(" --set {}", shell::word(set));
        }
        command + &self.options()
    }

    /// Keep only settings of the training loop that a run can be resumed with: others are refused, and
    /// text that is named anew may not be there.
    pub(crate) fn that_may_change(&self) -> Self {
        let mut kept = self.clone();
        kept.set.retain(|set| {
            let key = set.split('=').next().unwrap_or_default().trim();
            key.starts_with("train.") && may_change(key)
        });
        kept
    }

    /// Return the command that resumes a run as it is, with the same options but without other
    /// settings.
    pub fn plain_resume(&self, run_dir: &Path) -> String {
        let plain = Self {
            options: self.options.clone(),
            ..Self::default()
        };
        plain.resume(run_dir)
    }

    /// Return the command that resumes a run with its own settings on the CPU.
    pub fn resume_on_cpu(&self, run_dir: &Path) -> String {
        let mut options = self.options.clone();
        if let Some(at) = options.iter().position(|option| option == "--device") {
            options.drain(at..(at + 2).min(options.len()));
        }
        options.extend(["--device".to_owned(), "cpu".to_owned()]);
        let on_cpu = Self {
            options,
            ..Self::default()
        };
        on_cpu.resume(run_dir)
    }

    /// Return the options for the end of a command, each after a space.
    pub fn options(&self) -> String {
        self.options
            .iter()
            .map(|option| format!(" {}", shell::word(option)))
            .collect()
    }

    /// Return the command that resumes a run after another process has finished with it.
    pub(crate) fn wait(&self, run_dir: &Path) -> String {
        format!("{} --wait", self.resume(run_dir))
    }

    /// Return the command that resumes a run from the directory where it was started.
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

    /// Return the command that resumes a run without its newest checkpoints.
    pub(crate) fn without_damaged(&self, run_dir: &Path, damaged: &[PathBuf]) -> String {
        let damaged: Vec<String> = damaged.iter().map(|path| shell::path(path)).collect();
        format!("rm -r {} && {}", damaged.join(" "), self.resume(run_dir))
    }

    /// Return the command that extends a finished run by its own number of steps.
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

/// Return the command that starts a run with the settings of another and some changes; with `from`,
/// also with its weights.
pub(crate) fn new_run_command(
    run_dir: &Path,
    from: Option<&Path>,
    settings: &[(String, Value)],
) -> String {
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

/// Return the command that starts a run with a tenth of the learning rate, from the last good
/// checkpoint unless it precedes the first step.
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
    new_run_command(run_dir, trained, &settings)
}

/// Return the command that applies settings that may not change on resume, if a command can: a new
/// run that starts from this run's weights or, if they would not fit, from random weights.
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
        // The run's own settings record the size of its vocabulary.
        let size = vocabulary_size(
            &asked.data,
            &asked.tokenizer,
            &asked.data.cache_folder(),
            &mut |_| {},
        )
        .ok()?;
        settings.push((VOCAB_SIZE.to_owned(), Value::Integer(size.try_into().ok()?)));
    }
    Some(new_run_command(run_dir, from, &settings))
}

/// Return the command that starts a run with the settings of another and some changes, if each can
/// be stated.
pub(crate) fn with_changes(run_dir: &Path, changes: &[Change]) -> Option<String> {
    Some(new_run_command(run_dir, None, &settings(changes)?))
}

/// Return the command that starts a run on other text with the settings and weights of this one.
pub(crate) fn learn(run_dir: &Path, changes: &[Change]) -> Option<String> {
    Some(new_run_command(run_dir, Some(run_dir), &settings(changes)?))
}

/// Return the command that starts a run on text that this run's tokenizer cannot encode: from
/// random weights, with a vocabulary of `size` characters.
pub(crate) fn learn_characters(
    run_dir: &Path,
    changes: &[Change],
    vocab_size: usize,
) -> Option<String> {
    let size = (
        VOCAB_SIZE.to_owned(),
        Value::Integer(vocab_size.try_into().ok()?),
    );
    Some(new_run_command(
        run_dir,
        None,
        &[settings(changes)?, vec![size]].concat(),
    ))
}

/// Return the new value of each key, or `None` if a key has none.
fn settings(changes: &[Change]) -> Option<Vec<(String, Value)>> {
    changes
        .iter()
        .map(|change| Some((change.key.clone(), change.after.clone()?)))
        .collect()
}

/// A setting that differs between a run and the request to resume it.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Full key of the setting.
    pub key: String,
    /// Value in the run, if present.
    pub before: Option<Value>,
    /// Requested value, if present.
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

/// Format a value for `--set`: strings without quotes if unambiguous.
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

/// Return an unused sibling directory: `NAME-2`, or the next free number.
fn vacant_beside(run_dir: &Path) -> PathBuf {
    // The path `.` has no file name.
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
