//! Errors in a configuration.

use crate::meant::{needless, option};
use crate::nearest::{did_you_mean, nearest_path};
use crate::{ErrorKind, StartOption};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// An error in a configuration, with its location and the remedy.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read configuration {}: {source}{}", path.display(), meant_file(path, source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A folder where a configuration file is expected.
    #[error("cannot read configuration {}: it is a directory; name a TOML file{}", path.display(), own(path))]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The file is in another encoding than UTF-8, as TOML has to be.
    #[error("{} is not UTF-8 text; {remedy}", path.display())]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// The likely encoding, and the command that converts the file.
        remedy: String,
    },
    /// The file is not TOML.
    #[error("{} is not valid TOML: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's message, with line and column.
        message: String,
    },
    /// A key that is not part of the configuration.
    #[error("unknown key {key}{}", suggest(key, suggestion.as_deref(), remark.as_deref(), known))]
    UnknownKey {
        /// The key with its tables, for example `train.lr_mx`.
        key: String,
        /// The nearest known key.
        suggestion: Option<String>,
        /// What to write for a name that counts something else, or why nothing is to be written.
        remark: Option<Box<str>>,
        /// All keys of that table.
        known: Box<[String]>,
    },
    /// A key that only another kind of the same table has.
    #[error("{key} belongs to kind = {kind:?}")]
    OtherKind {
        /// The key.
        key: String,
        /// The kind that has it.
        kind: String,
    },
    /// A key without a default that is missing.
    #[error("{key} is missing: {about} ({takes}), for example {example}")]
    Missing {
        /// The key.
        key: String,
        /// Its meaning.
        about: Box<str>,
        /// The accepted values.
        takes: Box<str>,
        /// The key with a typical value.
        example: String,
    },
    /// A key whose value has the wrong type.
    #[error("{key} = {value}: {rule}")]
    Wrong {
        /// The key.
        key: String,
        /// Its value as TOML.
        value: String,
        /// The accepted values.
        rule: String,
    },
    /// A table that contradicts the rest.
    #[error("{key}: {message}")]
    Invalid {
        /// The key or table.
        key: String,
        /// Description of the problem.
        message: String,
    },
    /// Several errors in one configuration.
    #[error("{} things are wrong:{}", .0.len(), listed(.0))]
    Several(Vec<ConfigError>),
    /// A value out of range.
    #[error("{key} = {value} {rule}")]
    OutOfRange {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// The accepted range.
        rule: String,
    },
    /// A key that contradicts the model that is fine-tuned.
    #[error("{key} = {value}: the model in {theirs}; leave it out")]
    Contradicts {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// Location of that model, and its value for the key.
        theirs: String,
    },
    /// A comparison where a single experiment is expected.
    #[error("tracks: this is a comparison and no single experiment")]
    Comparison,
    /// Settings that are left to a base model, where the base model is not read.
    #[error("model: is left to the model in finetune.model, which is not read here")]
    LeftToBase,
    /// An override that is not `KEY=VALUE`.
    #[error("override {given:?}: expected KEY=VALUE, as in train.lr_max=3e-4")]
    BadOverride {
        /// The given text.
        given: String,
    },
    /// An override with text after the closing quote of its value.
    #[error(
        "override {given:?}: the value is not one text in quotes; put quotes around all of it, or around none"
    )]
    BadQuotes {
        /// The given text.
        given: String,
    },
    /// Two overrides of the same key.
    #[error("overrides {first} and {second}: {key} is set twice; keep one of them")]
    SetTwice {
        /// The key.
        key: String,
        /// The text of the first.
        first: String,
        /// The text of the second.
        second: String,
    },
    /// An override that goes through a key which is not a table.
    #[error("override {given:?}: {key} is a value, not a table")]
    NotATable {
        /// The given text.
        given: String,
        /// The key that is not a table.
        key: String,
    },
}

impl ConfigError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Unreadable { .. } | Self::Folder { .. } => ErrorKind::FileSystem,
            Self::NotUtf8 { .. } => ErrorKind::Input,
            Self::Syntax { .. }
            | Self::UnknownKey { .. }
            | Self::OtherKind { .. }
            | Self::Missing { .. }
            | Self::Wrong { .. }
            | Self::Invalid { .. }
            | Self::Several(_)
            | Self::OutOfRange { .. }
            | Self::Contradicts { .. }
            | Self::Comparison
            | Self::LeftToBase
            | Self::BadOverride { .. }
            | Self::BadQuotes { .. }
            | Self::SetTwice { .. }
            | Self::NotATable { .. } => ErrorKind::Usage,
        }
    }
}

impl ConfigError {
    /// Return the choice that an unknown key means, if it is made when training starts and not in a
    /// configuration.
    pub fn start_option(&self) -> Option<StartOption> {
        match self {
            Self::UnknownKey { key, .. } => option(key.rsplit('.').next().unwrap_or(key)),
            _ => None,
        }
    }

    /// Return every problem that this error reports.
    pub fn problems(self) -> Vec<Self> {
        match self {
            Self::Several(problems) => problems,
            one => vec![one],
        }
    }

    /// Return a problem of a table, such as `model.`, as one of the same key in another.
    pub(crate) fn of_table(self, table: &str, other: &str) -> Self {
        let renamed = |text: String| text.replace(table, other);
        match self {
            Self::OutOfRange { key, value, rule } => Self::OutOfRange {
                key: renamed(key),
                value,
                rule: renamed(rule),
            },
            Self::Several(problems) => {
                let renamed = |problem: Self| problem.of_table(table, other);
                Self::Several(problems.into_iter().map(renamed).collect())
            }
            other => other,
        }
    }

    /// Return `Ok` if there are no problems, the problem if there is one, else all of them.
    pub(crate) fn all(mut problems: Vec<Self>) -> Result<(), Self> {
        match problems.len() {
            0 => Ok(()),
            1 => Err(problems.remove(0)),
            _ => Err(Self::Several(problems)),
        }
    }
}

/// Values out of range, collected so that all of them are reported at once.
#[derive(Default)]
pub(crate) struct Problems(Vec<ConfigError>);

impl Problems {
    /// Record the key, its value and the rule that it breaks, unless `holds`.
    pub(crate) fn check(
        &mut self,
        holds: bool,
        key: &str,
        value: impl Display,
        rule: impl Into<String>,
    ) {
        if !holds {
            self.0.push(ConfigError::OutOfRange {
                key: key.to_owned(),
                value: value.to_string(),
                rule: rule.into(),
            });
        }
    }

    /// Record the problems that another check found.
    pub(crate) fn take(&mut self, found: Result<(), ConfigError>) {
        if let Err(error) = found {
            self.0.extend(error.problems());
        }
    }

    pub(crate) fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Return `Ok` if no problem was recorded.
    pub(crate) fn end(self) -> Result<(), ConfigError> {
        ConfigError::all(self.0)
    }
}

/// Return a hint that names the settings of a run, if the folder is a run.
fn own(folder: &Path) -> String {
    let settings = folder.join("config.toml");
    match settings.is_file() {
        true => format!("; those of this run are {}", settings.display()),
        false => String::new(),
    }
}

/// Return a question for the message about a configuration that does not exist: a file of a similar
/// name, or one of the configurations that come with the source code.
fn meant_file(path: &Path, error: &std::io::Error) -> String {
    if error.kind() != std::io::ErrorKind::NotFound {
        return String::new();
    }
    let is_config =
        |near: &Path| near.extension().is_some_and(|ending| ending == "toml") && near.is_file();
    let in_configs = || {
        let shipped = Path::new("configs").join(path.file_name()?);
        let with_ending = shipped.with_extension("toml");
        [shipped, with_ending]
            .into_iter()
            .find(|near| is_config(near))
    };
    let with_ending = || Some(path.with_extension("toml")).filter(|near| is_config(near));
    with_ending()
        .or_else(|| nearest_path(path, &is_config))
        .or_else(in_configs)
        .map_or_else(String::new, |near| did_you_mean(path, &near))
}

fn listed(problems: &[ConfigError]) -> String {
    problems
        .iter()
        .map(|problem| format!("\n  {problem}"))
        .collect()
}

fn suggest(key: &str, suggestion: Option<&str>, remark: Option<&str>, known: &[String]) -> String {
    let name = key.rsplit('.').next().unwrap_or(key);
    if let Some(option) = option(name) {
        return format!("; that is no setting but an option of training, {option}");
    }
    if let Some(reason) = needless(name) {
        return format!("; remove it: {reason}");
    }
    match (suggestion, remark) {
        (Some(nearest), None) => format!("; did you mean {nearest}?"),
        (Some(nearest), Some(remark)) => format!("; did you mean {nearest}? {remark}"),
        (None, _) if known.is_empty() => "; nothing can be set here".to_owned(),
        (None, _) => format!("; known here: {}", known.join(", ")),
    }
}
