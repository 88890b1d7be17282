//! From a configuration to tokens that are ready to train on.

mod cache_dir;
mod corpus;
mod corpus_text;
mod tokenize;
mod tokenizer_request;
mod write_tokens;

pub use corpus::{Corpus, SourceSummary};

use crate::{DataError, Tokenizer, Tokens};
use cache_dir::{CacheDir, with_cache};
use corpus::{check_corpus, check_loss_tokens};
use corpus_text::CorpusText;
use sisun_config::{DataConfig, TokenizerConfig};
use std::path::Path;
use tokenize::{FOUND_IN_CACHE, find_in_cache, make_tokenizer, tokenize};
use tokenizer_request::TokenizerRequest;

/// Read the text that `data` names, make or load the tokenizer, split the text and tokenize it; or
/// find the result of an earlier call in `cache_dir`. Pass notes and progress to `progress`, a line
/// at a time.
///
/// Each document begins with the tokens that the tokenizer puts before a text (LLaMA's `<s>`;
/// tokenizers trained here have none). If there is more than one document, or one with an answer,
/// the token that ends a text ([`Tokenizer::end_of_text`]) follows each. With answers
/// (`data.jsonl_answer_field`) the loss is taken on them and on the end of text; in a document
/// without one, which is plain text, on all tokens. The tail of the text is the validation split
/// unless `data.validation` names other text: in a single document the characters from ⌊n · (1 − f)⌋
/// on, of several the documents that start at or after that character (at least the last one). A
/// file that is both a source and a validation source belongs to validation only. A BPE tokenizer is
/// trained on the training split; a character vocabulary has the characters of both splits.
///
/// # Errors
/// Any [`DataError`] of the text, the tokenizer or the disk.
pub fn prepare(
    data: &DataConfig,
    tokenizer: &TokenizerConfig,
    context_len: usize,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, DataError> {
    with_cache(data, cache_dir, progress, |cache, progress| {
        let text = CorpusText::read(data, cache, progress)?;
        prepare_text(&text, tokenizer, context_len, cache, progress)
    })
}

fn prepare_text(
    text: &CorpusText<'_>,
    tokenizer: &TokenizerConfig,
    context_len: usize,
    cache: CacheDir<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, DataError> {
    text.check_json_fields(progress)?;
    let request = TokenizerRequest::new(tokenizer, text.data)?;
    if text.has_decomposed_hangul() && !request.composes(text.data) {
        progress(
            "note: the text has Hangul in parts (decomposed, NFD); data.normalize = \"nfc\" puts it together, in prompts as well",
        );
    }
    let corpus = check_corpus(tokenize(text, &request, cache, progress)?, context_len)?;
    if text.data.validation.is_empty() && corpus.validation.len() > corpus.train.len() {
        progress(
            "note: more is held out than there is to learn from, because a document is held out whole: cut the text into more \
             documents with data.documents = \"paragraph\", or name text to hold out with data.validation",
        );
    }
    Ok(corpus)
}

/// Prepare text that was prepared before with these settings, as [`prepare`] does but without
/// repeating its notes. `made_by` says how `tokenizer` was made: an entry of the cache that was made
/// in this way and has the same tokenizer is used.
///
/// # Errors
/// Any [`DataError`].
pub fn prepare_again(
    data: &DataConfig,
    tokenizer: &Tokenizer,
    made_by: &TokenizerConfig,
    context_len: usize,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, DataError> {
    with_cache(data, cache_dir, progress, |cache, progress| {
        let text = CorpusText::read(data, cache, progress)?;
        let request = TokenizerRequest::Existing(tokenizer.clone());
        let corpus = match made_by {
            TokenizerConfig::File { .. } => None,
            made_by => find_in_cache(
                &text,
                &TokenizerRequest::new(made_by, text.data)?,
                tokenizer,
                cache,
                progress,
            )?,
        };
        let corpus = match corpus {
            Some(corpus) => {
                progress(FOUND_IN_CACHE);
                corpus
            }
            None => tokenize(&text, &request, cache, progress)?,
        };
        check_corpus(corpus, context_len)
    })
}

/// Read all the text that `data` names as one split and tokenize it with an existing tokenizer, to
/// evaluate a model on it. `data.validation` and `data.validation_fraction` are ignored.
///
/// # Errors
/// Any [`DataError`].
pub fn prepare_whole(
    data: &DataConfig,
    tokenizer: &Tokenizer,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Tokens, DataError> {
    with_cache(data, cache_dir, progress, |cache, progress| {
        let text = CorpusText::read_whole(data, cache, progress)?;
        text.report_sources(progress);
        if text.has_decomposed_hangul() && tokenizer.prefers_composed() {
            progress(
                "note: the text has Hangul in parts (decomposed, NFD), the tokenizer knows it composed (NFC): compose the text first",
            );
        }
        let request = TokenizerRequest::Existing(tokenizer.clone());
        let tokens = tokenize(&text, &request, cache, progress)?.train;
        check_loss_tokens("given", &tokens)?;
        Ok(tokens)
    })
}

/// Return the vocabulary size of `tokenizer`. A character vocabulary is counted in the text that
/// `data` names. A BPE tokenizer is not trained for this, and may end up with fewer tokens if the
/// text has too little to merge.
///
/// # Errors
/// Any [`DataError`] of the text or the tokenizer.
pub fn vocabulary_size(
    data: &DataConfig,
    tokenizer: &TokenizerConfig,
    cache_dir: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<usize, DataError> {
    match tokenizer {
        TokenizerConfig::Bpe { vocab_size, .. } => Ok(*vocab_size),
        TokenizerConfig::File { path } => Ok(Tokenizer::from_file(path)?.vocab_size()),
        TokenizerConfig::Char => with_cache(data, cache_dir, progress, |cache, progress| {
            let text = CorpusText::read(data, cache, progress)?;
            Ok(make_tokenizer(&text, &TokenizerRequest::Characters, progress)?.vocab_size())
        }),
    }
}
