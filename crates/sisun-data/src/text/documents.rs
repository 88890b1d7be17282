//! Reading documents: files, lines, paragraphs or JSON records.

use crate::{
    DataError,
    text::document_event::{DocumentEvent, DocumentSink, TextRole},
    text::file_format::FileFormat,
    text::json_array::{ArrayElements, InvalidArray},
    text::json_record::{Field, parse_record},
    text::nfc_composer::NfcComposer,
    text::sources::InputFile,
    text::utf8::{NullRecords, ReadSummary, read_blocks, read_lines},
};
use sisun_config::{DataConfig, Documents, Normalize};

/// A line of plain text longer than this, in bytes, is read in pieces.
const MAX_LINE_PIECE: usize = 1 << 20;

/// Pass the documents of all `inputs` to `sink`, and add the text that was read to `summary`.
pub(crate) fn read_documents(
    inputs: &[InputFile],
    data: &DataConfig,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    if data.normalize == Normalize::None {
        return read_without_normalization(inputs, data, summary, sink);
    }
    let mut composer = NfcComposer::default();
    read_without_normalization(inputs, data, summary, &mut |event| {
        composer.push(event, sink)
    })
}

fn read_without_normalization(
    inputs: &[InputFile],
    data: &DataConfig,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    for input in inputs {
        match (input.format, data.documents) {
            (FileFormat::JsonLines, _) => read_json_lines(input, data, summary, sink)?,
            (FileFormat::JsonArray, _) => read_json_array(input, data, summary, sink)?,
            (FileFormat::PlainText, Documents::File) => read_whole(input, summary, sink)?,
            (FileFormat::PlainText, Documents::Line) => read_each_line(input, summary, sink)?,
            (FileFormat::PlainText, Documents::Paragraph) => read_paragraphs(input, summary, sink)?,
        }
    }
    Ok(())
}

fn read_whole(
    input: &InputFile,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    let mut any = false;
    read_blocks(input, summary, &mut |text| {
        any = true;
        sink(DocumentEvent::Text(text, TextRole::Plain))
    })?;
    if any {
        sink(DocumentEvent::End)
    } else {
        Ok(())
    }
}

fn read_each_line(
    input: &InputFile,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    let mut within = false;
    read_lines(input, summary, MAX_LINE_PIECE, &mut |text, ends| {
        if within || !is_blank(text) {
            sink(DocumentEvent::Text(text, TextRole::Plain))?;
            within = true;
        }
        if within && ends {
            sink(DocumentEvent::End)?;
            within = false;
        }
        Ok(())
    })
}

fn read_paragraphs(
    input: &InputFile,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    let (mut within_document, mut within_line) = (false, false);
    read_lines(input, summary, MAX_LINE_PIECE, &mut |text, ends| {
        if !within_line && ends && is_blank(text) {
            if within_document {
                sink(DocumentEvent::End)?;
            }
            within_document = false;
            return Ok(());
        }
        if within_document && !within_line {
            sink(DocumentEvent::Text("\n", TextRole::Plain))?;
        }
        sink(DocumentEvent::Text(text, TextRole::Plain))?;
        (within_document, within_line) = (true, !ends);
        Ok(())
    })?;
    if within_document {
        sink(DocumentEvent::End)
    } else {
        Ok(())
    }
}

fn is_blank(line: &str) -> bool {
    line.chars().all(char::is_whitespace)
}

fn read_json_lines(
    input: &InputFile,
    data: &DataConfig,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    let mut line = 0;
    let mut nulls = std::mem::take(&mut summary.nulls);
    let read = read_lines(input, summary, usize::MAX, &mut |text, _| {
        line += 1;
        if is_blank(text) {
            Ok(())
        } else {
            read_json_record(input, line, text, data, &mut nulls, sink)
        }
    });
    summary.nulls = nulls;
    read
}

fn read_json_array(
    input: &InputFile,
    data: &DataConfig,
    summary: &mut ReadSummary,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    /// An error of the array or of one of its records.
    enum Failure {
        Array(InvalidArray),
        Data(DataError),
    }
    impl From<InvalidArray> for Failure {
        fn from(error: InvalidArray) -> Self {
            Self::Array(error)
        }
    }
    let to_data_error = |failure: Failure| match failure {
        Failure::Array(InvalidArray { line, problem }) => DataError::JsonLine {
            path: input.name.clone(),
            line,
            message: problem.to_owned(),
        },
        Failure::Data(error) => error,
    };
    let mut elements = ArrayElements::default();
    let mut nulls = std::mem::take(&mut summary.nulls);
    let read = read_blocks(input, summary, &mut |text| {
        let element = &mut |element: &str, line: u64| {
            read_json_record(input, line, element, data, &mut nulls, sink).map_err(Failure::Data)
        };
        elements.push(text, element).map_err(to_data_error)
    });
    summary.nulls = nulls;
    read?;
    elements
        .finish()
        .map_err(|error| to_data_error(error.into()))
}

/// Read the record that begins on this line. A record whose text or answer is null is skipped.
fn read_json_record(
    input: &InputFile,
    line: u64,
    text: &str,
    data: &DataConfig,
    nulls: &mut NullRecords,
    sink: &mut DocumentSink<'_>,
) -> Result<(), DataError> {
    let wanted: Vec<&str> = std::iter::once(data.text_field())
        .chain(data.jsonl_answer_field.as_deref())
        .collect();
    let record = parse_record(text, &wanted).map_err(|error| DataError::JsonLine {
        path: input.name.clone(),
        line: line + error.line as u64,
        message: error.problem,
    })?;
    if let Some(at) = record
        .wanted
        .iter()
        .position(|field| *field == Some(Field::Null))
    {
        nulls.records += 1;
        nulls
            .first
            .get_or_insert_with(|| (wanted[at].to_owned(), input.name.clone(), line));
        return Ok(());
    }
    let roles = if wanted.len() == 1 {
        [TextRole::Plain; 2]
    } else {
        [TextRole::Question, TextRole::Answer]
    };
    for (i, (field, name)) in record.wanted.iter().zip(&wanted).enumerate() {
        let key = if i == 0 {
            "data.jsonl_field"
        } else {
            "data.jsonl_answer_field"
        };
        match (field, i) {
            (Some(Field::Text(text)), _) => {
                if i == 1 && !data.separator().is_empty() {
                    sink(DocumentEvent::Text(data.separator(), roles[0]))?;
                }
                sink(DocumentEvent::Text(text, roles[i]))?;
            }
            (other, _) => {
                let problem = describe_missing_text(other.as_ref(), name, key, &record.names);
                return Err(DataError::JsonField {
                    path: input.name.clone(),
                    line,
                    problem,
                });
            }
        }
    }
    sink(DocumentEvent::End)
}

/// Say why a field has no text, and what to do about it.
fn describe_missing_text(found: Option<&Field>, name: &str, key: &str, names: &[String]) -> String {
    let (is, remedy) = match found {
        None => {
            let names = if names.is_empty() {
                "none".to_owned()
            } else {
                names.join(", ")
            };
            return format!(
                "there is no field `{name}` (fields: {names}); set {key} to the one to read"
            );
        }
        Some(Field::Text(_) | Field::Null) => {
            unreachable!("text is read and null is skipped before")
        }
        Some(Field::Boolean) => ("true or false", "write it in quotes"),
        Some(Field::Number) => ("a number", "write it in quotes"),
        Some(Field::List) => ("a list", "join what it holds into one string"),
        Some(Field::Object) => ("an object", "give what is in it a field of its own"),
    };
    format!("field `{name}` is {is}, not a string; {remedy}, or set {key} to another field")
}
