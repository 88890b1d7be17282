//! Tokenizing chunks of text and writing their tokens to a cache entry.

use crate::{
    DataError, Tokenizer,
    cache::{EntryWriter, TokenBatch},
    text::chunks::Chunk,
    text::document_event::TextRole,
    tokenizer::bulk_encoder::BulkEncoder,
};
use std::path::Path;

/// The number of bytes of text that are tokenized together, in parallel.
const BATCH_BYTES: usize = 1 << 20;

/// An encoder that collects chunks, tokenizes them together and writes the tokens.
pub(super) struct CorpusEncoder<'t> {
    tokenizer: &'t Tokenizer,
    bulk: BulkEncoder<'t>,
    /// The token that follows every document.
    end_of_text: Option<u32>,
    writer: EntryWriter,
    chunks: Vec<Chunk>,
    bytes: usize,
}

impl<'t> CorpusEncoder<'t> {
    pub(super) fn new(
        tokenizer: &'t Tokenizer,
        end_of_text: Option<u32>,
        writer: EntryWriter,
    ) -> Self {
        Self {
            tokenizer,
            bulk: BulkEncoder::new(tokenizer),
            end_of_text,
            writer,
            chunks: Vec::new(),
            bytes: 0,
        }
    }

    /// Add a chunk of text.
    pub(super) fn push(&mut self, chunk: Chunk) -> Result<(), DataError> {
        self.bytes += chunk.text.len();
        self.chunks.push(chunk);
        if self.bytes >= BATCH_BYTES {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Write the remaining tokens and rename the entry to `folder`. `text` is the name of the text.
    pub(super) fn finish(mut self, folder: &Path, text: &str) -> Result<(), DataError> {
        self.flush()?;
        self.writer
            .finish(folder, text, self.tokenizer, self.bulk.into_unknown())
    }

    fn flush(&mut self) -> Result<(), DataError> {
        let texts: Vec<(&str, usize)> = self
            .chunks
            .iter()
            .map(|chunk| (chunk.text.as_str(), chunk.context))
            .collect();
        let encoded = self.bulk.encode(&texts)?;
        let prefix = self.tokenizer.prefix();
        for (chunk, ids) in self.chunks.iter().zip(&encoded) {
            let prefixed = chunk.starts_document && !prefix.is_empty();
            if prefixed {
                self.writer.write(&TokenBatch {
                    split: chunk.split,
                    ids: prefix,
                    text_bytes: 0,
                    starts_document: true,
                    loss: chunk.role == TextRole::Plain,
                })?;
            }
            self.writer.write(&TokenBatch {
                split: chunk.split,
                ids,
                text_bytes: chunk.new_text().len(),
                starts_document: chunk.starts_document && !prefixed,
                loss: chunk.role != TextRole::Question,
            })?;
            if let Some(id) = self.end_of_text.filter(|_| chunk.ends_document) {
                self.writer.write(&TokenBatch {
                    split: chunk.split,
                    ids: &[id],
                    text_bytes: 0,
                    starts_document: false,
                    loss: true,
                })?;
            }
        }
        self.chunks.clear();
        self.bytes = 0;
        Ok(())
    }
}
