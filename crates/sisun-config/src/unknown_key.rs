//! Keys that no file has, and the ones that they probably mean.

use crate::ConfigError;
use crate::keys::EXPERIMENT;
use crate::meant::{meant, plain, remark};
use toml::Value;

/// Return the key that has this name in other programs, or without its table: `lr` is
/// `train.lr_max`.
pub fn key_meant(name: &str) -> Option<String> {
    let all = EXPERIMENT.paths("");
    let name = plain(name);
    let leaf = |key: &&String| key.rsplit('.').next() == Some(name.as_str());
    let found = all
        .iter()
        .find(leaf)
        .cloned()
        .or_else(|| meant("", &name, &[], &all));
    found.filter(|key| key.contains('.'))
}

/// Return the error for a key that none of the files has, with the one that is probably meant.
pub fn unknown_key(key: &str, all: &[String]) -> ConfigError {
    let (at, name) = key.rsplit_once('.').unwrap_or(("", key));
    let is_sibling = |path: &&String| {
        path.rsplit_once('.').map_or("", |(parent, _)| parent) == at && !at.is_empty()
    };
    let mut siblings: Vec<String> = all.iter().filter(is_sibling).cloned().collect();
    if siblings.is_empty() {
        let first = |path: &String| path.split('.').next().unwrap_or_default().to_owned();
        for first in all.iter().map(first) {
            if !siblings.contains(&first) {
                siblings.push(first);
            }
        }
    }
    ConfigError::UnknownKey {
        key: key.to_owned(),
        suggestion: meant(at, name, &siblings, all),
        remark: remark(name, &Value::Boolean(false)),
        known: siblings.into(),
    }
}
