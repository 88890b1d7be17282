//! A pair from a JSON record.

use super::alignment::{Alignment, Pair};
use crate::text::json_record::{Field, parse_record};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use sisun_config::{PairsConfig, plain_words};
use std::fmt;

/// The names of a pair's fields.
pub(super) struct PairFields<'c> {
    source: &'c str,
    target: &'c str,
    alignment: &'c str,
}

impl<'c> PairFields<'c> {
    pub(super) fn of(config: &'c PairsConfig) -> Self {
        Self {
            source: &config.source_field,
            target: &config.target_field,
            alignment: &config.alignment_field,
        }
    }
}

/// Read a record. The error has the number of lines of the record before it.
pub(super) fn parse_pair(text: &str, fields: &PairFields<'_>) -> Result<Pair, (u64, String)> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = RecordSeed(fields).deserialize(&mut reader);
    if let Ok(pair) = read.and_then(|pair| reader.end().map(|()| pair)) {
        return Ok(pair);
    }
    explain_or_read(text, fields)
}

/// Read a record as Python's `json` would, or say why it is not a pair.
fn explain_or_read(text: &str, fields: &PairFields<'_>) -> Result<Pair, (u64, String)> {
    let wanted = [fields.source, fields.target, fields.alignment];
    let mut record = parse_record(text, &wanted).map_err(|error| {
        let problem = format!(
            "not a JSON object ({}): mend the line, or remove it",
            error.problem
        );
        (error.line as u64, problem)
    })?;
    let names = match record.names.is_empty() {
        true => "none".to_owned(),
        false => record.names.join(", "),
    };
    let alignment = record.wanted.pop().flatten();
    let mut take = |at: usize, key: &str| match record.wanted[at].take() {
        Some(Field::Text(text)) => Ok(text),
        None => Err((
            0,
            format!(
                "there is no field `{}` (fields: {names}); set pairs.{key} to the one to read",
                wanted[at]
            ),
        )),
        Some(_) => Err((
            0,
            format!(
                "field `{}` is not a string; write it in quotes, or set pairs.{key} to another field",
                wanted[at]
            ),
        )),
    };
    let (source, target) = (take(0, "source_field")?, take(1, "target_field")?);
    match alignment {
        None | Some(Field::Null) => Ok(Pair {
            source,
            target,
            alignment: None,
        }),
        Some(_) => Err((0, explain_alignment(text, fields))),
    }
}

/// Say why an alignment cannot be read.
fn explain_alignment(text: &str, fields: &PairFields<'_>) -> String {
    let mut reader = serde_json::Deserializer::from_str(text);
    let why = RecordSeed(fields)
        .deserialize(&mut reader)
        .err()
        .map_or_else(String::new, |error| {
            format!(" ({})", plain_words(&error.to_string()))
        });
    format!(
        "field `{}` is not an alignment{why}; write it as {{\"sure\": [[target start, target end, source start, source end], …], \"possible\": […]}}, or leave it out",
        fields.alignment
    )
}

/// Read the fields of a pair and skip the others.
struct RecordSeed<'f>(&'f PairFields<'f>);

impl<'de> DeserializeSeed<'de> for RecordSeed<'_> {
    type Value = Pair;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Pair, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RecordSeed<'_> {
    type Value = Pair;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pair, A::Error> {
        let (mut source, mut target, mut alignment) = (None, None, None::<Option<Alignment>>);
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0.source {
                source = Some(map.next_value()?);
            } else if name == self.0.target {
                target = Some(map.next_value()?);
            } else if name == self.0.alignment {
                alignment = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Pair {
            source: source.ok_or_else(|| A::Error::custom("there is no source"))?,
            target: target.ok_or_else(|| A::Error::custom("there is no target"))?,
            alignment: alignment.flatten(),
        })
    }
}
