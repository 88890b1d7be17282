//! The data on which the models of a comparison are trained and evaluated.

use crate::CompareError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sisun_config::{
    ConfigError, Documents, PairTokenizersConfig, PairsConfig, Shape, TokenizerConfig,
};
use sisun_data::pairs::tasks::{PairTask, PairTaskOptions};
use sisun_data::tasks::Task;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use toml::Table;

/// Largest number of letters of a source.
const MOST_LETTERS: usize = 1_000;

/// The keys of a [`Track`].
pub(crate) static TRACK: LazyLock<Shape> = LazyLock::new(Shape::of::<Track>);

/// One track: a task or text for models of `[model]`, pairs for those of `[seq2seq]`.
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
    /// Generated pairs of a source and a target text whose alignments are known, for models of
    /// `[seq2seq]`. A token is a character.
    PairTask {
        /// Name of the task, as in `sisun data make pairs --help`.
        #[schemars(extend("example" = "reverse"))]
        task: String,
        /// Shortest and longest source of the tasks `copy` and `reverse`, in letters; other tasks
        /// have none. Default: 4 to 40 letters.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(extend("example" = [4, 40]))]
        lengths: Option<[usize; 2]>,
        /// Number of pairs to learn from.
        #[serde(default = "default_train_pairs")]
        #[schemars(range(min = 2, max = 10_000_000), extend("unit" = "pairs"))]
        train_pairs: usize,
        /// Number of pairs tested, none of them learnt, the same for every variant and seed.
        #[serde(default = "default_test_pairs")]
        #[schemars(range(min = 2, max = 1_000_000), extend("unit" = "pairs"))]
        test_pairs: usize,
        /// Largest number of groups by the length of the source, in each of which pairs are tested.
        #[serde(default = "default_groups")]
        #[schemars(range(min = 1, max = 100), extend("unit" = "groups"))]
        groups: usize,
        /// Settings of this track alone, keys of `[seq2seq]` and `[train]` in quotes.
        #[serde(default, skip_serializing_if = "Table::is_empty")]
        #[schemars(
            with = "BTreeMap<String, serde_json::Value>",
            extend("example" = { "\"train.steps\"": 1000 }, "default" = {})
        )]
        set: Table,
    },
    /// Pairs of a source and a target text from files, for models of `[seq2seq]`.
    Pairs {
        /// The pairs, with the keys that an experiment's `[pairs]` has. All pairs that are held out
        /// are tested.
        pairs: PairsConfig,
        /// The tokenizer of both sides, unless each side has its own.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tokenizer: Option<TokenizerConfig>,
        /// The tokenizer of sources, beside `target_tokenizer`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source_tokenizer: Option<TokenizerConfig>,
        /// The tokenizer of targets, beside `source_tokenizer`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        target_tokenizer: Option<TokenizerConfig>,
        /// Measure attention beside the alignments of the pairs, which all pairs that are held out
        /// then must have.
        #[serde(default)]
        alignment: bool,
        /// Largest number of groups by the length of the source, in each of which pairs are tested.
        #[serde(default = "default_groups")]
        #[schemars(range(min = 1, max = 100), extend("unit" = "groups"))]
        groups: usize,
        /// Settings of this track alone, keys of `[seq2seq]` and `[train]` in quotes.
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
            Track::Task { set, .. }
            | Track::Language { set, .. }
            | Track::PairTask { set, .. }
            | Track::Pairs { set, .. } => set,
        }
    }

    /// Return the kind, as the file names it.
    pub fn kind(&self) -> &'static str {
        match self {
            Track::Task { .. } => "task",
            Track::Language { .. } => "language",
            Track::PairTask { .. } => "pair_task",
            Track::Pairs { .. } => "pairs",
        }
    }

    /// Return true if the data are pairs of a source and a target.
    pub fn has_pairs(&self) -> bool {
        matches!(self, Track::PairTask { .. } | Track::Pairs { .. })
    }

    /// Return true if only models that learned the training lengths are compared: on pairs, failing
    /// at some of them is the result.
    pub fn has_gate(&self) -> bool {
        matches!(self, Track::Task { .. })
    }

    /// Return the task of pairs, if the track is one.
    pub fn pair_task(&self) -> Option<PairTask> {
        match self {
            Track::PairTask { task, .. } => task.parse().ok(),
            _ => None,
        }
    }

    /// Return the task, if the track is one.
    pub fn task(&self) -> Option<Task> {
        match self {
            Track::Task { task, .. } => task.parse().ok(),
            _ => None,
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
            Track::PairTask {
                task,
                lengths,
                train_pairs,
                test_pairs,
                groups,
                ..
            } => {
                let parsed = task
                    .parse::<PairTask>()
                    .map_err(|why| CompareError::invalid(key("task"), task, why))?;
                let has_lengths = matches!(parsed, PairTask::Copy | PairTask::Reverse);
                let rule = "is a key of the tasks copy and reverse alone; leave it out";
                check(
                    has_lengths || lengths.is_none(),
                    "lengths",
                    format!("{lengths:?}"),
                    rule,
                )?;
                let [shortest, longest] = lengths.unwrap_or(usual_lengths());
                check(
                    (1..=longest).contains(&shortest) && longest <= MOST_LETTERS,
                    "lengths",
                    format!("[{shortest}, {longest}]"),
                    &format!("must be [shortest, longest], from 1 to {MOST_LETTERS}"),
                )?;
                for (of, value, range) in [
                    ("train_pairs", *train_pairs, 2..=10_000_000),
                    ("test_pairs", *test_pairs, 2..=1_000_000),
                ] {
                    let rule = format!("must be from {} to {}", range.start(), range.end());
                    check(range.contains(&value), of, value.to_string(), &rule)?;
                }
                check_groups(*groups, &check)
            }
            Track::Pairs { pairs, groups, .. } => {
                let context = format!("track {name:?}: ");
                pairs
                    .validate()
                    .map_err(CompareError::config(context.as_str()))?;
                if pairs.sources.iter().any(|source| source == "-") {
                    let rule = "a comparison that is resumed reads its pairs again; name files";
                    return Err(CompareError::invalid(key("pairs.sources"), "-", rule));
                }
                let tokenizers = self
                    .pair_tokenizers()
                    .map_err(CompareError::config(context.as_str()))?;
                let all = match tokenizers {
                    PairTokenizersConfig::Shared(both) => vec![both],
                    PairTokenizersConfig::Separate { source, target } => vec![source, target],
                };
                for tokenizer in all {
                    tokenizer
                        .validate()
                        .map_err(CompareError::config(context.as_str()))?;
                }
                check_groups(*groups, &check)
            }
        }
    }

    /// Return the options of the task of pairs.
    pub(crate) fn pair_options(&self) -> PairTaskOptions {
        let given = match self {
            Track::PairTask { lengths, .. } => *lengths,
            _ => None,
        };
        let [shortest, longest] = given.unwrap_or(usual_lengths());
        PairTaskOptions {
            lengths: (shortest, longest),
            ..PairTaskOptions::default()
        }
    }

    /// Return the tokenizers of pairs from files.
    ///
    /// # Errors
    /// If none or only one of two is given, or both a common one and others.
    pub(crate) fn pair_tokenizers(&self) -> Result<PairTokenizersConfig<'_>, ConfigError> {
        match self {
            Track::Pairs {
                tokenizer,
                source_tokenizer,
                target_tokenizer,
                ..
            } => PairTokenizersConfig::of(
                tokenizer.as_ref(),
                source_tokenizer.as_ref(),
                target_tokenizer.as_ref(),
            ),
            _ => Ok(PairTokenizersConfig::Shared(&TokenizerConfig::Char)),
        }
    }

    /// Return the largest number of groups by the length of the source.
    pub(crate) fn groups(&self) -> usize {
        match self {
            Track::PairTask { groups, .. } | Track::Pairs { groups, .. } => *groups,
            _ => 1,
        }
    }
}

/// A check of a key: whether it holds, the key, its value, and the rule.
type Check<'c> = dyn Fn(bool, &str, String, &str) -> Result<(), CompareError> + 'c;

fn check_groups(groups: usize, check: &Check<'_>) -> Result<(), CompareError> {
    check(
        (1..=100).contains(&groups),
        "groups",
        groups.to_string(),
        "must be from 1 to 100",
    )
}

/// Return the shortest and the longest source of a task of letters.
fn usual_lengths() -> [usize; 2] {
    let (shortest, longest) = PairTaskOptions::default().lengths;
    [shortest, longest]
}

/// Return this multiple of the trained context, in whole tokens.
pub(crate) fn length_at(context_len: usize, factor: f64) -> usize {
    (context_len as f64 * factor).round() as usize
}

fn default_train_pairs() -> usize {
    20_000
}

fn default_test_pairs() -> usize {
    1_000
}

fn default_groups() -> usize {
    8
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
