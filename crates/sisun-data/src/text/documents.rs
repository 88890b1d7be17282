//! What one document is: a file, a line, a paragraph, or a record of JSON.

use crate::{
    DataError,
    text::file_format::Form,
    text::json_array::{Elements, NoArray},
    text::json_record::{Field, read_record},
    text::normalization::Composer,
    text::sources::Input,
    text::utf8::{Nulls, Seen, read_blocks, read_lines},
};
use sisun_config::{DataConfig, Documents, Normalize};

/// What reading gives, in order. A document is some `Text`, then `End`.
pub(crate) enum Event<'t> {
    /// More text of the document.
    Text(&'t str, Kind),
    /// The document is over.
    End,
}

/// What a text is to the loss, where it is taken on answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Of a document without an answer: all of it counts.
    #[default]
    Plain,
    /// What comes before an answer, which does not count.
    Question,
    /// An answer.
    Answer,
}

/// Where events go.
pub(crate) type Sink<'s> = dyn FnMut(Event<'_>) -> Result<(), DataError> + 's;

/// A line of plain text longer than this is handled in pieces.
const LONG_LINE: usize = 1 << 20;

/// Gives the documents of all `inputs` to `sink`. `seen` is told what text was read.
pub(crate) fn read_documents(
    inputs: &[Input],
    rules: &DataConfig,
    seen: &mut Seen,
    sink: &mut Sink<'_>,
) -> Result<(), DataError> {
    if rules.normalize == Normalize::None {
        return read_as_they_are(inputs, rules, seen, sink);
    }
    let mut composer = Composer::default();
    read_as_they_are(inputs, rules, seen, &mut |event| composer.take(event, sink))
}

fn read_as_they_are(
    inputs: &[Input],
    rules: &DataConfig,
    seen: &mut Seen,
    sink: &mut Sink<'_>,
) -> Result<(), DataError> {
    for input in inputs {
        match (input.form, rules.documents) {
            (Form::JsonLines, _) => read_json_lines(input, rules, seen, sink)?,
            (Form::JsonArray, _) => read_json_array(input, rules, seen, sink)?,
            (Form::Text, Documents::File) => read_whole(input, seen, sink)?,
            (Form::Text, Documents::Line) => read_each_line(input, seen, sink)?,
            (Form::Text, Documents::Paragraph) => read_paragraphs(input, seen, sink)?,
        }
    }
    Ok(())
}

fn read_whole(input: &Input, seen: &mut Seen, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let mut any = false;
    read_blocks(input, seen, &mut |text| {
        any = true;
        sink(Event::Text(text, Kind::Plain))
    })?;
    if any { sink(Event::End) } else { Ok(()) }
}

fn read_each_line(input: &Input, seen: &mut Seen, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let mut within = false;
    read_lines(input, seen, LONG_LINE, &mut |text, ends| {
        if within || !is_blank(text) {
            sink(Event::Text(text, Kind::Plain))?;
            within = true;
        }
        if within && ends {
            sink(Event::End)?;
            within = false;
        }
        Ok(())
    })
}

fn read_paragraphs(input: &Input, seen: &mut Seen, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let (mut within_document, mut within_line) = (false, false);
    read_lines(input, seen, LONG_LINE, &mut |text, ends| {
        if !within_line && ends && is_blank(text) {
            if within_document {
                sink(Event::End)?;
            }
            within_document = false;
            return Ok(());
        }
        if within_document && !within_line {
            sink(Event::Text("\n", Kind::Plain))?;
        }
        sink(Event::Text(text, Kind::Plain))?;
        (within_document, within_line) = (true, !ends);
        Ok(())
    })?;
    if within_document {
        sink(Event::End)
    } else {
        Ok(())
    }
}

fn is_blank(line: &str) -> bool {
    line.chars().all(char::is_whitespace)
}

fn read_json_lines(
    input: &Input,
    rules: &DataConfig,
    seen: &mut Seen,
    sink: &mut Sink<'_>,
) -> Result<(), DataError> {
    let mut line = 0;
    let mut nulls = std::mem::take(&mut seen.nulls);
    let read = read_lines(input, seen, usize::MAX, &mut |text, _| {
        line += 1;
        if is_blank(text) {
            Ok(())
        } else {
            read_one(input, line, text, rules, &mut nulls, sink)
        }
    });
    seen.nulls = nulls;
    read
}

fn read_json_array(
    input: &Input,
    rules: &DataConfig,
    seen: &mut Seen,
    sink: &mut Sink<'_>,
) -> Result<(), DataError> {
    /// An error with or without a place of its own.
    enum Failure {
        Array(NoArray),
        Data(DataError),
    }
    impl From<NoArray> for Failure {
        fn from(error: NoArray) -> Self {
            Self::Array(error)
        }
    }
    let told = |failure: Failure| match failure {
        Failure::Array(NoArray { line, problem }) => DataError::JsonLine {
            path: input.name.clone(),
            line,
            message: problem.to_owned(),
        },
        Failure::Data(error) => error,
    };
    let mut elements = Elements::default();
    let mut nulls = std::mem::take(&mut seen.nulls);
    let read = read_blocks(input, seen, &mut |text| {
        let element = &mut |element: &str, line: u64| {
            read_one(input, line, element, rules, &mut nulls, sink).map_err(Failure::Data)
        };
        elements.push(text, element).map_err(told)
    });
    seen.nulls = nulls;
    read?;
    elements.finish().map_err(|error| told(error.into()))
}

/// Reads the record that begins on this line. One whose text or answer is null is none.
fn read_one(
    input: &Input,
    line: u64,
    text: &str,
    rules: &DataConfig,
    nulls: &mut Nulls,
    sink: &mut Sink<'_>,
) -> Result<(), DataError> {
    let wanted: Vec<&str> = std::iter::once(rules.text_field())
        .chain(rules.jsonl_answer_field.as_deref())
        .collect();
    let record = read_record(text, &wanted).map_err(|error| DataError::JsonLine {
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
    let kinds = if wanted.len() == 1 {
        [Kind::Plain; 2]
    } else {
        [Kind::Question, Kind::Answer]
    };
    for (i, (field, name)) in record.wanted.iter().zip(&wanted).enumerate() {
        let key = if i == 0 {
            "data.jsonl_field"
        } else {
            "data.jsonl_answer_field"
        };
        match (field, i) {
            (Some(Field::Text(text)), _) => sink(Event::Text(text, kinds[i]))?,
            (other, _) => {
                let problem = no_text(other.as_ref(), name, key, &record.names);
                return Err(DataError::JsonField {
                    path: input.name.clone(),
                    line,
                    problem,
                });
            }
        }
    }
    sink(Event::End)
}

/// Why a field gives no text, and what to do.
fn no_text(found: Option<&Field>, name: &str, key: &str, names: &[String]) -> String {
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
        Some(Field::Text(_) | Field::Null) => unreachable!("a text is taken and null is left out"),
        Some(Field::Boolean) => ("true or false", "write it in quotes"),
        Some(Field::Number) => ("a number", "write it in quotes"),
        Some(Field::List) => ("a list", "join what it holds into one string"),
        Some(Field::Object) => ("an object", "give what is in it a field of its own"),
    };
    format!("field `{name}` is {is}, not a string; {remedy}, or set {key} to another field")
}
