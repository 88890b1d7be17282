//! The pairs of texts to learn from, and their division.

use crate::ConfigError;
use crate::Normalize;
use crate::data::default_validation_fraction;
use crate::error::Problems;
use crate::home;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[pairs]`: location of the pairs of a source and a target text, and the part that is held out.
///
/// Files ending in `.jsonl` or `.ndjson`, and JSON arrays of objects, hold two named fields in each
/// record, and an alignment if it is known. In every other file each line is a source, a tab and
/// its target, unless `targets` names the files with the targets: then line *n* of one belongs to
/// line *n* of the other. Blank lines are skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PairsConfig {
    /// Files, folders, globs, or `-` for standard input.
    #[serde(deserialize_with = "home::sources")]
    #[schemars(extend("example" = ["pairs.jsonl"]))]
    pub sources: Vec<String>,
    /// Files with the targets of `sources`, line by line. Empty: `sources` hold both.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "home::sources"
    )]
    #[schemars(extend("example" = ["train.en"], "default" = []))]
    pub targets: Vec<String>,
    /// For JSON: the field that holds the source.
    #[serde(default = "default_source_field")]
    pub source_field: String,
    /// For JSON: the field that holds the target.
    #[serde(default = "default_target_field")]
    pub target_field: String,
    /// For JSON: the field that holds the alignment, `{"sure": [[t0, t1, s0, s1], …], "possible":
    /// […]}`, half-open ranges in characters of target and source. It may be absent.
    #[serde(default = "default_alignment_field")]
    pub alignment_field: String,
    /// Unicode normalization of all text, prompts included.
    #[serde(default, skip_serializing_if = "Normalize::is_none")]
    #[schemars(extend("default" = "none"))]
    pub normalize: Normalize,
    /// Sources of separate validation pairs. Empty: part of `sources` is held out.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "home::sources"
    )]
    #[schemars(extend("example" = ["held-out.jsonl"], "default" = []))]
    pub validation: Vec<String>,
    /// Files with the targets of `validation`, line by line. Empty: `validation` holds both.
    #[serde(
        default,
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "home::sources"
    )]
    #[schemars(extend("example" = ["held-out.en"], "default" = []))]
    pub validation_targets: Vec<String>,
    /// Fraction of the different sources that is held out when `validation` is empty. They are
    /// chosen by their text, and pairs with the same source stay together.
    #[serde(default = "default_validation_fraction")]
    #[schemars(extend("exclusiveMinimum" = 0.0, "exclusiveMaximum" = 1.0))]
    pub validation_fraction: f64,
}

impl PairsConfig {
    /// Use these sources, and the defaults for the rest.
    pub fn with_sources(sources: Vec<String>) -> Self {
        Self {
            sources,
            targets: Vec::new(),
            source_field: default_source_field(),
            target_field: default_target_field(),
            alignment_field: default_alignment_field(),
            normalize: Normalize::None,
            validation: Vec::new(),
            validation_targets: Vec::new(),
            validation_fraction: default_validation_fraction(),
        }
    }

    /// Return true if pairs are read from standard input.
    pub fn reads_stdin(&self) -> bool {
        let lists = [
            &self.sources,
            &self.targets,
            &self.validation,
            &self.validation_targets,
        ];
        lists
            .into_iter()
            .any(|list| list.iter().any(|one| one == "-"))
    }

    /// Check every key against its range.
    ///
    /// # Errors
    /// All keys that are out of range, with their values and the accepted range.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let mut problems = Problems::default();
        let rule = "must name at least one file, folder, glob or \"-\"";
        problems.check(!self.sources.is_empty(), "pairs.sources", "[]", rule);
        problems.check(
            self.validation_fraction > 0.0 && self.validation_fraction < 1.0,
            "pairs.validation_fraction",
            self.validation_fraction,
            "must be above 0 and below 1",
        );
        problems.check(
            self.validation_targets.is_empty() || !self.validation.is_empty(),
            "pairs.validation_targets",
            format!("{:?}", self.validation_targets),
            "needs pairs.validation, the files with the sources",
        );
        let lists = [
            ("pairs.sources", &self.sources),
            ("pairs.targets", &self.targets),
            ("pairs.validation", &self.validation),
            ("pairs.validation_targets", &self.validation_targets),
        ];
        let mut from_stdin = lists
            .iter()
            .filter(|(_, list)| list.iter().any(|one| one == "-"));
        if let (Some((first, _)), Some((second, list))) = (from_stdin.next(), from_stdin.next()) {
            problems.check(
                false,
                second,
                format!("{list:?}"),
                format!("reads standard input, as {first} does, which can be read only once: name a file"),
            );
        }
        let fields = [
            &self.source_field,
            &self.target_field,
            &self.alignment_field,
        ];
        problems.check(
            fields[0] != fields[1] && !fields[..2].contains(&fields[2]),
            "pairs.target_field",
            format!("{:?}", self.target_field),
            "must differ: source_field, target_field and alignment_field name three fields",
        );
        problems.end()
    }
}

fn default_source_field() -> String {
    "source".to_owned()
}

fn default_target_field() -> String {
    "target".to_owned()
}

fn default_alignment_field() -> String {
    "alignment".to_owned()
}
