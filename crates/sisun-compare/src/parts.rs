//! In what two directories differ that were to be parts of one comparison.

use crate::grid::Grid;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use toml::{Table, Value};

/// Maximum number of settings listed in a message.
const SHOWN: usize = 3;

/// Describe the differences between the settings of two parts, each given with its directory;
/// `None` if there are none.
pub(crate) fn difference(a: (&Path, &Grid), b: (&Path, &Grid)) -> Option<String> {
    let (a_name, b_name) = (a.0.display(), b.0.display());
    let (a, b) = (a.1, b.1);
    let mut found = Vec::new();
    if a.seeds != b.seeds {
        let seeds = |n: usize| {
            if n == 1 {
                "1 seed".to_owned()
            } else {
                format!("{n} seeds")
            }
        };
        found.push(format!(
            "{a_name} has {}, {b_name} {}",
            seeds(a.seeds.len()),
            b.seeds.len()
        ));
    }
    let variants = |grid: &Grid| -> BTreeSet<String> {
        grid.variants.iter().map(|v| v.name.clone()).collect()
    };
    let tracks = |grid: &Grid| -> BTreeSet<String> {
        grid.tracks.iter().map(|(name, _)| name.clone()).collect()
    };
    for (what, a, b) in [
        ("variant", variants(a), variants(b)),
        ("track", tracks(a), tracks(b)),
    ] {
        for (holder, only) in [(&a_name, a.difference(&b)), (&b_name, b.difference(&a))] {
            let names: Vec<String> = only.map(|name| format!("{name:?}")).collect();
            if !names.is_empty() {
                let s = if names.len() == 1 { "" } else { "s" };
                found.push(format!(
                    "only {holder} has the {what}{s} {}",
                    names.join(", ")
                ));
            }
        }
    }
    let (a, b) = (settings(a), settings(b));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let value = |of: &BTreeMap<String, String>, key: &str| {
        of.get(key).cloned().unwrap_or_else(|| "not set".to_owned())
    };
    // Already described above.
    let told = |key: &str| key == "seeds" && !found.is_empty();
    let other: Vec<String> = keys
        .into_iter()
        .filter(|key| a.get(*key) != b.get(*key) && !told(key))
        .map(|key| {
            format!(
                "{key} is {} in {a_name}, {} in {b_name}",
                value(&a, key),
                value(&b, key)
            )
        })
        .collect();
    let more = other.len().saturating_sub(SHOWN);
    found.extend(other.into_iter().take(SHOWN));
    if more > 0 {
        found.push(format!("{more} more settings differ"));
    }
    (!found.is_empty()).then(|| found.join("; "))
}

/// Every setting by its full key.
fn settings(grid: &Grid) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let table = grid.toml.parse::<Table>().unwrap_or_default();
    flatten("", &Value::Table(table), &mut all);
    all
}

fn flatten(prefix: &str, value: &Value, all: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let path = match prefix {
                    "" => key.clone(),
                    prefix => format!("{prefix}.{key}"),
                };
                flatten(&path, value, all);
            }
        }
        other => {
            all.insert(prefix.to_owned(), other.to_string());
        }
    }
}
