//! The library of tokenizers, made to return: what it panics on becomes an error, what would not
//! end is given up, and what grows is bounded. Nothing else here calls its `encode`, `decode`,
//! `normalize` and `tokenize`.

use crate::{DataError, tokenizer::catch_panic::caught, tokenizer::pipeline_limits::Pipeline};
use rayon::prelude::*;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};
use tokenizers::{
    Encoding, Model, NormalizedString, Normalizer, OffsetReferential, PreTokenizedString,
    PreTokenizer, Token,
};

/// Text that cannot become longer than this is not measured before it is encoded. The library takes
/// about 17 bytes of memory for each.
const UNMEASURED: u64 = 64 << 20;
/// Longer text may become so many times as long; Arabic ligatures become 11 times as long, and few
/// texts are made of them.
const MOST_MEASURED: u64 = 16;

/// The longest that encoding or decoding may take, where nothing else bounds it: this, and a second
/// for each so many bytes. The library's slowest part encodes fifty times as many.
const PATIENCE: Duration = Duration::from_secs(10);
const BYTES_A_SECOND: u64 = 20_000;

/// A tokenizer of the library's, and what is known of its parts.
#[derive(Debug)]
pub(crate) struct Library {
    inner: tokenizers::Tokenizer,
    pipeline: Pipeline,
    /// Where it came from.
    path: Option<PathBuf>,
}

/// Why a text has no tokens.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library says why, as of characters that it does not know.
    Told(tokenizers::Error),
    /// The tokenizer itself is no good.
    Unusable(DataError),
}

impl From<Failure> for DataError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Told(error) => Self::tokenizer(error),
            Failure::Unusable(error) => error,
        }
    }
}

impl Deref for Library {
    type Target = tokenizers::Tokenizer;

    fn deref(&self) -> &Self::Target {
        &self.inner
    }
}

impl Library {
    pub(crate) fn new(
        inner: tokenizers::Tokenizer,
        pipeline: Pipeline,
        path: Option<&Path>,
    ) -> Self {
        Self {
            inner,
            pipeline,
            path: path.map(Path::to_owned),
        }
    }

    /// The same, changed, from the same place.
    pub(crate) fn with(&self, inner: tokenizers::Tokenizer) -> Self {
        Self {
            inner,
            pipeline: self.pipeline,
            path: self.path.clone(),
        }
    }

    fn unusable(&self, message: String) -> DataError {
        match &self.path {
            Some(path) => DataError::TokenizerFile {
                path: path.clone(),
                message,
            },
            None => DataError::tokenizer(message),
        }
    }

    /// The tokens of a text; `special` says whether with those that the post-processor puts around
    /// it.
    pub(crate) fn encode(self: &Arc<Self>, text: &str, special: bool) -> Result<Encoding, Failure> {
        match self.encode_all(&[text], special) {
            Ok(mut one) => Ok(one.remove(0)),
            Err((_, failure)) => Err(failure),
        }
    }

    /// The tokens of each text. The error names the text that has none.
    pub(crate) fn encode_all(
        self: &Arc<Self>,
        texts: &[&str],
        special: bool,
    ) -> Result<Vec<Encoding>, (usize, Failure)> {
        let parts = rayon::current_num_threads().clamp(1, texts.len().max(1));
        if !self.pipeline.slow_to_encode || texts.is_empty() {
            let encode = |(i, text): (usize, &&str)| {
                self.encode_here(text, special)
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
            move || -> Result<Vec<Encoding>, (usize, Failure)> {
                let encode = |(i, text): (usize, &String)| {
                    library
                        .encode_here(text, special)
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
                Failure::Unusable(self.unusable(too_slow(bytes, "encoding"))),
            )),
        }
    }

    fn encode_here(&self, text: &str, special: bool) -> Result<Encoding, Failure> {
        self.measure(text).map_err(Failure::Unusable)?;
        match caught(|| self.inner.encode(text, special)) {
            Some(encoded) => encoded.map_err(Failure::Told),
            None => Err(Failure::Unusable(self.unusable(self.damaged_on(text)))),
        }
    }

    /// That the normalizer does not make a text so long that memory would not hold it.
    fn measure(&self, text: &str) -> Result<(), DataError> {
        let (growth, length) = (self.pipeline.growth, text.len() as u64);
        if growth.saturating_mul(length) <= UNMEASURED {
            return Ok(());
        }
        let most = MOST_MEASURED * length;
        let at_once = (UNMEASURED / growth).max(4) as usize;
        let (mut rest, mut found) = (text, 0_u64);
        while !rest.is_empty() {
            let part;
            (part, rest) = rest.split_at(rest.floor_char_boundary(at_once.min(rest.len())));
            found += self.normalized(part)?.get().len() as u64;
            if found > most {
                let problem =
                    format!("its normalizer makes a text more than {MOST_MEASURED} times as long");
                return Err(self.unusable(problem));
            }
        }
        Ok(())
    }

    /// What the normalizer makes of a text.
    ///
    /// # Errors
    /// One that is damaged.
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

    /// The tokens that the model makes of a word.
    ///
    /// # Errors
    /// What it cannot write, or a model that is damaged.
    pub(crate) fn tokens_of_word(&self, word: &str) -> Result<Vec<Token>, DataError> {
        let tokens = caught(|| self.inner.get_model().tokenize(word));
        tokens
            .ok_or_else(|| self.unusable("its model is damaged".to_owned()))?
            .map_err(DataError::tokenizer)
    }

    /// The text of some tokens, special ones written out.
    ///
    /// # Errors
    /// A decoder that is damaged, or does not end.
    pub(crate) fn decode(self: &Arc<Self>, ids: &[u32]) -> Result<String, DataError> {
        let damaged = || self.unusable("its decoder is damaged".to_owned());
        if !self.pipeline.slow_to_decode {
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

    /// Which part the library panics in.
    fn damaged_on(&self, text: &str) -> String {
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

fn too_slow(size: usize, what: &str) -> String {
    format!(
        "{what} {size} bytes takes longer than {} seconds: one of its regular expressions goes over a text again and again, or its \
         max_input_chars_per_word is too large",
        limit(size).as_secs()
    )
}

fn limit(size: usize) -> Duration {
    PATIENCE + Duration::from_secs(size as u64 / BYTES_A_SECOND)
}

/// What the jobs give, each on a thread of its own, or `None` where that takes too long for `size`
/// bytes: no other way ends a search within the library. Those that are given up go on until the
/// process ends.
fn in_time<T: Send + 'static>(
    size: usize,
    jobs: Vec<impl FnOnce() -> T + Send + 'static>,
) -> Option<Vec<T>> {
    let until = Instant::now() + limit(size);
    let (to, from) = mpsc::channel();
    let n = jobs.len();
    for (i, job) in jobs.into_iter().enumerate() {
        let to = to.clone();
        // Nobody listens any more where it took too long.
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
    fn what_jobs_give_is_in_their_order() {
        let wait = |i: u64| {
            move || {
                std::thread::sleep(Duration::from_millis(20 * (3 - i)));
                i
            }
        };
        assert_eq!(in_time(0, (0..3).map(wait).collect()), Some(vec![0, 1, 2]));
    }
}
