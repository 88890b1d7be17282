//! A first pass over the text that checks and measures it and computes its hash.

use crate::{
    DataError,
    text::characters::CharacterSet,
    text::document_event::{DocumentEvent, TextRole},
    text::documents::read_documents,
    text::sources::InputFile,
    text::utf8::ReadSummary,
};
use sha2::{Digest, Sha256};
use sisun_config::DataConfig;

/// The results of a scan.
pub(crate) struct TextScan {
    pub(crate) documents: u64,
    pub(crate) characters: u64,
    pub(crate) bytes: u64,
    /// True if some documents have answers.
    pub(crate) has_answers: bool,
    /// SHA-256 of the documents and their ends, whatever files they were in.
    pub(crate) sha256: [u8; 32],
    /// The summary of the text as it was read.
    pub(crate) summary: ReadSummary,
    /// Every character that occurs.
    pub(crate) characters_used: CharacterSet,
}

/// Read all of `inputs` once. `name` is the name of the text in error messages.
///
/// # Errors
/// Any error of reading the text, and [`DataError::Empty`] if there is none.
pub(crate) fn scan_text(
    inputs: &[InputFile],
    data: &DataConfig,
    name: &str,
) -> Result<TextScan, DataError> {
    let (mut documents, mut characters, mut bytes, mut has_answers) = (0, 0, 0, false);
    let mut hash = Sha256::new();
    let mut characters_used = CharacterSet::new();
    let mut summary = ReadSummary::default();
    read_documents(inputs, data, &mut summary, &mut |event| {
        match event {
            DocumentEvent::Text(text, role) => {
                // 0xFE and 0xFF never occur in UTF-8.
                if role == TextRole::Answer {
                    hash.update([0xFE]);
                    has_answers = true;
                }
                hash.update(text);
                bytes += text.len() as u64;
                characters += characters_used.add(text);
            }
            DocumentEvent::End => {
                hash.update([0xFF]);
                documents += 1;
            }
        }
        Ok(())
    })?;
    if bytes == 0 {
        let reason = summary.nulls.first.map_or_else(String::new, |(field, ..)| {
            format!(" ({field} is null in every record)")
        });
        return Err(DataError::Empty {
            name: format!("{name}{reason}"),
        });
    }
    Ok(TextScan {
        documents,
        characters,
        bytes,
        has_answers,
        sha256: hash.finalize().into(),
        summary,
        characters_used,
    })
}
