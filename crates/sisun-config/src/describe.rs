//! Descriptions of settings, derived from the serde types that read them: their documentation,
//! defaults and ranges as schemars finds them.

use crate::shape::{Bound, Choice, Key, Kind, Limits, Shape};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

impl Shape {
    /// Describe the settings that `T` holds.
    ///
    /// Descriptions live as long as the process; callers keep each in a `LazyLock`.
    ///
    /// # Panics
    /// If a field of `T` has a type that no setting has.
    pub fn of<T: JsonSchema>() -> Self {
        let mut settings = SchemaSettings::draft2020_12();
        settings.inline_subschemas = true;
        shape(
            settings
                .into_generator()
                .into_root_schema_for::<T>()
                .as_value(),
        )
    }
}

fn shape(schema: &Value) -> Shape {
    let schema = without_null(schema);
    if let Some(variants) = variants(schema) {
        let is_choice = |variant: &Value| variant["const"].is_string();
        if variants.iter().all(is_choice) {
            let choice = |variant: &Value| Choice {
                name: kept(&variant["const"]),
                docs: docs(variant),
            };
            return Shape::Choice(leak(variants.iter().map(choice).collect()));
        }
        let kind = |variant: &Value| Kind {
            name: kept(&variant["properties"]["kind"]["const"]),
            docs: docs(variant),
            keys: keys(variant),
        };
        let known: Vec<Kind> = variants.iter().map(kind).collect();
        return match schema["part"] == true {
            true => Shape::Part(leak(keys_of_all(&known))),
            false => Shape::Kinds {
                known: leak(known),
                by_name: schema["by_name"] == true,
            },
        };
    }
    let is = |name: &str| is_type(schema, name);
    if is("string") {
        return Shape::Text;
    }
    if is("integer") {
        return Shape::Integer;
    }
    if is("number") {
        return Shape::Number;
    }
    if is("boolean") {
        return Shape::Bool;
    }
    if is("array") {
        let items = &schema["items"];
        return match shape(items) {
            Shape::Text => Shape::Strings,
            Shape::Integer if schema["maxItems"] == 2 => Shape::Pair,
            Shape::Integer => Shape::Integers,
            Shape::Number => Shape::Numbers,
            Shape::Table(keys) => Shape::Tables(keys),
            other => unreachable!("no setting is a list of {other:?}"),
        };
    }
    assert!(is("object"), "no setting is of the type {schema}");
    if schema["properties"].is_object() {
        let keys = keys(schema);
        return match schema["part"] == true {
            true => Shape::Part(keys),
            false => Shape::Table(keys),
        };
    }
    match &schema["additionalProperties"] {
        entry @ Value::Object(_) => Shape::Named(Box::leak(Box::new(shape(entry)))),
        _ => Shape::Free,
    }
}

/// Return the kind and the keys of all kinds, each once: what a table holds that completes another
/// one.
fn keys_of_all(known: &[Kind]) -> Vec<Key> {
    let choice = |kind: &Kind| Choice {
        name: kind.name,
        docs: kind.docs,
    };
    let mut all = vec![Key {
        name: "kind",
        shape: Shape::Choice(leak(known.iter().map(choice).collect())),
        docs: "The kind, which decides the other keys of the table.",
        required: false,
        fixed_default: None,
        limits: Limits::default(),
        unit: None,
        example: None,
    }];
    for key in known.iter().flat_map(|kind| kind.keys) {
        if all.iter().all(|before| before.name != key.name) {
            all.push(*key);
        }
    }
    all
}

/// Return the schema of the value inside an option.
fn without_null(schema: &Value) -> &Value {
    let alternatives = schema["anyOf"].as_array().map_or(&[][..], Vec::as_slice);
    match alternatives {
        [inner, null] if null["type"] == "null" => inner,
        _ => schema,
    }
}

/// Return the variants of an enumeration.
fn variants(schema: &Value) -> Option<&Vec<Value>> {
    schema["oneOf"].as_array().or(schema["anyOf"].as_array())
}

/// Return true if the schema has this type, possibly beside null.
fn is_type(schema: &Value, name: &str) -> bool {
    match &schema["type"] {
        Value::Array(types) => types.iter().any(|one| one == name),
        one => one == name,
    }
}

fn keys(schema: &Value) -> &'static [Key] {
    let required = &schema["required"];
    let is_required = |name: &str| {
        required
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == name))
    };
    let properties = schema["properties"].as_object();
    let own = properties
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "kind");
    leak(
        own.map(|(name, schema)| key(name, schema, is_required(name)))
            .collect(),
    )
}

fn key(name: &str, schema: &Value, required: bool) -> Key {
    let toml = |value: &Value| -> Option<&'static str> {
        Some(leak_text(match value {
            Value::Null => return None,
            value => as_toml(value),
        }))
    };
    let bound = |included: &str, excluded: &str| {
        let at = |name: &str, excluded| {
            Some(Bound {
                value: schema[name].as_f64()?,
                excluded,
            })
        };
        at(excluded, true).or_else(|| at(included, false))
    };
    Key {
        name: leak_text(name.to_owned()),
        shape: shape(schema),
        docs: docs(schema),
        required,
        fixed_default: toml(&schema["default"]),
        limits: Limits {
            min: bound("minimum", "exclusiveMinimum"),
            max: bound("maximum", "exclusiveMaximum"),
        },
        unit: schema["unit"]
            .as_str()
            .map(|unit| leak_text(unit.to_owned())),
        example: toml(&schema["example"]),
    }
}

/// Return the documentation on one line.
fn docs(schema: &Value) -> &'static str {
    let text = schema["description"].as_str().unwrap_or_default();
    leak_text(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Format a JSON value as TOML on one line.
pub(crate) fn as_toml(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64().unwrap_or_default() {
            x if x != 0.0 && (x.abs() < 1e-2 || x.abs() >= 1e9) => format!("{x:e}"),
            x => format!("{x:?}"),
        },
        Value::Array(all) => {
            let all: Vec<String> = all.iter().map(as_toml).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Object(all) if all.is_empty() => "{}".to_owned(),
        Value::Object(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|(key, value)| format!("{key} = {}", as_toml(value)))
                .collect();
            format!("{{ {} }}", all.join(", "))
        }
        // Texts of descriptions hold nothing that TOML and JSON write differently.
        other => other.to_string(),
    }
}

fn kept(text: &Value) -> &'static str {
    leak_text(text.as_str().unwrap_or_default().to_owned())
}

fn leak<T>(all: Vec<T>) -> &'static [T] {
    Vec::leak(all)
}

fn leak_text(text: String) -> &'static str {
    String::leak(text)
}
