//! What of its settings a run may change when it goes on.

use crate::advice::Change;
use sisun_config::Config;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// Keys that may differ when a run is resumed: they change how long it goes on and what it writes, not what it computes.
/// Each takes effect. `data` may name the same text in another way; other text is refused by its hash.
pub(crate) const MAY_CHANGE: [&str; 10] = [
    "name",
    "data",
    "train.steps",
    "train.eval_every",
    "train.eval_windows",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.log_every",
    "sample",
    "attend",
];

/// Tables that are one setting: which keys they have depends on their kind.
const WHOLE: [&str; 2] = ["model.position", "tokenizer"];

/// Each setting that differs and may not.
pub(crate) fn refused(before: &Config, after: &Config) -> Vec<Change> {
    changes(before, after).into_iter().filter(|change| !may_change(&change.key)).collect()
}

/// Each setting of the text that differs.
pub(crate) fn of_data(before: &Config, after: &Config) -> Vec<Change> {
    changes(before, after).into_iter().filter(|change| change.key.starts_with("data.")).collect()
}

pub(crate) fn may_change(key: &str) -> bool {
    MAY_CHANGE.iter().any(|may| key.strip_prefix(may).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}

fn changes(before: &Config, after: &Config) -> Vec<Change> {
    let (before, after) = (keys(before), keys(after));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    all.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| Change { key: key.clone(), before: before.get(key).cloned(), after: after.get(key).cloned() })
        .collect()
}

/// Every setting by its full key.
pub(crate) fn keys(config: &Config) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    let table = toml::Table::try_from(config).expect("plain structs of numbers and strings always serialise");
    flatten("", Value::Table(table), &mut keys);
    keys
}

fn flatten(prefix: &str, value: Value, keys: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) if !WHOLE.contains(&prefix) => {
            for (key, value) in table {
                let path = if prefix.is_empty() { key } else { format!("{prefix}.{key}") };
                flatten(&path, value, keys);
            }
        }
        other => {
            keys.insert(prefix.to_owned(), other);
        }
    }
}
