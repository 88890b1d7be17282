//! Errors of a comparison.

use sisun_config::{ConfigError, ErrorKind};
use sisun_data::DataError;
use sisun_files::WriteError;
use sisun_model::ModelError;
use sisun_viz::chart::ChartError;
use std::path::{Path, PathBuf};

/// The reason why a comparison cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The settings of the comparison, or of one of its cells.
    #[error("{context}{source}")]
    Config {
        /// The variant or track, if there is one: `variant "rope": `.
        context: String,
        /// The error in the settings.
        source: ConfigError,
    },
    /// A key of the comparison itself.
    #[error("{key} = {value}: {rule}")]
    Invalid {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// The accepted values.
        rule: String,
    },
    /// A missing table of the comparison.
    #[error("{key} is missing: {rule}")]
    Missing {
        /// The table.
        key: &'static str,
        /// The accepted values.
        rule: String,
    },
    /// A single experiment where a comparison is expected.
    #[error("tracks is missing: {} is no comparison", .path.display())]
    SingleExperiment {
        /// The file.
        path: PathBuf,
    },
    /// A budget that the comparison does not have.
    #[error("budget {budget:?}: {} has no such budget; it has {known}", .path.display())]
    NoSuchBudget {
        /// The budget.
        budget: String,
        /// The file.
        path: PathBuf,
        /// The names of its budgets.
        known: String,
    },
    /// An override of a budget that is not in use, which would have no effect.
    #[error("override {given:?}: {}", rule_of_budget(named, budget, *exists))]
    UnusedBudget {
        /// The override.
        given: String,
        /// The budget that it names.
        named: String,
        /// True if the comparison has this budget.
        exists: bool,
        /// The budget in use.
        budget: String,
    },
    /// An error in the text of a track.
    #[error("track {track:?}: {source}")]
    Data {
        /// The track.
        track: String,
        /// The error.
        source: DataError,
    },
    /// A model that cannot be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A directory that holds another comparison.
    #[error(
        "{} holds the results of another comparison ({difference})",
        .path.display()
    )]
    OtherGrid {
        /// The directory.
        path: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// Parts of different comparisons.
    #[error("{} holds no results of a comparison", .path.display())]
    NotAComparison {
        /// The directory.
        path: PathBuf,
    },
    /// A part that is not of the comparison that the first part is of.
    #[error(
        "{} and {} are not parts of one comparison: {difference}; name parts that were made with the same settings and texts",
        first.display(), path.display()
    )]
    OtherPart {
        /// The first part.
        first: PathBuf,
        /// The part that differs.
        path: PathBuf,
        /// In what.
        difference: String,
    },
    /// A part whose text or settings are not what its results were made with.
    #[error("the results in {} cannot be merged: {difference} than when they were made; restore what was changed", .path.display())]
    ChangedPart {
        /// The part.
        path: PathBuf,
        /// The difference.
        difference: String,
    },
    /// A part whose settings are not chosen yet.
    #[error("the sweep in {} is not finished: run its comparison to the end before joining it", .path.display())]
    SweepUnfinished {
        /// The part's directory.
        path: PathBuf,
    },
    /// A file that cannot be read or written.
    #[error("cannot {verb} {}: {source}", .path.display())]
    Io {
        /// `read` or `write`.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: std::io::Error,
    },
    /// A figure that cannot be drawn.
    #[error("cannot draw {picture}: {problem}")]
    Draw {
        /// The name of the figure.
        picture: String,
        /// The drawing library's message.
        problem: String,
    },
}

fn rule_of_budget(named: &str, budget: &str, exists: bool) -> String {
    match exists {
        true => format!("the budget in use is {budget:?}, not {named:?}"),
        false => format!("there is no budget {named:?}; the one in use is {budget:?}"),
    }
}

impl From<ChartError> for CompareError {
    fn from(error: ChartError) -> Self {
        Self::Draw {
            picture: error.picture,
            problem: error.problem,
        }
    }
}

impl From<WriteError> for CompareError {
    fn from(WriteError { path, source }: WriteError) -> Self {
        Self::Io {
            verb: "write",
            path,
            source,
        }
    }
}

impl CompareError {
    /// Return the kind of error, by which a caller can decide what to do.
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Config { .. }
            | Self::Invalid { .. }
            | Self::Missing { .. }
            | Self::SingleExperiment { .. }
            | Self::NoSuchBudget { .. }
            | Self::UnusedBudget { .. }
            | Self::OtherGrid { .. }
            | Self::NotAComparison { .. }
            | Self::OtherPart { .. } => ErrorKind::Usage,
            Self::Model(error) => error.kind(),
            Self::Data { .. } => ErrorKind::Input,
            Self::ChangedPart { .. } | Self::SweepUnfinished { .. } | Self::Draw { .. } => {
                ErrorKind::Data
            }
            Self::Io { .. } => ErrorKind::FileSystem,
        }
    }
}

impl CompareError {
    pub(crate) fn io(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { verb, path, source }
    }

    pub(crate) fn invalid(
        key: impl Into<String>,
        value: impl ToString,
        rule: impl Into<String>,
    ) -> Self {
        Self::Invalid {
            key: key.into(),
            value: value.to_string(),
            rule: rule.into(),
        }
    }

    pub(crate) fn missing(key: &'static str, rule: impl Into<String>) -> Self {
        Self::Missing {
            key,
            rule: rule.into(),
        }
    }

    pub(crate) fn config(context: impl Into<String>) -> impl FnOnce(ConfigError) -> Self {
        let context = context.into();
        move |source| Self::Config { context, source }
    }
}
