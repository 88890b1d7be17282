//! The fields of JSON records that hold text.

use crate::{
    DataError,
    text::{json_record::to_standard_json, sources::InputFile},
};
use serde_json::Value;
use sisun_config::{check_pointer, free_path, shell};
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

type Object = serde_json::Map<String, Value>;

/// Records of a sample.
#[derive(Debug, Default)]
pub(super) struct Records {
    objects: Vec<Object>,
    /// The line on which each begins, counted from 1.
    lines: Vec<usize>,
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
    let valid = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    let text = std::str::from_utf8(&bytes[..valid]).expect("valid, as just found");
    // As training reads it.
    let text = to_standard_json(text);
    // Between the objects of an array are commas, between those of lines are line ends.
    let between = |at: usize| {
        let rest = &text[at..];
        at + rest.len()
            - rest
                .trim_start_matches([' ', '\t', '\r', '\n', ',', '['])
                .len()
    };
    let (mut at, mut line, mut counted) = (between(0), 1, 0);
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let mut reader = serde_json::Deserializer::from_str(rest).into_iter::<Value>();
        // A record that is cut, or that only training reads, ends the sample.
        let Some(Ok(Value::Object(object))) = reader.next() else {
            break;
        };
        line += text[counted..at].matches('\n').count();
        counted = at;
        at = between(at + reader.byte_offset());
        records.objects.push(object);
        records.lines.push(line);
    }
    Ok(at as u64)
}

impl Records {
    /// Choose the fields: a question with its answer, or a field with a usual name, or the one with
    /// the longest texts.
    pub(super) fn fields(&self, path: &Path) -> Result<RecordFields, DataError> {
        if let [only] = &self.objects[..]
            && let Some(problem) = of_list(only, path)
        {
            return Err(self.problem(path, 0, problem));
        }
        let mut lengths: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for object in &self.objects {
            for (name, value) in object {
                let text = match value {
                    Value::String(text) => text.as_str(),
                    // Training leaves such a record out.
                    Value::Null => "",
                    _ => continue,
                };
                let (records, bytes) = lengths.entry(name).or_default();
                (*records, *bytes) = (*records + 1, *bytes + text.len());
            }
        }
        // A record without the field is an error in training.
        let most_have = lengths
            .iter()
            .filter(|(_, (records, bytes))| 2 * records > self.objects.len() && *bytes > 0)
            .max_by_key(|(_, (records, _))| *records)
            .map(|(name, _)| (*name).to_owned());
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
            None => Err(match most_have.and_then(|name| self.without(path, &name)) {
                Some(error) => error,
                None => self.no_text(path),
            }),
        }
    }

    /// Return a line end if in most records a word or a sentence of the text ends where the answer
    /// begins.
    fn separator(&self, text: &str, answer: &str) -> &'static str {
        let run_together = |object: &&Object| {
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

    /// Return the error of the first record that lacks a field which most others have.
    fn without(&self, path: &Path, name: &str) -> Option<DataError> {
        let is_text =
            |object: &Object| matches!(object.get(name), Some(Value::String(_) | Value::Null));
        let at = self.objects.iter().position(|object| !is_text(object))?;
        let has = names(&self.objects[at]);
        let problem = format!(
            "there is no text in a field `{name}`, which other records have (this one has {has}): give it one, or remove the record"
        );
        Some(self.problem(path, at, problem))
    }

    fn no_text(&self, path: &Path) -> DataError {
        let problem = match self.objects.first() {
            Some(object) if object.is_empty() => "the first record has no fields".to_owned(),
            Some(object) => format!(
                "no field holds text in every record (the first record has {}): give each record one field with a string{}",
                names(object),
                of_conversation(object, path)
            ),
            None => "no JSON object could be read there: each line, or each item of an array, must be one".to_owned(),
        };
        self.problem(path, 0, problem)
    }

    fn problem(&self, path: &Path, at: usize, problem: String) -> DataError {
        DataError::JsonField {
            path: path.to_owned(),
            line: self.lines.get(at).map_or(1, |line| *line as u64),
            problem,
        }
    }

    /// Return the text of the first record, without its answer.
    pub(super) fn first(&self, fields: &RecordFields) -> String {
        let text = |object: &Object| Some(object.get(&fields.text)?.as_str()?.to_owned());
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

fn names(object: &Object) -> String {
    let names: Vec<String> = object.keys().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// Describe a file whose only record holds the records in a list, as datasets of questions do.
fn of_list(only: &Object, path: &Path) -> Option<String> {
    let is_list = |value: &Value| match value.as_array().map(Vec::as_slice) {
        Some([Value::Object(first), ..]) => !is_turn(first),
        _ => false,
    };
    let (field, _) = only.iter().find(|(_, value)| is_list(value))?;
    let to = free_path(path.with_extension("jsonl"));
    Some(format!(
        "its only record holds others, in the list `{field}`: give each a line of its own\nfor example: jq -c '.{field}[]' {} > {}",
        shell::path(path),
        shell::path(&to)
    ))
}

/// Return true for a turn of a conversation: it says who speaks.
fn is_turn(turn: &Object) -> bool {
    ["role", "from", "speaker"]
        .iter()
        .any(|key| turn.contains_key(*key))
}

/// Return the command that takes the first question and answer of records that hold conversations, a
/// list of turns, if these do.
fn of_conversation(record: &Object, path: &Path) -> String {
    let turn_text = |turn: &Value| {
        let turn = turn.as_object().filter(|turn| is_turn(turn))?;
        ["content", "value", "text"]
            .into_iter()
            .find(|key| turn.get(*key).is_some_and(Value::is_string))
    };
    let found = record.iter().find_map(|(field, turns)| {
        let [first, second, ..] = turns.as_array()?.as_slice() else {
            return None;
        };
        turn_text(first)
            .filter(|key| turn_text(second) == Some(*key))
            .map(|key| (field, key))
    });
    found.map_or_else(String::new, |(field, key)| {
        let to = free_path(path.with_extension("pairs.jsonl"));
        format!(
            "\nfor the first two turns: jq -c '{{prompt: .{field}[0].{key}, answer: .{field}[1].{key}}}' {} > {}",
            shell::path(path),
            shell::path(&to)
        )
    })
}
