//! The settings that may change when a run is resumed.

use crate::advice::Change;
use crate::may_change::may_change;
use sisun_config::Experiment;
use std::collections::{BTreeMap, BTreeSet};
use toml::Value;

/// Tables treated as a single setting, because their keys depend on their kind.
const WHOLE: [&str; 5] = [
    "model.position",
    "seq2seq.position",
    "tokenizer",
    "source_tokenizer",
    "target_tokenizer",
];

/// Return each setting that differs but may not.
pub(crate) fn refused<C: Experiment>(before: &C, after: &C) -> Vec<Change> {
    changes(before, after)
        .into_iter()
        .filter(|change| !may_change(&change.key))
        .collect()
}

/// Return each setting that differs.
pub(crate) fn changes<C: Experiment>(before: &C, after: &C) -> Vec<Change> {
    let (before, after) = (keys(before), keys(after));
    let all: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    all.into_iter()
        .filter(|key| before.get(*key) != after.get(*key))
        .map(|key| Change {
            key: key.clone(),
            before: before.get(key).cloned(),
            after: after.get(key).cloned(),
        })
        .collect()
}

/// Return every setting by its full key.
pub(crate) fn keys(config: &impl Experiment) -> BTreeMap<String, Value> {
    let mut keys = BTreeMap::new();
    let table = toml::Table::try_from(config)
        .expect("plain structs of numbers and strings always serialise");
    flatten("", Value::Table(table), &mut keys);
    keys
}

fn flatten(prefix: &str, value: Value, keys: &mut BTreeMap<String, Value>) {
    match value {
        Value::Table(table) if !WHOLE.contains(&prefix) => {
            for (key, value) in table {
                let path = if prefix.is_empty() {
                    key
                } else {
                    format!("{prefix}.{key}")
                };
                flatten(&path, value, keys);
            }
        }
        other => {
            keys.insert(prefix.to_owned(), other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{keys, refused};
    use crate::may_change::{MAY_CHANGE, may_change};
    use sisun_config::Config;
    use std::path::Path;
    use toml::Value;

    /// A configuration with every key.
    const ALL: &str = r#"
name = "all"
[finetune]
model = "base"
[finetune.lora]
rank = 2
alpha = 4.0
[data]
sources = ["a"]
documents = "line"
jsonl_field = "text"
jsonl_answer_field = "answer"
normalize = "nfc"
validation = ["b"]
validation_fraction = 0.1
cache_dir = "c"
[tokenizer]
kind = "bpe"
vocab_size = 400
specials = ["<a>"]
[model]
vocab_size = 400
d_model = 12
n_layers = 2
n_heads = 2
n_kv_heads = 1
context_len = 8
position = { kind = "rope", base = 500.0 }
dropout = 0.1
norm_eps = 1e-5
init_std = 0.02
d_ff = 24
[train]
steps = 9
batch_size = 1
lr_max = 1e-3
lr_min = 1e-4
eval_windows = 3
[sample]
prompt = "a"
[attend]
text = "a"
"#;

    /// A new key is refused until it is known to take effect on resume.
    #[test]
    fn every_setting_takes_effect_or_is_refused() {
        let before = Config::parse(Path::new("all.toml"), ALL).expect("a configuration");
        let all = keys(&before);
        assert!(all.len() > 45, "{}", all.len());
        for (key, value) in &all {
            let other = match value {
                Value::Integer(number) => Value::Integer(number + 1),
                Value::Float(number) => Value::Float(number * 1.5),
                Value::Boolean(flag) => Value::Boolean(!flag),
                // A changed string is usually invalid for an enum, so skip the error below.
                Value::String(text) => Value::String(format!("{text}-other")),
                Value::Array(_) => Value::Array(vec![Value::String("other".to_owned())]),
                other => Value::Table(toml::Table::from_iter([("kind".to_owned(), other.clone())])),
            };
            let mut table = toml::Table::try_from(&before).expect("a table");
            sisun_config::set(&mut table, key, other).expect("its tables are there");
            let after = match Value::Table(table).try_into::<Config>() {
                Ok(after) => after,
                // Not a valid value: another test of the same key follows below.
                Err(_) => continue,
            };
            let refused: Vec<String> = refused(&before, &after)
                .into_iter()
                .map(|change| change.key)
                .collect();
            match may_change(key) {
                true => assert_eq!(refused, [""; 0], "{key}"),
                false => assert_eq!(refused, [key.as_str()]),
            }
        }
        for words in [
            [
                "kind = \"bpe\"\nvocab_size = 400\nspecials = [\"<a>\"]",
                "kind = \"char\"",
                "tokenizer",
            ],
            [
                "{ kind = \"rope\", base = 500.0 }",
                "\"alibi\"",
                "model.position",
            ],
            ["lr_min = 1e-4", "", "train.lr_min"],
            [
                "steps = 9",
                "steps = 9\nschedule = \"linear\"",
                "train.schedule",
            ],
            [
                "steps = 9",
                "steps = 9\noptimizer = \"muon\"",
                "train.optimizer",
            ],
            [
                "steps = 9",
                "steps = 9\nwindows = \"epochs\"",
                "train.windows",
            ],
            [
                "steps = 9",
                "steps = 9\nprecision = \"bf16\"",
                "train.precision",
            ],
            [
                "dropout = 0.1",
                "dropout = 0.1\nnorm = \"rms\"",
                "model.norm",
            ],
        ] {
            let [from, to, key] = words;
            assert!(ALL.contains(from));
            let after = Config::parse(Path::new("all.toml"), &ALL.replace(from, to))
                .expect("a configuration");
            let refused = refused(&before, &after);
            assert_eq!(
                refused
                    .iter()
                    .map(|change| change.key.as_str())
                    .collect::<Vec<_>>(),
                [key]
            );
        }
        for may in MAY_CHANGE
            .into_iter()
            .filter(|may| !may.starts_with("pairs."))
        {
            assert!(
                all.keys()
                    .any(|key| key == may || key.starts_with(&format!("{may}."))),
                "{may} is no key"
            );
        }
    }
}
