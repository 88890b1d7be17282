//! Pieces of text in, tokens in the cache out.

use crate::{
    DataError, Tokenizer,
    cache::{Addition, Writer},
    text::chunks::Piece,
    text::documents::Kind,
    tokenizer::bulk_encoder::BulkEncoder,
};
use std::path::Path;

/// Text is tokenized this many bytes at a time, in parallel.
const GROUP: usize = 1 << 20;

/// Collects pieces, tokenizes them together, writes the tokens.
pub(crate) struct Encoder<'t> {
    tokenizer: &'t Tokenizer,
    bulk: BulkEncoder<'t>,
    /// What follows every document.
    end_of_text: Option<u32>,
    writer: Writer,
    group: Vec<Piece>,
    bytes: usize,
}

impl<'t> Encoder<'t> {
    pub(crate) fn new(tokenizer: &'t Tokenizer, end_of_text: Option<u32>, writer: Writer) -> Self {
        Self {
            tokenizer,
            bulk: BulkEncoder::new(tokenizer),
            end_of_text,
            writer,
            group: Vec::new(),
            bytes: 0,
        }
    }

    pub(crate) fn add(&mut self, piece: Piece) -> Result<(), DataError> {
        self.bytes += piece.text.len();
        self.group.push(piece);
        if self.bytes >= GROUP {
            self.flush()
        } else {
            Ok(())
        }
    }

    /// Writes what is left and makes the cache visible as `folder`, of the text called `text`.
    pub(crate) fn finish(mut self, folder: &Path, text: &str) -> Result<(), DataError> {
        self.flush()?;
        self.writer
            .finish(folder, text, self.tokenizer, self.bulk.into_unknown())
    }

    fn flush(&mut self) -> Result<(), DataError> {
        let texts: Vec<(&str, usize)> = self
            .group
            .iter()
            .map(|piece| (piece.text.as_str(), piece.context))
            .collect();
        let encoded = self.bulk.encode(&texts)?;
        let prefix = self.tokenizer.prefix();
        for (piece, ids) in self.group.iter().zip(&encoded) {
            let prefixed = piece.starts_document && !prefix.is_empty();
            if prefixed {
                self.writer.add(&Addition {
                    part: piece.part,
                    ids: prefix,
                    text_bytes: 0,
                    starts_document: true,
                    loss: piece.kind == Kind::Plain,
                })?;
            }
            self.writer.add(&Addition {
                part: piece.part,
                ids,
                text_bytes: piece.new_text().len(),
                starts_document: piece.starts_document && !prefixed,
                loss: piece.kind != Kind::Question,
            })?;
            if let Some(id) = self.end_of_text.filter(|_| piece.ends_document) {
                self.writer.add(&Addition {
                    part: piece.part,
                    ids: &[id],
                    text_bytes: 0,
                    starts_document: false,
                    loss: true,
                })?;
            }
        }
        self.group.clear();
        self.bytes = 0;
        Ok(())
    }
}
