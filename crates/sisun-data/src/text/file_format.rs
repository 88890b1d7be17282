//! What a file is read as: plain text or records of JSON, by its name, its first characters and
//! what was asked for.

use crate::DataError;
use sisun_config::DataConfig;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// How a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As plain text.
    Text,
    /// One JSON object a line.
    JsonLines,
    /// One JSON array of objects.
    JsonArray,
}

/// Names that say it.
const JSON_LINES_ENDINGS: [&str; 2] = ["jsonl", "ndjson"];

/// White space before the first character is looked through so far, in bytes.
const LONGEST_BLANK: u64 = 64 << 10;

/// Whether a file's name ends in one of these, in capitals or not.
pub(crate) fn ends_in(path: &Path, endings: &[&str]) -> bool {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

/// How the file `path`, which a person named `name`, is read; and what it looks like, which may be
/// something else.
pub(crate) fn form_of(
    path: &Path,
    name: &Path,
    rules: &DataConfig,
) -> Result<(Form, Form), DataError> {
    let looks = looks_like(path).map_err(DataError::io(name))?;
    let form = match (ends_in(name, &JSON_LINES_ENDINGS), looks) {
        (true, Form::JsonArray) => Form::JsonArray,
        (true, _) => Form::JsonLines,
        (false, _) if rules.expects_json_lines() => looks,
        (false, _) => Form::Text,
    };
    Ok((form, looks))
}

/// By the first characters that are not blank: `{"` on one line begins JSON lines, `[{` an array of
/// objects.
fn looks_like(path: &Path) -> std::io::Result<Form> {
    let mut bytes = BufReader::new(File::open(path)?).take(LONGEST_BLANK);
    if bytes.fill_buf()?.starts_with("\u{FEFF}".as_bytes()) {
        bytes.consume('\u{FEFF}'.len_utf8());
    }
    let mut significant = bytes
        .bytes()
        .filter(|byte| !matches!(byte, Ok(b' ' | b'\t' | b'\r' | b'\n')));
    Ok(match significant.next().transpose()? {
        Some(b'[') if significant.next().transpose()? == Some(b'{') => Form::JsonArray,
        Some(b'{') => {
            drop(significant);
            if object_on_one_line(path)? {
                Form::JsonLines
            } else {
                Form::Text
            }
        }
        _ => Form::Text,
    })
}

/// Whether the file's first brace and what follows it are on one line, as in no object that is
/// written over several.
fn object_on_one_line(path: &Path) -> std::io::Result<bool> {
    let bytes = BufReader::new(File::open(path)?)
        .take(LONGEST_BLANK)
        .bytes();
    let mut after = bytes
        .skip_while(|byte| !matches!(byte, Ok(b'{') | Err(_)))
        .skip(1);
    let next = after
        .find(|byte| !matches!(byte, Ok(b' ' | b'\t')))
        .transpose()?;
    Ok(matches!(next, Some(b'"' | b'}')))
}
