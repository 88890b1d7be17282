//! The data on which the models of a comparison are trained and evaluated.

use crate::CompareError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sisun_config::{Documents, Shape, TokenizerConfig};
use sisun_data::tasks::Task;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use toml::Table;

/// The keys of a [`Track`].
pub(crate) static TRACK: LazyLock<Shape> = LazyLock::new(Shape::of::<Track>);

/// One track: a task, or text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Track {
    /// Examples of a task, generated on demand. The loss is on the answer alone.
    Task {
        /// Name of the task, as in `sisun data make task --help`.
        #[schemars(extend("example" = "copy"))]
        task: String,
        /// Shortest and longest length in training.
        #[schemars(extend("example" = [1, 10]))]
        train_lengths: [usize; 2],
        /// Tested lengths. Those within the training lengths decide whether the task was learned.
        #[schemars(extend("example" = [5, 10, 20]))]
        test_lengths: Vec<usize>,
        /// Number of examples tested for each length, the same for every variant and seed.
        #[serde(default = "default_examples")]
        #[schemars(range(min = 1, max = 1_000_000), extend("unit" = "examples"))]
        examples: usize,
        /// Settings of this track alone, keys of `[model]` and `[train]` in quotes.
        #[serde(default, skip_serializing_if = "Table::is_empty")]
        #[schemars(
            with = "BTreeMap<String, serde_json::Value>",
            extend("example" = { "\"train.steps\"": 1000 }, "default" = {})
        )]
        set: Table,
    },
    /// A text, trained at one context length and evaluated at several.
    Language {
        /// Files, folders or globs. Relative paths start at the working directory; `~/` is the home
        /// directory.
        #[serde(deserialize_with = "sisun_config::home_sources")]
        #[schemars(extend("example" = ["my-text.txt"]))]
        sources: Vec<String>,
        /// Definition of one document.
        #[serde(default)]
        documents: Documents,
        /// For JSON lines: the field that holds the text. Default: `"text"`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("example" = "text"))]
        jsonl_field: Option<String>,
        /// The tokenizer.
        #[serde(default = "default_tokenizer")]
        tokenizer: TokenizerConfig,
        /// Tested context lengths as multiples of the trained one, ascending; the first is 1.
        #[serde(default = "default_factors")]
        factors: Vec<f64>,
        /// Number of held-out tokens on which each length is tested.
        #[serde(default = "default_eval_tokens")]
        #[schemars(range(min = 1), extend("unit" = "tokens"))]
        eval_tokens: usize,
        /// Settings of this track alone, keys of `[model]` and `[train]` in quotes.
        #[serde(default, skip_serializing_if = "Table::is_empty")]
        #[schemars(
            with = "BTreeMap<String, serde_json::Value>",
            extend("example" = { "\"train.steps\"": 1000 }, "default" = {})
        )]
        set: Table,
    },
}

impl Track {
    /// Return the settings of this track alone.
    pub fn set(&self) -> &Table {
        match self {
            Track::Task { set, .. } | Track::Language { set, .. } => set,
        }
    }

    /// Return the task, if the track is one.
    pub fn task(&self) -> Option<Task> {
        match self {
            Track::Task { task, .. } => task.parse().ok(),
            Track::Language { .. } => None,
        }
    }

    /// Check every key against its range.
    pub(crate) fn validate(&self, name: &str) -> Result<(), CompareError> {
        let key = |key: &str| format!("tracks.{name}.{key}");
        let check = |holds: bool, of: &str, value: String, rule: &str| {
            if holds {
                Ok(())
            } else {
                Err(CompareError::invalid(key(of), value, rule))
            }
        };
        match self {
            Track::Task {
                task,
                train_lengths: [shortest, longest],
                test_lengths,
                examples,
                ..
            } => {
                let parsed = task
                    .parse::<Task>()
                    .map_err(|why| CompareError::invalid(key("task"), task, why))?;
                let lengths = format!("[{shortest}, {longest}]");
                check(
                    1 <= *shortest && shortest <= longest,
                    "train_lengths",
                    lengths,
                    "must be [shortest, longest]",
                )?;
                let most = parsed.longest().min(1000);
                for length in test_lengths.iter().chain([longest]) {
                    let rule = format!("must be from 1 to {most} for the task {task}");
                    check(
                        (1..=most).contains(length),
                        "test_lengths",
                        length.to_string(),
                        &rule,
                    )?;
                }
                let inside = test_lengths.iter().any(|length| length <= longest);
                check(
                    inside,
                    "test_lengths",
                    format!("{test_lengths:?}"),
                    "must hold a length of training as well",
                )?;
                check(
                    (1..=1_000_000).contains(examples),
                    "examples",
                    examples.to_string(),
                    "must be from 1 to 1000000",
                )
            }
            Track::Language {
                sources,
                factors,
                eval_tokens,
                tokenizer,
                ..
            } => {
                check(
                    !sources.is_empty(),
                    "sources",
                    "[]".to_owned(),
                    "must name a file, folder or glob",
                )?;
                let rising = factors.first() == Some(&1.0) && factors.is_sorted_by(|a, b| a < b);
                let rule = "must rise from 1, as in [1, 1.5, 2, 4]";
                check(
                    rising && factors.iter().all(|f| *f <= 64.0),
                    "factors",
                    format!("{factors:?}"),
                    rule,
                )?;
                check(
                    *eval_tokens >= 1,
                    "eval_tokens",
                    eval_tokens.to_string(),
                    "must be at least 1",
                )?;
                tokenizer
                    .validate()
                    .map_err(CompareError::config(format!("track {name:?}: ")))
            }
        }
    }
}

/// Return this multiple of the trained context, in whole tokens.
pub(crate) fn length_at(context_len: usize, factor: f64) -> usize {
    (context_len as f64 * factor).round() as usize
}

fn default_examples() -> usize {
    100
}

fn default_tokenizer() -> TokenizerConfig {
    TokenizerConfig::Char
}

fn default_factors() -> Vec<f64> {
    vec![1.0, 1.25, 1.5, 2.0, 4.0, 8.0]
}

fn default_eval_tokens() -> usize {
    7_680
}
