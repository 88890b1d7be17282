//! The events in which documents are read.

use crate::DataError;

/// A step of reading. A document is any number of `Text` events, then `End`.
pub(crate) enum DocumentEvent<'t> {
    /// More text of the document.
    Text(&'t str, TextRole),
    /// The end of the document.
    End,
}

/// The role of a text in the loss, where the loss is taken on answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TextRole {
    /// Text of a document without an answer, which counts.
    #[default]
    Plain,
    /// Text before an answer, which does not count.
    Question,
    /// An answer, which counts.
    Answer,
}

/// The receiver of events.
pub(crate) type DocumentSink<'s> = dyn FnMut(DocumentEvent<'_>) -> Result<(), DataError> + 's;
