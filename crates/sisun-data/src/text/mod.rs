//! From the files that a configuration names to documents of text.

pub(crate) mod characters;
pub(crate) mod chunks;
pub(crate) mod document_event;
mod documents;
pub(crate) mod file_format;
mod first_documents;
pub(crate) mod json_array;
pub(crate) mod json_record;
mod nfc_composer;
pub(crate) mod normalization;
pub(crate) mod scan;
pub(crate) mod sources;
pub(crate) mod utf8;

pub use first_documents::first_documents;
pub use normalization::unicode_forms;
