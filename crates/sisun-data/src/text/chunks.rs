//! Text of any length cut into pieces that can be tokenized one by one, as if it had been done at
//! once.

use crate::{
    DataError,
    text::documents::{Event, Kind, read_documents},
    text::sources::Input,
    text::utf8::Seen,
};
use sisun_config::DataConfig;

/// Pieces are about this long, in bytes.
const PIECE: usize = 64 << 10;
/// A stretch without any white space is cut after this many bytes.
const LONGEST: usize = 4 << 20;
/// A piece carries this many bytes of what precedes it, for tokenizers that treat a beginning in a
/// special way.
const CONTEXT: usize = 64;

/// Which part of the corpus a text belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Training,
    Validation,
}

/// Where training ends and validation begins.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Boundary {
    /// All of it is this part.
    None(Part),
    /// A single document, cut before this character.
    Character(u64),
    /// Several documents: validation begins with the first that starts at or after `target`
    /// characters, and at the latest with the last one.
    Document { target: u64, documents: u64 },
}

/// Some text of one document, to be tokenized by itself.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) part: Part,
    /// Some context, and then the text.
    pub(crate) text: String,
    /// How many bytes of `text` are context.
    pub(crate) context: usize,
    /// What it is to the loss.
    pub(crate) kind: Kind,
    pub(crate) starts_document: bool,
    pub(crate) ends_document: bool,
}

impl Piece {
    /// The text without context.
    pub(crate) fn new_text(&self) -> &str {
        &self.text[self.context..]
    }
}

/// Gives the documents of `inputs` to `sink`, piece by piece. `seen` is told what text was read.
pub(crate) fn read_pieces(
    inputs: &[Input],
    rules: &DataConfig,
    boundary: Boundary,
    seen: &mut Seen,
    sink: &mut dyn FnMut(Piece) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut cutter = Cutter::new(sink);
    let (mut characters, mut documents) = (0, 0);
    cutter.part = match boundary {
        Boundary::None(part) => part,
        _ => Part::Training,
    };
    read_documents(inputs, rules, seen, &mut |event| match event {
        Event::Text(text, kind) => {
            let mut rest = text;
            if let Boundary::Character(target) = boundary {
                let here = text.chars().count() as u64;
                if cutter.part == Part::Training && characters + here > target {
                    let at = text
                        .char_indices()
                        .nth((target - characters) as usize)
                        .map_or(text.len(), |(at, _)| at);
                    cutter.push(&text[..at], kind)?;
                    cutter.flush(false)?;
                    (cutter.part, cutter.starts_document) = (Part::Validation, true);
                    rest = &text[at..];
                }
                characters += here;
            } else {
                characters += text.chars().count() as u64;
            }
            cutter.push(rest, kind)
        }
        Event::End => {
            cutter.flush(true)?;
            documents += 1;
            if let Boundary::Document {
                target,
                documents: all,
            } = boundary
                && (characters >= target || documents + 1 == all)
            {
                cutter.part = Part::Validation;
            }
            Ok(())
        }
    })
}

/// Collects text and gives it out in pieces.
struct Cutter<'s> {
    sink: &'s mut dyn FnMut(Piece) -> Result<(), DataError>,
    part: Part,
    text: String,
    context: usize,
    kind: Kind,
    starts_document: bool,
}

impl<'s> Cutter<'s> {
    fn new(sink: &'s mut dyn FnMut(Piece) -> Result<(), DataError>) -> Self {
        Self {
            sink,
            part: Part::Training,
            text: String::new(),
            context: 0,
            kind: Kind::Plain,
            starts_document: true,
        }
    }

    fn push(&mut self, text: &str, kind: Kind) -> Result<(), DataError> {
        if kind != self.kind {
            // An answer is tokenized by itself, as when a model has to continue the question.
            self.flush(false)?;
            self.kind = kind;
        }
        self.text.push_str(text);
        while let Some(at) = find_cut(&self.text, self.context) {
            let from = self.text.floor_char_boundary(at.saturating_sub(CONTEXT));
            let rest = self.text[from..].to_owned();
            self.text.truncate(at);
            self.emit(false)?;
            (self.text, self.context) = (rest, at - from);
        }
        Ok(())
    }

    /// Gives out what is left.
    fn flush(&mut self, ends_document: bool) -> Result<(), DataError> {
        if ends_document || self.text.len() > self.context {
            self.emit(ends_document)?;
        }
        (self.text, self.context) = (String::new(), 0);
        if ends_document {
            (self.kind, self.starts_document) = (Kind::Plain, true);
        }
        Ok(())
    }

    fn emit(&mut self, ends_document: bool) -> Result<(), DataError> {
        (self.sink)(Piece {
            part: self.part,
            text: std::mem::take(&mut self.text),
            context: self.context,
            kind: self.kind,
            starts_document: std::mem::replace(&mut self.starts_document, false),
            ends_document,
        })
    }
}

/// Where to cut `text`, of which the first `context` bytes are context: not at all if it is short.
///
/// No token of the usual pre-tokenizers reaches from a letter or digit into the white space after
/// it, so that is where to cut; failing that, before any white space that follows something else.
fn find_cut(text: &str, context: usize) -> Option<usize> {
    if text.len() - context <= PIECE {
        return None;
    }
    let near = text.ceil_char_boundary(context + PIECE);
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
    // A long stretch without white space: take the first there is, or give up on it.
    let mut before = ' ';
    for (at, c) in text[context..].char_indices() {
        if (c.is_whitespace() && !before.is_whitespace()) || at >= LONGEST {
            return Some(context + at);
        }
        before = c;
    }
    None
}
