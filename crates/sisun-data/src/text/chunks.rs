//! Cutting text of any length into chunks that are tokenized one by one, with the result of
//! tokenizing it as a whole.

use crate::{
    DataError,
    text::document_event::{DocumentEvent, TextRole},
    text::documents::read_documents,
    text::sources::InputFile,
    text::utf8::ReadSummary,
};
use sisun_config::DataConfig;

/// The approximate length of a chunk, in bytes.
const CHUNK_LEN: usize = 64 << 10;
/// Text without any white space is cut after this many bytes.
const MAX_UNBROKEN_LEN: usize = 4 << 20;
/// The number of bytes before a chunk that come with it, for tokenizers that treat the beginning of a
/// text in a special way.
const CONTEXT_LEN: usize = 64;

/// A split of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Split {
    Training,
    Validation,
}

/// The place where training ends and validation begins. Its `Debug` form is part of the key of a
/// cache entry, so names in it must not change.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SplitBoundary {
    /// All text belongs to this split.
    None(Split),
    /// The single document is cut before this character.
    Character(u64),
    /// The documents are divided: validation begins with the first that starts at or after `target`
    /// characters, and at the latest with the last one.
    Document { target: u64, documents: u64 },
}

/// Text of one document that is tokenized by itself.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) split: Split,
    /// The context, then the text.
    pub(crate) text: String,
    /// The number of bytes of `text` that are context.
    pub(crate) context: usize,
    /// The role of the text in the loss.
    pub(crate) role: TextRole,
    pub(crate) starts_document: bool,
    pub(crate) ends_document: bool,
}

impl Chunk {
    /// Return the text without context.
    pub(crate) fn new_text(&self) -> &str {
        &self.text[self.context..]
    }
}

/// Pass the documents of `inputs` to `sink` chunk by chunk, and add the text that was read to
/// `summary`.
pub(crate) fn read_chunks(
    inputs: &[InputFile],
    data: &DataConfig,
    boundary: SplitBoundary,
    summary: &mut ReadSummary,
    sink: &mut dyn FnMut(Chunk) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut cutter = ChunkCutter::new(sink);
    let (mut characters, mut documents) = (0, 0);
    cutter.split = match boundary {
        SplitBoundary::None(split) => split,
        _ => Split::Training,
    };
    read_documents(inputs, data, summary, &mut |event| match event {
        DocumentEvent::Text(text, role) => {
            let mut rest = text;
            if let SplitBoundary::Character(target) = boundary {
                let here = text.chars().count() as u64;
                if cutter.split == Split::Training && characters + here > target {
                    let at = text
                        .char_indices()
                        .nth((target - characters) as usize)
                        .map_or(text.len(), |(at, _)| at);
                    cutter.push(&text[..at], role)?;
                    cutter.flush(false)?;
                    (cutter.split, cutter.starts_document) = (Split::Validation, true);
                    rest = &text[at..];
                }
                characters += here;
            } else {
                characters += text.chars().count() as u64;
            }
            cutter.push(rest, role)
        }
        DocumentEvent::End => {
            cutter.flush(true)?;
            documents += 1;
            if let SplitBoundary::Document {
                target,
                documents: all,
            } = boundary
                && (characters >= target || documents + 1 == all)
            {
                cutter.split = Split::Validation;
            }
            Ok(())
        }
    })
}

/// A collector of text that passes it on in chunks.
struct ChunkCutter<'s> {
    sink: &'s mut dyn FnMut(Chunk) -> Result<(), DataError>,
    split: Split,
    text: String,
    context: usize,
    role: TextRole,
    starts_document: bool,
}

impl<'s> ChunkCutter<'s> {
    fn new(sink: &'s mut dyn FnMut(Chunk) -> Result<(), DataError>) -> Self {
        Self {
            sink,
            split: Split::Training,
            text: String::new(),
            context: 0,
            role: TextRole::Plain,
            starts_document: true,
        }
    }

    fn push(&mut self, text: &str, role: TextRole) -> Result<(), DataError> {
        if role != self.role {
            // An answer is tokenized by itself, as when a model continues the question.
            self.flush(false)?;
            self.role = role;
        }
        self.text.push_str(text);
        while let Some(at) = find_cut(&self.text, self.context) {
            let from = self
                .text
                .floor_char_boundary(at.saturating_sub(CONTEXT_LEN));
            let rest = self.text[from..].to_owned();
            self.text.truncate(at);
            self.emit(false)?;
            (self.text, self.context) = (rest, at - from);
        }
        Ok(())
    }

    /// Pass on the rest of the text.
    fn flush(&mut self, ends_document: bool) -> Result<(), DataError> {
        if ends_document || self.text.len() > self.context {
            self.emit(ends_document)?;
        }
        (self.text, self.context) = (String::new(), 0);
        if ends_document {
            (self.role, self.starts_document) = (TextRole::Plain, true);
        }
        Ok(())
    }

    fn emit(&mut self, ends_document: bool) -> Result<(), DataError> {
        (self.sink)(Chunk {
            split: self.split,
            text: std::mem::take(&mut self.text),
            context: self.context,
            role: self.role,
            starts_document: std::mem::replace(&mut self.starts_document, false),
            ends_document,
        })
    }
}

/// Return where to cut `text`, whose first `context` bytes are context, or `None` if it is short.
///
/// No token of the usual pre-tokenizers reaches from a letter or digit into the white space after
/// it, so text is cut there, or else before any white space that follows something else.
fn find_cut(text: &str, context: usize) -> Option<usize> {
    if text.len() - context <= CHUNK_LEN {
        return None;
    }
    let near = text.ceil_char_boundary(context + CHUNK_LEN);
    let places = |range: &str| {
        let mut before = ' ';
        let mut word = None;
        let mut other = None;
        for (at, c) in range.char_indices() {
            if c.is_whitespace() && !before.is_whitespace() {
                if before.is_alphanumeric() {
                    word = Some(at);
                } else {
                    other = Some(at);
                }
            }
            before = c;
        }
        word.or(other)
    };
    if let Some(at) = places(&text[context..near]) {
        return Some(context + at);
    }
    // Text without white space nearby is cut at the first there is, or at its maximal length.
    let mut before = ' ';
    for (at, c) in text[context..].char_indices() {
        if (c.is_whitespace() && !before.is_whitespace()) || at >= MAX_UNBROKEN_LEN {
            return Some(context + at);
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Split, SplitBoundary};

    /// Another form would change the key of every cache entry.
    #[test]
    fn the_debug_form_of_a_boundary_is_fixed() {
        let form = |boundary: SplitBoundary| format!("{boundary:?}");
        assert_eq!(form(SplitBoundary::None(Split::Training)), "None(Training)");
        assert_eq!(
            form(SplitBoundary::None(Split::Validation)),
            "None(Validation)"
        );
        assert_eq!(form(SplitBoundary::Character(7)), "Character(7)");
        let boundary = SplitBoundary::Document {
            target: 7,
            documents: 2,
        };
        assert_eq!(form(boundary), "Document { target: 7, documents: 2 }");
    }
}
