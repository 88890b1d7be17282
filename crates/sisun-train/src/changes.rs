//! What of its settings a run may change when it goes on.

use sisun_config::Config;
use std::collections::{BTreeMap, BTreeSet};

/// Keys that may differ when a run is resumed: they change how long it goes on and what it writes, not what it computes.
/// A base is read once, at the start; it may have moved since.
const MAY_CHANGE: [&str; 11] = [
    "name",
    "finetune.model",
    "data",
    "tokenizer",
    "train.steps",
    "train.eval_every",
    "train.eval_windows",
    "train.checkpoint_every",
    "train.keep_checkpoints",
    "train.log_every",
    "attend",
];

/// `key (old → new)` for each setting that differs and may not.
pub(crate) fn changes(before: &Config, after: &Config) -> Vec<String> {
    let flat = |config: &Config| {
        let mut keys = BTreeMap::new();
        let table = toml::Table::try_from(config).expect("plain structs of numbers and strings always serialise");
        flatten("", &toml::Value::Table(table), &mut keys);
        keys
    };
    let (before, after) = (flat(before), flat(after));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let may_change = |key: &str| {
        key.starts_with("sample.") || MAY_CHANGE.iter().any(|may| key == *may || key.starts_with(&format!("{may}.")))
    };
    all.into_iter()
        .filter(|key| before.get(*key) != after.get(*key) && !may_change(key))
        .map(|key| {
            let show = |keys: &BTreeMap<String, String>| keys.get(key).cloned().unwrap_or_else(|| "not set".to_owned());
            format!("{key} ({} → {})", show(&before), show(&after))
        })
        .collect()
}

fn flatten(prefix: &str, value: &toml::Value, keys: &mut BTreeMap<String, String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                flatten(&path, value, keys);
            }
        }
        other => {
            keys.insert(prefix.to_owned(), other.to_string());
        }
    }
}
