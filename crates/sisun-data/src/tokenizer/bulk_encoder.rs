//! Tokenizing a whole corpus: the ids of [`Tokenizer::encode`], in the fastest way.

use crate::{
    DataError, Tokenizer, UnknownCharacters,
    tokenizer::word_encoder::{WordCache, WordEncoder},
};

/// Tokenize texts with a cache of words.
pub(crate) struct BulkEncoder<'t> {
    tokenizer: &'t Tokenizer,
    words: Option<(WordEncoder, WordCache)>,
    /// The unknown characters of all texts so far.
    unknown: Option<UnknownCharacters>,
}

impl<'t> BulkEncoder<'t> {
    pub(crate) fn new(tokenizer: &'t Tokenizer) -> Self {
        let words =
            WordEncoder::new(&tokenizer.library).map(|encoder| (encoder, WordCache::default()));
        Self {
            tokenizer,
            words,
            unknown: None,
        }
    }

    /// Return the ids of each text after its first `context` bytes. These are the text that precedes
    /// it, for tokenizers that treat the beginning of a text in a special way.
    pub(crate) fn encode(&mut self, texts: &[(&str, usize)]) -> Result<Vec<Vec<u32>>, DataError> {
        if let Some(table) = &self.tokenizer.char_table {
            return texts
                .iter()
                .map(|(text, context)| table.encode_ids(&text[*context..]))
                .collect();
        }
        if let Some((words, cache)) = &mut self.words {
            let inner = &self.tokenizer.library;
            let mut all = Vec::with_capacity(texts.len());
            for text in texts.iter().map(|(text, context)| &text[*context..]) {
                self.tokenizer.coverage.check_bytes(text)?;
                let ids = words.encode(inner, cache, text)?;
                add(
                    &mut self.unknown,
                    self.tokenizer.unknown_token.characters_of_ids(text, &ids),
                );
                all.push(ids);
            }
            return Ok(all);
        }
        self.encode_with_context(texts)
    }

    /// Encode with any tokenizer. Where a token straddles the end of the context, the text after
    /// the context is encoded by itself.
    fn encode_with_context(&mut self, texts: &[(&str, usize)]) -> Result<Vec<Vec<u32>>, DataError> {
        let inner = &self.tokenizer.library;
        let whole: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
        let explain = |(i, failure): (usize, _)| self.tokenizer.coverage.explain(whole[i], failure);
        let encodings = inner.encode_all(&whole, false).map_err(explain)?;
        let mut all = Vec::with_capacity(texts.len());
        for (&(text, context), encoding) in texts.iter().zip(&encodings) {
            let (ids, offsets) = (encoding.get_ids(), encoding.get_offsets());
            self.tokenizer.coverage.check_encoding(text, offsets)?;
            if offsets
                .iter()
                .any(|&(start, end)| start < context && context < end)
            {
                let alone = inner.encode(&text[context..], false)?;
                add(
                    &mut self.unknown,
                    self.tokenizer
                        .unknown_token
                        .characters_of_ids(&text[context..], alone.get_ids()),
                );
                all.push(alone.get_ids().to_vec());
            } else {
                let after_context = || {
                    ids.iter()
                        .zip(offsets)
                        .filter(|(_, (start, _))| *start >= context)
                };
                if let Some(unknown) = self.tokenizer.unknown_token.id() {
                    let ranges = after_context()
                        .filter(|(id, _)| **id == unknown)
                        .map(|(_, &range)| range);
                    add(
                        &mut self.unknown,
                        self.tokenizer.unknown_token.characters_in(text, ranges),
                    );
                }
                all.push(after_context().map(|(id, _)| *id).collect());
            }
        }
        Ok(all)
    }

    /// Return the unknown characters of all the texts.
    pub(crate) fn into_unknown(self) -> Option<UnknownCharacters> {
        self.unknown
    }
}

fn add(all: &mut Option<UnknownCharacters>, more: Option<UnknownCharacters>) {
    match (all.as_mut(), more) {
        (Some(all), Some(more)) => all.add(more),
        (None, more) => *all = more,
        (_, None) => {}
    }
}
