//! Tokenizing a whole corpus: the same ids as [`Tokenizer::encode`], by the fastest way there is.

use crate::{
    DataError, Tokenizer, Unknown,
    tokenizer::word_encoder::{WordCache, WordRules},
};

/// Tokenizes texts, remembering words it has met.
pub(crate) struct BulkEncoder<'t> {
    tokenizer: &'t Tokenizer,
    words: Option<(WordRules, WordCache)>,
    /// What could not be written so far.
    unknown: Option<Unknown>,
}

impl<'t> BulkEncoder<'t> {
    pub(crate) fn new(tokenizer: &'t Tokenizer) -> Self {
        let words = WordRules::of(&tokenizer.inner).map(|rules| (rules, WordCache::default()));
        Self {
            tokenizer,
            words,
            unknown: None,
        }
    }

    /// The ids of some texts. The first `context` bytes of each are only there so that a tokenizer
    /// which treats a beginning in a special way sees that it is none; their tokens are left out.
    pub(crate) fn encode(&mut self, texts: &[(&str, usize)]) -> Result<Vec<Vec<u32>>, DataError> {
        if let Some(table) = &self.tokenizer.characters {
            return texts
                .iter()
                .map(|(text, context)| table.encode_ids(&text[*context..]))
                .collect();
        }
        if let Some((rules, cache)) = &mut self.words {
            let inner = &self.tokenizer.inner;
            let mut all = Vec::with_capacity(texts.len());
            for text in texts.iter().map(|(text, context)| &text[*context..]) {
                self.tokenizer.check_bytes(text)?;
                let ids = rules.encode(inner, cache, text)?;
                add(&mut self.unknown, self.tokenizer.unknown_in(text, &ids));
                all.push(ids);
            }
            return Ok(all);
        }
        self.encode_any(texts)
    }

    /// Any tokenizer, with context. Where a token straddles the end of the context, the text after
    /// it is encoded by itself.
    fn encode_any(&mut self, texts: &[(&str, usize)]) -> Result<Vec<Vec<u32>>, DataError> {
        let inner = &self.tokenizer.inner;
        let whole: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
        let explained = |(i, failure): (usize, _)| self.tokenizer.explain(whole[i], failure);
        let encodings = inner.encode_all(&whole, false).map_err(explained)?;
        let mut all = Vec::with_capacity(texts.len());
        for (&(text, context), encoding) in texts.iter().zip(&encodings) {
            let (ids, offsets) = (encoding.get_ids(), encoding.get_offsets());
            self.tokenizer.check_coverage(text, offsets)?;
            if offsets
                .iter()
                .any(|&(start, end)| start < context && context < end)
            {
                let alone = inner.encode(&text[context..], false)?;
                add(
                    &mut self.unknown,
                    self.tokenizer.unknown_in(&text[context..], alone.get_ids()),
                );
                all.push(alone.get_ids().to_vec());
            } else {
                let kept = || {
                    ids.iter()
                        .zip(offsets)
                        .filter(|(_, (start, _))| *start >= context)
                };
                if let Some(unknown) = self.tokenizer.unknown_id() {
                    let ranges = kept()
                        .filter(|(id, _)| **id == unknown)
                        .map(|(_, &range)| range);
                    add(
                        &mut self.unknown,
                        self.tokenizer.unknown_among(text, ranges),
                    );
                }
                all.push(kept().map(|(id, _)| *id).collect());
            }
        }
        Ok(all)
    }

    /// What could not be written of all the texts so far.
    pub(crate) fn into_unknown(self) -> Option<Unknown> {
        self.unknown
    }
}

fn add(all: &mut Option<Unknown>, more: Option<Unknown>) {
    match (all.as_mut(), more) {
        (Some(all), Some(more)) => all.add(more),
        (None, more) => *all = more,
        (_, None) => {}
    }
}
