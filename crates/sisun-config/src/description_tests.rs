//! What is told of each key is what happens: defaults, ranges, examples.

use crate::keys::EXPERIMENT;
use crate::shape::{Bound, Key, Shape, joined};
use crate::tests::{at, tables};
use crate::{Config, ConfigError};
use std::path::Path;
use toml::{Table, Value};

/// Every key of a table, with the tables inside and its place; keys of other kinds are left out.
fn keys_in(place: &str, shape: &Shape, table: &Table, all: &mut Vec<(String, Key)>) {
    let keys = match shape {
        Shape::Table(keys) => *keys,
        Shape::Kinds { known, .. } => {
            let kind = table.get("kind").and_then(Value::as_str);
            let kind = known.iter().find(|known| Some(known.name) == kind);
            kind.map_or(&[][..], |kind| kind.keys)
        }
        _ => &[],
    };
    for key in keys {
        let path = joined(place, key.name);
        if let Some(Value::Table(inner)) = table.get(key.name) {
            keys_in(&path, &key.shape, inner, all);
        }
        all.push((path, *key));
    }
}

/// Every key of an experiment, each with a whole configuration that has its table.
fn every_key() -> Vec<(Table, String, Key)> {
    let mut all = Vec::new();
    for table in tables() {
        let mut keys = Vec::new();
        keys_in("", &EXPERIMENT, &table, &mut keys);
        for (path, key) in keys {
            let mut table = table.clone();
            // A base model would settle what is missing in [model].
            if !path.starts_with("finetune") {
                table.remove("finetune");
            }
            all.push((table, path, key));
        }
    }
    all
}

fn put(table: &mut Table, path: &str, value: Option<Value>) {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = match parent {
        "" => table,
        parent => at(table, parent).as_table_mut().expect("a table"),
    };
    match value {
        Some(value) => _ = parent.insert(name.to_owned(), value),
        None => _ = parent.remove(name),
    }
}

fn read(table: &Table) -> Result<Config, ConfigError> {
    Config::parse(Path::new("a.toml"), &toml::to_string(table).expect("TOML"))
}

#[test]
fn every_key_is_described() {
    let all = every_key();
    let different: std::collections::BTreeSet<&String> =
        all.iter().map(|(_, path, _)| path).collect();
    assert!(different.len() > 80, "{} keys", different.len());
    for (_, path, key) in &all {
        assert!(
            key.docs.ends_with('.')
                && key
                    .docs
                    .starts_with(|c: char| c.is_uppercase() || c == 'ε' || c == 'θ'),
            "{path}: {}",
            key.docs
        );
        let is_table = matches!(key.shape, Shape::Table(_) | Shape::Kinds { .. });
        assert!(
            is_table || key.required || key.default().is_some(),
            "{path} has no default"
        );
        assert!(is_table || key.example().is_some(), "{path} has no example");
        if let Shape::Choice(known) = key.shape {
            assert!(known.iter().all(|one| !one.docs.is_empty()), "{path}");
        }
    }
}

#[test]
fn the_default_of_a_key_is_what_its_absence_means() {
    let mut tried = 0;
    for (table, path, key) in every_key() {
        let Some(default) = key.fixed_default else {
            continue;
        };
        let (mut absent, mut stated) = (table.clone(), table);
        put(&mut absent, &path, None);
        put(&mut stated, &path, Some(default.parse().expect(default)));
        // Other keys may contradict the default; then both are refused.
        match (read(&absent), read(&stated)) {
            (Ok(absent), Ok(stated)) => {
                assert_eq!(absent, stated, "{path} = {default}");
                tried += 1;
            }
            (absent, stated) => panic!("{path}: {absent:?}, {stated:?}"),
        }
    }
    assert!(tried > 300, "{tried}");
}

#[test]
fn a_key_without_a_fixed_default_is_required_or_optional() {
    for (mut table, path, key) in every_key() {
        put(&mut table, &path, None);
        let missing = matches!(read(&table), Err(ConfigError::Missing { key, .. }) if key == path);
        // A table is missing by the keys that it needs.
        if !matches!(key.shape, Shape::Table(_) | Shape::Kinds { .. }) {
            assert_eq!(missing, key.required, "{path}");
        }
    }
}

#[test]
fn the_stated_range_is_the_one_that_is_checked() {
    let (mut accepted, mut refused) = (0, 0);
    for (table, path, key) in every_key() {
        let whole = matches!(key.shape, Shape::Integer);
        let holds = |value: f64| {
            let mut table = table.clone();
            let value = match whole {
                true => Value::Integer(value as i64),
                false => Value::Float(value),
            };
            put(&mut table, &path, Some(value));
            // Other keys may not allow the value.
            let of_others = ["for RoPE", "one pair", "divi", "/ model.n_heads", "_freq"];
            let own = |problem: &ConfigError| match problem {
                ConfigError::OutOfRange { key, rule, .. } => {
                    *key == path && !of_others.iter().any(|part| rule.contains(part))
                }
                ConfigError::Wrong { key, .. } => *key == path,
                other => panic!("{path}: {other}"),
            };
            match read(&table) {
                Ok(_) => true,
                Err(error) => !error.problems().iter().any(own),
            }
        };
        let step = |x: f64| match (path.ends_with("buckets"), whole) {
            (true, _) => 2.0,
            (_, true) => 1.0,
            _ => (x.abs() * 1e-9).max(1e-300),
        };
        for (bound, outside) in [(key.limits.min, -1.0), (key.limits.max, 1.0)] {
            let Some(Bound { value, excluded }) = bound else {
                continue;
            };
            // Limits that other keys set are narrower than the one that is stated.
            let narrower = [
                ("tokenizer.vocab_size", -1.0),
                ("model.position.fraction", -1.0),
                ("model.position.max_distance", -1.0),
            ];
            let own_end = narrower.contains(&(&path, outside));
            assert_eq!(
                holds(value) || own_end,
                !excluded || own_end,
                "{path} = {value}"
            );
            let inside = value - outside * step(value);
            assert!(holds(inside) || own_end, "{path} = {inside}");
            assert!(
                !holds(value + outside * step(value)),
                "{path} beyond {value}"
            );
            accepted += 1;
            refused += 1;
        }
    }
    assert!(accepted > 400 && refused > 400, "{accepted}, {refused}");
}

#[test]
fn examples_are_accepted() {
    for (table, path, key) in every_key() {
        let Some(example) = key.example() else {
            continue;
        };
        let mut table = table;
        put(&mut table, &path, Some(example.parse().expect(example)));
        if let Err(error) = read(&table) {
            // Sizes have to fit each other, so that one alone may not.
            let sizes = error.problems().into_iter().all(|problem| {
                matches!(problem, ConfigError::OutOfRange { rule, .. } if rule.contains("model."))
            });
            assert!(sizes, "{path} = {example}");
        }
    }
}
