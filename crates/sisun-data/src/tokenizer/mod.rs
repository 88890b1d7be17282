//! Text to token ids and back, with the range of the text that each token came from.

pub(crate) mod bulk_encoder;
mod byte_alphabet;
mod catch_panic;
mod char_table;
mod coverage;
mod encoding;
mod eos_tokens;
mod hf_tokenizer;
mod normalization_hints;
mod pipeline_limits;
mod portable;
mod post_processor;
mod special_tokens;
mod stream_decoder;
mod token_labels;
mod train_bpe;
mod unknown_remedy;
mod unknown_token;
mod vocabulary;
mod word_encoder;

pub use encoding::Encoding;
pub use eos_tokens::GENERATION_CONFIG;
pub use portable::{NotPortable, PortableTokenizer};
pub use special_tokens::END_OF_TEXT;
pub use stream_decoder::StreamDecoder;
pub use token_labels::{TokenLabel, labels, make_visible};
pub(crate) use unknown_remedy::remedy_for_unknown;
pub use unknown_remedy::{KnownForm, TokenizerKeys};
pub use unknown_token::UnknownCharacters;

use crate::{
    DataError,
    digest::sha256_hex,
    text::normalization::{composed, extend_to_composed},
};
use char_table::CharTable;
use coverage::Coverage;
use hf_tokenizer::HfTokenizer;
use normalization_hints::Measured;
use std::{path::Path, sync::Arc};
use unknown_token::UnknownToken;
use vocabulary::Vocabulary;

/// A tokenizer in Hugging Face's format: characters, byte-level BPE, or any `tokenizer.json`.
///
/// Cloning is cheap: the vocabulary is shared.
#[derive(Clone, Debug)]
pub struct Tokenizer {
    library: Arc<HfTokenizer>,
    vocabulary: Vocabulary,
    /// The table of a vocabulary of single characters, which encodes faster than the library.
    char_table: Option<Arc<CharTable>>,
    coverage: Coverage,
    unknown_token: UnknownToken,
    /// The tokens that the post-processor puts before a text.
    prefix: Vec<u32>,
    /// The tokens that end a text.
    eos_token_ids: Vec<u32>,
    /// True if text is composed (NFC) before it is encoded.
    composes: bool,
    /// SHA-256 of the canonical JSON, in hexadecimal.
    sha256: String,
}

impl Tokenizer {
    /// Create a tokenizer of single characters: the id of a character is its rank in code-point
    /// order. `<|endoftext|>` comes last if `end_of_text` asks for it.
    ///
    /// # Errors
    /// [`DataError::NoCharacters`] when `characters` is empty.
    pub fn characters(
        characters: impl IntoIterator<Item = char>,
        end_of_text: bool,
    ) -> Result<Self, DataError> {
        let json = char_table::character_tokenizer(characters, end_of_text)?;
        Self::from_json(json.as_bytes(), None)
    }

    /// Train a byte-level BPE tokenizer: GPT-2's pre-tokenizer without a space put before the text,
    /// the 256 bytes as alphabet, `<|endoftext|>` and `specials` as the first ids. The same text
    /// gives the same tokenizer. A text with too few repeated pairs gives a smaller vocabulary than
    /// `vocab_size`.
    ///
    /// A text cut into several strings gives the same result if it is cut before white space that
    /// follows something else, since no token reaches across such a place.
    ///
    /// # Errors
    /// [`DataError::VocabTooSmall`], [`DataError::BadSpecial`].
    pub fn train_bpe<S: AsRef<str> + Send>(
        texts: impl Iterator<Item = S> + Send,
        vocab_size: usize,
        specials: &[String],
    ) -> Result<Self, DataError> {
        let json = train_bpe::train_bpe(texts, vocab_size, specials)?;
        Self::from_json(json.as_bytes(), None)
    }

    /// Read a Hugging Face `tokenizer.json`. Truncation and padding that the file sets are ignored:
    /// callers cut a text to the length of the model, and no batch here needs padding. The files
    /// beside it, in a Hugging Face directory or a run directory, name the tokens that end a text:
    /// `generation_config.json`, `config.json`, `tokenizer_config.json` and
    /// `special_tokens_map.json`. If none of them does, the token is found by its name.
    ///
    /// # Errors
    /// [`DataError::Io`] if the file cannot be read, [`DataError::TokenizerFile`] if it is not a
    /// tokenizer, and [`DataError::EosTokenFile`].
    pub fn from_file(path: &Path) -> Result<Self, DataError> {
        if path.is_dir() {
            return Err(DataError::TokenizerFile {
                path: path.to_owned(),
                message: format!(
                    "it is a folder: name a file, as in {}",
                    path.join("tokenizer.json").display()
                ),
            });
        }
        let json = std::fs::read(path).map_err(DataError::io(path))?;
        sisun_config::check_pointer(&json).map_err(DataError::io(path))?;
        let tokenizer =
            Self::from_json(&json, Some(path)).map_err(|error| DataError::TokenizerFile {
                path: path.to_owned(),
                message: error.to_string(),
            })?;
        let eos_token_ids = eos_tokens::read_eos_token_ids(
            &tokenizer.library,
            &tokenizer.eos_token_ids,
            path.parent().unwrap_or(Path::new("")),
        )?;
        Ok(Self {
            eos_token_ids,
            ..tokenizer
        })
    }

    /// Read the contents of a `tokenizer.json`, whose path later errors name.
    fn from_json(json: &[u8], path: Option<&Path>) -> Result<Self, DataError> {
        let library = Arc::new(HfTokenizer::from_json(json, path)?);
        let ids = vocabulary::assigned_ids(&library)?;
        let prefix = post_processor::prefix(&library, &ids)?;
        let canonical = library.canonical_json()?;
        Ok(Self {
            vocabulary: Vocabulary::new(Arc::clone(&library), &ids),
            char_table: CharTable::new(&library, &canonical).map(Arc::new),
            coverage: Coverage::new(Arc::clone(&library)),
            unknown_token: UnknownToken::new(Arc::clone(&library), &canonical),
            prefix,
            eos_token_ids: special_tokens::eos_by_name(&library).into_iter().collect(),
            composes: library.composes(),
            sha256: sha256_hex(canonical.as_bytes()),
            library,
        })
    }

    /// Return the same tokenizer, composing text (NFC) before it is encoded.
    ///
    /// # Errors
    /// A normalizer that another cannot be put before.
    pub(crate) fn composing(&self) -> Result<Self, DataError> {
        if self.composes {
            return Ok(self.clone());
        }
        let library = Arc::new(self.library.composing()?);
        let canonical = library.canonical_json()?;
        Ok(Self {
            vocabulary: self.vocabulary.with_library(Arc::clone(&library)),
            char_table: CharTable::new(&library, &canonical).map(Arc::new),
            coverage: self.coverage.with_library(Arc::clone(&library)),
            unknown_token: self.unknown_token.with_library(Arc::clone(&library)),
            composes: true,
            sha256: sha256_hex(canonical.as_bytes()),
            library,
            ..self.clone()
        })
    }

    /// Write `tokenizer.json` in Hugging Face's format. The file is complete or absent.
    ///
    /// # Errors
    /// [`DataError::Io`].
    pub fn save(&self, path: &Path) -> Result<(), DataError> {
        let json = self.library.to_string(true).map_err(DataError::tokenizer)?;
        Ok(sisun_files::write_atomic(path, json.as_bytes())?)
    }

    /// Return the highest token id + 1: the number of rows that an embedding needs.
    pub fn vocab_size(&self) -> usize {
        self.vocabulary.size()
    }

    /// Return the SHA-256 of the tokenizer's canonical JSON, in hexadecimal.
    pub fn sha256(&self) -> String {
        self.sha256.clone()
    }

    /// Return whether text is composed (NFC) before it is encoded.
    pub(crate) fn composes(&self) -> bool {
        self.composes
    }

    /// Return the tokens of `text`, without any that the post-processor adds. Special tokens that
    /// are written out in the text are recognised.
    ///
    /// # Errors
    /// [`DataError::UnseenCharacters`] if the vocabulary has no way to write some characters.
    pub fn encode(&self, text: &str) -> Result<Encoding, DataError> {
        self.encode_with(text, false)
    }

    /// Return the tokens of `text` as a model reads it: with those that the tokenizer's
    /// post-processor adds (LLaMA's `<s>`), whose ranges are empty. None of the tokenizers that are
    /// trained here adds any.
    ///
    /// # Errors
    /// As [`Tokenizer::encode`].
    pub fn encode_prompt(&self, text: &str) -> Result<Encoding, DataError> {
        self.encode_with(text, true)
    }

    fn encode_with(&self, text: &str, special: bool) -> Result<Encoding, DataError> {
        // The table has no offsets for characters that it composes.
        if let Some(table) = self
            .char_table
            .as_ref()
            .filter(|_| !self.composes || composed(text) == text)
        {
            return table.encode(text);
        }
        let encoding = self
            .library
            .encode(text, special)
            .map_err(|failure| self.coverage.explain(text, failure))?;
        self.coverage.check_encoding(text, encoding.get_offsets())?;
        let mut offsets = encoding::character_offsets(text, encoding.get_offsets());
        if self.composes {
            extend_to_composed(text, &mut offsets);
        }
        Ok(Encoding {
            ids: encoding.get_ids().to_vec(),
            offsets,
        })
    }

    /// Return the characters of `text` that became the unknown token in its `encoding`.
    pub fn unknown(&self, text: &str, encoding: &Encoding) -> Option<UnknownCharacters> {
        self.unknown_token.characters_of_encoding(text, encoding)
    }

    /// Return a note if in another Unicode form, composed or decomposed, the text has fewer
    /// characters that the vocabulary lacks, or fewer tokens.
    ///
    /// # Errors
    /// Those of [`Tokenizer::encode`] for the text as it is.
    pub fn normalization_note(&self, text: &str) -> Result<Option<String>, DataError> {
        if self.composes {
            return Ok(None);
        }
        normalization_hints::note(text, |text| self.measure(text))
    }

    /// Return whether Hangul has fewer tokens composed than decomposed, and the tokenizer does not
    /// compose it.
    pub(crate) fn prefers_composed(&self) -> bool {
        !self.composes && normalization_hints::prefers_composed(|text| self.measure(text))
    }

    fn measure(&self, text: &str) -> Result<Measured, DataError> {
        let encoding = self.encode(text)?;
        let unknown = self.unknown(text, &encoding);
        Ok(Measured {
            unknown: unknown.map_or(0, |unknown| unknown.characters),
            tokens: encoding.ids.len(),
        })
    }

    /// Return the text of `ids`, special tokens written out. Bytes that are not UTF-8 become U+FFFD.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`] for an id outside the vocabulary.
    pub fn decode(&self, ids: &[u32]) -> Result<String, DataError> {
        self.vocabulary.decode(ids)
    }

    /// Return the text that `ids` add to the text of those `before`. It differs from the text of
    /// `ids` alone where the decoder treats the beginning of a text in a special way, as
    /// SentencePiece's do.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`].
    pub fn decode_after(&self, before: &[u32], ids: &[u32]) -> Result<String, DataError> {
        stream_decoder::decode_after(&self.vocabulary, before, ids)
    }

    /// Return the text that each of `ids` adds, after those `before`, as `(text, piece, pieces)`:
    /// tokens that make up one character all have its text, with their position among them, from 1,
    /// and their number.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`].
    pub fn texts_after(
        &self,
        before: &[u32],
        ids: &[u32],
    ) -> Result<Vec<(String, usize, usize)>, DataError> {
        stream_decoder::texts_after(&self.vocabulary, before, ids)
    }

    /// Return a decoder for ids that come one by one, from the beginning of a text.
    pub fn stream_decoder(&self) -> StreamDecoder<'_> {
        StreamDecoder::new(&self.vocabulary)
    }

    /// Return a decoder for ids that come one by one after those `before`. Changes that a decoder
    /// makes to the beginning of a text, such as taking away a space, do not apply to them. Special
    /// tokens among those before count as no text.
    ///
    /// # Errors
    /// [`DataError::UnknownToken`].
    pub fn stream_decoder_after(&self, before: &[u32]) -> Result<StreamDecoder<'_>, DataError> {
        StreamDecoder::after(&self.vocabulary, before)
    }

    /// Return the tokens that the tokenizer puts before a text (LLaMA's `<s>`). Each document of a
    /// training text begins with them.
    pub fn prefix(&self) -> &[u32] {
        &self.prefix
    }

    /// Return the token that ends a text, such as `<|endoftext|>` or `</s>`. It follows each
    /// document of a training text.
    pub fn end_of_text(&self) -> Option<u32> {
        self.eos_token_ids
            .iter()
            .copied()
            .find(|&id| self.has_token(id))
    }

    /// Return every token at which generation stops, [`Tokenizer::end_of_text`] first.
    pub fn eos_token_ids(&self) -> &[u32] {
        &self.eos_token_ids
    }

    /// Return the token that ends a text by its name alone, whatever the files beside the tokenizer
    /// say.
    pub(crate) fn eos_by_name(&self) -> Option<u32> {
        special_tokens::eos_by_name(&self.library)
    }

    /// Return the contents of a `generation_config.json` to write beside the tokenizer, or `None` if
    /// the names of its tokens are enough to find those that end a text.
    pub fn generation_config(&self) -> Option<Vec<u8>> {
        let by_name: Vec<u32> = self.eos_by_name().into_iter().collect();
        (self.eos_token_ids != by_name).then(|| eos_tokens::generation_config(&self.eos_token_ids))
    }

    /// Return one token in readable form: its text within other text, with spaces as spaces
    /// (`Ġthe`, `▁the` and WordPiece's `the` are ` the`, `##ing` is `ing`), and bytes that are not a
    /// whole character as `<0xED>`. For an id outside the vocabulary, return `<unknown 123>`.
    pub fn token_text(&self, id: u32) -> String {
        self.vocabulary.token_text(id)
    }

    /// Return whether a token has the id `id`.
    pub fn has_token(&self, id: u32) -> bool {
        self.vocabulary.has_token(id)
    }

    /// Return whether a token is a special one, which stands for no text of its own.
    pub fn is_special(&self, id: u32) -> bool {
        self.vocabulary.is_special(id)
    }

    /// Return whether each token stands for the same bytes wherever it is in a text.
    pub(crate) fn has_fixed_token_bytes(&self) -> bool {
        self.vocabulary.is_byte_level() || self.char_table.is_some()
    }

    /// Return whether a text begins anew after a token: a special one that stands for no text.
    pub(crate) fn separates(&self, id: u32) -> bool {
        self.is_special(id)
            && self.vocabulary.byte_of(id).is_none()
            && self.unknown_id() != Some(id)
    }

    /// Return the id of the token that stands for characters which the vocabulary lacks.
    pub(crate) fn unknown_id(&self) -> Option<u32> {
        self.unknown_token.id()
    }

    /// Return the number of bytes of text that a token stands for, at the beginning of a text or
    /// within one.
    pub(crate) fn token_bytes(&self, id: u32, at_beginning: bool) -> usize {
        self.vocabulary
            .token_bytes(id, at_beginning, self.char_table.is_some())
    }

    /// Return whether a token was added to the vocabulary of the tokenizer's model, as special
    /// tokens and marks of a chat are.
    pub fn is_added(&self, id: u32) -> bool {
        self.vocabulary.is_added(id)
    }

    /// Return an error unless a model with `rows` embedding rows can read all of `ids`: a tokenizer
    /// may have more tokens than a model was trained on.
    ///
    /// # Errors
    /// [`DataError::TokenOutsideModel`] for the first that it cannot read.
    pub fn check_rows(&self, ids: &[u32], rows: usize) -> Result<(), DataError> {
        self.vocabulary.check_rows(ids, rows)
    }

    /// Return [`labels`] in which each token covers its whole text: many tokenizers exclude leading
    /// and trailing spaces from a token's offsets, and give the mark that they put before a text
    /// the offset of its first character. Tokens without text are labelled with their name.
    ///
    /// `encoding` must be the encoding of `text`.
    pub fn labels(&self, text: &str, encoding: &Encoding) -> Vec<TokenLabel> {
        token_labels::whole_token_labels(&self.vocabulary, text, encoding)
    }
}
