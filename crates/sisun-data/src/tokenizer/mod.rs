//! Text to token ids and back, with where in the text every token came from.

pub(crate) mod bulk_encoder;
mod byte_alphabet;
mod catch_panic;
mod char_table;
mod coverage;
mod eos_tokens;
mod hf_tokenizer;
mod pipeline_limits;
mod stream_decoder;
mod token_labels;
mod train_bpe;
mod vocabulary;
mod word_encoder;

pub use coverage::Unknown;
pub use eos_tokens::{COMPANIONS, END_OF_TEXT, GENERATION};
pub use stream_decoder::StreamDecoder;
pub use token_labels::{TokenLabel, labels, visible};

use crate::{
    DataError, file,
    text::normalization::{composed, to_whole_characters},
    tokenizer::catch_panic::caught,
    tokenizer::char_table::CharTable,
    tokenizer::coverage::Coverage,
    tokenizer::hf_tokenizer::Library,
    tokenizer::pipeline_limits::Pipeline,
};
use sha2::{Digest, Sha256};
use std::{collections::HashSet, path::Path, sync::Arc};
use tokenizers::{
    DecoderWrapper, NormalizerWrapper,
    normalizers::{NFC, Sequence},
};

/// A tokenizer in Hugging Face's format: characters, byte-level BPE, or any `tokenizer.json`.
///
/// Cloning is cheap: the vocabulary is shared.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    pub(crate) inner: Arc<Library>,
    /// Present when the vocabulary is one of single characters: the same ids, a hundred times
    /// faster.
    pub(crate) characters: Option<Arc<CharTable>>,
    /// A token of a letter, which shows how others read after it.
    pub(crate) plain: Option<u32>,
    /// Ids below `vocab_size` that stand for nothing.
    holes: Arc<HashSet<u32>>,
    /// What the post-processor puts before a text.
    prefix: Vec<u32>,
    /// What ends a text.
    pub(crate) eos_token_ids: Vec<u32>,
    vocab_size: usize,
    pub(crate) byte_level: bool,
    /// Whether the decoder takes tokens such as `<0xED>` for bytes.
    pub(crate) byte_fallback: bool,
    /// Whether what it reads is composed (NFC) first.
    pub(crate) composes: bool,
    pub(crate) coverage: Coverage,
    sha256: String,
}

/// The tokens of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// One id a token.
    pub ids: Vec<u32>,
    /// For each token the half-open range of the text it came from, in **characters**. Pieces of
    /// one character share that character's range.
    pub offsets: Vec<(usize, usize)>,
}

impl Tokenizer {
    /// Reads a Hugging Face `tokenizer.json`. Truncation and padding that the file sets are left
    /// out, whatever they say: who reads a text cuts it where the model ends, and no batch of ours
    /// needs padding. What ends a text is what the files beside it say, as Hugging Face's
    /// directories and our runs have them.
    ///
    /// # Errors
    /// [`DataError::Io`] when the file cannot be read, [`DataError::TokenizerFile`] when it is no
    /// tokenizer, and [`DataError::Ends`].
    pub fn from_file(path: &Path) -> Result<Self, DataError> {
        let json = std::fs::read(path).map_err(DataError::io(path))?;
        sisun_config::check_pointer(&json).map_err(DataError::io(path))?;
        let tokenizer =
            Self::from_json(&json, Some(path)).map_err(|error| DataError::TokenizerFile {
                path: path.to_owned(),
                message: error.to_string(),
            })?;
        tokenizer.ending_as_in(path.parent().unwrap_or(Path::new("")))
    }

    /// Reads the contents of a `tokenizer.json`, which errors call by its path.
    pub(crate) fn from_json(json: &[u8], path: Option<&Path>) -> Result<Self, DataError> {
        let pipeline = Pipeline::of(json).map_err(DataError::tokenizer)?;
        let damaged = || DataError::tokenizer("one of its parts is damaged");
        // The library panics on some broken files.
        let read = caught(|| tokenizers::Tokenizer::from_bytes(json)).ok_or_else(damaged)?;
        let mut inner = read.map_err(DataError::tokenizer)?;
        inner.with_truncation(None).map_err(DataError::tokenizer)?;
        inner.with_padding(None);

        let used: HashSet<u32> = inner.get_vocab(true).into_values().collect();
        // Before anything is sized by the highest id.
        let Some(&highest) = used.iter().max() else {
            return Err(DataError::tokenizer("its vocabulary is empty"));
        };
        if highest as usize >= 4 * used.len() + 65_536 {
            return Err(DataError::tokenizer(format!(
                "its highest token id is {highest}, but it has only {} tokens",
                used.len()
            )));
        }
        let [prefix, suffix] = caught(|| around(&inner)).ok_or_else(damaged)??;
        if let Some(id) = prefix.iter().chain(&suffix).find(|id| !used.contains(id)) {
            return Err(DataError::tokenizer(format!(
                "its post_processor puts token {id}, which is not in its vocabulary"
            )));
        }
        let canonical = inner.to_string(false).map_err(DataError::tokenizer)?;
        let inner = Library::new(inner, pipeline, path);
        Ok(Self {
            characters: CharTable::of(&inner, &canonical).map(Arc::new),
            holes: Arc::new((0..highest).filter(|id| !used.contains(id)).collect()),
            vocab_size: highest as usize + 1,
            prefix,
            eos_token_ids: Self::named_end(&inner).into_iter().collect(),
            plain: vocabulary::plain(&inner),
            byte_level: has_decoder(&inner, |decoder| {
                matches!(decoder, DecoderWrapper::ByteLevel(_))
            }),
            byte_fallback: has_decoder(&inner, |decoder| {
                matches!(decoder, DecoderWrapper::ByteFallback(_))
            }),
            composes: composes(&inner),
            coverage: Coverage::of(&inner, &canonical),
            sha256: hex(&Sha256::digest(canonical.as_bytes())),
            inner: Arc::new(inner),
        })
    }

    /// Writes `tokenizer.json` in Hugging Face's format, whole or not at all.
    ///
    /// # Errors
    /// [`DataError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), DataError> {
        let json = self.inner.to_string(true).map_err(DataError::tokenizer)?;
        file::write_atomically(path, json.as_bytes())
    }

    /// Highest token id + 1: the rows an embedding needs.
    pub fn vocab_size(&self) -> usize {
        self.vocab_size
    }

    /// SHA-256 of the tokenizer's canonical JSON, in hexadecimal.
    pub fn sha256(&self) -> String {
        self.sha256.clone()
    }

    /// The tokens of `text`, and of nothing else: no token is put before or after it. Special
    /// tokens that are written out in the text are recognised.
    ///
    /// # Errors
    /// [`DataError::UnseenCharacters`] when the vocabulary has no way to write some characters.
    pub fn encode(&self, text: &str) -> Result<Encoding, DataError> {
        self.encoded(text, false)
    }

    /// What a model is given to read `text`: its tokens, and those that the tokenizer puts around a
    /// text (its post-processor; LLaMA's `<s>`), which came from no text. None of the tokenizers
    /// that are trained here put any.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_prompt(&self, text: &str) -> Result<Encoding, DataError> {
        self.encoded(text, true)
    }

    /// The tokens that the tokenizer puts before a text (LLaMA's `<s>`): each document of a
    /// training text begins with them.
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    fn encoded(&self, text: &str, special: bool) -> Result<Encoding, DataError> {
        // A table knows no offsets of characters that were composed.
        if let Some(table) = self
            .characters
            .as_ref()
            .filter(|_| !self.composes || composed(text) == text)
        {
            return table.encode(text);
        }
        let encoding = self
            .inner
            .encode(text, special)
            .map_err(|failure| self.explain(text, failure))?;
        self.check_coverage(text, encoding.get_offsets())?;
        let character_at = character_index(text);
        let mut offsets: Vec<(usize, usize)> = encoding
            .get_offsets()
            .iter()
            .map(|&(start, end)| (character_at(start), character_at(end)))
            .collect();
        if self.composes {
            to_whole_characters(text, &mut offsets);
        }
        Ok(Encoding {
            ids: encoding.get_ids().to_vec(),
            offsets,
        })
    }

    /// The text of `ids`, special tokens written out. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String, DataError> {
        for &id in ids {
            self.check_id(id)?;
        }
        if ids.is_empty() {
            return Ok(String::new());
        }
        self.inner.decode(ids)
    }

    /// Whether `id` is a token of the vocabulary.
    pub fn knows(&self, id: u32) -> bool {
        (id as usize) < self.vocab_size && !self.holes.contains(&id)
    }

    /// That a model with so many rows can read `ids`: a tokenizer may have tokens besides those
    /// that a model was trained on.
    ///
    /// # Errors
    /// [`DataError::NoRow`], of the first that it cannot.
    pub fn check_rows(&self, ids: &[u32], rows: usize) -> Result<(), DataError> {
        match ids.iter().find(|&&id| id as usize >= rows) {
            Some(&id) => Err(DataError::NoRow {
                token: self.token_text(id),
                id,
                rows,
            }),
            None => Ok(()),
        }
    }

    /// An error if `id` is not a token of the vocabulary.
    pub(crate) fn check_id(&self, id: u32) -> Result<(), DataError> {
        if !self.knows(id) {
            return Err(DataError::UnknownToken {
                id,
                vocab_size: self.vocab_size,
            });
        }
        Ok(())
    }

    /// The same tokenizer, which composes what it reads (NFC); itself, if it does that already.
    ///
    /// # Errors
    /// A normaliser that cannot be put before the one it has.
    pub(crate) fn composing(&self) -> Result<Self, DataError> {
        if self.composes {
            return Ok(self.clone());
        }
        let mut inner = tokenizers::Tokenizer::clone(&**self.inner);
        let theirs = inner.get_normalizer().cloned();
        let first = NormalizerWrapper::NFC(NFC);
        let both = match theirs {
            None => first,
            Some(theirs) => NormalizerWrapper::Sequence(Sequence::new(vec![first, theirs])),
        };
        inner
            .with_normalizer(Some(both))
            .map_err(DataError::tokenizer)?;
        let canonical = inner.to_string(false).map_err(DataError::tokenizer)?;
        Ok(Self {
            characters: CharTable::of(&inner, &canonical).map(Arc::new),
            composes: true,
            sha256: hex(&Sha256::digest(canonical.as_bytes())),
            inner: Arc::new(self.inner.with(inner)),
            ..self.clone()
        })
    }
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the normaliser of a tokenizer, whatever else it does, composes characters.
fn composes(tokenizer: &Library) -> bool {
    tokenizer
        .normalized("\u{1112}\u{1161}\u{11AB}")
        .is_ok_and(|text| text.get().contains('한'))
}

/// Byte offset to character index.
fn character_index(text: &str) -> impl Fn(usize) -> usize {
    let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    move |byte| starts.partition_point(|&start| start < byte)
}

/// The special tokens before and after the token of a text that has only one.
fn around(tokenizer: &tokenizers::Tokenizer) -> Result<[Vec<u32>; 2], DataError> {
    let one = tokenizers::Encoding::from_tokens(
        vec![tokenizers::Token::new(0, "x".to_owned(), (0, 1))],
        0,
    );
    let whole = tokenizer
        .post_process(one, None, true)
        .map_err(DataError::tokenizer)?;
    let tokens: Vec<(u32, bool)> = whole
        .get_ids()
        .iter()
        .zip(whole.get_special_tokens_mask())
        .map(|(&id, &special)| (id, special == 1))
        .collect();
    let mut parts = tokens
        .splitn(2, |(_, special)| !special)
        .map(|part| part.iter().map(|(id, _)| *id).collect());
    Ok([
        parts.next().unwrap_or_default(),
        parts.next().unwrap_or_default(),
    ])
}

/// Whether one of the parts of a tokenizer's decoder is what is looked for.
fn has_decoder(
    tokenizer: &tokenizers::Tokenizer,
    is_it: impl Fn(&DecoderWrapper) -> bool + Copy,
) -> bool {
    fn has(decoder: &DecoderWrapper, is_it: impl Fn(&DecoderWrapper) -> bool + Copy) -> bool {
        match decoder {
            DecoderWrapper::Sequence(sequence) => {
                sequence.get_decoders().iter().any(|part| has(part, is_it))
            }
            other => is_it(other),
        }
    }
    tokenizer
        .get_decoder()
        .is_some_and(|decoder| has(decoder, is_it))
}
