//! What one document is: a file, a line, a paragraph, or a line of JSON.

use crate::{
    DataError,
    source::Input,
    text::{read_blocks, read_lines},
};
use serde_json::{Map, Value};
use sisun_config::{DataConfig, Documents};

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

/// Gives the documents of all `inputs` to `sink`.
pub(crate) fn read_documents(inputs: &[Input], rules: &DataConfig, sink: &mut Sink<'_>) -> Result<(), DataError> {
    for input in inputs {
        match rules.documents {
            _ if input.jsonl => read_json_lines(input, rules, sink)?,
            Documents::File => read_whole(input, sink)?,
            Documents::Line => read_each_line(input, sink)?,
            Documents::Paragraph => read_paragraphs(input, sink)?,
        }
    }
    Ok(())
}

fn read_whole(input: &Input, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let mut any = false;
    read_blocks(input, &mut |text| {
        any = true;
        sink(Event::Text(text, Kind::Plain))
    })?;
    if any { sink(Event::End) } else { Ok(()) }
}

fn read_each_line(input: &Input, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let mut within = false;
    read_lines(input, LONG_LINE, &mut |text, ends| {
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

fn read_paragraphs(input: &Input, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let (mut within_document, mut within_line) = (false, false);
    read_lines(input, LONG_LINE, &mut |text, ends| {
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
    if within_document { sink(Event::End) } else { Ok(()) }
}

fn is_blank(line: &str) -> bool {
    line.chars().all(char::is_whitespace)
}

fn read_json_lines(input: &Input, rules: &DataConfig, sink: &mut Sink<'_>) -> Result<(), DataError> {
    let mut line = 0;
    read_lines(input, usize::MAX, &mut |text, _| {
        line += 1;
        if is_blank(text) {
            return Ok(());
        }
        let record: Map<String, Value> = serde_json::from_str(text).map_err(|error| DataError::JsonLine {
            path: input.name.clone(),
            line,
            message: error.to_string(),
        })?;
        let field = |key: &'static str, name: &str| match record.get(name) {
            Some(Value::String(text)) => Ok(text.clone()),
            _ => Err(DataError::JsonField {
                path: input.name.clone(),
                line,
                key,
                field: name.to_owned(),
                found: record.keys().cloned().collect(),
            }),
        };
        let text = field("jsonl_field", &rules.jsonl_field)?;
        match &rules.jsonl_answer_field {
            Some(name) => {
                sink(Event::Text(&text, Kind::Question))?;
                sink(Event::Text(&field("jsonl_answer_field", name)?, Kind::Answer))?;
            }
            None => sink(Event::Text(&text, Kind::Plain))?,
        }
        sink(Event::End)
    })
}
