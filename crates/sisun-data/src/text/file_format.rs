//! The format of a text file: plain text or JSON records, by its name, its first characters and the
//! configuration.

use crate::DataError;
use sisun_config::DataConfig;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

/// The format in which a file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileFormat {
    PlainText,
    /// One JSON object on each line.
    JsonLines,
    /// A JSON array of objects.
    JsonArray,
}

/// Name endings of JSON lines.
const JSON_LINES_EXTENSIONS: [&str; 2] = ["jsonl", "ndjson"];

/// The number of bytes in which the first character that is not white space is looked for.
const MAX_BLANK: u64 = 64 << 10;

/// Return whether a file's name ends in one of these, in upper or lower case.
pub(crate) fn has_extension(path: &Path, endings: &[&str]) -> bool {
    let ending = path
        .extension()
        .map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| endings.contains(&ending.as_str()))
}

/// Return the format in which to read the file `path`, which the user named `name`, and the format
/// that its contents look like.
pub(crate) fn detect_format(
    path: &Path,
    name: &Path,
    data: &DataConfig,
) -> Result<(FileFormat, FileFormat), DataError> {
    let looks_like = format_by_contents(path).map_err(DataError::io(name))?;
    let format = match (has_extension(name, &JSON_LINES_EXTENSIONS), looks_like) {
        (true, FileFormat::JsonArray) => FileFormat::JsonArray,
        (true, _) => FileFormat::JsonLines,
        (false, _) if data.expects_json_lines() => looks_like,
        (false, _) => FileFormat::PlainText,
    };
    Ok((format, looks_like))
}

/// Return whether a file that is named as JSON begins as JSON does: with a bracket or a brace.
pub(crate) fn is_named_json(path: &Path, name: &Path) -> Result<bool, DataError> {
    if !has_extension(name, &["json"]) {
        return Ok(false);
    }
    let file = File::open(path).map_err(DataError::io(name))?;
    let mut bytes = BufReader::new(file).take(MAX_BLANK).bytes();
    let blank = [b' ', b'\t', b'\r', b'\n', 0xEF, 0xBB, 0xBF];
    let first = bytes.find(|byte| !matches!(byte, Ok(byte) if blank.contains(byte)));
    let first = first.transpose().map_err(DataError::io(name))?;
    Ok(matches!(first, Some(b'[' | b'{')))
}

/// Judge by the first characters that are not white space: `{"` on one line begins JSON lines, `[{`
/// an array of objects.
fn format_by_contents(path: &Path) -> std::io::Result<FileFormat> {
    let mut bytes = BufReader::new(File::open(path)?).take(MAX_BLANK);
    if bytes.fill_buf()?.starts_with("\u{FEFF}".as_bytes()) {
        bytes.consume('\u{FEFF}'.len_utf8());
    }
    let mut significant = bytes
        .bytes()
        .filter(|byte| !matches!(byte, Ok(b' ' | b'\t' | b'\r' | b'\n')));
    Ok(match significant.next().transpose()? {
        Some(b'[') if significant.next().transpose()? == Some(b'{') => FileFormat::JsonArray,
        Some(b'{') => {
            drop(significant);
            if is_object_on_one_line(path)? {
                FileFormat::JsonLines
            } else {
                FileFormat::PlainText
            }
        }
        _ => FileFormat::PlainText,
    })
}

/// Return whether the first brace of the file and its next character are on one line, unlike in an
/// object that is written over several lines.
fn is_object_on_one_line(path: &Path) -> std::io::Result<bool> {
    let bytes = BufReader::new(File::open(path)?).take(MAX_BLANK).bytes();
    let mut after = bytes
        .skip_while(|byte| !matches!(byte, Ok(b'{') | Err(_)))
        .skip(1);
    let next = after
        .find(|byte| !matches!(byte, Ok(b' ' | b'\t')))
        .transpose()?;
    Ok(matches!(next, Some(b'"' | b'}')))
}
