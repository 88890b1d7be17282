//! `--set KEY=VALUE`: settings of the command line that replace those of a file.

use crate::ConfigError;
use crate::former::{FormerKey, renamed};
use toml::{Table, Value};

/// Merge overrides, each `a.b=value`, into the table. Return the keys that were given by a former
/// name.
///
/// # Errors
/// If an override is malformed, or if two are for the same key.
pub fn apply_overrides<S: AsRef<str>>(
    table: &mut Table,
    overrides: &[S],
) -> Result<Vec<FormerKey>, ConfigError> {
    let overrides: Vec<&str> = overrides.iter().map(AsRef::as_ref).collect();
    for (i, second) in overrides.iter().enumerate() {
        let first = overrides[..i]
            .iter()
            .find(|first| key_of(first).is_some() && key_of(first) == key_of(second));
        if let (Some(first), Some(key)) = (first, key_of(second)) {
            return Err(ConfigError::SetTwice {
                key: key.join("."),
                first: (*first).to_owned(),
                second: (*second).to_owned(),
            });
        }
    }
    let mut former = Vec::new();
    for given in overrides {
        former.extend(apply_override(table, given)?);
    }
    Ok(former)
}

/// Return the names of an override's key, by their current names.
fn key_of(given: &str) -> Option<Vec<String>> {
    let (key, _) = given.split_once('=')?;
    let key = key.trim();
    Some(parts(
        &renamed(key).map_or(key.to_owned(), |key| key.current),
    ))
}

/// Merge `a.b=value` into the table. Return the key if it was given by its former name. A value
/// that is not TOML in its entirety (`rope`, `runs/x`, `one # two`) is taken as text.
///
/// # Errors
/// If the text is not of this form, or if the key goes through a value that is not a table.
pub fn apply_override(table: &mut Table, given: &str) -> Result<Option<FormerKey>, ConfigError> {
    let bad = || ConfigError::BadOverride {
        given: given.to_owned(),
    };
    let (key, value) = given.split_once('=').ok_or_else(bad)?;
    if parts(key).iter().any(String::is_empty) {
        return Err(bad());
    }
    let value = value.trim();
    let value = match whole_value(value) {
        Some(value) => value,
        None if value.len() > 1 && value.starts_with(['"', '\'']) => {
            return Err(ConfigError::BadQuotes {
                given: given.to_owned(),
            });
        }
        None => Value::String(value.to_owned()),
    };
    let key = key.trim();
    let former = renamed(key);
    let current = former.as_ref().map_or(key, |key| &key.current);
    set(table, current, value).map_err(|key| ConfigError::NotATable {
        given: given.to_owned(),
        key,
    })?;
    Ok(former)
}

/// Parse `text` as a TOML value, if it is exactly one value: no comment after it, and no further
/// line.
fn whole_value(text: &str) -> Option<Value> {
    // Inside a list, a comment or another key would have to end before the bracket, which is
    // impossible on the same line.
    let mut listed = format!("v = [{text}]").parse::<Table>().ok()?;
    let Some(Value::Array(mut all)) = listed.remove("v").filter(|_| listed.is_empty()) else {
        return None;
    };
    let mut alone = format!("v = {text}").parse::<Table>().ok()?;
    let value = alone.remove("v").filter(|_| alone.is_empty())?;
    // Compared as text, because NaN is not equal to itself.
    (all.len() == 1 && all.pop()?.to_string() == value.to_string()).then_some(value)
}

/// Put a value at `a.b.c`, and make the tables on the way.
///
/// # Errors
/// The part of the key that names a value other than a table.
pub fn set(table: &mut Table, key: &str, value: Value) -> Result<(), String> {
    let mut tables = parts(key);
    let last = tables.pop().unwrap_or_default();
    let mut at = table;
    for part in tables
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
    {
        let entry = at
            .entry(part.to_owned())
            .or_insert_with(|| Value::Table(Table::new()));
        // `model.position.base=500` on `position = "rope"` means its table form.
        if let (Value::String(kind), "position") = (&entry, part) {
            *entry = Value::Table(Table::from_iter([(
                "kind".to_owned(),
                Value::String(kind.clone()),
            )]));
        }
        at = entry.as_table_mut().ok_or_else(|| part.to_owned())?;
    }
    at.insert(last, value);
    Ok(())
}

/// Split a dotted key into names. Within quotes a dot is part of a name, as in
/// `vary."model.position"`.
fn parts(key: &str) -> Vec<String> {
    let (mut parts, mut quote) = (vec![String::new()], None);
    for c in key.trim().chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(begun)) if c == begun => quote = None,
            ('.', None) => parts.push(String::new()),
            (c, _) => parts.last_mut().expect("there is one at least").push(c),
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}
