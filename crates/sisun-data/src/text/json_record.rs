//! Reading a JSON record as Python's `json` does, with its extensions of the standard.

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use sisun_config::plain_words;
use std::{borrow::Cow, fmt};

/// The contents of a field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Field {
    Text(String),
    Null,
    Boolean,
    Number,
    List,
    Object,
}

/// The wanted fields, in the order of the request, and the names of all fields.
#[derive(Debug, PartialEq)]
pub(crate) struct Record {
    pub(crate) wanted: Vec<Option<Field>>,
    pub(crate) names: Vec<String>,
}

/// The reason why a text is not a record.
#[derive(Debug, PartialEq)]
pub(crate) struct InvalidRecord {
    /// The number of lines of the text before the error.
    pub(crate) line: usize,
    /// The error, with its column.
    pub(crate) problem: String,
}

/// Read a JSON object. As in Python, the last field of a name counts, `NaN` and `Infinity` are
/// numbers, and half a surrogate pair (`"\ud83d"`, an emoji that was cut) is a character, here
/// U+FFFD.
pub(crate) fn parse_record(text: &str, wanted: &[&str]) -> Result<Record, InvalidRecord> {
    let read = |text: &str| {
        let mut reader = serde_json::Deserializer::from_str(text);
        let record = WantedFields(wanted).deserialize(&mut reader)?;
        reader.end().map(|()| record)
    };
    let result = read(text).or_else(|error| match to_standard_json(text) {
        Cow::Borrowed(_) => Err(error),
        Cow::Owned(standard) => read(&standard),
    });
    result.map_err(|error| {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        let problem = plain_words(
            message
                .strip_suffix(&format!(" at line {line} column {column}"))
                .unwrap_or(&message),
        );
        let place = if column > 0 {
            format!(" at column {column}")
        } else {
            String::new()
        };
        InvalidRecord {
            line: line.saturating_sub(1),
            problem: format!("{problem}{place}"),
        }
    })
}

/// Replace Python's extensions by standard JSON of the same length: half a surrogate pair by U+FFFD,
/// `NaN` and infinities by 0.
pub(crate) fn to_standard_json(text: &str) -> Cow<'_, str> {
    const NAMES: [&[u8]; 2] = [b"NaN", b"Infinity"];
    let bytes = text.as_bytes();
    let mut changed: Vec<(usize, String)> = Vec::new();
    let (mut at, mut within) = (0, false);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => within = !within,
            b'\\' if within => match (code_unit(bytes, at), code_unit(bytes, at + 6)) {
                (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at += 11,
                (Some(0xD800..=0xDFFF), _) => {
                    changed.push((at, r"\ufffd".to_owned()));
                    at += 5;
                }
                _ => at += 1,
            },
            _ if within => {}
            _ => {
                let signed = at > 0 && bytes[at - 1] == b'-';
                let names = NAMES
                    .iter()
                    .filter(|name| !signed || name.starts_with(b"I"));
                if let Some(name) = names.into_iter().find(|name| bytes[at..].starts_with(name)) {
                    changed.push((at, format!("{:<1$}", "0", name.len())));
                    at += name.len() - 1;
                }
            }
        }
        at += 1;
    }
    if changed.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut standard = text.to_owned();
    for (at, by) in changed {
        standard.replace_range(at..at + by.len(), &by);
    }
    Cow::Owned(standard)
}

/// Return the UTF-16 code unit that is written as `\uXXXX` at this place.
fn code_unit(bytes: &[u8], at: usize) -> Option<u16> {
    let digits = bytes.get(at..at + 6)?.strip_prefix(br"\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        u16::from_str_radix(digits, 16).ok()
    } else {
        None
    }
}

/// Read the fields with these names and skip the others, however deeply they are nested.
struct WantedFields<'w>(&'w [&'w str]);

impl<'de> DeserializeSeed<'de> for WantedFields<'_> {
    type Value = Record;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Record, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for WantedFields<'_> {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let mut record = Record {
            wanted: vec![None; self.0.len()],
            names: Vec::new(),
        };
        while let Some(name) = map.next_key::<String>()? {
            match self.0.iter().any(|wanted| *wanted == name) {
                true => {
                    let field = map.next_value_seed(FieldSeed)?;
                    let places = self
                        .0
                        .iter()
                        .zip(&mut record.wanted)
                        .filter(|(wanted, _)| **wanted == name);
                    places.for_each(|(_, place)| *place = Some(field.clone()));
                }
                false => _ = map.next_value::<IgnoredAny>()?,
            }
            record.names.push(name);
        }
        Ok(record)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Record, E> {
        Err(E::custom("it is a string"))
    }

    fn visit_unit<E: Error>(self) -> Result<Record, E> {
        Err(E::custom("it is null"))
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Record, E> {
        Err(E::custom("it is true or false"))
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Record, E> {
        Err(E::custom("it is a number"))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Record, E> {
        Err(E::custom("it is a number"))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Record, E> {
        Err(E::custom("it is a number"))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Record, A::Error> {
        Err(A::Error::custom("it is a list"))
    }
}

/// Read the text of a field, or the kind of its contents.
struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Field, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for FieldSeed {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(text.to_owned()))
    }

    fn visit_unit<E: Error>(self) -> Result<Field, E> {
        Ok(Field::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Boolean)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Field, E> {
        Ok(Field::Number)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Number)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Number)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Field, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Field::Object)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::{Field, parse_record};

    fn text(json: &str) -> Field {
        parse_record(json, &["text"])
            .unwrap()
            .wanted
            .remove(0)
            .unwrap()
    }

    #[test]
    fn extensions_of_python_are_read() {
        let is = |json: &str, expected: &str| {
            assert_eq!(text(json), Field::Text(expected.to_owned()), "{json}")
        };
        is(r#"{"text": "cut \ud83d here"}"#, "cut \u{FFFD} here");
        is(
            r#"{"text": "\ude00\ud83d\ude00\ud83d\ud83d\ude00"}"#,
            "\u{FFFD}\u{1F600}\u{FFFD}\u{1F600}",
        );
        is(
            r#"{"text": "\\ud83d \"NaN\\", "s": [NaN, -Infinity, Infinity], "d": {"e": 1e999}}"#,
            "\\ud83d \"NaN\\",
        );
        is(r#"{"\ud83d": 0, "text": "a\u0000b"}"#, "a\0b");
        is(r#"{"text": "first", "text": "second"}"#, "second");
        is(
            &format!(
                r#"{{"deep": {}{}, "text": "x"}}"#,
                "[".repeat(100_000),
                "]".repeat(100_000)
            ),
            "x",
        );
        assert_eq!(text(r#"{"text": NaN}"#), Field::Number);
        assert_eq!(text(r#"{"text": [["a"], {"b": null}]}"#), Field::List);
        assert_eq!(text(r#"{"text": {"a": ["b"]}}"#), Field::Object);
        assert_eq!(text(r#"{"text": null}"#), Field::Null);
    }

    /// Made by Python (`tests/peers/reference_json_lines.py`).
    #[test]
    fn a_line_reads_as_python_reads_it() {
        #[derive(serde::Deserialize)]
        struct Fixture {
            cases: Vec<Case>,
        }
        #[derive(serde::Deserialize)]
        struct Case {
            line: String,
            text: Option<String>,
        }
        let fixture: Fixture = serde_json::from_str(include_str!(
            "../../../../tests/peers/fixtures/json_lines.json"
        ))
        .unwrap();
        assert!(fixture.cases.len() > 500);
        for Case { line, text } in fixture.cases {
            let found =
                match parse_record(&line, &["text"]).map(|mut record| record.wanted.remove(0)) {
                    Ok(Some(Field::Text(text))) => Some(text),
                    _ => None,
                };
            assert_eq!(found, text, "{line}");
        }
    }

    #[test]
    fn an_error_has_its_place() {
        let problem = |json: &str| parse_record(json, &["text"]).unwrap_err().problem;
        assert_eq!(problem(r#""text""#), "it is a string at column 6");
        assert_eq!(
            problem(r#"{"text": "a"} {"#),
            "something follows after its end at column 15"
        );
        assert_eq!(
            problem(r#"{"s": NaN, "text": "\x"}"#),
            "invalid escape at column 22"
        );
        assert!(
            problem("{\"text\": \"a\u{1}\"}")
                .starts_with("a text holds a line end or another control character")
        );
        for json in [
            r#"{"a": NaNs}"#,
            r#"{"a": nan}"#,
            r#"{"a": -NaN}"#,
            r#"{"text": "\ud83"}"#,
            "{'text': 'a'}",
            "",
        ] {
            assert!(parse_record(json, &["text"]).is_err(), "{json}");
        }
        assert_eq!(
            parse_record("{\"a\":\n1,\n,}", &["text"]).unwrap_err().line,
            2
        );
    }
}
