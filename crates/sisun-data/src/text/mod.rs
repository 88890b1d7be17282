//! From the files that a configuration names to documents of text.

pub(crate) mod chunks;
pub(crate) mod documents;
pub(crate) mod file_format;
mod first_documents;
mod json_array;
mod json_record;
pub(crate) mod normalization;
pub(crate) mod scan;
pub(crate) mod sources;
pub(crate) mod utf8;

pub use first_documents::first_documents;
pub use normalization::forms;
