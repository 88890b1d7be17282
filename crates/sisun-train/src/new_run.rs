//! New runs that an error proposes in place of the one that cannot go on.

use crate::resume_check::ChangedSetting;
use sisun_config::{Config, OptimizerKind, TrainConfig};
use sisun_data::vocabulary_size;
use std::path::{Path, PathBuf};
use toml::Value;

const VOCAB_SIZE: &str = "model.vocab_size";

/// A new run that can be started from the files of another.
#[derive(Clone, Debug, PartialEq)]
pub struct NewRun {
    /// The run whose settings it takes.
    pub run_dir: PathBuf,
    /// Settings that differ, by their full keys. A run that starts from the weights of another has
    /// their path in `finetune.model`.
    pub settings: Vec<(String, Value)>,
}

impl NewRun {
    fn new(run_dir: &Path, weights: Option<&Path>, settings: Vec<(String, Value)>) -> Self {
        let weights = weights.map(|path| {
            (
                "finetune.model".to_owned(),
                Value::String(path.display().to_string()),
            )
        });
        Self {
            run_dir: run_dir.to_owned(),
            settings: weights.into_iter().chain(settings).collect(),
        }
    }

    /// Propose a tenth of the learning rate, from the last good checkpoint unless it precedes the
    /// first step.
    pub(crate) fn with_lower_rate(
        run_dir: &Path,
        train: &TrainConfig,
        last_good: Option<&Path>,
    ) -> Self {
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
        let trained =
            last_good.filter(|path| !path.ends_with(sisun_model::checkpoint::folder_name(0)));
        Self::new(run_dir, trained, settings)
    }

    /// Propose settings that may not change on resume, if each has a value: from this run's weights
    /// or, if they would not fit, from random weights.
    pub(crate) fn with_settings_of(
        run_dir: &Path,
        before: &Config,
        asked: &Config,
        refused: &[ChangedSetting],
        all: &[ChangedSetting],
    ) -> Option<Self> {
        let fits = |key: &str| {
            (key.starts_with("train.")
                || key.starts_with("finetune.lora")
                || ["model.context_len", "model.dropout"].contains(&key))
                && !(key == "model.context_len"
                    && before.model.position == sisun_config::Position::Learned)
        };
        let weights = refused
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
        Some(Self::new(run_dir, weights, settings))
    }

    /// Propose changed settings from random weights, if each has a value.
    pub(crate) fn with_changes(run_dir: &Path, changes: &[ChangedSetting]) -> Option<Self> {
        Some(Self::new(run_dir, None, settings(changes)?))
    }

    /// Propose other text with the weights of this run.
    pub(crate) fn on_other_text(run_dir: &Path, changes: &[ChangedSetting]) -> Option<Self> {
        Some(Self::new(run_dir, Some(run_dir), settings(changes)?))
    }

    /// Propose text that this run's tokenizer cannot encode: from random weights, with a vocabulary
    /// of `vocab_size` characters.
    pub(crate) fn with_other_characters(
        run_dir: &Path,
        changes: &[ChangedSetting],
        vocab_size: usize,
    ) -> Option<Self> {
        let mut settings = settings(changes)?;
        let size = Value::Integer(vocab_size.try_into().ok()?);
        settings.push((VOCAB_SIZE.to_owned(), size));
        Some(Self::new(run_dir, None, settings))
    }
}

/// Return the new value of each key, or `None` if a key has none.
fn settings(changes: &[ChangedSetting]) -> Option<Vec<(String, Value)>> {
    changes
        .iter()
        .map(|change| Some((change.key.clone(), change.after.clone()?)))
        .collect()
}
