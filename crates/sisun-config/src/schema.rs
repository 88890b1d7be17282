//! JSON Schemas (draft 07) of the files that hold settings, by which editors complete and check
//! them.

use crate::keys::{EXPERIMENT, SEQ2SEQ};
use crate::shape::{Key, Kind, Shape};
use serde_json::{Map, Value, json};

/// Return the schema of an experiment's file, as `sisun config --schema` prints it.
///
/// A file with `[finetune]` may leave out the model, and one that only describes a model the rest.
pub fn experiment_schema() -> Value {
    let Shape::Table(keys) = *EXPERIMENT else {
        unreachable!("an experiment is a table")
    };
    let model: &[Key] = match keys.iter().find(|key| key.name == "model") {
        Some(Key {
            shape: Shape::Table(keys),
            ..
        }) => keys,
        _ => &[],
    };
    let has = |key: &str| json!({ "required": [key] });
    let mut schema = document("An experiment for sisun train", "sisun.schema.json");
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), properties(keys, true));
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.insert(
        "allOf".to_owned(),
        json!([
            {
                "if": { "anyOf": [has("train"), has("data"), has("finetune")] },
                "then": { "required": ["data", "train"] }
            },
            {
                "if": { "not": has("finetune") },
                "then": {
                    "required": ["model"],
                    "properties": { "model": { "required": required(model) } }
                }
            },
            {
                "if": { "allOf": [has("train"), { "not": has("finetune") }] },
                "then": { "required": ["tokenizer"] }
            }
        ]),
    );
    Value::Object(schema)
}

/// Return the schema of a sequence-to-sequence experiment's file, as `sisun config --schema seq2seq`
/// prints it.
pub fn seq2seq_schema() -> Value {
    let Shape::Table(keys) = *SEQ2SEQ else {
        unreachable!("an experiment is a table")
    };
    let mut schema = document(
        "A sequence-to-sequence experiment for sisun train",
        "sisun-seq2seq.schema.json",
    );
    let mut body = table(
        keys,
        required(keys)
            .into_iter()
            .filter(|key| *key != "name")
            .collect(),
    );
    let tokenizers = json!([
        { "required": ["tokenizer"], "not": { "anyOf": [
            { "required": ["source_tokenizer"] }, { "required": ["target_tokenizer"] }
        ] } },
        { "required": ["source_tokenizer", "target_tokenizer"], "not": { "required": ["tokenizer"] } }
    ]);
    body["oneOf"] = tokenizers;
    if let Value::Object(body) = body {
        schema.extend(body);
    }
    Value::Object(schema)
}

/// Return the head of a schema.
pub fn document(title: &str, file: &str) -> Map<String, Value> {
    let version = env!("CARGO_PKG_VERSION");
    let repository = env!("CARGO_PKG_REPOSITORY");
    let head = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": format!("{repository}/blob/main/configs/{file}"),
        "$comment": format!("Written by sisun {version} (sisun config --schema). An editor that \
            holds a file to an older schema may mark keys that the program knows."),
        "title": title,
    });
    match head {
        Value::Object(head) => head,
        _ => unreachable!("the value above is an object"),
    }
}

/// Return the schema of each key. The keys of a `part` complete those of another table, so none of
/// them is required.
pub fn properties(keys: &[Key], part: bool) -> Value {
    let one = |key: &Key| (key.name.to_owned(), described(key, part));
    Value::Object(keys.iter().map(one).collect())
}

fn described(key: &Key, part: bool) -> Value {
    // `[model]` may be left to a base model; every other table is complete where it stands.
    let part = part && key.name == "model";
    let mut schema = match of(&key.shape, part) {
        Value::Object(schema) => schema,
        _ => unreachable!("the schema of a type is an object"),
    };
    let unit = key
        .unit
        .map(|unit| format!(" Unit: {unit}."))
        .unwrap_or_default();
    schema.insert(
        "description".to_owned(),
        format!("{}{unit}", key.docs).into(),
    );
    for (name, text) in [("default", key.fixed_default), ("examples", key.example)] {
        let value = text.and_then(|text| text.parse::<toml::Value>().ok());
        let value = value.and_then(|value| serde_json::to_value(value).ok());
        match (name, value) {
            ("examples", Some(value)) => _ = schema.insert(name.to_owned(), json!([value])),
            (_, Some(value)) => _ = schema.insert(name.to_owned(), value),
            (_, None) => {}
        }
    }
    for (bound, included, excluded) in [
        (key.limits.min, "minimum", "exclusiveMinimum"),
        (key.limits.max, "maximum", "exclusiveMaximum"),
    ] {
        if let Some(bound) = bound {
            let name = if bound.excluded { excluded } else { included };
            schema.insert(name.to_owned(), number(bound.value));
        }
    }
    Value::Object(schema)
}

/// Return a limit, as a whole number where it is one.
pub fn number(x: f64) -> Value {
    match x.fract() == 0.0 && x.abs() < 9e15 {
        true => json!(x as i64),
        false => json!(x),
    }
}

fn of(shape: &Shape, part: bool) -> Value {
    let text = || json!({ "type": "string", "minLength": 1 });
    match shape {
        Shape::Text => text(),
        Shape::Integer => json!({ "type": "integer" }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::Choice(known) => one_of(known.iter().map(|one| (one.name, one.docs))),
        Shape::Strings => json!({ "anyOf": [text(), { "type": "array", "items": text() }] }),
        Shape::Integers => json!({ "type": "array", "items": whole() }),
        Shape::Numbers => json!({ "type": "array", "items": { "type": "number" } }),
        Shape::Pair => {
            json!({ "type": "array", "items": whole(), "minItems": 2, "maxItems": 2 })
        }
        Shape::Table(keys) if part => table(keys, Vec::new()),
        Shape::Table(keys) => table(keys, required(keys)),
        Shape::Part(keys) => table(keys, Vec::new()),
        Shape::Kinds { known, .. } if part => any_kind(known),
        Shape::Kinds { known, by_name } => {
            let name = one_of(known.iter().map(|kind| (kind.name, kind.docs)));
            let tables = known.iter().map(one_kind);
            let all: Vec<Value> = by_name.then_some(name).into_iter().chain(tables).collect();
            json!({ "oneOf": all })
        }
        Shape::Named(inner) => {
            json!({ "type": "object", "additionalProperties": of(inner, part) })
        }
        Shape::Tables(keys) => json!({ "type": "array", "items": table(keys, required(keys)) }),
        // These tables name keys of [model], [seq2seq] and [train] in full, or replace [seq2seq].
        Shape::Free => {
            let names = "^(model|seq2seq|train)\\.|^seq2seq$";
            json!({ "type": "object", "propertyNames": { "pattern": names } })
        }
    }
}

fn whole() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// Return the schema of a name, with the documentation of each where Taplo shows it.
fn one_of<'n>(names: impl Iterator<Item = (&'n str, &'n str)>) -> Value {
    let (names, docs): (Vec<&str>, Vec<&str>) = names.unzip();
    json!({ "type": "string", "enum": names, "x-taplo": { "docs": { "enumValues": docs } } })
}

/// Return the schema of a table.
pub fn table(keys: &[Key], required: Vec<&str>) -> Value {
    let mut schema = json!({
        "type": "object",
        "properties": properties(keys, false),
        "additionalProperties": false,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

/// Return the names of the keys that a table has to hold.
fn required(keys: &[Key]) -> Vec<&'static str> {
    let must = keys
        .iter()
        .filter(|key| key.required && key.default().is_none());
    must.map(|key| key.name).collect()
}

fn one_kind(kind: &Kind) -> Value {
    let mut names = vec!["kind"];
    names.extend(required(kind.keys));
    let mut schema = table(kind.keys, names);
    schema["properties"]["kind"] = json!({ "type": "string", "enum": [kind.name] });
    schema["description"] = kind.docs.into();
    schema
}

/// Return the schema of a table that completes one of any kind.
fn any_kind(known: &[Kind]) -> Value {
    let keys: Vec<Key> = known.iter().flat_map(|kind| kind.keys).copied().collect();
    let mut schema = table(&keys, Vec::new());
    schema["properties"]["kind"] = one_of(known.iter().map(|kind| (kind.name, kind.docs)));
    schema
}

/// Return the schema of a table that completes another of this shape: nothing in it is required.
pub fn part_of(shape: &Shape) -> Value {
    match shape {
        Shape::Table(keys) | Shape::Part(keys) => {
            let mut schema = table(keys, Vec::new());
            for key in *keys {
                if matches!(
                    key.shape,
                    Shape::Table(_) | Shape::Kinds { .. } | Shape::Named(_)
                ) {
                    let mut inner = of(&key.shape, true);
                    inner["description"] = key.docs.into();
                    schema["properties"][key.name] = inner;
                }
            }
            schema
        }
        other => of(other, true),
    }
}
