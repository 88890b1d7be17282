//! The fields of JSON records that hold text.

use crate::{DataError, text::sources::InputFile};
use serde_json::Value;
use sisun_config::{check_pointer, shell};
use std::{collections::BTreeMap, fs::File, io::Read, path::Path};

/// Names of a field with text, in the order of preference.
const TEXTS: [&str; 8] = [
    "text", "content", "story", "document", "body", "article", "sentence", "review",
];
/// Names of a question and its answer.
const PAIRS: [(&str, &str); 12] = [
    ("prompt", "answer"),
    ("prompt", "completion"),
    ("prompt", "response"),
    ("question", "answer"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("input", "output"),
    ("source", "target"),
    ("질문", "답변"),
    ("질문", "답"),
    ("질문", "대답"),
    ("입력", "출력"),
];

/// The fields of JSON records to train on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordFields {
    /// The field that holds the text, or the question.
    pub text: String,
    /// The field that holds the answer.
    pub answer: Option<String>,
    /// Other fields that hold text, which is not read.
    pub left_out: Vec<String>,
    /// Characters to put between text and answer. Empty if the records keep them apart themselves.
    pub separator: &'static str,
}

/// Records of a sample.
#[derive(Debug, Default)]
pub(super) struct Records {
    objects: Vec<serde_json::Map<String, Value>>,
}

/// Add the records at the beginning of a file, and return the bytes that they take there.
pub(super) fn read_records(
    input: &InputFile,
    most: u64,
    records: &mut Records,
) -> Result<u64, DataError> {
    let mut bytes = Vec::new();
    File::open(&input.path)
        .and_then(|file| file.take(most).read_to_end(&mut bytes))
        .and_then(|_| check_pointer(&bytes))
        .map_err(DataError::io(&input.name))?;
    let bytes = bytes.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(&bytes);
    // Between the objects of an array are commas, between those of lines are line ends.
    let between = |at: usize| {
        let rest = &bytes[at..];
        at + rest
            .iter()
            .position(|byte| !byte.is_ascii_whitespace() && !matches!(byte, b',' | b'['))
            .unwrap_or(rest.len())
    };
    let mut at = between(0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let mut reader = serde_json::Deserializer::from_slice(rest).into_iter::<Value>();
        // A record that is cut, or that only training reads, ends the sample.
        let Some(Ok(Value::Object(object))) = reader.next() else {
            break;
        };
        at = between(at + reader.byte_offset());
        records.objects.push(object);
    }
    Ok(at as u64)
}

impl Records {
    /// Choose the fields: a question with its answer, or a field with a usual name, or the one with
    /// the longest texts.
    pub(super) fn fields(&self, path: &Path) -> Result<RecordFields, DataError> {
        let mut lengths: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for object in &self.objects {
            for (name, value) in object {
                if let Value::String(text) = value {
                    let (records, bytes) = lengths.entry(name).or_default();
                    (*records, *bytes) = (*records + 1, *bytes + text.len());
                }
            }
        }
        // A record without the field is an error in training.
        lengths.retain(|_, (records, bytes)| *records == self.objects.len() && *bytes > 0);
        let has = |name: &str| lengths.contains_key(name);
        let left_out = |read: &[&str]| {
            let others = lengths.keys().filter(|name| !read.contains(name));
            others.map(|name| (*name).to_owned()).collect()
        };
        let pair = PAIRS
            .into_iter()
            .find(|(text, answer)| has(text) && has(answer));
        if let Some((text, answer)) = pair.filter(|_| !has("text")) {
            return Ok(RecordFields {
                text: text.to_owned(),
                answer: Some(answer.to_owned()),
                left_out: left_out(&[text, answer]),
                separator: self.separator(text, answer),
            });
        }
        let usual = TEXTS.into_iter().find(|name| has(name));
        let longest = || {
            lengths
                .iter()
                .max_by_key(|(_, (_, bytes))| *bytes)
                .map(|(name, _)| *name)
        };
        match usual.or_else(longest) {
            Some(text) => Ok(RecordFields {
                text: text.to_owned(),
                answer: None,
                left_out: left_out(&[text]),
                separator: "",
            }),
            None => Err(self.no_text(path)),
        }
    }

    /// Return a line end if in most records a word or a sentence of the text ends where the answer
    /// begins.
    fn separator(&self, text: &str, answer: &str) -> &'static str {
        let run_together = |object: &&serde_json::Map<String, Value>| {
            let character = |name: &str, of: fn(&str) -> Option<char>| of(object[name].as_str()?);
            let last = character(text, |text| text.chars().next_back());
            let first = character(answer, |text| text.chars().next());
            last.is_some_and(|last| last.is_alphanumeric() || ".,;!?…。！？)\"'”’".contains(last))
                && first.is_some_and(|first| !first.is_whitespace())
        };
        let records = self.objects.iter().filter(run_together).count();
        if 2 * records > self.objects.len() {
            "\n"
        } else {
            ""
        }
    }

    fn no_text(&self, path: &Path) -> DataError {
        let names = |object: &serde_json::Map<String, Value>| {
            let names: Vec<String> = object.keys().map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let problem = match self.objects.first() {
            Some(object) if object.is_empty() => "the first record has no fields".to_owned(),
            Some(object) => format!(
                "no field holds text in every record (the first record has {}): give each record one field with a string{}",
                names(object),
                of_conversation(object, path)
            ),
            None => "no JSON object could be read there: each line, or each item of an array, must be one".to_owned(),
        };
        DataError::JsonField {
            path: path.to_owned(),
            line: 1,
            problem,
        }
    }

    /// Return the text of the first record, without its answer.
    pub(super) fn first(&self, fields: &RecordFields) -> String {
        let text = |object: &serde_json::Map<String, Value>| {
            Some(object.get(&fields.text)?.as_str()?.to_owned())
        };
        self.objects.iter().find_map(text).unwrap_or_default()
    }

    /// Return the texts of the records with their answers, in the order of the file.
    pub(super) fn texts<'a>(
        &'a self,
        fields: &'a RecordFields,
    ) -> impl Iterator<Item = String> + 'a {
        self.objects.iter().map(|object| {
            let text = |name: &str| object.get(name).and_then(Value::as_str).unwrap_or_default();
            let answer = fields.answer.as_deref().map_or("", text);
            format!("{}{}{answer}", text(&fields.text), fields.separator)
        })
    }
}
/// Return the command that takes the first question and answer of records that hold conversations, a
/// list of turns, if these do.
fn of_conversation(record: &serde_json::Map<String, Value>, path: &Path) -> String {
    let turn_text = |turn: &Value| {
        ["content", "value", "text"]
            .into_iter()
            .find(|key| turn.get(key).is_some_and(Value::is_string))
    };
    let found = record.iter().find_map(|(field, turns)| {
        let [first, second, ..] = turns.as_array()?.as_slice() else {
            return None;
        };
        turn_text(first)
            .filter(|key| turn_text(second) == Some(key))
            .map(|key| (field, key))
    });
    found.map_or_else(String::new, |(field, key)| {
        let to = path.with_extension("pairs.jsonl");
        format!(
            "\nfor the first two turns: jq -c '{{prompt: .{field}[0].{key}, answer: .{field}[1].{key}}}' {} > {}",
            shell::path(path),
            shell::path(&to)
        )
    })
}
