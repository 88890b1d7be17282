//! Usable values in the place of those that are missing or wrong, so that the rest of a file can be
//! read.

use crate::shape::{Key, Kind, Shape};
use toml::{Table, Value};

/// Return a usable value of a required key, if there is one.
pub(crate) fn usual_value(key: &Key) -> Option<Value> {
    match key.shape {
        Shape::Kinds {
            known,
            by_name: false,
        } => usual_kind(known),
        Shape::Table(keys) => Some(usual_table(keys)),
        Shape::Named(_) | Shape::Free | Shape::Part(_) => Some(Value::Table(Table::new())),
        Shape::Tables(_) => Some(Value::Array(Vec::new())),
        _ => key.example()?.parse().ok(),
    }
}

fn usual_kind(known: &[Kind]) -> Option<Value> {
    let kind = known.first()?;
    let Value::Table(mut table) = usual_table(kind.keys) else {
        return None;
    };
    table.insert("kind".to_owned(), Value::String(kind.name.to_owned()));
    Some(Value::Table(table))
}

fn usual_table(keys: &[Key]) -> Value {
    let required = keys.iter().filter(|key| key.required);
    let usual = required.filter_map(|key| Some((key.name.to_owned(), usual_value(key)?)));
    Value::Table(usual.collect())
}
