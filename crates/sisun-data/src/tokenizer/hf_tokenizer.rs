//! Hugging Face's `tokenizers` library behind limits: panics become errors, calls that take too long
//! are given up, and the growth of a text is bounded. Only this file calls the library's `encode`,
//! `decode`, `normalize` and `tokenize`.

use crate::{
    DataError, tokenizer::catch_panic::caught, tokenizer::pipeline_limits::PipelineLimits,
};
use rayon::prelude::*;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tokenizers::{
    Encoding, Model, NormalizedString, Normalizer, NormalizerWrapper, OffsetReferential,
    PreTokenizedString, PreTokenizer, Token,
    normalizers::{NFC, Sequence},
};

/// Text that the normalizer cannot make longer than this, in bytes, is encoded without measuring it
/// first. The library takes about 17 bytes of memory for each byte.
const UNMEASURED_LEN: u64 = 64 << 20;
/// Longer text may grow by this factor. Arabic ligatures become 11 times as long, and few texts
/// consist of them.
const MAX_MEASURED_GROWTH: u64 = 16;

/// The time that encoding or decoding may take where the tokenizer's parts do not bound it: this,
/// and a second for every `BYTES_PER_SECOND` bytes. The library's slowest part encodes fifty times
/// as many in a second.
const BASE_TIME_LIMIT: Duration = Duration::from_secs(10);
const BYTES_PER_SECOND: u64 = 20_000;

/// A tokenizer of the library, with the limits of its parts.
#[derive(Debug)]
pub(crate) struct HfTokenizer {
    inner: tokenizers::Tokenizer,
    limits: PipelineLimits,
    /// The file it was read from, for error messages.
    path: Option<PathBuf>,
}

/// The reason why a text could not be encoded.
#[derive(Debug)]
pub(crate) enum EncodeError {
    /// The library returned an error, for example for characters that it does not know.
    Library(tokenizers::Error),
    /// The tokenizer itself is damaged or too slow.
    Unusable(DataError),
}

impl From<EncodeError> for DataError {
    fn from(failure: EncodeError) -> Self {
        match failure {
            EncodeError::Library(error) => Self::tokenizer(error),
            EncodeError::Unusable(error) => error,
        }
    }
}

impl Deref for HfTokenizer {
    type Target = tokenizers::Tokenizer;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl HfTokenizer {
    /// Read the contents of a `tokenizer.json`, without its truncation and padding. `path` is the
    /// file that later errors name.
    ///
    /// # Errors
    /// JSON that is not a tokenizer, or a tokenizer that exceeds the limits of
    /// [`PipelineLimits::check`].
    pub(crate) fn from_json(json: &[u8], path: Option<&Path>) -> Result<Self, DataError> {
        let limits = PipelineLimits::check(json).map_err(DataError::tokenizer)?;
        // The library panics on some broken files.
        let read = caught(|| tokenizers::Tokenizer::from_bytes(json))
            .ok_or_else(|| DataError::tokenizer("one of its parts is damaged"))?;
        let mut inner = read.map_err(DataError::tokenizer)?;
        inner.with_truncation(None).map_err(DataError::tokenizer)?;
        inner.with_padding(None);
        Ok(Self {
            inner,
            limits,
            path: path.map(Path::to_owned),
        })
    }

    /// Return a copy that composes text (NFC) before its own normalizer.
    ///
    /// # Errors
    /// A normalizer that another cannot be put before.
    pub(crate) fn composing(&self) -> Result<Self, DataError> {
        let mut inner = self.inner.clone();
        let nfc = NormalizerWrapper::NFC(NFC);
        let both = match inner.get_normalizer().cloned() {
            None => nfc,
            Some(other) => NormalizerWrapper::Sequence(Sequence::new(vec![nfc, other])),
        };
        inner
            .with_normalizer(Some(both))
            .map_err(DataError::tokenizer)?;
        Ok(Self {
            inner,
            limits: self.limits,
            path: self.path.clone(),
        })
    }

    /// Return the tokenizer as JSON on one line, which identifies it.
    pub(crate) fn canonical_json(&self) -> Result<String, DataError> {
        self.inner.to_string(false).map_err(DataError::tokenizer)
    }

    /// Return whether the normalizer, whatever else it does, composes characters.
    pub(crate) fn composes(&self) -> bool {
        self.normalized("\u{1112}\u{1161}\u{11AB}")
            .is_ok_and(|text| text.get().contains('한'))
    }

    /// Return an error that names the file of the tokenizer, if it has one.
    fn unusable(&self, message: String) -> DataError {
        match &self.path {
            Some(path) => DataError::TokenizerFile {
                path: path.clone(),
                message,
            },
            None => DataError::tokenizer(message),
        }
    }

    /// Return the tokens of a text, and if `special` those that the post-processor adds to it.
    pub(crate) fn encode(
        self: &Arc<Self>,
        text: &str,
        special: bool,
    ) -> Result<Encoding, EncodeError> {
        match self.encode_all(&[text], special) {
            Ok(mut one) => Ok(one.remove(0)),
            Err((_, failure)) => Err(failure),
        }
    }

    /// Return the tokens of each text. The error has the index of the text that it is about.
    pub(crate) fn encode_all(
        self: &Arc<Self>,
        texts: &[&str],
        special: bool,
    ) -> Result<Vec<Encoding>, (usize, EncodeError)> {
        let parts = rayon::current_num_threads().clamp(1, texts.len().max(1));
        if !self.limits.unbounded_encoding || texts.is_empty() {
            let encode = |(i, text): (usize, &&str)| {
                self.encode_on_this_thread(text, special)
                    .map_err(|failure| (i, failure))
            };
            return match parts {
                1 => texts.iter().enumerate().map(encode).collect(),
                _ => texts.par_iter().enumerate().map(encode).collect(),
            };
        }
        let share = |part: usize| -> Range<usize> {
            part * texts.len() / parts..(part + 1) * texts.len() / parts
        };
        let job = |part: usize| {
            let (first, library) = (share(part).start, Arc::clone(self));
            let texts: Vec<String> = texts[share(part)]
                .iter()
                .map(|text| (*text).to_owned())
                .collect();
            move || -> Result<Vec<Encoding>, (usize, EncodeError)> {
                let encode = |(i, text): (usize, &String)| {
                    library
                        .encode_on_this_thread(text, special)
                        .map_err(|failure| (first + i, failure))
                };
                texts.iter().enumerate().map(encode).collect()
            }
        };
        let bytes = texts.iter().map(|text| text.len()).sum();
        match in_time(bytes, (0..parts).map(job).collect()) {
            Some(found) => Ok(found.into_iter().collect::<Result<Vec<_>, _>>()?.concat()),
            None => Err((
                0,
                EncodeError::Unusable(self.unusable(too_slow(bytes, "encoding"))),
            )),
        }
    }

    /// Encode on this thread, after checking the growth of the text.
    fn encode_on_this_thread(&self, text: &str, special: bool) -> Result<Encoding, EncodeError> {
        self.check_growth(text).map_err(EncodeError::Unusable)?;
        match caught(|| self.inner.encode(text, special)) {
            Some(encoded) => encoded.map_err(EncodeError::Library),
            None => Err(EncodeError::Unusable(
                self.unusable(self.describe_panic(text)),
            )),
        }
    }

    /// Return an error if the normalizer makes a text so long that memory would not hold it.
    fn check_growth(&self, text: &str) -> Result<(), DataError> {
        let (growth, length) = (self.limits.growth, text.len() as u64);
        if growth.saturating_mul(length) <= UNMEASURED_LEN {
            return Ok(());
        }
        let most = MAX_MEASURED_GROWTH * length;
        let at_once = (UNMEASURED_LEN / growth).max(4) as usize;
        let (mut rest, mut found) = (text, 0_u64);
        while !rest.is_empty() {
            let part;
            (part, rest) = rest.split_at(rest.floor_char_boundary(at_once.min(rest.len())));
            found += self.normalized(part)?.get().len() as u64;
            if found > most {
                let problem = format!(
                    "its normalizer makes a text more than {MAX_MEASURED_GROWTH} times as long"
                );
                return Err(self.unusable(problem));
            }
        }
        Ok(())
    }

    /// Return the text as the normalizer changes it.
    ///
    /// # Errors
    /// A normalizer that is damaged.
    pub(crate) fn normalized(&self, text: &str) -> Result<NormalizedString, DataError> {
        let normalize = || {
            let mut normalized = NormalizedString::from(text);
            let done = self
                .inner
                .get_normalizer()
                .map_or(Ok(()), |normalizer| normalizer.normalize(&mut normalized));
            done.map(|()| normalized)
        };
        let normalized = caught(normalize)
            .ok_or_else(|| self.unusable("its normalizer is damaged".to_owned()))?;
        normalized.map_err(DataError::tokenizer)
    }

    /// Return the tokens that the model makes of a word.
    ///
    /// # Errors
    /// A word that the vocabulary cannot write, or a model that is damaged.
    pub(crate) fn tokens_of_word(&self, word: &str) -> Result<Vec<Token>, DataError> {
        let tokens = caught(|| self.inner.get_model().tokenize(word));
        tokens
            .ok_or_else(|| self.unusable("its model is damaged".to_owned()))?
            .map_err(DataError::tokenizer)
    }

    /// Return the text of some tokens, special ones written out.
    ///
    /// # Errors
    /// A decoder that is damaged or takes too long.
    pub(crate) fn decode(self: &Arc<Self>, ids: &[u32]) -> Result<String, DataError> {
        let damaged = || self.unusable("its decoder is damaged".to_owned());
        if !self.limits.unbounded_decoding {
            // Some settings of a decoder make the library count below zero.
            return caught(|| self.inner.decode(ids, false))
                .ok_or_else(damaged)?
                .map_err(DataError::tokenizer);
        }
        let (library, owned) = (Arc::clone(self), ids.to_vec());
        let decoded = in_time(
            ids.len(),
            vec![move || caught(|| library.inner.decode(&owned, false))],
        );
        let decoded = decoded.ok_or_else(|| self.unusable(too_slow(ids.len(), "decoding")))?;
        decoded
            .into_iter()
            .next()
            .flatten()
            .ok_or_else(damaged)?
            .map_err(DataError::tokenizer)
    }

    /// Name the part in which the library panics.
    fn describe_panic(&self, text: &str) -> String {
        let in_words = || {
            let mut words = PreTokenizedString::from(text);
            let split = self
                .inner
                .get_pre_tokenizer()
                .map(|parts| parts.pre_tokenize(&mut words));
            words.get_splits(OffsetReferential::Original, tokenizers::OffsetType::Byte);
            split.is_some()
        };
        let part = match self.normalized(text) {
            Err(_) => "normalizer",
            Ok(_) if caught(in_words).is_none() => "pre_tokenizer",
            Ok(_) => "model or post_processor",
        };
        format!("its {part} is damaged: the library of tokenizers gives up on a text")
    }
}

fn too_slow(size: usize, action: &str) -> String {
    format!(
        "{action} {size} bytes takes longer than {} seconds: one of its regular expressions goes over a text again and again, or its \
         max_input_chars_per_word is too large",
        time_limit(size).as_secs()
    )
}

fn time_limit(size: usize) -> Duration {
    BASE_TIME_LIMIT + Duration::from_secs(size as u64 / BYTES_PER_SECOND)
}

/// Run each job on a thread of its own and return their results in order, or `None` if they take
/// longer than `size` bytes may. Nothing else stops a search within the library; threads that are
/// given up run until the process ends.
fn in_time<T: Send + 'static>(
    size: usize,
    jobs: Vec<impl FnOnce() -> T + Send + 'static>,
) -> Option<Vec<T>> {
    let until = Instant::now() + time_limit(size);
    let (to, from) = mpsc::channel();
    let n = jobs.len();
    for (i, job) in jobs.into_iter().enumerate() {
        let to = to.clone();
        // The receiver is gone if it took too long.
        thread::Builder::new()
            .spawn(move || to.send((i, job())).unwrap_or_default())
            .ok()?;
    }
    let mut found: Vec<Option<T>> = (0..n).map(|_| None).collect();
    for _ in 0..n {
        let (i, result) = from
            .recv_timeout(until.saturating_duration_since(Instant::now()))
            .ok()?;
        found[i] = Some(result);
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::in_time;
    use std::time::Duration;

    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        let wait = |i: u64| {
            move || {
                std::thread::sleep(Duration::from_millis(20 * (3 - i)));
                i
            }
        };
        assert_eq!(in_time(0, (0..3).map(wait).collect()), Some(vec![0, 1, 2]));
    }
}
