//! The key that an unknown name most likely means.

use crate::aliases::{ALIASES, ALIASES_OF_PAIRS};
use crate::choice_aliases::{CHOICES, counterpart};
use crate::foreign_settings::{CONVERTED, EPOCHS, NEEDLESS, OPTIONS, StartOption};
use toml::Value;

fn has(names: &str, name: &str) -> bool {
    names.split_whitespace().any(|one| one == name)
}

/// Write a name as keys are written.
pub(crate) fn plain(name: &str) -> String {
    name.to_lowercase().replace(['-', ' '], "_")
}

/// Return the choice made when training starts that an unknown key most likely means.
pub(crate) fn option(name: &str) -> Option<StartOption> {
    let found = OPTIONS.iter().find(|(_, names)| has(names, &plain(name)));
    found.map(|(option, _)| *option)
}

/// Return the known key that an unknown one most likely means: one that other programs call by that
/// name, or one of similar spelling; first in the same table, then in the others.
pub(crate) fn meant(at: &str, name: &str, siblings: &[String], all: &[String]) -> Option<String> {
    let name = plain(name);
    let parent = |path: &str| {
        path.rsplit_once('.')
            .map_or(String::new(), |(parent, _)| parent.to_owned())
    };
    let called = || {
        let aliases = ALIASES.iter().chain(ALIASES_OF_PAIRS);
        let plain = aliases.map(|(key, names)| (key, names));
        let converted = CONVERTED.iter().map(|(key, names, _)| (key, names));
        let epochs = std::iter::once((&"train.steps", &EPOCHS));
        let all = plain.chain(converted).chain(epochs);
        all.filter(|(_, names)| has(names, &name))
            .map(|(key, _)| (*key).to_owned())
    };
    let known = |key: &String| all.contains(key);
    // The names of a language model's key hold for that of a sequence-to-sequence model.
    let like_called = || {
        siblings.iter().find(|key| {
            let like = counterpart(key);
            like.is_some_and(|like| called().any(|key| key == like))
        })
    };
    let leaf = |path: &String| path.rsplit('.').next().unwrap_or(path).to_owned();
    let near = |paths: &[String]| {
        let distance = |path: &String| strsim::damerau_levenshtein(&leaf(path), &name);
        let close = |path: &&String| distance(path) <= leaf(path).len().max(4) / 2;
        paths
            .iter()
            .filter(close)
            .min_by_key(|path| distance(path))
            .cloned()
    };
    let exact = |paths: &[String]| paths.iter().find(|path| leaf(path) == name).cloned();
    called()
        .find(|key| siblings.contains(key) && parent(key) == at)
        .or_else(|| called().find(|key| known(key) && parent(key) == at))
        .or_else(|| like_called().cloned())
        // A whole name in another table is meant rather than a similar one in this table.
        .or_else(|| exact(all))
        .or_else(|| called().find(known))
        .or_else(|| near(siblings))
        .or_else(|| {
            near(all)
                .filter(|path| strsim::damerau_levenshtein(&leaf(path), &name) <= name.len() / 3)
        })
}

/// Return the names that other programs use for a key.
pub(crate) fn other_names(key: &str) -> Vec<&'static str> {
    let mut aliases = ALIASES.iter().chain(ALIASES_OF_PAIRS);
    let found = aliases.find(|(known, _)| *known == key);
    found.map_or_else(Vec::new, |(_, names)| names.split_whitespace().collect())
}

/// Return the choice of a key that other programs call by this name.
pub(crate) fn choice_meant(key: &str, name: &str) -> Option<&'static str> {
    let of_key = |key: &str| {
        let mut of_key = CHOICES.iter().filter(|(known, ..)| *known == key);
        let found = of_key.find(|(_, _, names)| has(names, &plain(name)));
        found.map(|(_, choice, _)| *choice)
    };
    of_key(key).or_else(|| of_key(&counterpart(key)?))
}

/// Return what to write in the place of a key whose name counts something else, or why there is
/// nothing to write. `root` is the whole file.
pub(crate) fn remark(name: &str, root: &Value) -> Option<Box<str>> {
    let name = plain(name);
    if has(EPOCHS, &name) {
        return Some(format!("Training is counted in steps: {}", epoch(root)).into());
    }
    let converted = CONVERTED.iter().find(|(_, names, _)| has(names, &name));
    let remark = converted.map(|(_, _, remark)| (*remark).into());
    remark.or_else(|| needless(&name).map(Into::into))
}

/// Return the reason why a setting of another program has no counterpart.
pub(crate) fn needless(name: &str) -> Option<&'static str> {
    let found = NEEDLESS.iter().find(|(names, _)| has(names, &plain(name)));
    found.map(|(_, reason)| *reason)
}

/// Describe how many steps an epoch has, with the numbers that the file states.
fn epoch(root: &Value) -> String {
    let number = |table: &str, key: &str| {
        let value = root.get(table)?.get(key)?;
        value.as_integer().filter(|n| *n > 0)
    };
    let windows = number("train", "batch_size");
    let context = number("model", "context_len");
    match windows.zip(context) {
        Some((windows, context)) => {
            let passes = number("train", "gradient_accumulation_steps").unwrap_or(1);
            let tokens = windows.saturating_mul(context).saturating_mul(passes);
            let more = match passes {
                1 => String::new(),
                passes => format!(" × train.gradient_accumulation_steps = {passes}"),
            };
            format!(
                "an epoch has (tokens of the text) / {tokens} of them, as a step reads \
                 train.batch_size = {windows} × model.context_len = {context}{more} tokens"
            )
        }
        None => "an epoch has (tokens of the text) / (train.batch_size × model.context_len × \
                 train.gradient_accumulation_steps) of them"
            .to_owned(),
    }
}

/// Return true if another program has a setting of this name that no key of ours equals.
pub fn is_foreign(name: &str) -> bool {
    let nothing = Value::Boolean(false);
    option(name).is_some() || remark(name, &nothing).is_some()
}
