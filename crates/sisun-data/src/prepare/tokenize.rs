//! Tokenizing the text of a corpus, or finding its tokens in the cache.

use super::{
    cache_dir::CacheDir, corpus::Corpus, corpus_text::CorpusText,
    tokenizer_request::TokenizerRequest, write_tokens::CorpusEncoder,
};
use crate::{
    DataError, Tokenizer,
    cache::{CachedCorpus, EntryWriter, OpenError, VERSION, lock_entry, open_entry},
    digest::hex,
    text::chunks::Split,
};
use sha2::{Digest, Sha256};
use sisun_config::{DataConfig, Normalize, shell};
use std::path::{Path, PathBuf};

/// The most bytes of text that a tokenizer is trained on. Longer text is sampled evenly: pair counts
/// hardly change, and the trainer's memory grows with the number of distinct words.
const MAX_TRAINING_BYTES: u64 = 12 << 20;

/// The progress message for tokens that are in the cache.
pub(super) const FOUND_IN_CACHE: &str = "the tokens are in the cache";

/// Return the corpus in the cache that was made as `made_by` says, if its tokenizer is `tokenizer`.
pub(super) fn find_in_cache(
    text: &CorpusText<'_>,
    made_by: &TokenizerRequest<'_>,
    tokenizer: &Tokenizer,
    cache: CacheDir<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Option<Corpus>, DataError> {
    let folder = cache_folder(text, made_by, cache.path);
    let cached = open_entry(&folder).or_else(|error| match error {
        OpenError::Unreadable(error) => Err(error),
        OpenError::Damaged(why) => {
            progress(&format!(
                "the token cache {} is damaged ({why}): tokenizing again",
                folder.display()
            ));
            Ok(None)
        }
    })?;
    Ok(cached
        .filter(|cached| cached.tokenizer.sha256() == tokenizer.sha256())
        .map(|cached| Corpus {
            train: cached.training,
            validation: cached.validation,
            tokenizer: tokenizer.clone(),
            sha256: hex(&text.sha256),
            sources: text.sources(),
        }))
}

/// Return the folder of the cache entry of a text and a tokenizer.
fn cache_folder(
    text: &CorpusText<'_>,
    request: &TokenizerRequest<'_>,
    cache_dir: &Path,
) -> PathBuf {
    let mut key = Sha256::new();
    key.update(format!("sisun {} {} ", VERSION, text.separates_documents()));
    key.update(if text.has_answers() {
        "true, plain documents whole "
    } else {
        "false "
    });
    key.update(text.sha256);
    key.update(request.cache_key());
    if text.data.normalize == Normalize::Nfc {
        key.update(" nfc");
    }
    cache_dir.join(hex(&key.finalize()))
}

/// Return the tokens of a text, from the cache or made now.
pub(super) fn tokenize(
    text: &CorpusText<'_>,
    request: &TokenizerRequest<'_>,
    cache: CacheDir<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Corpus, DataError> {
    let folder = cache_folder(text, request, cache.path);
    let cached = match open_entry(&folder) {
        Ok(Some(cached)) => {
            progress(FOUND_IN_CACHE);
            cached
        }
        Err(OpenError::Unreadable(error)) => return Err(error),
        Ok(None) | Err(OpenError::Damaged(_)) => {
            let lock = lock_entry(&folder, progress)?;
            let made = open_or_build(text, request, &folder, cache, progress);
            // A lock file that cannot be removed does no harm.
            let _ = lock.remove();
            made?
        }
    };
    let CachedCorpus {
        training,
        validation,
        tokenizer,
        unknown,
    } = cached;
    if let Some(unknown) = unknown {
        progress(&format!("note: {unknown}"));
    }
    // No file of the cache names the tokens that end a text.
    let tokenizer = if let TokenizerRequest::Existing(given) = request {
        given.clone()
    } else {
        tokenizer
    };
    Ok(Corpus {
        train: training,
        validation,
        tokenizer,
        sha256: hex(&text.sha256),
        sources: text.sources(),
    })
}

/// Open the entry if another process has made it meanwhile, or else make it.
fn open_or_build(
    text: &CorpusText<'_>,
    request: &TokenizerRequest<'_>,
    folder: &Path,
    cache: CacheDir<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<CachedCorpus, DataError> {
    match open_entry(folder) {
        Ok(Some(cached)) => {
            progress(FOUND_IN_CACHE);
            return Ok(cached);
        }
        Ok(None) => {}
        Err(OpenError::Unreadable(error)) => return Err(error),
        Err(OpenError::Damaged(why)) => progress(&format!(
            "the token cache {} is damaged ({why}): making it anew",
            folder.display()
        )),
    }
    build(text, request, folder, progress)?;
    if !cache.is_temporary {
        let default_dir = DataConfig::with_sources(Vec::new()).cache_folder();
        let dir = match cache.path == default_dir {
            true => String::new(),
            false => format!(" --dir {}", shell::path(cache.path)),
        };
        progress(&format!(
            "the tokens are kept in {} (`sisun cache{dir}` lists such, `sisun cache clear{dir}` removes them)",
            folder.display()
        ));
    }
    let why = match open_entry(folder) {
        Ok(Some(cached)) => return Ok(cached),
        Ok(None) => "it is gone".to_owned(),
        Err(OpenError::Unreadable(error)) => return Err(error),
        Err(OpenError::Damaged(why)) => why,
    };
    let problem = format!("what was just written cannot be read back ({why})");
    Err(DataError::Cache {
        path: folder.to_owned(),
        source: std::io::Error::other(problem),
    })
}

/// Tokenize the text and write the cache entry.
fn build(
    text: &CorpusText<'_>,
    request: &TokenizerRequest<'_>,
    folder: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<(), DataError> {
    let tokenizer = make_tokenizer(text, request, progress)?;
    let end_of_text = match (text.separates_documents(), tokenizer.end_of_text()) {
        (true, None) => return Err(DataError::NoEndOfText),
        (true, id) => id,
        (false, _) => None,
    };
    progress("tokenizing");
    let writer = EntryWriter::new(folder, tokenizer.vocab_size(), text.has_answers())?;
    let mut encoder = CorpusEncoder::new(&tokenizer, end_of_text, writer);
    for number in 0..text.scans.len() {
        text.read_chunks_again(number, &mut |chunk| encoder.push(chunk))?;
    }
    encoder.finish(folder, &text.name())
}

/// Make the tokenizer, trained on the text if it has to be.
pub(super) fn make_tokenizer(
    text: &CorpusText<'_>,
    request: &TokenizerRequest<'_>,
    progress: &mut dyn FnMut(&str),
) -> Result<Tokenizer, DataError> {
    let made = match request {
        TokenizerRequest::Existing(tokenizer) => return Ok(tokenizer.clone()),
        TokenizerRequest::Characters => {
            let characters = text
                .scans
                .iter()
                .flat_map(|scan| scan.characters_used.iter());
            Tokenizer::characters(characters, text.separates_documents())
        }
        TokenizerRequest::Bpe {
            vocab_size,
            specials,
        } => {
            let part = match text.scans[0].bytes > MAX_TRAINING_BYTES {
                true => format!(
                    " on an even sample of {} MiB of the text",
                    MAX_TRAINING_BYTES >> 20
                ),
                false => String::new(),
            };
            progress(&format!(
                "training a tokenizer of {vocab_size} tokens{part}"
            ));
            let made =
                Tokenizer::train_bpe(training_sample(text)?.into_iter(), *vocab_size, specials)?;
            if made.vocab_size() < *vocab_size {
                progress(&format!(
                    "note: the text has enough to merge for {} tokens only, not for tokenizer.vocab_size = {vocab_size}",
                    made.vocab_size()
                ));
            }
            Ok(made)
        }
    }?;
    if text.data.normalize == Normalize::Nfc {
        made.composing()
    } else {
        Ok(made)
    }
}

/// Return the training split, or evenly spaced chunks of it if it is long.
fn training_sample(text: &CorpusText<'_>) -> Result<Vec<String>, DataError> {
    let all = text.scans[0].bytes.max(MAX_TRAINING_BYTES);
    let (mut at, mut taken) = (0, 0);
    let mut sample = Vec::new();
    text.read_chunks_again(0, &mut |chunk| {
        if chunk.split == Split::Training {
            let text = chunk.new_text();
            // Skip it if more than an even share of the text so far was taken.
            if u128::from(taken) * u128::from(all)
                <= u128::from(at) * u128::from(MAX_TRAINING_BYTES)
            {
                sample.push(text.to_owned());
                taken += text.len() as u64;
            }
            at += text.len() as u64;
        }
        Ok(())
    })?;
    Ok(sample)
}
