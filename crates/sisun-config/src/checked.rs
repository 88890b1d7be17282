//! Checks of a table of settings that find all errors at once.

use crate::ConfigError;
use crate::meant::{meant, remark};
use crate::rules::{choice, rule, shown};
use crate::shape::{Key, Kind, Shape, joined, names};
use crate::usual::usual_value;
use std::collections::BTreeSet;
use toml::{Table, Value};

/// The result of a check.
#[derive(Debug)]
pub(crate) struct Checked {
    /// All problems, in the order of the file.
    pub(crate) problems: Vec<ConfigError>,
    /// Keys whose missing or wrong values were replaced, so that the rest can be read.
    pub(crate) replaced: BTreeSet<String>,
    all: Vec<String>,
    /// The values before the check.
    root: Value,
}

impl Checked {
    /// Check `value`, found at the key `at`, and rewrite it in the one form that serde reads: `1e3`
    /// as 1000, a single text as a list of one. Wrong values are replaced, so that the rest can be
    /// read.
    pub(crate) fn of(at: &str, value: &mut Value, shape: &Shape) -> Self {
        let mut checked = Self {
            problems: Vec::new(),
            replaced: BTreeSet::new(),
            all: shape.paths(at),
            root: value.clone(),
        };
        checked.value(at, value, shape);
        checked
    }

    /// Return true if the value is acceptable.
    fn value(&mut self, at: &str, value: &mut Value, shape: &Shape) -> bool {
        match (shape, &mut *value) {
            (Shape::Table(keys) | Shape::Part(keys), Value::Table(table)) => {
                self.table(at, table, keys, &[], matches!(shape, Shape::Part(_)));
                true
            }
            (Shape::Kinds { known, .. }, Value::Table(table)) => self.kinds(at, table, known),
            (
                Shape::Kinds {
                    known,
                    by_name: true,
                },
                Value::String(name),
            ) => {
                let rule = choice(at, name, known.iter().map(|kind| kind.name));
                known.iter().any(|kind| kind.name == *name) || self.wrong(at, value, rule)
            }
            (Shape::Named(shape), Value::Table(table)) => {
                let keys: Vec<String> = table.keys().cloned().collect();
                for key in keys {
                    if let Some(inner) = table.get_mut(&key)
                        && !self.value(&joined(at, &key), inner, shape)
                    {
                        table.remove(&key);
                    }
                }
                true
            }
            (Shape::Tables(keys), Value::Array(all)) => {
                let mut good = true;
                for (i, inner) in all.iter_mut().enumerate() {
                    good &= self.value(&format!("{at}[{i}]"), inner, &Shape::Table(keys));
                }
                good
            }
            (Shape::Free, Value::Table(_)) => true,
            (Shape::Strings, Value::String(text)) if !text.is_empty() && !text.starts_with('[') => {
                *value = Value::Array(vec![Value::String(text.clone())]);
                true
            }
            (Shape::Strings, Value::Array(all)) => self.list(at, all, &Shape::Text),
            (Shape::Integers, Value::Array(all)) => self.list(at, all, &Shape::Integer),
            (Shape::Numbers, Value::Array(all)) => self.list(at, all, &Shape::Number),
            (Shape::Pair, Value::Array(all)) if all.len() == 2 => {
                self.list(at, all, &Shape::Integer)
            }
            (Shape::Integer, Value::Float(x)) if x.fract() == 0.0 && (0.0..9e15).contains(x) => {
                *value = Value::Integer(*x as i64);
                true
            }
            (Shape::Integer, Value::Integer(0..))
            | (Shape::Number, Value::Integer(_))
            | (Shape::Bool, Value::Boolean(_)) => true,
            (Shape::Number, Value::Float(x)) if x.is_finite() => true,
            (Shape::Text, Value::String(text)) if !text.is_empty() => true,
            (Shape::Choice(known), Value::String(name))
                if known.iter().any(|known| known.name == *name) =>
            {
                true
            }
            (_, value) => {
                let rule = rule(at, value, shape);
                self.wrong(at, value, rule)
            }
        }
    }

    fn list(&mut self, at: &str, all: &mut [Value], shape: &Shape) -> bool {
        let mut good = true;
        for (i, inner) in all.iter_mut().enumerate() {
            good &= self.value(&format!("{at}[{i}]"), inner, shape);
        }
        good
    }

    fn table(&mut self, at: &str, table: &mut Table, keys: &[Key], others: &[Kind], part: bool) {
        let kind = (!others.is_empty()).then(|| joined(at, "kind"));
        let siblings: Vec<String> = kind
            .into_iter()
            .chain(keys.iter().map(|key| joined(at, key.name)))
            .collect();
        let given: Vec<String> = table.keys().cloned().collect();
        for name in given {
            let path = joined(at, &name);
            if let Some(key) = keys.iter().find(|key| key.name == name) {
                if let Some(value) = table.get_mut(&name)
                    && !self.value(&path, value, &key.shape)
                {
                    self.replace(&path, table, key);
                }
                continue;
            }
            let removed = table.remove(&name);
            if let Some(kind) = others.iter().find(|kind| kind.has(&name)) {
                self.problems.push(ConfigError::OtherKind {
                    key: path,
                    kind: kind.name.to_owned(),
                });
                continue;
            }
            let suggestion = meant(at, &name, &siblings, &self.all);
            self.problems.push(ConfigError::UnknownKey {
                key: path,
                suggestion: suggestion.clone(),
                remark: remark(&name, &self.root),
                known: siblings.clone().into(),
            });
            let (Some(Value::Table(inside)), Some(suggestion)) = (removed, suggestion) else {
                continue;
            };
            // A misnamed table is read as the one that is probably meant, so that its contents are
            // checked as well.
            let meant = keys
                .iter()
                .find(|key| joined(at, key.name) == suggestion && !table.contains_key(key.name));
            if let Some(key) = meant {
                let mut inside = Value::Table(inside);
                self.value(&suggestion, &mut inside, &key.shape);
                table.insert(key.name.to_owned(), inside);
                self.replaced.insert(suggestion);
            }
        }
        if !part {
            self.missing(at, table, keys);
        }
    }

    fn missing(&mut self, at: &str, table: &mut Table, keys: &[Key]) {
        for key in keys {
            let path = joined(at, key.name);
            if !key.required || table.contains_key(key.name) {
                continue;
            }
            if let Shape::Table(_) | Shape::Part(_) | Shape::Kinds { by_name: false, .. } =
                key.shape
            {
                let mut empty = Value::Table(Table::new());
                if self.value(&path, &mut empty, &key.shape) {
                    table.insert(key.name.to_owned(), empty);
                } else {
                    self.replace(&path, table, key);
                }
                continue;
            }
            // If the key stands there under another name, that has been reported.
            if !self.suggests(&path) {
                self.problems.push(ConfigError::Missing {
                    key: path.clone(),
                    about: key.about().into(),
                    takes: key.shape.words().into(),
                    example: format!("{} = {}", key.name, key.example().unwrap_or("{}")),
                });
            }
            self.replace(&path, table, key);
        }
    }

    fn suggests(&self, path: &str) -> bool {
        let is = |problem: &ConfigError| matches!(problem, ConfigError::UnknownKey { suggestion: Some(key), .. } if key == path);
        self.problems.iter().any(is)
    }

    fn kinds(&mut self, at: &str, table: &mut Table, known: &'static [Kind]) -> bool {
        let path = joined(at, "kind");
        let kind = match table.get("kind") {
            None => {
                let kind = known
                    .iter()
                    .find(|kind| table.keys().any(|name| kind.has(name)));
                self.problems.push(ConfigError::Missing {
                    key: path,
                    about: "which kind it is".into(),
                    takes: format!("one of {}", names(known)).into(),
                    example: format!("kind = {:?}", kind.map_or(known[0].name, |kind| kind.name)),
                });
                return self.unknown_inside(at, table, known);
            }
            Some(Value::String(kind)) => kind.clone(),
            Some(value) => {
                let rule = format!("expected one of {}", names(known));
                self.wrong(&path, value, rule);
                return self.unknown_inside(at, table, known);
            }
        };
        let Some(Kind { keys, .. }) = known.iter().find(|known| known.name == kind) else {
            self.wrong(
                &path,
                &Value::String(kind.clone()),
                choice(&path, &kind, known.iter().map(|kind| kind.name)),
            );
            return self.unknown_inside(at, table, known);
        };
        let named = table.remove("kind");
        let others: Vec<Kind> = known
            .iter()
            .filter(|other| other.name != kind)
            .copied()
            .collect();
        self.table(at, table, keys, &others, false);
        // Put the kind first, where a reader expects it.
        let rest = std::mem::take(table);
        table.extend(
            named
                .map(|kind| ("kind".to_owned(), kind))
                .into_iter()
                .chain(rest),
        );
        true
    }

    /// Report the keys that no kind has; without its kind, nothing else in the table can be
    /// checked.
    fn unknown_inside(&mut self, at: &str, table: &Table, known: &[Kind]) -> bool {
        let siblings: Vec<String> = std::iter::once(joined(at, "kind"))
            .chain(
                known
                    .iter()
                    .flat_map(|kind| kind.keys)
                    .map(|key| joined(at, key.name)),
            )
            .collect();
        for name in table
            .keys()
            .filter(|name| !siblings.contains(&joined(at, name)))
        {
            let suggestion = meant(at, name, &siblings, &self.all);
            let key = joined(at, name);
            self.problems.push(ConfigError::UnknownKey {
                key,
                suggestion,
                remark: remark(name, &self.root),
                known: siblings.clone().into(),
            });
        }
        false
    }

    fn wrong(&mut self, at: &str, value: &Value, rule: String) -> bool {
        self.problems.push(ConfigError::Wrong {
            key: at.to_owned(),
            value: shown(value),
            rule,
        });
        false
    }

    /// Put a usable value in the place of one that is missing or wrong.
    fn replace(&mut self, path: &str, table: &mut Table, key: &Key) {
        self.replaced.insert(path.to_owned());
        match usual_value(key).filter(|_| key.required) {
            Some(value) => _ = table.insert(key.name.to_owned(), value),
            None => _ = table.remove(key.name),
        }
    }
}
